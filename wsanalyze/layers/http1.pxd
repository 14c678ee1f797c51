from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.held cimport Held
from wsanalyze.layers.http1_half cimport (
    CHALLENGE,
    CHUNKED,
    EARLY,
    ENDED,
    GOES_ON,
    HEAD,
    HELD,
    LENGTH,
    LOST,
    TOO_LONG,
    UNTIL_CLOSE,
    Half,
)
from wsanalyze.layers.old_session cimport OldSession
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.layers.session cimport Session
from wsanalyze.transport.conversation cimport Conversation

cdef int HTTP
cdef int OTHER

cdef class Http1(Layer):
    cdef Recorder recorder
    cdef Conversation conversation
    cdef object route
    cdef object place
    cdef Half low
    cdef Half high
    cdef int client_side
    cdef Layer inner
    cdef object waiting
    cdef object attempt
    cdef int upgrading
    cdef int answer_lost
    cdef object connecting
    cdef object login
    cdef Held held
    cdef Held early
    cdef int given_up
    cdef int first_ended
    cdef int first_reset
    cdef int presumed
    cdef long long previous_time
    cdef long long counted
    cdef int blind
    cdef int switched
    cdef int let_through
    cdef object recognition
    cdef object refused
    cdef object reading
    cdef int take(
        self, Half half, int side, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef Py_ssize_t body(
        self, Half half, int side, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -2
    cdef Py_ssize_t head(
        self, Half half, int side, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -2
    cdef int end_body(self, Half half, int side) except -1
    cdef Py_ssize_t challenge(
        self, Half half, int side, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef Py_ssize_t hold(
        self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -2
    cdef Py_ssize_t hold_early(
        self, Half half, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -2
    cdef Py_ssize_t recover(
        self, Half half, int side, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -2

from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.http1_exchanges cimport Exchanges
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
from wsanalyze.layers.session cimport Session

cdef int OTHER

cdef class Http1(Exchanges):
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

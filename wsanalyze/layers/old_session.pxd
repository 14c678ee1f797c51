from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.session cimport KEPT_CONTROL, Sender, Session
from wsanalyze.websocket.drafts cimport DraftReader
from wsanalyze.websocket.hixie cimport CLOSE, TEXT, HixieReader, terminator
from wsanalyze.websocket.masking cimport PIECE

cdef int NOTHING
cdef int ENDED
cdef int ENDED_TWICE
cdef int BEGAN

cdef class Half:
    cdef Sender sender
    cdef int due
    cdef bytes prologue
    cdef HixieReader hixie
    cdef DraftReader draft
    cdef int text
    cdef int seeking
    cdef int found

cdef class OldSession(Layer):
    cdef Session session
    cdef object connection
    cdef int client_side
    cdef Half low
    cdef Half high
    cdef int codes
    cdef Py_ssize_t begin(
        self, Half half, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int start_frame(
        self, Sender sender, long long offset, long long time, long long packet, long long ordinal
    ) except -1
    cdef int hixie(
        self, Half half, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int begin_hixie(self, Half half) except -1
    cdef int begin_frame(
        self, Sender sender, int head, int second, int header_length, unsigned long long length
    ) except -1
    cdef int end_text(self, Half half) except -1
    cdef int cut_text(self, Half half) except -1
    cdef Py_ssize_t counted(
        self, Sender sender, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int end_frame(self, Sender sender) except -1
    cdef int payload(
        self, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
    ) except -1
    cdef Py_ssize_t seek(
        self, Half half, Buffer buffer, Py_ssize_t start, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int draft(
        self, Half half, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef Py_ssize_t masked(
        self, Sender sender, DraftReader reader, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int miss_payload(self, Sender sender, long long length) except -1
    cdef int lose(self, Half half) except -1
    cdef int stop(self, Half half) except -1

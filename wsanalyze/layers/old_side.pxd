from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.session cimport KEPT_CONTROL, Session
from wsanalyze.websocket.drafts cimport DraftReader
from wsanalyze.websocket.hixie cimport CLOSE, TEXT, HixieReader, terminator

cdef int NOTHING
cdef int ENDED
cdef int ENDED_TWICE
cdef int BEGAN
cdef int BEHIND_A_HOLE
cdef int FIRST_OF_TEXT
cdef int HARDLY_TEXT

cdef class OldSide:
    cdef Session session
    cdef Sender sender
    cdef int codes
    cdef int due
    cdef bytes prologue
    cdef HixieReader hixie
    cdef DraftReader draft
    cdef int text
    cdef int seeking
    cdef int found
    cdef int alone
    cdef int binary
    cdef int framing
    cdef int searched
    cdef int start_frame(
        self, long long offset, long long time, long long packet, long long ordinal
    ) except -1
    cdef int begin_frame(
        self, int head, int second, int header_length, unsigned long long length
    ) except -1
    cdef int payload(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
    ) except -1
    cdef Py_ssize_t counted(
        self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int end_frame(self) except -1
    cdef int miss_payload(self, long long length) except -1
    cdef int end_text(self) except -1
    cdef int cut_text(self) except -1
    cdef Py_ssize_t seek(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef Py_ssize_t begin_text(self, int byte, Py_ssize_t at) except -1
    cdef int begin_close(self) except -1
    cdef int close_at_last(self) except -1
    cdef bint misfits(self) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.observer cimport Observer
from wsanalyze.layers.old_side cimport BEHIND_A_HOLE, NOTHING, OldSide
from wsanalyze.layers.seeking cimport end_search, resume, seek, seek_on
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.session cimport Session
from wsanalyze.websocket.drafts cimport DraftReader
from wsanalyze.websocket.hixie cimport HixieReader, terminator
from wsanalyze.websocket.masking cimport PIECE
from wsanalyze.websocket.resync cimport Search

cdef class OldSession(Layer):
    cdef Session session
    cdef object connection
    cdef int client_side
    cdef int supposed
    cdef OldSide low
    cdef OldSide high
    cdef Py_ssize_t begin(
        self, OldSide half, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int hixie(
        self, OldSide half, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int begin_hixie(self, OldSide half) except -1
    cdef Py_ssize_t draft(
        self, OldSide half, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef Py_ssize_t masked(
        self, OldSide half, DraftReader reader, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef int lose(self, OldSide half) except -1
    cdef int stop(self, OldSide half) except -1
    cdef int look(
        self, int side, OldSide half, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int resume(self, int side, OldSide half) except -1
    cdef int give_up(self, int side, OldSide half) except -1

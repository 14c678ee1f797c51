from wsanalyze.buffer cimport Buffer
from wsanalyze.websocket.masking cimport PIECE, Scratch
from wsanalyze.websocket.utf8 cimport Utf8

cdef Py_ssize_t SMALL

cdef class MessageReader:
    cdef public long long keep
    cdef public bint hashes
    cdef public bint contents
    cdef public int open
    cdef public int opcode
    cdef public bint compressed
    cdef public int whole
    cdef public int complete
    cdef public int wanted
    cdef public long long frames
    cdef public long long wire_length
    cdef public long long length
    cdef public int utf8_valid
    cdef public Utf8 utf8
    cdef object hasher
    cdef public object digest
    cdef public bytearray kept
    cdef public bytes wrong
    cdef public long long wrong_frame
    cdef public object inflater
    cpdef int start(self, int opcode, bint compressed) except -1
    cpdef int feed(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, bint masked, long long key,
        Py_ssize_t at, Scratch scratch
    ) except -1
    cdef int plain(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, int bits) except -1
    cdef int content(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, int bits) except -1
    cdef int hash(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
    cdef int text(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
    cpdef int miss(self) except -1
    cpdef int finish(self, bint complete) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.websocket.masking cimport Scratch
from wsanalyze.websocket.utf8 cimport Utf8

cdef int IMPOSSIBLE
cdef int CUT
cdef int POSSIBLE
cdef long long LONGEST
cdef Py_ssize_t CHECKED
cdef Py_ssize_t KEY_LENGTH

cdef class Header:
    cdef signed char[::1] weights
    cdef const unsigned char[::1] meanings
    cdef int framing
    cdef public bint prefixed
    cdef unsigned char[::1] turned
    cdef Buffer turned_buffer
    cdef public int masked
    cdef public int head
    cdef public int second
    cdef public int size
    cdef public int content
    cdef public long long length
    cdef public long long key
    cdef Scratch scratch
    cdef Utf8 utf8
    cpdef int weigh(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except? -1
    cdef int unmasked(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except? -1
    cdef int read(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except? -1
    cpdef bint fits(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef bint long_length(self, Buffer buffer, Py_ssize_t at) except -1
    cdef Py_ssize_t plain(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef int close(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except? -1
    cdef int text(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except? -1

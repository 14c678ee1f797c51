from wsanalyze.buffer cimport Buffer

cdef int LONGEST_HEADER

cdef class FrameReader:
    cdef bytearray partial_bytes
    cdef Buffer partial
    cdef public int have
    cdef public int complete
    cdef public int head
    cdef public int second
    cdef public int header_length
    cdef public int masked
    cdef public long long key
    cdef public unsigned long long length
    cdef public unsigned long long remaining
    cpdef Py_ssize_t read(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef int size(self, int second) except -1
    cdef int decode(self, Buffer buffer, Py_ssize_t at, int size) except -1
    cpdef int restart(self) except -1

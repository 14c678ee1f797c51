from wsanalyze.buffer cimport Buffer

cdef int KEY_LENGTH
cdef int MASK_LENGTH

cdef class DraftReader:
    cdef bint more
    cdef public bint masks
    cdef bytes secret
    cdef bytearray gathered
    cdef public bytes mask
    cdef public int have
    cdef public int complete
    cdef public int head
    cdef public int second
    cdef public int header_length
    cdef public long long key
    cdef public unsigned long long length
    cpdef Py_ssize_t read(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cpdef int restart(self) except -1

cdef int size_of(int coded) except -1

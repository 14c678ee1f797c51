from wsanalyze.buffer cimport Buffer

cdef int LONGEST
cdef int BROKEN

cdef class Codes:
    cdef int[::1] counts
    cdef int[::1] starts
    cdef unsigned short[::1] symbols

cdef class Reach:
    cdef Buffer buffer
    cdef Py_ssize_t size
    cdef Py_ssize_t at
    cdef unsigned int bits
    cdef int held
    cdef public long long largest
    cdef public long long beyond
    cdef public long long written
    cdef public bint broken
    cdef int take(self, int count) except -2
    cdef int symbol(self, Codes codes) except -2
    cdef int blocks(self) except -2
    cdef int align(self) except -2
    cdef int stored(self) except -2
    cdef int dynamic(self) except -2
    cdef bytes code_lengths(self, Codes codes, int count)
    cdef int tokens(self, Codes codes, Codes distances) except -2
    cdef int reference(self, int code, Codes distances) except -2

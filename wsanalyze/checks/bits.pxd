cdef int BITS

cdef class Bits:
    cdef unsigned int[::1] numbers
    cdef public int[::1] counts
    cdef public unsigned int in_all
    cdef public unsigned int in_any
    cdef int count(self) except -1

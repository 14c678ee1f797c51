cdef int BITS
cdef int SAMPLED
cdef int SHIFT
cdef unsigned int PLACES
cdef unsigned int SPREAD
cdef unsigned int ALL
cdef unsigned int LOWEST
cdef int CERTAIN

cdef class Bits:
    cdef unsigned int[::1] numbers
    cdef unsigned int[::1] seen
    cdef public int counts[32]
    cdef public int looked_at
    cdef public int again
    cdef public int oddest
    cdef public bint steady
    cdef public bint steady_turned
    cdef public unsigned int fixed
    cdef unsigned int lanes[8]
    cdef int count(self) except -1
    cdef int take(self) except -1

cdef class Bytes:
    cdef const unsigned char[::1] data
    cdef public int[::1] counts
    cdef int count(self) except -1

cdef unsigned int turned(unsigned int number) noexcept
cpdef bint are_ordinary(unsigned int[::1] numbers) except -1

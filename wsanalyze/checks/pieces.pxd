cdef int RELATIONS
cdef unsigned long long TOPS

cdef unsigned long long _less(unsigned long long one, unsigned long long other) noexcept

cdef class Additive:
    cdef public str name
    cdef public int far
    cdef public int near
    cdef public int sign
    cdef public long long carry
    cpdef bint made(self, numbers, long long mask) except -1

cdef class Congruential:
    cdef public str name
    cdef public int[::1] factors
    cdef int highest
    cdef public int room
    cpdef bint made(self, bytes drawn) except -1

cdef int RELATIONS

cdef class Congruential:
    cdef public str name
    cdef public int[::1] factors
    cdef int highest
    cdef public int room

from wsanalyze.buffer cimport Buffer

cdef class Batch:
    cdef public Buffer buffer
    cdef public Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef public int capture
    cdef long long[::1] start
    cdef long long[::1] stop
    cdef long long[::1] wire_length
    cdef long long[::1] time_ns
    cdef long long[::1] number
    cdef int[::1] link
    cpdef bint has_room(self) except -1

cdef class Buffer:
    cpdef bytes copy(self, Py_ssize_t start, Py_ssize_t stop)
    cdef const unsigned char[::1] view

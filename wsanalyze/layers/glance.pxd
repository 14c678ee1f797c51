from wsanalyze.buffer cimport Buffer

cdef Py_ssize_t DIGITS

cpdef int glance(Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1

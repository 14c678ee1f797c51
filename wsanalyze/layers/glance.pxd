from wsanalyze.buffer cimport Buffer

cdef Py_ssize_t DIGITS

cpdef int glance(Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
cdef int look(const unsigned char* source, Py_ssize_t length) noexcept
cdef int card(const unsigned char* source, Py_ssize_t at, Py_ssize_t length) noexcept

from wsanalyze.buffer cimport Buffer

cdef int LONGEST_LENGTH
cdef int TEXT
cdef int BINARY
cdef int CLOSE
cdef int OTHER_TEXT
cdef int OTHER_BINARY

cdef class HixieReader:
    cdef public int have
    cdef public int complete
    cdef public int broken
    cdef public int kind
    cdef public int head
    cdef public int header_length
    cdef public int ends
    cdef public long long length
    cpdef Py_ssize_t read(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef Py_ssize_t end(self, Py_ssize_t at) except -1
    cdef int meaning(self) except -1
    cpdef int restart(self) except -1

cdef Py_ssize_t terminator(Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1

from wsanalyze.buffer cimport Buffer

cdef int HEAD
cdef int LENGTH
cdef int CHUNKED
cdef int UNTIL_CLOSE
cdef int HELD
cdef int LOST
cdef int EARLY
cdef int CHALLENGE
cdef int ENDED
cdef int GOES_ON
cdef int NO_HEAD
cdef int TOO_LONG

cdef class Half:
    cdef int mode
    cdef bytearray head
    cdef Py_ssize_t searched
    cdef long long remaining
    cdef long long offset
    cdef long long time
    cdef long long packet
    cdef long long ordinal
    cdef long long before
    cdef int begun
    cdef object chunked
    cdef Py_ssize_t between(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef int begin(
        self, long long before, long long time, long long packet, long long ordinal
    ) except -1
    cdef Py_ssize_t add(
        self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop, Py_ssize_t limit, int blind
    ) except -9
    cdef bint begins_well(self, int blind) except -1
    cdef Py_ssize_t step(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef Py_ssize_t chunks(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef bint skip(self, long long length) except -1

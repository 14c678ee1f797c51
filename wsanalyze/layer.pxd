from wsanalyze.buffer cimport Buffer

cdef class Layer:
    cpdef int data(
        self, int side, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cpdef int gap(
        self, int side, long long length, long long time, long long packet, long long ordinal
    ) except -1
    cpdef int end(self, int side, int how, long long time, long long packet) except -1
    cpdef int finish(self, int evicted) except -1

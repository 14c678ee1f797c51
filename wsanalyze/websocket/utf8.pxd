from wsanalyze.buffer cimport Buffer
from wsanalyze.loads cimport word

cdef unsigned long long HIGH

cdef class Utf8:
    cdef public bint valid
    cdef public int due
    cdef int lowest
    cdef int highest
    cdef public long long length
    cdef public long long wrong_at
    cpdef int start(self) except -1
    cpdef int feed(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
    cdef Py_ssize_t plain(self, Buffer buffer, Py_ssize_t at, Py_ssize_t stop) except -1
    cdef int lead(self, int byte) except -2
    cpdef bint whole(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
    cpdef bint finish(self) except -1

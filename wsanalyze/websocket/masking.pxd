cimport cython

from wsanalyze.buffer cimport Buffer

cdef Py_ssize_t PIECE

cdef class Scratch:
    cdef unsigned char[::1] room
    cdef public Buffer buffer
    cdef int unmask(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, long long key, Py_ssize_t at
    ) except -1
    @cython.locals(mask=cython.uchar[16], seen=cython.uchar[16])
    cdef int unmask_compiled(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t length, long long key, Py_ssize_t at
    ) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch

cdef class Front:
    cdef object reader
    cdef Batch batch
    cdef Batch run
    cdef Py_ssize_t at
    cdef long long time_ns
    cdef Py_ssize_t index

    cdef bint refill(self) except? True
    cdef bint before(self, long long time_ns, Py_ssize_t index) noexcept
    cdef Batch give(self, long long time_ns, Py_ssize_t index)

cdef class Merged:
    cdef readonly list infos
    cdef list fronts
    cdef list waiting
    cdef Front last

    cdef Front first(self, Front but)
    cdef int settle(self) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch
from wsanalyze.loads cimport little32, load32

cdef class PcapRecords:
    cdef bint big
    cdef bint lengths_swapped
    cdef int link
    cdef Py_ssize_t header_length
    cdef long long fraction_ns
    cdef long long packet_limit
    cdef public long long packets
    cdef public long long earliest_ns
    cdef public long long latest_ns
    cdef public Py_ssize_t needed
    cdef public object problem

    cdef unsigned int number(self, Buffer buffer, Py_ssize_t at) noexcept
    cdef Py_ssize_t captured_length(self, Buffer buffer, Py_ssize_t at) noexcept
    cdef int put(self, Batch batch, Buffer buffer, Py_ssize_t at, Py_ssize_t captured) noexcept

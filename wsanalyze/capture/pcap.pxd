from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch

cdef class PcapRecords:
    cdef const unsigned char[::1] view
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

    cdef unsigned int number(self, Py_ssize_t at) except? 0xFFFFFFFF
    cdef Py_ssize_t captured_length(self, Py_ssize_t at) except -1
    cdef int put(self, Batch batch, Py_ssize_t at, Py_ssize_t captured) except -1

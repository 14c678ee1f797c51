from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer

cdef int HEADER
cdef int APPLICATION_DATA

cdef class TlsLane:
    cdef public bytearray pending
    cdef public long long needed
    cdef public object opener
    cdef public long long skipping
    cdef public long long lost
    cdef public long long missed
    cdef public long long skipped
    cdef public long long sequence
    cdef public long long opened
    cdef public long long sent
    cdef public bint seeking

cdef class TlsLine(Layer):
    cdef public TlsLane one
    cdef public TlsLane other
    cdef public Layer inner
    cdef public bint flows
    cdef public bint is_1_3
    cdef public int is_done
    cdef public long long records

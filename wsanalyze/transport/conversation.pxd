from wsanalyze.layer cimport Layer
from wsanalyze.transport.reassembly cimport Direction

cdef long long UNSEEN

cdef class Conversation:
    cdef public int family
    cdef public unsigned long long low_high
    cdef public unsigned long long low_low
    cdef public unsigned long long high_high
    cdef public unsigned long long high_low
    cdef public int low_port
    cdef public int high_port
    cdef public unsigned long long digest
    cdef public long long index
    cdef public int capture
    cdef public long long first_time
    cdef public long long last_time
    cdef public long long last_ordinal
    cdef public long long last_packet
    cdef public long long syn_time
    cdef public long long answer_time
    cdef public int opened_by
    cdef public int let_go
    cdef public int spoke
    cdef public int closing
    cdef public long long last_data
    cdef public long long closed_at
    cdef public long long low_base
    cdef public long long high_base
    cdef public Layer layer
    cdef public Direction low
    cdef public Direction high
    cpdef Direction direction(self, int side)
    cdef str address(self, unsigned long long high, unsigned long long low)

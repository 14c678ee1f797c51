from wsanalyze.layer cimport Layer
from wsanalyze.transport.packet cimport Packet
from wsanalyze.transport.reassembly cimport Direction
from wsanalyze.transport.sequence cimport distance

cdef int RST
cdef int ACK
cdef long long UNSEEN
cdef Py_ssize_t MOST_ENDINGS

# The attributes that every packet touches stand first: they share cache lines.
cdef class Conversation:
    cdef public unsigned long long low_low
    cdef public unsigned long long high_low
    cdef public unsigned long long low_high
    cdef public unsigned long long high_high
    cdef public int low_port
    cdef public int high_port
    cdef public int family
    cdef public int let_go
    cdef public Direction low
    cdef public Direction high
    cdef public Layer layer
    cdef public long long last_time
    cdef public long long last_ordinal
    cdef public long long last_packet
    cdef public long long last_data
    cdef public int closing
    cdef public int spoke
    cdef public int opened_by
    cdef public int capture
    cdef public unsigned long long digest
    cdef public long long index
    cdef public long long first_time
    cdef public long long syn_time
    cdef public long long answer_time
    cdef public long long closed_at
    cdef public list endings
    cdef public long long low_base
    cdef public long long high_base
    cpdef Direction direction(self, int side)
    cdef int reused_by(self, Packet packet, int side) except -1
    cdef int note_ending(
        self, Packet packet, int side, Direction mine,
        long long offset, long long time, long long number
    ) except -1
    cdef str address(self, unsigned long long high, unsigned long long low)

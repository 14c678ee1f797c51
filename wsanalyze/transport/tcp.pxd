from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch
from wsanalyze.layer cimport Layer
from wsanalyze.tables.columns cimport SegmentColumns
from wsanalyze.transport.checksum cimport is_unfilled
from wsanalyze.transport.conversation cimport UNSEEN, Conversation
from wsanalyze.transport.counts cimport PacketCounts
from wsanalyze.transport.duplicates cimport Recent
from wsanalyze.transport.flows cimport FlowTable
from wsanalyze.transport.irregular cimport Irregular
from wsanalyze.transport.packet cimport Packet
from wsanalyze.transport.readers cimport Readers
from wsanalyze.transport.reassembly cimport UNSET, Direction
from wsanalyze.transport.segment_rows cimport KEEP_ALIVE, RESET, RETRANSMISSION, add_segment
from wsanalyze.transport.sequence cimport distance

cdef Direction UNHEARD
cdef int FIN
cdef int SYN
cdef int RST
cdef int ACK
cdef long long LOW
cdef long long WITHIN

cdef class Transport:
    cdef long long limit_flows
    cdef SegmentColumns segments
    cdef FlowTable flows
    cdef public Readers readers
    cdef Packet packet
    cdef public object fragments
    cdef Recent recent
    cdef Irregular irregular
    cdef PacketCounts counts
    cdef int capture
    cdef public long long conversations
    cdef public long long ordinal
    cdef public list whose
    cdef Conversation owner
    cpdef feed(self, Batch batch, PacketCounts counts)
    cdef int unusual(
        self, int kind, Buffer buffer, int link, long long time, long long number
    ) except -1
    cdef int several(self, Buffer buffer, long long time, long long number) except -1
    cdef int segment(self, Buffer buffer, long long time, long long number) except -1
    cdef Direction put(self, Conversation conversation, int side, Direction direction)
    cdef int side(self, Packet packet) except -1
    cdef Conversation conversation(self, Packet packet, int side, long long time)
    cdef int synchronize(
        self, Conversation conversation, Direction mine, int side, int flags, long long time
    ) except -1
    cdef int correct(self, Direction mine, long long sequence) except -1
    cdef int acknowledge(self, Direction other, long long number, int flags) except -1
    cdef bint is_near(self, Direction mine) noexcept
    cdef int closing(
        self, Conversation conversation, int side, Direction mine,
        long long offset, int flags, long long time, long long number
    ) except -1
    cdef int release(self) except -1

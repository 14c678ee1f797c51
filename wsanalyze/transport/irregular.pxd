from wsanalyze.buffer cimport Buffer
from wsanalyze.transport.checksum cimport soundness
from wsanalyze.transport.conversation cimport Conversation
from wsanalyze.transport.counts cimport PacketCounts
from wsanalyze.transport.duplicates cimport Recent
from wsanalyze.transport.packet cimport Packet
from wsanalyze.transport.readers cimport Readers
from wsanalyze.transport.reassembly cimport Direction
from wsanalyze.transport.segment_rows cimport (
    CONFLICT,
    DUPLICATE,
    KEEP_ALIVE,
    LOST_BEFORE,
    OUT_OF_ORDER,
    OVERLAP,
    RETRANSMISSION,
)

cdef class Irregular:
    cdef Packet packet
    cdef Readers readers
    cdef Recent recent
    cdef Recent recent_bare
    cdef Recent recent_conflicts
    cdef PacketCounts counts
    cdef int note
    cdef bint looked
    cdef bint repeated(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef bint bare(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef int remember(
        self, Direction mine, Buffer buffer, long long offset, long long number
    ) except -1
    cdef int take(
        self, Conversation conversation, int side, Direction mine, Buffer buffer,
        long long offset, long long time, long long number
    ) except -1
    cdef int known(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef bint compare(
        self, Direction mine, Buffer buffer, long long offset, long long number
    ) except -1
    cdef int contradicted(
        self, Conversation conversation, Direction mine, long long time
    ) except -1

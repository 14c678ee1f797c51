from wsanalyze.tables.columns cimport SegmentColumns
from wsanalyze.transport.conversation cimport Conversation
from wsanalyze.transport.packet cimport Packet
from wsanalyze.transport.reassembly cimport Direction
from wsanalyze.transport.sequence cimport distance

cdef int FIN
cdef int SYN
cdef int RST
cdef int ACK
cdef int FLAGS
cdef int RETRANSMISSION
cdef int OUT_OF_ORDER
cdef int OVERLAP
cdef int CONFLICT
cdef int KEEP_ALIVE
cdef int ZERO_WINDOW
cdef int LOST_BEFORE
cdef int RESET
cdef int DUPLICATE

cdef int add_segment(
    SegmentColumns rows, Packet packet, Conversation conversation, int side, Direction other,
    long long offset, long long time, long long number, long long ordinal, int note
) except -1

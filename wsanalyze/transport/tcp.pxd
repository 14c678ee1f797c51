from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch
from wsanalyze.layer cimport Layer
from wsanalyze.tables.columns cimport SegmentColumns
from wsanalyze.transport.checksum cimport soundness
from wsanalyze.transport.conversation cimport UNSEEN, Conversation
from wsanalyze.transport.duplicates cimport Recent
from wsanalyze.transport.flows cimport FlowTable
from wsanalyze.transport.packet cimport Packet
from wsanalyze.transport.reassembly cimport Chunk, Direction
from wsanalyze.transport.sequence cimport distance

cdef int FIN
cdef int SYN
cdef int RST
cdef int ACK
cdef int FLAGS
cdef long long LOW
cdef int PATIENCE
cdef int LINGERING
cdef int RETRANSMISSION
cdef int OUT_OF_ORDER
cdef int OVERLAP
cdef int CONFLICT
cdef int KEEP_ALIVE
cdef int ZERO_WINDOW
cdef int LOST_BEFORE
cdef int RESET
cdef int COUNTED
cdef int DUPLICATE

cdef class PacketCounts:
    cdef public long long packets
    cdef public long long captured_bytes
    cdef public long long wire_bytes
    cdef public long long cut
    cdef public long long tcp
    cdef public long long udp
    cdef public long long other
    cdef public long long unknown_link
    cdef public long long truncated
    cdef public long long malformed
    cdef public long long fragments
    cdef public long long conversations
    cdef public long long joined
    cdef public long long fragment_conflicts
    cdef public long long not_ip
    cdef public long long esp
    cdef public long long macsec
    cdef public long long wifi_protected
    cdef public long long nested
    cdef public object unknown_links
    cdef public long long duplicates
    cdef int skipped(self, int kind) except -1

cdef class Transport:
    cdef object opener
    cdef object closer
    cdef long long limit_flows
    cdef long long limit_followed
    cdef long long followed
    cdef public long long reached_followed
    cdef long long limit_pending
    cdef long long limit_pending_all
    cdef SegmentColumns segments
    cdef FlowTable flows
    cdef Packet packet
    cdef public object fragments
    cdef Recent recent
    cdef Recent recent_bare
    cdef bint looked
    cdef PacketCounts counts
    cdef int capture
    cdef public long long conversations
    cdef public long long ordinal
    cdef long long pending_bytes
    cdef long long limit_conflicts
    cdef long long conflicts
    cdef public long long reached_conflicts
    cdef object closed
    cdef public long long reached_flows
    cdef public long long reached_pending
    cdef public long long reached_pending_all
    cdef int note
    cpdef feed(self, Batch batch, PacketCounts counts)
    cdef int unusual(
        self, int kind, Buffer buffer, int link, long long time, long long number
    ) except -1
    cdef int several(self, Buffer buffer, long long time, long long number) except -1
    cdef int fragment(self, Buffer buffer, long long time, long long number) except? -1
    cdef int segment(self, Buffer buffer, long long time, long long number) except -1
    cdef int side(self, Packet packet) except -1
    cdef Conversation conversation(self, Packet packet, int side, long long time)
    cdef int reuses(self, Conversation conversation, Packet packet, int side) except -1
    cdef int synchronize(
        self, Conversation conversation, Direction mine, int side, int flags, long long time
    ) except -1
    cdef bint repeated(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef bint bare(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef int correct(self, Direction mine, long long sequence) except -1
    cdef int acknowledge(self, Direction other, long long number, int flags) except -1
    cdef int deliver(
        self, Conversation conversation, int side, Direction mine, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long length,
        long long time, long long number, long long ordinal
    ) except -1
    cdef Layer begin(self, Conversation conversation)
    cdef int shed(self, Conversation kept) except -1
    cdef int let_go(self, Conversation conversation) except -1
    cdef int forget_pending(self, Direction mine) except -1
    cdef int irregular(
        self, Conversation conversation, int side, Direction mine, Buffer buffer,
        long long offset, long long time, long long number
    ) except -1
    cdef int known(
        self, Conversation conversation, Direction mine, long long time
    ) except -1
    cdef int compare(
        self, Direction mine, Buffer buffer, long long offset, long long number
    ) except -1
    cdef int contested(self, Direction mine) except -1
    cdef int remember(
        self, Direction mine, Buffer buffer, long long offset, long long number
    ) except -1
    cdef int drain(self, Conversation conversation, int side, Direction mine) except -1
    cdef int bound(
        self, Conversation conversation, int side, Direction mine, long long time, long long number
    ) except -1
    cdef int skip(
        self, Conversation conversation, int side, Direction mine,
        long long offset, long long time, long long number
    ) except -1
    cdef int shut(self, Conversation conversation) except -1
    cdef int release(self) except -1
    cdef int closing(
        self, Conversation conversation, int side, Direction mine,
        long long offset, int flags, long long time, long long number
    ) except -1
    cdef int end(
        self, Conversation conversation, int side, Direction mine, long long time, long long number
    ) except -1
    cdef int record(
        self, Conversation conversation, int side, Direction other,
        long long offset, long long time, long long number
    ) except -1
    cdef int leave(self, Conversation conversation, int evicted) except -1
    cdef int flush(self, Conversation conversation, int side, Direction mine) except -1
    cdef int evict(self) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.transport.conversation cimport Conversation
from wsanalyze.transport.flows cimport FlowTable
from wsanalyze.transport.reassembly cimport Chunk, Direction

cdef int PATIENCE
cdef int LINGERING
cdef int LIMIT
cdef int IDLE

cdef class Readers:
    cdef object opener
    cdef object closer
    cdef public FlowTable flows
    cdef bint remembering
    cdef public bint narrow
    cdef long long limit_followed
    cdef long long limit_pending
    cdef long long limit_pending_all
    cdef long long limit_conflicts
    cdef public long long pending_bytes
    cdef long long conflicts
    cdef public long long remembered
    cdef long long limit_remembered
    cdef public long long reached_remembered
    cdef public object closed
    cdef long long followed
    cdef public long long reached_conflicts
    cdef public long long reached_followed
    cdef public long long reached_flows
    cdef public long long reached_pending
    cdef public long long reached_pending_all
    cdef int deliver(
        self, Conversation conversation, int side, Direction mine, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long length,
        long long time, long long number
    ) except -1
    cdef int cut(
        self, Conversation conversation, int side, Direction mine, Layer layer, long long length,
        long long time, long long number
    ) except -1
    cdef Layer begin(self, Conversation conversation)
    cdef int let_go(self, Conversation conversation) except -1
    cdef int forget_pending(self, Direction mine) except -1
    cdef int remember(
        self, Direction mine, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long packet, int sound, long long acked
    ) except -1
    cdef int drain(self, Conversation conversation, int side, Direction mine) except -1
    cdef int bound(self, Conversation conversation, int side, Direction mine) except -1
    cdef int skip(
        self, Conversation conversation, int side, Direction mine,
        long long offset, long long time, long long number
    ) except -1
    cdef int end(
        self, Conversation conversation, int side, Direction mine, long long time, long long number
    ) except -1
    cdef int flush(self, Conversation conversation, int side, Direction mine) except -1
    cdef int leave(self, Conversation conversation, int evicted, long long ordinal) except -1
    cdef int shed(self, Conversation kept) except -1
    cdef int evict(self, long long ordinal) except -1
    cdef int shut(self, Conversation conversation) except -1
    cdef int release(self, long long ordinal) except -1
    cdef int bury(self, Conversation conversation, long long ordinal) except -1
    cdef int charge(self, Direction mine) except -1
    cpdef finish(self, long long ordinal)

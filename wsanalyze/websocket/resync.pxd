from wsanalyze.buffer cimport Buffer
from wsanalyze.websocket.chain cimport NOWHERE, Chain
from wsanalyze.websocket.masking cimport Scratch
from wsanalyze.websocket.plausible cimport CUT, POSSIBLE, Header

cdef int ACCEPT
cdef int MARGIN
cdef int LOOKAHEAD
cdef int PUSHES
cdef int BEHIND_A_FRAME
cdef int BEHIND_A_HOLE
cdef int BEHIND_A_WRITE
cdef int BEHIND_A_SEGMENT
cdef int INSIDE
cdef int FULL
cdef int MOST_CHAINS
cdef int CHAIN
cdef int PER_DOUBLING
cdef int FEW
cdef int PUSH_FROM
cdef int OVERHEAD
cdef int FAINT

cdef class Search:
    cdef Header header
    cdef long long limit
    cdef public int accept
    cdef public list pieces
    cdef public long long held
    cdef long long stored
    cdef long long segments
    cdef long long seen
    cdef public long long dropped
    cdef bytes rest
    cdef dict waiting
    cdef list targets
    cdef list stuck
    cdef Chain leader
    cdef long long nearest
    cdef long long start
    cdef int start_prior
    cdef int next_prior
    cdef long long marked
    cdef int marked_prior
    cdef long long largest
    cdef public long long stop
    cdef public long long anchor
    cdef public int bits
    cdef public long long claimed
    cdef public int claimed_bits
    cpdef int take(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, long long offset,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int settle(self) except -1
    cdef int spacing(self) noexcept
    cdef int count(self) noexcept
    cpdef int skip(
        self, long long length, long long offset, long long time, long long packet,
        long long ordinal
    ) except -1
    cpdef int finish(self) except -1
    cpdef int shrink(self, long long most) except -1
    cdef int scan(self, bytes data, long long base, bint final) except -1
    cdef int place(self, long long offset, int bits, Chain arriving) except -1
    cdef int lead_on(self, Chain chain, long long offset) except -1
    cdef int reward(self, long long offset, bint short) except -1
    cdef Chain best(self)
    cdef int decide(self, bint final) except -1
    cdef int lead(self, bint final) except -1

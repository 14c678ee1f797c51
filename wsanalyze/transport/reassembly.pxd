from wsanalyze.buffer cimport Buffer

cdef int CHUNK_OVERHEAD
cdef Py_ssize_t REMEMBERED

cdef class Chunk:
    cdef public long long offset
    cdef public long long stop
    cdef public bytes data
    cdef public long long time
    cdef public long long packet

# The attributes that every segment touches stand first: they share cache lines.
cdef class Direction:
    cdef public int started
    cdef public int assumed
    cdef public int reset
    cdef public int ended
    cdef public long long base
    cdef public long long next
    cdef public long long highest
    cdef public long long acked
    cdef public long long segments
    cdef public long long pending_bytes
    cdef public long long fin
    cdef public list pending
    cdef public int syn
    cdef public long long retransmissions
    cdef public long long out_of_order
    cdef public long long keep_alives
    cdef public long long conflicts
    cdef public long long duplicates
    cdef public long long lost
    cdef public long long passed
    cdef public bytearray recent
    cdef public long long recent_stop
    cpdef int keep(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long length, long long time, long long packet
    ) except -1
    cpdef Py_ssize_t first_ending_after(self, long long offset) except -1
    cdef int insert(
        self, Py_ssize_t index, long long at, long long upto, long long offset, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long time, long long packet
    ) except -1
    cdef bint differs(
        self, Chunk chunk, long long at, long long upto, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long offset
    ) except -1
    cpdef int remember(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
    ) except -1
    cpdef bint contradicts(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
    ) except -1
    cpdef Chunk maybe_take(self)

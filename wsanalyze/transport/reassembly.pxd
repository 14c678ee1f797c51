from wsanalyze.buffer cimport Buffer

cdef list NOTHING
cdef bytearray NO_BYTES
cdef long long UNSET
cdef int CHUNK_OVERHEAD
cdef Py_ssize_t REMEMBERED
cdef Py_ssize_t PARTS
cdef Py_ssize_t MOST_OF_ONE

cdef class Chunk:
    cdef public long long offset
    cdef public long long stop
    cdef public bytes data
    cdef public long long time
    cdef public long long packet
    cdef public int sound
    cdef public long long acked

# The attributes that every segment touches stand first: they share cache lines.
    cdef public long long arrived

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
    cdef public long long loaded
    cdef public long long pending_bytes
    cdef public long long fin
    cdef public list pending
    cdef public int ttl
    cdef public long long window_zero
    cdef public int syn
    cdef public bint unfilled
    cdef public long long retransmissions
    cdef public long long out_of_order
    cdef public long long keep_alives
    cdef public long long conflicts
    cdef public long long duplicates
    cdef public long long lost
    cdef public long long cut_off
    cdef public long long passed
    cdef public bytearray recent
    cdef public long long recent_stop
    cdef public list parts
    cdef public long long trust
    cdef public list contested
    cdef public long long charged
    cdef public long long beyond
    cdef public long long zero_windows
    cdef public long long zero_ns
    cdef int window(self, int window, long long time) except -1
    cpdef int keep(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long length, long long time, long long packet, int sound=*
    ) except -1
    cpdef Py_ssize_t first_ending_after(self, long long offset) except -1
    cdef int insert(
        self, Py_ssize_t index, long long at, long long upto, long long offset, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long time, long long packet, int sound
    ) except -1
    cdef Py_ssize_t cut_out(self, Py_ssize_t index, long long at, long long upto) except -1
    cdef long long marked(
        self, long long at, long long upto, long long acked
    ) noexcept
    cdef int judge_pending(
        self, Chunk chunk, long long at, long long upto, Buffer buffer,
        Py_ssize_t start, Py_ssize_t stop, long long offset, long long packet, int sound
    ) except -1
    cdef bint better(
        self, long long at, int first_sound, int second_sound, long long acked
    ) noexcept
    cdef int contest(
        self, long long at, bytes first, bytes second, long long first_packet,
        long long second_packet, int first_sound, int second_sound, long long acked, bint handed_on
    ) except -1
    cpdef long long remembered(self) except? -1
    cpdef long long forget(self) except? -1
    cpdef long long remember(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long packet, int sound, long long acked
    ) except -1
    cpdef bint contradicts(
        self, long long offset, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long packet, int sound
    ) except -1
    cpdef drop_conflicts(self)
    cpdef Chunk maybe_take(self)

cdef long long SECOND
cdef long long PAUSE
cdef long long BURST_NS
cdef int BURST_MESSAGES
cdef long long NEVER
cdef Py_ssize_t WAITING_PINGS
cdef Py_ssize_t FIRST_KEYS
cdef int HELD_KEYS

cdef class Tally:
    cdef public long long count
    cdef public long long total
    cdef public long long least
    cdef public long long most
    cdef public double squares
    cpdef int add(self, long long number) except -1

# What every message touches comes first and close together: of a thousand connections each line of
# memory more is one that no cache of the processor has.
cdef class Watch:
    cdef public bint short
    cdef public bint unsure
    cdef public bint certain
    cdef public int head
    cdef public int second
    cdef public int header_length
    cdef public int in_burst
    cdef public long long latest
    cdef public long long number
    cdef public long long time
    cdef public long long packet
    cdef public unsigned long long length
    cdef public long long key
    cdef public long long message_at
    cdef public long long messages
    cdef public long long lengths
    cdef public double length_squares
    cdef public long long shortest
    cdef public long long longest
    cdef public double pause_squares
    cdef public long long pause_least
    cdef public long long pause_most
    cdef public long long last_key
    cdef public int kept_keys
    cdef int room
    cdef unsigned int held[8]
    cdef unsigned int[::1] keys
    cdef public int role
    cdef public int looked
    cdef public object first
    cdef public long long zero_keys
    cdef public long long same_keys
    cdef public long long not_plain
    cdef public long long first_at
    cdef public long long burst_at
    cdef public long long bursts
    cdef public bint unasked
    cdef public long long unasked_bursts
    cdef public long long burst_messages
    cdef public object pong_times
    cdef object memory
    cdef public long long message_number
    cdef public long long message_time
    cdef public long long message_packet
    cdef public unsigned long long message_length
    cdef public int message_head
    cdef public int message_second
    cdef public int message_header_length
    cdef public long long message_key
    cdef public bint message_certain
    cdef public long long empty_frames
    cdef public long long fragments
    cdef public long long interleaved
    cdef public long long compressed
    cdef public long long compressed_wire
    cdef public long long compressed_length
    cdef public long long ping_at
    cdef public long long pong_at
    cdef public long long second_at
    cdef public long long in_second
    cdef public long long most_in_second
    cdef public long long unsolicited
    cdef public long long unanswered
    cdef public unsigned long long largest_length
    cdef public list pings
    cdef public bint waiting
    cdef public bytes ping_payload
    cdef public long long ping_number
    cdef public long long ping_packet
    cdef public unsigned long long ping_length
    cdef public int ping_head
    cdef public int ping_second
    cdef public int ping_header_length
    cdef public long long ping_key
    cdef public bint ping_certain
    cdef public Tally pong_ns
    cdef public Tally ping_ns
    cdef public Tally pong_only_ns
    cdef public object largest
    cdef public object close
    cdef public object before_close
    cpdef int masked_with(self, long long key) except -1
    cdef int write_keys(self, Py_ssize_t place) except -1
    cdef bint more_keys(self) except -1
    cdef int pinged(self, bytes payload) except -1
    cdef bint answered(self, bytes payload, long long time) except -1
    cdef int waited(self, long long took) except -1
    cpdef int message(self, long long time, long long length, long long heard) except -1

cdef class FrameColumns:
    cdef public object full
    cdef public int spilled
    cdef public Py_ssize_t count
    cdef public Py_ssize_t capacity
    cdef long long[::1] connection
    cdef long long[::1] time
    cdef long long[::1] time_end
    cdef long long[::1] packet
    cdef long long[::1] packet_end
    cdef long long[::1] ordinal
    cdef long long[::1] offset
    cdef long long[::1] captured
    cdef long long[::1] message
    cdef unsigned long long[::1] length
    cdef unsigned int[::1] masking_key
    cdef int[::1] close_code
    cdef unsigned char[::1] sender
    cdef unsigned char[::1] head
    cdef unsigned char[::1] second
    cdef unsigned char[::1] header_length
    cdef unsigned char[::1] confidence
    cpdef grow(self, Py_ssize_t capacity)
    cpdef int make_room(self) except -1

cdef class MessageColumns:
    cdef public object full
    cdef public int spilled
    cdef public Py_ssize_t count
    cdef public Py_ssize_t capacity
    cdef public bytearray digests
    cdef public bytearray payloads
    cdef long long[::1] connection
    cdef long long[::1] time
    cdef long long[::1] time_end
    cdef long long[::1] packet
    cdef long long[::1] packet_end
    cdef long long[::1] ordinal
    cdef long long[::1] offset
    cdef long long[::1] frames
    cdef long long[::1] wire_length
    cdef long long[::1] length
    cdef long long[::1] payload_start
    cdef long long[::1] payload_stop
    cdef long long[::1] digest
    cdef unsigned char[::1] sender
    cdef unsigned char[::1] opcode
    cdef unsigned char[::1] compressed
    cdef unsigned char[::1] complete
    cdef unsigned char[::1] confidence
    cdef signed char[::1] utf8_valid
    cpdef grow(self, Py_ssize_t capacity)
    cpdef int make_room(self) except -1

cdef class SegmentColumns:
    cdef public object full
    cdef public int spilled
    cdef public Py_ssize_t count
    cdef public Py_ssize_t capacity
    cdef long long[::1] conversation
    cdef long long[::1] ordinal
    cdef long long[::1] packet
    cdef long long[::1] time
    cdef long long[::1] seq
    cdef long long[::1] ack
    cdef long long[::1] length
    cdef int[::1] flags
    cdef int[::1] window
    cdef unsigned char[::1] direction
    cdef unsigned char[::1] note
    cpdef grow(self, Py_ssize_t capacity)
    cpdef int make_room(self) except -1

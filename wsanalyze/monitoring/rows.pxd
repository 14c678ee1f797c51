cdef class FrameRows:
    cdef readonly Py_ssize_t count
    cdef long long[::1] connection
    cdef long long[::1] ordinal
    cdef long long[::1] offset
    cdef long long[::1] message
    cdef unsigned char[::1] sender
    cdef unsigned char[::1] head
    cdef long long[::1] owners
    cdef long long[::1] numbers
    cdef long long[::1] messages
    cdef readonly object columns

cdef class MessageRows:
    cdef readonly Py_ssize_t count
    cdef readonly object columns
    cdef readonly Py_ssize_t shown
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
    cdef bytearray digests
    cdef bytearray payloads
    cdef long long[::1] owners
    cdef long long[::1] numbers
    cpdef str preview(self, Py_ssize_t i)
    cpdef str sha256(self, Py_ssize_t i)

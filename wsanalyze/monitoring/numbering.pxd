from wsanalyze.monitoring.rows cimport FrameRows, MessageRows

cdef unsigned long long FIRST_FACTOR
cdef unsigned long long SECOND_FACTOR
cdef unsigned long long ALL_BITS
cdef int OPCODE
cdef int CLOSE

cdef class Numbering:
    cdef public long long serial
    cdef public long long owner
    cdef public long long frames
    cdef public long long messages
    cdef long long latest_client
    cdef long long latest_server
    cdef dict begun
    cdef dict begun_messages
    cdef long long look
    cdef long long last_ordinal
    cdef long long last_offset
    cdef bint in_order
    cdef list slow
    cdef long long message_of(self, int sender, bint first)

cdef class Firsts:
    cdef FrameRows rows
    cdef unsigned long long seed
    cdef Py_ssize_t mask
    cdef int[::1] slots
    cdef unsigned char[::1] states
    cdef int add(self, Py_ssize_t row) except -1
    cdef Py_ssize_t slot(self, long long connection, long long ordinal, long long offset)
    cdef long long take(
        self, long long connection, long long ordinal, long long offset, int sender
    ) except *

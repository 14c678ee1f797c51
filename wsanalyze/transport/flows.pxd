from wsanalyze.transport.conversation cimport Conversation
from wsanalyze.transport.packet cimport Packet

cdef unsigned long long FIRST_FACTOR
cdef unsigned long long SECOND_FACTOR
cdef unsigned long long ALL_BITS

cdef class FlowTable:
    cdef public unsigned long long seed
    cdef public Py_ssize_t count
    cdef Py_ssize_t mask
    cdef Py_ssize_t slot
    cdef unsigned long long digest
    cdef unsigned long long[::1] digests
    cdef list conversations
    cpdef make(self, Py_ssize_t slots)
    cpdef Conversation find(self, Packet packet, int side)
    cpdef Conversation add(self, Packet packet, int side)

from wsanalyze.buffer cimport Buffer
from wsanalyze.loads cimport load16, load32
from wsanalyze.transport.packet cimport Packet

cdef int VALID
cdef int UNKNOWN
cdef int BAD
cdef unsigned long long FOLDED
cdef unsigned long long LOW
cdef int TCP_PROTOCOL
cpdef bint is_unfilled(Packet packet) except? -9
cpdef int soundness(Packet packet, Buffer buffer) except? -9

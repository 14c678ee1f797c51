from wsanalyze.transport.packet cimport Packet

cdef Py_ssize_t DEPTH
cdef long long WITH_IDENTIFICATION
cdef long long WITHOUT_IDENTIFICATION
cdef unsigned long long FACTOR
cdef int FIN
cdef int SYN

cdef class Recent:
    cdef unsigned long long[::1] keys
    cdef long long[::1] times
    cdef Py_ssize_t count
    cdef unsigned long long key(self, Packet packet, unsigned long long digest) noexcept
    cpdef int put(
        self, Packet packet, unsigned long long digest, long long time
    ) except -1
    cpdef bint has(
        self, Packet packet, unsigned long long digest, long long time
    ) except -1
    cdef bint near(self, long long one, long long other, long long apart) noexcept

from wsanalyze.buffer cimport Buffer

cdef int TCP
cdef int UDP
cdef int OTHER
cdef int UNKNOWN_LINK
cdef int TRUNCATED
cdef int MALFORMED
cdef int FRAGMENT
cdef int MOST_TAGS

cdef class Packet:
    cdef public int family
    cdef public int ttl
    cdef public unsigned long long source_high
    cdef public unsigned long long source_low
    cdef public unsigned long long target_high
    cdef public unsigned long long target_low
    cdef public int source_port
    cdef public int target_port
    cdef public long long sequence
    cdef public long long acknowledgment
    cdef public int flags
    cdef public int window
    cdef public Py_ssize_t network_start
    cdef public Py_ssize_t transport_start
    cdef public Py_ssize_t payload_start
    cdef public Py_ssize_t payload_stop
    cdef public long long length
    cdef Py_ssize_t stop
    cdef long long wire_stop
    cpdef int read(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, long long wire_length, int link
    ) except -1
    cdef int ethernet(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int ethertype(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int network(self, Buffer buffer, int ethertype, Py_ssize_t at) except -1
    cdef int raw(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int loopback(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int ipv4(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int ipv6(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int extensions(self, Buffer buffer, int kind, Py_ssize_t at) except -1
    cdef int end_at(self, Py_ssize_t stop) except -1
    cdef int carried(self, Buffer buffer, int protocol, Py_ssize_t at) except -1
    cdef int tcp(self, Buffer buffer, Py_ssize_t at) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.loads cimport load16, load32
from wsanalyze.transport.encapsulation cimport Encapsulation
from wsanalyze.transport.links cimport in_link
from wsanalyze.transport.tunnels cimport in_ip, in_udp
from wsanalyze.transport.wireless cimport subframe

cdef int TCP
cdef int UDP
cdef int OTHER
cdef int UNKNOWN_LINK
cdef int TRUNCATED
cdef int MALFORMED
cdef int FRAGMENT
cdef int NOT_IP, ESP, MACSEC, WIFI_PROTECTED, NESTED, SEVERAL, NO_MORE
cdef int MOST_TAGS
cdef int MOST_NESTED
cdef int LONGEST_DATAGRAM

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
    cdef public int control
    cdef public int window
    cdef public int identification
    cdef public int checksum
    cdef public Py_ssize_t payload_start
    cdef public Py_ssize_t payload_stop
    cdef public long long length
    cdef public long long fragment_id
    cdef public int fragment_offset
    cdef public bint fragment_more
    cdef public int fragment_protocol
    cdef int fragment_depth
    cdef Encapsulation place
    cdef int depth
    cdef Py_ssize_t parts_at
    cdef Py_ssize_t parts_stop
    cdef long long parts_wire_stop
    cdef Py_ssize_t stop
    cdef long long wire_stop
    cpdef int read(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, long long wire_length, int link
    ) except -1
    cdef bint usual(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) noexcept
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
    cdef int other_link(self, Buffer buffer, Py_ssize_t start, int link) except -1
    cdef int inside(self, Buffer buffer, int kind) except -1
    cdef int udp(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int other_protocol(self, Buffer buffer, int protocol, Py_ssize_t at) except -1
    cdef int fragment4(self, Buffer buffer, Py_ssize_t at, int header) except -1
    cdef int fragment6(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int fragment(self, Py_ssize_t at, int offset, bint more) except -1
    cpdef int resume(self, Buffer buffer, long long length, int protocol) except -1
    cpdef int part(self, Buffer buffer) except -1

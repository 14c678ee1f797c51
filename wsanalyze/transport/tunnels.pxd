from wsanalyze.buffer cimport Buffer
from wsanalyze.transport.encapsulation cimport Encapsulation, next_protocol

cdef int OTHER, TRUNCATED, MALFORMED, NOT_IP, ESP, UDP
cdef int IPV4, IPV6, ETHERNET, PPP, MPLS, ERSPAN, ERSPAN_3, RAW_IP
cdef int VXLAN_PORT, OLD_VXLAN_PORT, VXLAN_GPE_PORT, GENEVE_PORT, GTP_PORT

cdef int in_ip(Encapsulation place, Buffer buffer, int protocol) except? -1000
cdef int in_udp(Encapsulation place, Buffer buffer) except? -1000
cdef int gre(Encapsulation place, Buffer buffer) except? -1000
cdef int gre_protocol(Encapsulation place, Buffer buffer, int protocol, bint numbered) except? -1000
cdef int route(Encapsulation place, Buffer buffer) except? -1000
cdef int vxlan(Encapsulation place, Buffer buffer) except? -1000
cdef int vxlan_gpe(Encapsulation place, Buffer buffer) except? -1000
cdef int geneve(Encapsulation place, Buffer buffer) except? -1000
cdef int gtp(Encapsulation place, Buffer buffer) except? -1000
cdef int users_packet(Encapsulation place, Buffer buffer) except? -1000

from wsanalyze.buffer cimport Buffer
from wsanalyze.transport.encapsulation cimport Encapsulation
from wsanalyze.transport.wireless cimport avs, little, ppi_wifi, prism, radiotap, wifi

cdef int UNKNOWN_LINK, TRUNCATED, MALFORMED, NOT_IP
cdef int ETHERNET, PPP, PPPOE, RAW_IP

cdef int in_link(Encapsulation place, Buffer buffer, int link) except? -1000
cdef int hdlc(Encapsulation place, Buffer buffer) except? -1000
cdef int pppd(Encapsulation place, Buffer buffer) except? -1000
cdef int nflog(Encapsulation place, Buffer buffer) except? -1000
cdef int ppi(Encapsulation place, Buffer buffer) except? -1000

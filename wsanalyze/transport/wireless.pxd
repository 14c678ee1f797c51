from wsanalyze.buffer cimport Buffer
from wsanalyze.transport.encapsulation cimport Encapsulation

cdef int OTHER, UNKNOWN_LINK, TRUNCATED, MALFORMED, FRAGMENT, NOT_IP, WIFI_PROTECTED, SEVERAL
cdef int LLC

cdef long long little(Buffer buffer, Py_ssize_t at, int length) except? -1
cdef int wifi(Encapsulation place, Buffer buffer, bint padded) except? -1000
cdef int subframe(Encapsulation place, Buffer buffer) except? -1000
cdef int flagged(
    Encapsulation place, Buffer buffer, bint fcs, bint padded, bint damaged
) except? -1000
cdef int radiotap(Encapsulation place, Buffer buffer) except? -1000
cdef int prism(Encapsulation place, Buffer buffer) except? -1000
cdef int avs(Encapsulation place, Buffer buffer) except? -1000
cdef int ppi_wifi(
    Encapsulation place, Buffer buffer, Py_ssize_t at, bint aligned
) except? -1000

from wsanalyze.buffer cimport Buffer

cdef int OTHER
cdef int TRUNCATED
cdef int MALFORMED
cdef int NOT_IP
cdef int MACSEC
cdef int NESTED
cdef int MOST_HEADERS
cdef int IPV4, IPV6, ETHERNET, PPP, MPLS, MPLS_UPSTREAM, PPPOE, ERSPAN, ERSPAN_3, NSH
cdef int RAW_IP, LLC

cdef class Encapsulation:
    cdef public Py_ssize_t at
    cdef public Py_ssize_t stop
    cdef public long long wire_stop
    cdef int u16(self, Buffer buffer, Py_ssize_t at) except -1
    cdef int bound(self, Py_ssize_t at, Py_ssize_t stop, long long wire_stop) except -1
    cdef int end_at(self, long long stop) except -1
    cdef int follow(self, Buffer buffer, int kind) except? -1000
    cdef int step(self, Buffer buffer, int kind) except? -1000
    cdef int shim(self, Buffer buffer, int kind) except? -1000
    cdef int ethernet(self, Buffer buffer) except? -1000
    cdef int llc(self, Buffer buffer) except? -1000
    cdef int raw(self, Buffer buffer) except? -1000
    cdef int mpls(self, Buffer buffer) except? -1000
    cdef int behind_labels(self, Buffer buffer, int label) except? -1000
    cdef bint plausible_ethernet(self, Buffer buffer, Py_ssize_t at) except? True
    cdef int pppoe(self, Buffer buffer) except? -1000
    cdef int ppp(self, Buffer buffer) except? -1000
    cdef int macsec(self, Buffer buffer) except? -1000
    cdef int erspan(self, Buffer buffer, int kind) except? -1000
    cdef int nsh(self, Buffer buffer) except? -1000

cdef int next_protocol(int number) except? -1000

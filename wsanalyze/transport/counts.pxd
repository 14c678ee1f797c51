cdef class PacketCounts:
    cdef public long long packets
    cdef public long long captured_bytes
    cdef public long long wire_bytes
    cdef public long long cut
    cdef public long long tcp
    cdef public long long udp
    cdef public long long other
    cdef public long long unknown_link
    cdef public long long truncated
    cdef public long long malformed
    cdef public long long fragments
    cdef public long long conversations
    cdef public long long joined
    cdef public long long fragment_conflicts
    cdef public long long not_ip
    cdef public long long esp
    cdef public long long macsec
    cdef public long long wifi_protected
    cdef public long long nested
    cdef public object unknown_links
    cdef public long long duplicates
    cdef int skipped(self, int kind) except -1

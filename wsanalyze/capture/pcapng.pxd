from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch

cdef unsigned int SECTION_HEADER, INTERFACE_DESCRIPTION, OBSOLETE_PACKET, SIMPLE_PACKET
cdef unsigned int INTERFACE_STATISTICS, ENHANCED_PACKET, DECRYPTION_SECRETS, BYTE_ORDER_MAGIC, SWAPPED_MAGIC
cdef unsigned int SMALLEST_BLOCK
cdef Py_ssize_t LINK, PACKET_LIMIT, SNAP_LENGTH, UNIT_NS, OFFSET_NS, LAST_UNIT, FACTS

cdef class PcapngRecords:
    cdef public object blocks
    cdef const unsigned char[::1] view
    cdef bint big
    cdef Py_ssize_t block_limit
    cdef Py_ssize_t interface_count
    cdef long long[::1] interfaces
    cdef long long numbered
    cdef long long time_ns
    cdef public long long packets
    cdef public long long not_packets
    cdef public long long untimed_packets
    cdef public long long clamped_times
    cdef public long long earliest_ns
    cdef public long long latest_ns
    cdef public Py_ssize_t needed
    cdef public object problem

    cdef unsigned int number(self, Py_ssize_t at) except? 0xFFFFFFFF
    cdef Py_ssize_t block_length(self, Py_ssize_t at, Py_ssize_t stop) except -2
    cdef int take(self, Batch batch, Py_ssize_t at, Py_ssize_t length) except -1
    cdef int enhanced(self, Batch batch, Py_ssize_t at, Py_ssize_t length) except -1
    cdef int obsolete(self, Batch batch, Py_ssize_t at, Py_ssize_t length) except -1
    cdef int timed(self, Batch batch, Py_ssize_t at, Py_ssize_t length, Py_ssize_t interface) except -1
    cdef int simple(self, Batch batch, Py_ssize_t at, Py_ssize_t length) except -1
    cdef int put(self, Batch batch, Py_ssize_t start, Py_ssize_t captured, Py_ssize_t room, long long wire, Py_ssize_t interface) except -1

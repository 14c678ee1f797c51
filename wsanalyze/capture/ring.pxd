from wsanalyze.buffer cimport Buffer
from wsanalyze.capture.batch cimport Batch
from wsanalyze.loads cimport little32, load32

cdef extern from *:
    """
    #ifdef __GNUC__
    #define wsanalyze_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
    #else
    #define wsanalyze_fence()
    #endif
    """
    void fence "wsanalyze_fence"() noexcept

# Without a type each of them would be an object that is added to others.
cdef Py_ssize_t BLOCK_STATUS, PACKETS, FIRST
cdef Py_ssize_t SECONDS, NANOSECONDS, CAPTURED, ON_WIRE, STATUS, MAC, TAG
cdef Py_ssize_t PACKET_TYPE, PACKET_HEADER, TAG_BYTES, ADDRESSES
cdef unsigned int HAS_TAG, HAS_KIND
cdef int OUTGOING
cdef bint LITTLE
cdef long long NEVER

cdef class Ring:
    cdef object memory
    cdef Buffer buffer
    cdef Py_ssize_t block_size
    cdef Py_ssize_t blocks
    cdef Py_ssize_t block
    cdef Py_ssize_t at
    cdef Py_ssize_t left
    cdef int link
    cdef bint once
    cdef bint held
    cdef public long long packets
    cdef public long long earliest_ns
    cdef public long long latest_ns

    cpdef bint is_ready(self) except -1
    cpdef give_back(self)
    cpdef index(self, Batch batch, long long numbered)
    cdef int take(self, Batch batch, Py_ssize_t end, long long numbered) except -1
    cdef unsigned int number(self, Py_ssize_t at) except? 0xFFFFFFFF

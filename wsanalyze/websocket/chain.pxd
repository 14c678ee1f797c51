from wsanalyze.websocket.plausible cimport Header

cdef int HEAD
cdef int MOST_REPEATS
cdef unsigned long long LAST_THREE
cdef int NOWHERE

cdef int code_of(Header header) noexcept

cdef class Chain:
    cdef long long target
    cdef long long last
    cdef int score
    cdef int bits
    cdef int joined
    cdef long long anchor
    cdef int masked
    cdef int open
    cdef int closed
    cdef int rewarded
    cdef int pushes
    cdef int frames
    cdef int head
    cdef int second
    cdef int kinds
    cdef int repeats
    cdef int again
    cdef unsigned long long recent
    cdef long long key
    cdef int repeated(self, Header header) except -1
    cdef int gain(self, Header header, int bits, int again) except -2
    cdef int join(self, Header header) except -1
    cdef int add(self, Header header, long long offset) except -1
    cdef int fasten(self) except -1
    cdef bint reward(self, bint short, int most, long long begins) except -1

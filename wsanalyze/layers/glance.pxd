from wsanalyze.buffer cimport Buffer

cdef int DIGITS
cdef int MOST_DIGITS
cdef unsigned char ZERO
cdef unsigned char THREE

cdef Py_ssize_t BASE64_FROM
cdef Py_ssize_t DENSE_FROM
cdef bytes BEGINNINGS
cdef bytes JSON

cpdef bint glance(Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
cpdef bint glance_at(bytearray kept, Py_ssize_t length) except -1
cpdef bint is_telling(bytearray kept, int opcode) except -1
cdef bint is_suspicious(const unsigned char* source, Py_ssize_t length) noexcept
cdef bint has_pair(const unsigned char* source, Py_ssize_t length) noexcept
cdef unsigned char nearest_pair(const unsigned char* source, Py_ssize_t places) noexcept
cdef unsigned char nearest_digits(const unsigned char* source, Py_ssize_t places) noexcept
cdef bint may_have_digits(const unsigned char* source, Py_ssize_t length) noexcept
cdef bint has_digits(const unsigned char* source, Py_ssize_t length) noexcept
cdef bint look(const unsigned char* source, Py_ssize_t length) noexcept
cdef bint find_card(const unsigned char* source, Py_ssize_t length) noexcept
cdef bint is_of_word(int byte) noexcept
cdef bint card(const unsigned char* source, Py_ssize_t at, Py_ssize_t length) noexcept

cdef long long MODULUS
cdef long long HALF
cdef long long LOW

cpdef long long distance(long long sequence, long long reference) noexcept

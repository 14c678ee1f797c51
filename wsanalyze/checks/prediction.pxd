cdef unsigned long long WORD
cdef unsigned long long JAVA_FACTOR
cdef unsigned long long JAVA_STEP
cdef unsigned long long JAVA_STATE
cdef long long JAVA_PERIOD
cdef long long JAVA_FACTOR_SIGNED
cdef unsigned int UPPER, LOWER, MERSENNE_FACTOR, TEMPERED_15, TEMPERED_7
cdef unsigned long long[::1] FACTORS
cdef unsigned long long[::1] STEPS
cdef unsigned long long[::1] MODULI

cdef long long java_next(unsigned long long state) noexcept
cdef long long java_state(
    unsigned long long one, unsigned long long two, long long three
) noexcept
cdef unsigned long long _follows(unsigned long long number, Py_ssize_t place) noexcept
cdef unsigned long long _xorshift(unsigned long long number) noexcept
cpdef unsigned int untempered(unsigned int number) noexcept
cpdef bint is_odd(bytes nonce) except -1
cdef long long _word(bytes data, Py_ssize_t at) noexcept
cdef bint _one_tells_the_next(
    unsigned long long first, unsigned long long second, unsigned long long third
) except -1
cdef unsigned long long _over(unsigned long long number) noexcept

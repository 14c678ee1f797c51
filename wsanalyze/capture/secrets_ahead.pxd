cpdef long long hop(bytes chunk, long long at, bint little)

# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# Numbers in network byte order, read in place. The bodies stand here, and not in loads.py, so that
# every kernel gets them inlined; written this way the C compiler makes one load of each.

from wsanalyze.buffer cimport Buffer


cdef inline int load16(Buffer buffer, Py_ssize_t at) noexcept:
    cdef const unsigned char* source = &buffer.view[0] + at
    return source[0] << 8 | source[1]


cdef inline unsigned int load32(Buffer buffer, Py_ssize_t at) noexcept:
    cdef const unsigned char* source = &buffer.view[0] + at
    return (
        <unsigned int> source[0] << 24 | <unsigned int> source[1] << 16
        | <unsigned int> source[2] << 8 | source[3]
    )


cdef inline unsigned int little32(Buffer buffer, Py_ssize_t at) noexcept:
    cdef const unsigned char* source = &buffer.view[0] + at
    return (
        <unsigned int> source[3] << 24 | <unsigned int> source[2] << 16
        | <unsigned int> source[1] << 8 | source[0]
    )


cdef inline unsigned long long word(Buffer buffer, Py_ssize_t at) noexcept:
    cdef const unsigned char* source = &buffer.view[0] + at
    return (
        <unsigned long long> source[7] << 56 | <unsigned long long> source[6] << 48
        | <unsigned long long> source[5] << 40 | <unsigned long long> source[4] << 32
        | <unsigned long long> source[3] << 24 | <unsigned long long> source[2] << 16
        | <unsigned long long> source[1] << 8 | source[0]
    )

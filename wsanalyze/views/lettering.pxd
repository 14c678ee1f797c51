# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# Text put piece by piece into room that is there; see lettering.py. The bodies stand here, so that
# kernels get them inlined. Each makes sure itself that there is room.

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy


cdef inline Py_ssize_t _checked(
    bytearray room, Py_ssize_t at, Py_ssize_t needed
) except -1:
    if at < 0 or needed < 0 or at > PyByteArray_GET_SIZE(room) - needed:
        raise IndexError("no room")
    return at


cdef inline Py_ssize_t _there(bytearray source, Py_ssize_t start, Py_ssize_t stop) except -1:
    if start < 0 or stop < start or stop > PyByteArray_GET_SIZE(source):
        raise IndexError("not there")
    return stop - start


cdef inline Py_ssize_t letters(bytearray room, Py_ssize_t at, bytes text) except -1:
    cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
    _checked(room, at, length)
    memcpy(PyByteArray_AS_STRING(room) + at, PyBytes_AS_STRING(text), length)
    return at + length


cdef inline Py_ssize_t decimal(bytearray room, Py_ssize_t at, long long value) except -1:
    cdef unsigned char digits[20]
    cdef int first = 20
    cdef unsigned long long left = value
    if value < 0:
        # Unsigned, since the least of all numbers has no positive one.
        left = 0 - left
    while True:
        first -= 1
        digits[first] = <unsigned char> (48 + left % 10)
        left //= 10
        if left == 0:
            break
    _checked(room, at, 20 - first + (1 if value < 0 else 0))
    cdef char* target = PyByteArray_AS_STRING(room)
    if value < 0:
        target[at] = 45
        at += 1
    memcpy(target + at, &digits[first], 20 - first)
    return at + 20 - first


cdef inline Py_ssize_t nine_digits(bytearray room, Py_ssize_t at, long long value) except -1:
    cdef unsigned long long left = value
    cdef int i
    _checked(room, at, 9)
    cdef char* target = PyByteArray_AS_STRING(room) + at
    for i in range(9):
        target[8 - i] = <char> (48 + left % 10)
        left //= 10
    return at + 9


cdef inline Py_ssize_t hexadecimal(
    bytearray room, Py_ssize_t at, bytearray source, Py_ssize_t start, Py_ssize_t stop
) except -1:
    cdef Py_ssize_t i, length = _there(source, start, stop)
    cdef const char* digits = "0123456789abcdef"
    _checked(room, at, 2 * length)
    cdef char* target = PyByteArray_AS_STRING(room) + at
    cdef const unsigned char* data = <const unsigned char*> PyByteArray_AS_STRING(source) + start
    for i in range(length):
        target[2 * i] = digits[data[i] >> 4]
        target[2 * i + 1] = digits[data[i] & 15]
    return at + 2 * length


cdef inline Py_ssize_t plain_json(
    bytearray room, Py_ssize_t at, bytearray source, Py_ssize_t start, Py_ssize_t stop
) except -1:
    cdef Py_ssize_t i, length = _there(source, start, stop), begin = at
    cdef const unsigned char* data = <const unsigned char*> PyByteArray_AS_STRING(source) + start
    # Each may need a backslash.
    _checked(room, at, 2 * length + 2)
    cdef char* target = PyByteArray_AS_STRING(room)
    target[at] = 34
    at += 1
    for i in range(length):
        if data[i] < 32 or data[i] > 126 or data[i] == 35:
            return begin
        if data[i] == 34 or data[i] == 92:
            target[at] = 92
            at += 1
        target[at] = <char> data[i]
        at += 1
    target[at] = 34
    return at + 1


cdef inline Py_ssize_t plain(
    bytearray room, Py_ssize_t at, bytearray source, Py_ssize_t start, Py_ssize_t stop
) except -1:
    cdef Py_ssize_t i, length = _there(source, start, stop)
    cdef const unsigned char* data = <const unsigned char*> PyByteArray_AS_STRING(source) + start
    _checked(room, at, length)
    for i in range(length):
        if data[i] < 32 or data[i] > 126 or data[i] == 92:
            return at
    memcpy(PyByteArray_AS_STRING(room) + at, data, length)
    return at + length

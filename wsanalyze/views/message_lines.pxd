from wsanalyze.monitoring.rows cimport MessageRows
from wsanalyze.views.lettering cimport decimal, hexadecimal, letters, nine_digits, plain, plain_json

cdef tuple SENDERS
cdef tuple TYPES
cdef tuple FLAGS
cdef tuple VALID
cdef int TEXT
cdef int DIGEST
cdef long long SECOND
cdef int LINE
cdef int EACH
cdef int SHOWN
cdef tuple ARROWS
cdef tuple NUMBERS

cdef class MessageLines:
    cdef long long second
    cdef bytes moment
    cdef bytearray room
    cdef Py_ssize_t line(self, MessageRows rows, Py_ssize_t i, Py_ssize_t at) except -1
    cdef Py_ssize_t preview(self, MessageRows rows, Py_ssize_t i, Py_ssize_t at) except -1
    cdef Py_ssize_t iso(self, long long time, Py_ssize_t at) except -1

cdef class MessageLog:
    cdef long long second
    cdef bytes moment
    cdef bytearray room
    cdef Py_ssize_t line(self, MessageRows rows, Py_ssize_t i, Py_ssize_t at) except -1
    cdef Py_ssize_t preview(self, MessageRows rows, Py_ssize_t i, Py_ssize_t at) except -1

from wsanalyze.monitoring.rows cimport MessageRows

cdef class MessageLines:
    cdef long long second
    cdef str moment
    cdef str line(self, MessageRows rows, Py_ssize_t i)
    cdef str iso(self, long long time)

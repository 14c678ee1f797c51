from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.http1 cimport Http1
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.transport.conversation cimport Conversation

cdef int TLS
cdef int OTHER
cdef int NESTED

cdef class Probe(Layer):
    cdef Recorder recorder
    cdef Conversation conversation
    cdef object route
    cdef object place
    cdef Layer inner
    cdef list missing
    cdef bint begins_tunnel(self, int first, bint answering) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.recorder cimport Recorder

cdef class Held:
    cdef Recorder recorder
    cdef public list pieces
    cdef public long long size

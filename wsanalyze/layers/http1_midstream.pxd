from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.http1_exchanges cimport Exchanges
from wsanalyze.layers.http1_half cimport HELD, LOST, Half
from wsanalyze.layers.session cimport Session

cdef int OTHER

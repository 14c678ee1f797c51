from wsanalyze.layer cimport Layer
from wsanalyze.layers.held cimport Held
from wsanalyze.layers.http1_half cimport ENDED, HEAD, HELD, LOST, Half
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.transport.conversation cimport Conversation

cdef int HTTP

cdef class Exchanges(Layer):
    cdef Recorder recorder
    cdef Conversation conversation
    cdef object route
    cdef object place
    cdef Half low
    cdef Half high
    cdef int client_side
    cdef Layer inner
    cdef object waiting
    cdef object attempt
    cdef int upgrading
    cdef int answer_lost
    cdef object connecting
    cdef object login
    cdef Held held
    cdef Held early
    cdef int given_up
    cdef int first_ended
    cdef int first_reset
    cdef int presumed
    cdef long long previous_time
    cdef long long counted
    cdef int blind
    cdef int switched
    cdef int let_through
    cdef object recognition
    cdef object refused
    cdef object reading
    cdef int end_body(self, Half half, int side) except -1

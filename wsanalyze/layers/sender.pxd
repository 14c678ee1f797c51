from wsanalyze.websocket.frames cimport FrameReader
from wsanalyze.websocket.messages cimport MessageReader
from wsanalyze.websocket.resync cimport Search

# What every message touches comes first and close together, as in Watch.
cdef class Sender:
    cdef public int role
    cdef public int in_frame
    cdef public int lost
    cdef public int reset
    cdef public int closed
    cdef public int http
    cdef public int judged
    cdef public int confidence
    cdef public FrameReader reader
    cdef public MessageReader message
    cdef public long long offset
    cdef public long long ordinal
    cdef public long long frames
    cdef public long long messages
    cdef public long long bytes
    cdef public long long masked
    cdef public bytearray control
    cdef public int broken
    cdef public long long time
    cdef public long long packet
    cdef public long long frame_offset
    cdef public long long last_time
    cdef public long long last_packet
    cdef public unsigned long long captured
    cdef public long long unread
    cdef public long long serial
    cdef public long long frame_message
    cdef public long long message_time
    cdef public long long message_packet
    cdef public long long message_ordinal
    cdef public long long message_offset
    cdef public int message_confidence
    cdef public long long pings
    cdef public long long pongs
    cdef public long long invalid_text
    cdef public long long incomplete
    cdef public int close_code
    cdef public int frame_close_code
    cdef public str close_reason
    cdef public object held
    cdef public Search search
    cdef public long long resyncs
    cdef int masks(self) except -1
    cdef int misfits(self, int deflate) except -1

from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.tables.columns cimport FrameColumns, MessageColumns
from wsanalyze.websocket.frames cimport FrameReader
from wsanalyze.websocket.messages cimport MessageReader
from wsanalyze.websocket.masking cimport PIECE, Scratch
from wsanalyze.websocket.utf8 cimport Utf8
from wsanalyze.websocket.resync cimport Search

cdef Py_ssize_t KEPT_CONTROL

cdef class Sender:
    cdef public int role
    cdef public long long offset
    cdef public FrameReader reader
    cdef public MessageReader message
    cdef public bytearray control
    cdef public int in_frame
    cdef public int lost
    cdef public int broken
    cdef public int reset
    cdef public long long time
    cdef public long long packet
    cdef public long long ordinal
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
    cdef public long long frames
    cdef public long long messages
    cdef public long long bytes
    cdef public long long pings
    cdef public long long pongs
    cdef public long long masked
    cdef public long long invalid_text
    cdef public long long incomplete
    cdef public int closed
    cdef public int close_code
    cdef public int frame_close_code
    cdef public str close_reason
    cdef public Search search
    cdef public long long resyncs
    cdef public int confidence

cdef class Session(Layer):
    cdef Recorder recorder
    cdef object connection
    cdef long long serial
    cdef Sender low
    cdef Sender high
    cdef int first_close
    cdef long long first_close_at
    cdef public int unframed
    cdef str first_end
    cdef int deflate
    cdef bint counts_only
    cdef bint doubted
    cdef Utf8 utf8
    cdef Py_ssize_t count_whole(
        self, Sender sender, Buffer buffer, Py_ssize_t at, Py_ssize_t stop
    ) except -1
    cdef bint is_text(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t length, int masked
    ) except -1
    cdef int begin_frame(self, Sender sender) except -1
    cdef int begin_message(self, Sender sender, int opcode) except -1
    cdef int payload(
        self, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
    ) except -1
    cdef int control(
        self, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t at
    ) except -1
    cdef int end_frame(self, Sender sender) except -1
    cdef int close(self, Sender sender) except -1
    cdef int add_frame(self, Sender sender) except -1
    cdef int end_message(self, Sender sender, bint complete) except -1
    cdef int lose(self, Sender sender) except -1
    cdef int masks(self, Sender sender) except -1
    cdef int misfits(self, Sender sender) except -1
    cdef int seek(
        self, int side, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int seek_on(
        self, int side, Sender sender, long long length,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int resume(self, int side, Sender sender) except -1
    cdef int give_up(self, int side, Sender sender) except -1
    cdef int stop(self, Sender sender) except -1

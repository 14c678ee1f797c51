from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.observer cimport ALWAYS, LOOK, Observer
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.layers.rows cimport add_frame, add_message
from wsanalyze.layers.seeking cimport end_search, resume, seek, seek_on
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.shortcut cimport asks
from wsanalyze.layers.watch cimport NEVER, PAUSE, SECOND, Watch
from wsanalyze.websocket.frames cimport FrameReader
from wsanalyze.websocket.messages cimport MessageReader
from wsanalyze.websocket.resync cimport Search

cdef Py_ssize_t KEPT_CONTROL
cdef int FIRST_OF_HTTP
cdef int LAST_OF_HTTP

cdef class Session(Layer):
    # What every segment touches comes first.
    cdef Sender low
    cdef Sender high
    cdef Watch low_watch
    cdef Watch high_watch
    cdef Recorder recorder
    cdef long long frames
    cdef bint counts_only
    cdef bint doubted
    cdef bint looks
    cdef public Observer observer
    cdef object connection
    cdef long long serial
    cdef int first_close
    cdef long long first_close_at
    cdef long long first_close_time
    cdef long long first_close_packet
    cdef public int unframed
    cdef str first_end
    cdef int deflate
    cdef Py_ssize_t count(
        self, int side, Sender sender, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet
    ) except -1
    cdef bint begins_http(
        self, int side, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t at,
        Py_ssize_t stop, long long time, long long packet, long long ordinal
    ) except -1
    cdef int go_on(
        self, int side, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int settle(self, Sender sender) except -1
    cdef bint begins_as_request(
        self, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop
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
    cdef int end_message(self, Sender sender, bint complete) except -1
    cdef int lose(self, Sender sender) except -1
    cdef int seek(
        self, int side, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
        long long time, long long packet, long long ordinal
    ) except -1
    cdef int resume(self, int side, Sender sender) except -1
    cdef int give_up(self, int side, Sender sender) except -1
    cdef int stop(self, Sender sender) except -1

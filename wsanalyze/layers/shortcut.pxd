from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.glance cimport glance
from wsanalyze.layers.observer cimport ALWAYS, LOOK, Observer
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.watch cimport Watch
from wsanalyze.loads cimport load32
from wsanalyze.websocket.masking cimport PIECE, Scratch
from wsanalyze.websocket.utf8 cimport Utf8

cdef long long LINE_GET, LINE_POST, LINE_HEAD, LINE_PUT
cdef long long LINE_DELETE, LINE_OPTIONS, LINE_CONNECT, LINE_TRACE

cdef class Shortcut:
    cdef Recorder recorder
    cdef Observer observer
    cdef Sender low
    cdef Sender high
    cdef Utf8 utf8
    cdef Py_ssize_t count(
        self, Sender sender, Buffer buffer, Py_ssize_t at, Py_ssize_t stop,
        long long time, long long packet
    ) except -1
    cdef Watch watching(self, Sender sender, long long time)
    cdef bint remarkable(
        self, Sender sender, Watch watch, Buffer buffer, Py_ssize_t at, Py_ssize_t size,
        Py_ssize_t length, long long time
    ) except -1
    cdef int watched(
        self, Sender sender, Watch watch, Buffer buffer, Py_ssize_t at, long long time,
        long long packet
    ) except -1
    cdef bint is_text(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t length, int masked
    ) except -1

cdef bint asks(Buffer buffer, Py_ssize_t at) noexcept

from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.glance cimport glance
from wsanalyze.layers.observer cimport LOOK
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.watch cimport Watch
from wsanalyze.loads cimport load32
from wsanalyze.websocket.masking cimport PIECE, Scratch
from wsanalyze.websocket.utf8 cimport Utf8

cdef long long LINE_GET, LINE_POST, LINE_HEAD, LINE_PUT
cdef long long LINE_DELETE, LINE_OPTIONS, LINE_CONNECT, LINE_TRACE

cdef class Shortcut:
    cdef Scratch scratch
    cdef Utf8 utf8
    cdef bint contents
    cdef public bint looks
    cdef Py_ssize_t count(
        self, Sender sender, Watch watch, long long heard, long long number, Buffer buffer,
        Py_ssize_t at, Py_ssize_t stop, long long time, long long packet
    ) except -1
    cdef bint remarkable(
        self, Watch watch, Buffer buffer, Py_ssize_t at, Py_ssize_t size, Py_ssize_t length,
        int masked
    ) except -1
    cdef int watched(
        self, Watch watch, Buffer buffer, Py_ssize_t at, long long number, long long time,
        long long packet
    ) except -1
    cdef bint is_text(
        self, Buffer buffer, Py_ssize_t start, Py_ssize_t length, int masked
    ) except -1

cdef bint asks(Buffer buffer, Py_ssize_t at) noexcept

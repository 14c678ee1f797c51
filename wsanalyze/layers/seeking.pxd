from wsanalyze.buffer cimport Buffer
from wsanalyze.layer cimport Layer
from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.layers.sender cimport Sender
from wsanalyze.websocket.resync cimport Search

cdef int seek(
    Recorder recorder, Sender sender, Buffer buffer, Py_ssize_t start, Py_ssize_t stop,
    long long time, long long packet, long long ordinal
) except -1
cdef int seek_on(
    Recorder recorder, Sender sender, long long length,
    long long time, long long packet, long long ordinal
) except -1
cdef int resume(Layer layer, Recorder recorder, int side, Sender sender) except -1
cdef int end_search(Recorder recorder, Sender sender) except -1

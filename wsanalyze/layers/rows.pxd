from wsanalyze.layers.recorder cimport Recorder
from wsanalyze.layers.sender cimport Sender
from wsanalyze.tables.columns cimport FrameColumns, MessageColumns
from wsanalyze.websocket.frames cimport FrameReader
from wsanalyze.websocket.messages cimport MessageReader

cdef int add_frame(FrameColumns columns, long long serial, Sender sender) except -1
cdef int add_message(
    MessageColumns columns, Recorder recorder, long long serial, Sender sender
) except -1

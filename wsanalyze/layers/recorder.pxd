from wsanalyze.layers.shortcut cimport Shortcut
from wsanalyze.tables.columns cimport FrameColumns, MessageColumns
from wsanalyze.transport.reassembly cimport Direction
from wsanalyze.websocket.masking cimport Scratch

cdef class Recorder:
    cdef public object recording
    cdef public object limits
    cdef public object streams
    cdef public list connections
    cdef public FrameColumns frames
    cdef public MessageColumns messages
    cdef public Scratch scratch
    cdef public Shortcut shortcut
    cdef public bint observe
    cdef public object inspect
    cdef public bint hashes
    cdef public bint contents
    cdef public long long keep
    cdef public bint full
    cdef public long long kept
    cdef public long long held
    cdef public object windows
    cdef public object keys
    cdef public long long kept_total
    cdef public long long conflicts
    cdef public long long refusals
    cdef public dict challenged
    cdef public long long message_serial
    cdef public dict reached
    cdef public list summaries
    cdef public object secrets
    cdef public list tls
    cdef public long long attempts
    cdef public long long elsewhere
    cdef public long long most
    cdef public list moved
    cdef public dict sessions
    cdef public int tls_looks

from wsanalyze.buffer cimport Buffer
from wsanalyze.layers.glance cimport glance_at, is_telling
from wsanalyze.layers.sender cimport Sender
from wsanalyze.layers.watch cimport NEVER, PAUSE, Watch
from wsanalyze.websocket.frames cimport FrameReader
from wsanalyze.websocket.messages cimport MessageReader

cdef Py_ssize_t LOOK
cdef int ALWAYS
cdef unsigned long long LARGE
cdef unsigned long long NOTED
cdef long long NOTED_RATIO
cdef long long MANY
cdef long long SMALL
cdef Py_ssize_t HOLES
cdef long long MOST_LATE

cdef class Observer:
    cdef public Watch client
    cdef public Watch server
    cdef public long long longest
    cdef public object inspect
    cdef public bint strict
    cdef public object written
    cdef public bint late
    cdef public object observation
    cdef public bint owned
    cdef public object client_orders
    cdef public object server_orders
    cdef public object client_offsets
    cdef public object server_offsets
    cdef public object client_reads
    cdef public object server_reads
    cdef public long long client_before
    cdef public long long server_before
    cdef public long long end_time
    cpdef Watch watch(self, int role)
    cdef long long latest(self) noexcept
    cdef int frame(self, Sender sender, long long number, bint deflate) except -1
    cdef int begin_message(self, Watch watch) except -1
    cdef int header(self, Sender sender, Watch watch, int opcode, bint deflate) except -1
    cdef int reserved(self, Watch watch, int rsv, int opcode, bint deflate) except -1
    cdef int sequence(self, Sender sender, Watch watch, int opcode) except -1
    cdef int note(
        self, str kind, Watch watch, bytes payload=*, long long value=*, object other=*
    ) except -1
    cdef int note_message(
        self, str kind, Watch watch, bytes payload=*, long long value=*, long long part=*
    ) except -1
    cdef int odd_close(self, object close, Watch watch) except -1
    cdef bint is_due(self, str kind, Watch watch) except -1
    cdef long long numbered(self, Sender sender, long long offset) except *
    cdef int lost(self, Sender sender, Sender other) except -1
    cdef int disorder(self, Sender sender, Sender other) except -1
    cdef int hole(self, Sender sender, long long length, long long time, long long packet) except -1
    cdef int stalled(self, Sender sender) except -1
    cdef int wire(self, Buffer buffer, Py_ssize_t start, Py_ssize_t stop) except -1
    cdef int control(self, Sender sender) except -1
    cdef int pong(self, Watch watch, Watch other, bytes payload, int broken) except -1
    cdef int message(self, Sender sender) except -1
    cdef int compressed(self, Watch watch, MessageReader message) except -1
    cdef int oddities(self, Watch watch, MessageReader message, long long final_blocks) except -1
    cdef int look(self, Watch watch, MessageReader message) except -1

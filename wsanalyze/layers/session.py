# cython: language_level=3, wraparound=False, initializedcheck=False
"""A WebSocket session: the frames and messages of both sides, from the handshake to the end."""

from __future__ import annotations

from collections.abc import Iterable

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.connection import GIVEN_UP, Connection
from wsanalyze.layers.http_among_frames import as_frames, begins, goes_on
from wsanalyze.layers.inflaters import agreed, supposed
from wsanalyze.layers.observer import Observer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.sender import CODE_MISSING, Sender
from wsanalyze.layers.watch import Watch
from wsanalyze.websocket.frames import FrameReader
from wsanalyze.websocket.messages import MessageReader
from wsanalyze.websocket.resync import Search

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.observer import ALWAYS, LOOK
    from wsanalyze.layers.rows import add_frame, add_message
    from wsanalyze.layers.seeking import end_search, resume, seek, seek_on
    from wsanalyze.layers.shortcut import asks
    from wsanalyze.layers.watch import NEVER, PAUSE, SECOND

# RFC 6455 §5.5 allows 125 bytes in a control frame. Of an illegal one as much is kept as a reader
# may want to see.
KEPT_CONTROL = 1024

# First characters of what HTTP begins with, from C (of CONNECT) to T: as a frame's first byte, FIN
# is not set and RSV1 is, which those of nobody are but some that deflate begins (0x41, 0x42).
FIRST_OF_HTTP = 0x43
LAST_OF_HTTP = 0x54


@cython.final
@cython.cclass
class Session(Layer):
    """Reads both directions of one WebSocket connection into the recorder's columns.

    `client_side` is the direction in which the client sends. `offsets` are the stream offsets of
    the first frame byte of side 0 and 1. `deflate` is the negotiated permessage-deflate or None.
    `frames` is how many there were of both sides.
    """

    def __init__(
        self,
        recorder: Recorder,
        connection: Connection,
        client_side: cython.int,
        offsets: tuple[int, int],
    ) -> None:
        self.recorder = recorder
        self.connection = connection
        self.serial = connection.serial
        keep: cython.longlong = recorder.keep
        self.observer = self.observing()
        self.looks = self.observer is not None and keep < LOOK and self.observer.inspect is not None
        if self.looks:
            keep = LOOK
        hashes: cython.bint = recorder.hashes
        contents: cython.bint = recorder.contents
        self.low = Sender(client_side, offsets[0], MessageReader(keep, hashes, contents))
        self.high = Sender(1 - client_side, offsets[1], MessageReader(keep, hashes, contents))
        self.low_watch: Watch | None = None
        self.high_watch: Watch | None = None
        if self.observer is not None:
            self.low_watch = self.observer.watch(self.low.role)
            self.high_watch = self.observer.watch(self.high.role)
        self.frames = 0
        self.first_close = -1
        self.first_close_at = self.first_close_time = self.first_close_packet = 0
        self.unframed = 0
        # Which version was asked for, is not known then: drafts answer as RFC 6455 does.
        self.doubted = connection.outcome == "unseen"
        self.first_end = ""
        self.deflate = 0
        self.counts_only = (
            recorder.frames is None and recorder.messages is None and not self.doubted
        )
        self.agree()
        recorder.read_by(connection, self)

    def observing(self) -> Observer | None:
        """Return who notices what checks want to know, None where nobody asked."""
        observation = self.connection.observation
        if observation is None:
            return None
        observer = Observer(observation, self.recorder.inspect, self.recorder.keys)
        observer.client.unsure = observer.server.unsure = self.connection.outcome == "unseen"
        handshake = self.connection.handshake
        if handshake is None or handshake.is_plainly_good:
            # These have chosen permessage-deflate, or nothing.
            return observer
        extensions = handshake.extensions
        # Whose bits they are is known of permessage-deflate alone.
        observer.owned = any(
            each.partition(";")[0].strip().lower() != "permessage-deflate" for each in extensions
        )
        return observer

    def agree(self) -> None:
        """Set up decompression as the handshake agreed on it, where it was seen."""
        handshake = self.connection.handshake
        unanswered = self.connection.responded is None
        if handshake is None or (unanswered and handshake.extensions_offered):
            # Nothing else sets RSV1.
            self.deflate = 1
            inflaters = supposed(self.recorder), supposed(self.recorder)
        else:
            deflate = handshake.deflate
            if deflate is None or deflate.kind != "permessage-deflate":
                return
            self.deflate = 1
            if not self.recorder.contents:
                return
            inflaters = agreed(deflate, self.recorder, watched=self.observer is not None)
        self.sender(0).message.inflater, self.sender(1).message.inflater = inflaters

    def sender(self, role: int) -> Sender:
        """Return the client's (0) or the server's (1) half."""
        return self.low if self.low.role == role else self.high

    def data(
        self,
        side: cython.int,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read the next bytes of one side."""
        sender: Sender = self.high if side else self.low
        reader: FrameReader = sender.reader
        at: cython.Py_ssize_t = start
        upto: cython.Py_ssize_t
        if sender.reset:
            # Who sends on had not reset the connection: somebody else had, or tried to.
            sender.reset = 0
            self.first_end = ""
        if sender.http:
            return self.go_on(side, sender, buffer, start, stop, time, packet, ordinal)
        if sender.lost:
            return self.seek(side, sender, buffer, start, stop, time, packet, ordinal)
        while at < stop:
            if not sender.in_frame:
                if reader.have == 0:
                    if self.counts_only and not (sender.message.open or sender.confidence):
                        sender.ordinal = ordinal
                        at = self.count(side, sender, buffer, at, stop, time, packet)
                        if at == stop:
                            break
                    if (
                        buffer.view[at] >= FIRST_OF_HTTP
                        and buffer.view[at] <= LAST_OF_HTTP
                        and self.begins_http(
                            side, sender, buffer, start, at, stop, time, packet, ordinal
                        )
                    ):
                        return 0
                    sender.time = time
                    sender.packet = packet
                    sender.ordinal = ordinal
                    sender.frame_offset = sender.offset + (at - start)
                at = reader.read(buffer, at, stop)
                if not reader.complete:
                    break
                if (sender.confidence or self.doubted) and sender.misfits(self.deflate):
                    sender.offset += at - start
                    sender.unread += reader.header_length
                    self.lose(sender)
                    return self.seek(side, sender, buffer, at, stop, time, packet, ordinal)
                sender.last_time = time
                sender.last_packet = packet
                self.begin_frame(sender)
            elif self.observer is not None and time - sender.last_time > SECOND:
                self.observer.stalled(sender)
            if reader.remaining != 0:
                upto = stop
                if reader.remaining < cython.cast(cython.ulonglong, stop - at):
                    upto = at + cython.cast(cython.Py_ssize_t, reader.remaining)
                if upto == at:
                    break
                self.payload(sender, buffer, at, upto)
                reader.remaining -= upto - at
                at = upto
                sender.last_time = time
                sender.last_packet = packet
            if reader.remaining == 0:
                self.end_frame(sender)
        sender.offset += stop - start
        return 0

    def count(
        self,
        side: cython.int,
        sender: Sender,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Go the short way as far as it leads; return where something else begins."""
        recorder: Recorder = self.recorder
        watch: Watch | None = self.high_watch if side else self.low_watch
        before: cython.longlong = sender.frames
        heard: cython.longlong = NEVER
        if watch is not None:
            # What ends a silence is noted by itself.
            if not watch.short or time - watch.latest > PAUSE:
                return at
            if time - watch.message_at > SECOND:
                heard = cython.cast(Watch, self.low_watch if side else self.high_watch).time
        at = recorder.shortcut.count(
            sender, watch, heard, self.frames, buffer, at, stop, time, packet
        )
        self.frames += sender.frames - before
        recorder.message_serial += sender.frames - before
        return at

    def begins_http(
        self,
        side: cython.int,
        sender: Sender,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.bint:
        """Say whether HTTP, or what may be, begins in the place of a frame, and take it."""
        if sender.judged or sender.confidence or self.doubted:
            sender.judged = 0
            return False
        place = (side, time, packet, ordinal)
        sender.offset += at - start
        if not begins(self.recorder, self.observer, sender, buffer, at, stop, place):
            sender.offset -= at - start
            return False
        if sender.held is not None and self.observer is not None:
            # Frames of the other end may be read before what is held.
            self.observer.disorder(sender, self.low if sender is self.high else self.high)
        return True

    def go_on(
        self,
        side: cython.int,
        sender: Sender,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Pass over bytes of HTTP, or of what may become it, as long as it may."""
        if goes_on(self.observer, sender, buffer, start, stop, (side, time, packet, ordinal)):
            return 0
        self.settle(sender)
        return self.data(side, buffer, start, stop, time, packet, ordinal)

    def settle(self, sender: Sender) -> cython.int:
        """Read what might have become HTTP as the frames that it is: no more of it will come."""
        if sender.held is not None:
            first_end = self.first_end
            as_frames(self, sender)
            self.first_end = first_end
        return 0

    def begins_as_request(
        self, sender: Sender, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.bint:
        """Say whether a client's payload begins here, and as a request line of HTTP does."""
        reader: FrameReader = sender.reader
        if sender.role or reader.remaining != reader.length or stop - start < 5:
            return False
        return asks(buffer, start)

    def begin_frame(self, sender: Sender) -> cython.int:
        """Take note of the header that was just read."""
        reader: FrameReader = sender.reader
        opcode: cython.int = reader.head & 15
        if self.observer is not None:
            self.observer.frame(sender, self.frames, self.deflate != 0)
        self.frames += 1
        sender.in_frame = 1
        sender.captured = 0
        sender.broken = 0
        sender.frames += 1
        sender.masked += reader.masked
        sender.frame_message = -1
        sender.frame_close_code = -1
        if opcode >= 8:
            if sender.control:
                sender.control = bytearray()
            if opcode == 9:
                sender.pings += 1
            elif opcode == 10:
                sender.pongs += 1
        elif opcode == 1 or opcode == 2:
            if sender.message.open:
                self.end_message(sender, False)
            self.begin_message(sender, opcode)
        elif opcode == 0 and sender.message.open:
            sender.frame_message = sender.serial
        return 0

    def begin_message(self, sender: Sender, opcode: cython.int) -> cython.int:
        """Begin a message with the current frame."""
        recorder: Recorder = self.recorder
        sender.messages += 1
        sender.serial = sender.frame_message = recorder.message_serial
        recorder.message_serial += 1
        if self.looks:
            watch = cython.cast(Observer, self.observer).watch(sender.role)
            # Of binary messages nobody looks into more than the first ones.
            is_over: cython.bint = opcode == 2 and watch.looked >= ALWAYS
            sender.message.keep = recorder.keep if is_over else LOOK
        sender.message.start(opcode, self.deflate != 0 and (sender.reader.head & 0x40) != 0)
        sender.message_time = sender.time
        sender.message_packet = sender.packet
        sender.message_ordinal = sender.ordinal
        sender.message_offset = sender.frame_offset
        sender.message_confidence = sender.confidence
        return 0

    def payload(
        self,
        sender: Sender,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.int:
        """Take payload bytes of the current frame."""
        reader: FrameReader = sender.reader
        at: cython.Py_ssize_t = (reader.length - reader.remaining) & 3
        if self.observer is not None and self.begins_as_request(sender, buffer, start, stop):
            self.observer.wire(buffer, start, stop)
        sender.captured += stop - start
        sender.bytes += stop - start
        if sender.frame_message >= 0:
            sender.message.feed(
                buffer, start, stop, reader.masked != 0, reader.key, at, self.recorder.scratch
            )
        elif reader.head & 8:
            self.control(sender, buffer, start, stop, at)
        return 0

    def control(
        self,
        sender: Sender,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
    ) -> cython.int:
        """Keep the payload of a control frame, unmasked."""
        room: cython.Py_ssize_t = KEPT_CONTROL - len(sender.control)
        if stop - start > room:
            stop = start + room
        # Behind a gap nothing stands where it stood: what came before it is all that is kept.
        if stop <= start or sender.broken:
            return 0
        if sender.reader.masked:
            self.recorder.scratch.unmask(buffer, start, stop, sender.reader.key, at)
            sender.control += self.recorder.scratch.buffer.copy(0, stop - start)
        else:
            sender.control += buffer.copy(start, stop)
        return 0

    def end_frame(self, sender: Sender) -> cython.int:
        """Take note that the current frame is over, whole or not."""
        reader: FrameReader = sender.reader
        opcode: cython.int = reader.head & 15
        sender.in_frame = 0
        if opcode == 8:
            self.close(sender)
        if opcode & 8 and self.observer is not None:
            self.observer.control(sender)
        if self.recorder.frames is not None:
            add_frame(self.recorder.frames, self.serial, sender)
        if sender.frame_message >= 0:
            sender.message.frames += 1
            # FIN ends a message; on a control frame it says nothing about one.
            if reader.head & 0x80:
                self.end_message(sender, sender.captured == reader.length)
        return 0

    def close(self, sender: Sender) -> cython.int:
        """Take note of a Close frame: the first of a side counts (RFC 6455 §5.5.1)."""
        if len(sender.control) >= 2:
            sender.frame_close_code = sender.control[0] << 8 | sender.control[1]
        if sender.closed:
            return 0
        sender.closed = 1
        # Behind a hole, frames are read later than what the other end sent after them. Times alone
        # order nothing within a file, packets nothing between two.
        before: cython.bint = sender.ordinal < self.first_close_at or (
            sender.packet < self.first_close_packet and sender.time <= self.first_close_time
        )
        if self.first_close < 0 or before:
            self.first_close = sender.role
            self.first_close_at = sender.ordinal
            self.first_close_time = sender.time
            self.first_close_packet = sender.packet
        sender.close_code = sender.frame_close_code
        if sender.close_code < 0 and sender.captured < sender.reader.length >= 2:
            sender.close_code = CODE_MISSING
        if sender.close_code >= 0:
            sender.close_reason = sender.control[2:].decode("utf-8", "replace")
        return 0

    def end_message(self, sender: Sender, complete: cython.bint) -> cython.int:
        """End the open message of a side and append its row, where rows are wanted."""
        recorder: Recorder = self.recorder
        message: MessageReader = sender.message
        message.finish(complete)
        if message.compressed and message.inflater is not None and message.inflater.cut:
            recorder.reach(message.inflater.cut)
        sender.invalid_text += message.utf8_valid == 0
        sender.incomplete += not message.complete
        if self.observer is not None:
            self.observer.message(sender)
        if recorder.messages is not None:
            add_message(recorder.messages, recorder, self.serial, sender)
        return 0

    def gap(
        self,
        side: cython.int,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Go on behind missing bytes: inside a payload the next header's place is known."""
        sender: Sender = self.high if side else self.low
        reader: FrameReader = sender.reader
        exact: cython.bint = length >= 0
        if not exact:
            length = -length
        if self.observer is not None:
            self.observer.hole(sender, length, time, packet)
        self.settle(sender)
        if sender.http:
            sender.offset += length
            return 0
        if sender.lost:
            if not seek_on(self.recorder, sender, length, time, packet, ordinal):
                return 0
            self.resume(side, sender)
            return self.gap(side, length, time, packet, ordinal)
        sender.offset += length
        if exact and sender.in_frame and reader.remaining >= cython.cast(cython.ulonglong, length):
            if sender.frame_message >= 0:
                sender.message.miss()
            sender.broken = 1
            reader.remaining -= length
            sender.bytes += length
            if reader.remaining == 0:
                self.end_frame(sender)
            return 0
        self.lose(sender)
        return 0

    def lose(self, sender: Sender) -> cython.int:
        """Forget where a side's frames are: a header is missing, or what was read as one is none.

        What the missing bytes held is not known: nothing may refer to the window any more.
        """
        reader: FrameReader = sender.reader
        between: cython.bint = sender.frames > 0 and not sender.in_frame and reader.have == 0
        usual: cython.int = reader.head if sender.frames else -1
        sender.lost = 1
        sender.broken = 1
        sender.message.miss()
        if self.observer is not None:
            self.observer.lost(sender, self.low if sender is self.high else self.high)
        self.stop(sender)
        if sender.message.inflater is not None:
            sender.message.inflater.lose()
        if not self.unframed:
            limit = self.recorder.limits.resync
            sender.search = Search(
                sender.masks(),
                self.deflate != 0,
                usual,
                between,
                limit,
                self.recorder.scratch,
            )
        return 0

    def lose_from(self, side: int, offset: int, unread: int) -> None:
        """Begin to look for a side's frames at `offset`; `unread` bytes were given up before it."""
        sender: Sender = self.high if side else self.low
        sender.offset = offset
        sender.unread = unread
        self.lose(sender)

    def claim(self, side: int, anchor: int, bits: int) -> None:
        """Read a side that is lost from `anchor` on, where no frames are found that are better.

        Who recognised the connection by them found them there, with odds of 2^`bits` to 1.
        """
        sender: Sender = self.high if side else self.low
        if sender.search is not None:
            sender.search.claimed = anchor
            sender.search.claimed_bits = bits

    def hold_on(self, side: int, accept: int) -> None:
        """Hold what comes of a side that is lost, and look for no frames that are not as certain.

        `begin_at` says where they begin.
        """
        sender: Sender = self.high if side else self.low
        if sender.search is not None:
            sender.search.accept = accept

    def begin_at(self, side: int, starts: Iterable[int], bits: int) -> None:
        """Read on at the first of the places where frames begin that is held; `bits` say so.

        Where there is none, what is held is given up, and frames are looked for behind it.
        """
        sender: Sender = self.high if side else self.low
        search = sender.search
        if search is None:
            return
        for start in starts:
            if bits > 0 and search.pieces and start >= search.pieces[0][0]:
                search.anchor = start
                search.bits = bits
                resume(self, self.recorder, side, sender)
                return
        self.recorder.held -= search.held
        search.shrink(0)
        sender.unread += search.dropped
        self.lose(sender)

    def lose_more(self, side: int, offset: int) -> None:
        """Begin to look for a side's frames at `offset`: how much is missing before, is not known.

        A search that is under way ends with what it has.
        """
        sender: Sender = self.high if side else self.low
        self.settle(sender)
        self.give_up(side, sender)
        sender.offset = offset
        if not sender.http:
            self.lose(sender)

    def seek(
        self,
        side: cython.int,
        sender: Sender,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Look for frames in bytes of a side that is lost."""
        if seek(self.recorder, sender, buffer, start, stop, time, packet, ordinal):
            self.resume(side, sender)
        return 0

    def resume(self, side: cython.int, sender: Sender) -> cython.int:
        """Read on where frames were found, with what was held of them."""
        # What is read now was sent before what is known of the connection's end.
        first_end = self.first_end
        resume(self, self.recorder, side, sender)
        self.first_end = first_end
        return 0

    def give_up(self, side: cython.int, sender: Sender) -> cython.int:
        """End a side's search: what can be said now is all that will be."""
        while end_search(self.recorder, sender):
            self.resume(side, sender)
        return 0

    def stop(self, sender: Sender) -> cython.int:
        """End what is open on one side: no more of it will be read."""
        if sender.in_frame:
            self.end_frame(sender)
        if sender.message.open:
            self.end_message(sender, False)
        sender.reader.restart()
        return 0

    def end(
        self, side: cython.int, how: cython.int, time: cython.longlong, packet: cython.longlong
    ) -> cython.int:
        """Remember who ended the TCP connection first, and how."""
        sender: Sender = self.high if side else self.low
        if self.observer is not None and self.observer.end_time == NEVER:
            self.observer.end_time = time
        if not self.first_end:
            sender.reset = how
            self.first_end = ("client", "server")[sender.role] + ("-rst" if how else "-fin")
        return 0

    def finish(self, evicted: cython.int) -> cython.int:
        """Write the counts of both sides to the connection's record."""
        connection = self.connection
        self.settle(self.low)
        self.settle(self.high)
        self.give_up(0, self.low)
        self.give_up(1, self.high)
        if self.observer is not None:
            void = connection.outcome == "invalid"
            self.observer.finish(self.sender(0), self.sender(1), void)
        self.stop(self.low)
        self.stop(self.high)
        client: Sender = self.sender(0)
        server: Sender = self.sender(1)
        connection.client_unmasked_frames = client.frames - client.masked
        connection.server_masked_frames = server.masked
        for prefix, sender in (("client_", client), ("server_", server)):
            sender.report(connection, prefix)
            if sender.message.inflater is not None:
                sender.message.inflater.close()
        if self.first_close >= 0:
            other: Sender = self.sender(1 - self.first_close)
            ended_by = ("client-close", "server-close")[self.first_close]
            # Among what the other end sent sealed, or what the capture does not have of it, there
            # may have been a Close before this one.
            unknown = other.lost or ("client", "server")[other.role] in connection.sealed
            hidden = unknown and not other.closed
            connection.ended_by = None if hidden else ended_by
        elif self.first_end:
            connection.ended_by = self.first_end
        elif evicted:
            connection.ended_by = GIVEN_UP[evicted]
        return 0

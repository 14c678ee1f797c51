# cython: language_level=3, wraparound=False, initializedcheck=False
"""A session of a version before HyBi draft 7: its challenge, its framing, the same columns."""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.observer import Observer
from wsanalyze.layers.old_side import OldSide
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.session import Session
from wsanalyze.observation import Event
from wsanalyze.websocket.challenge import ANSWER_LENGTH
from wsanalyze.websocket.drafts import DraftReader, masking_key_of_connection
from wsanalyze.websocket.hixie import HixieReader
from wsanalyze.websocket.plausible import DRAFT, MORE
from wsanalyze.websocket.resync import Search

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.old_side import BEHIND_A_HOLE, NOTHING
    from wsanalyze.layers.seeking import end_search, resume, seek, seek_on
    from wsanalyze.websocket.hixie import terminator
    from wsanalyze.websocket.masking import PIECE

# The first draft whose Close has a status code.
FIRST_WITH_CODES = 6


@cython.final
@cython.cclass
class OldSession(Layer):
    """Reads both directions of a connection of Hixie-75, -76 or the HyBi drafts 1 to 6.

    `session` keeps the rows and the counts; its own framing is not used. `client_side` is the
    direction in which the client sends. `supposed`: where the request was not seen, the version
    that the frames are read as, 0 (Hixie-76), 2 or 5; else -1.
    """

    def __init__(
        self,
        session: Session,
        connection: Connection,
        client_side: cython.int,
        supposed: cython.int = -1,
    ) -> None:
        self.session = session
        self.connection = connection
        self.client_side = client_side
        self.low = OldSide(session, session.low)
        self.high = OldSide(session, session.high)
        # permessage-deflate came with version 13.
        session.deflate = 0
        self.supposed = supposed
        if session.observer is not None:
            session.observer.strict = False
        self.agree()

    def agree(self) -> None:
        """Set up both sides as the handshake has it."""
        handshake = self.connection.handshake
        client = self.high if self.client_side else self.low
        server = self.low if self.client_side else self.high
        number = self.supposed
        if number < 0 and handshake is not None and handshake.framing == "draft":
            number = int(handshake.version or 0)
        if handshake is None or number < 1:
            client.hixie, server.hixie = HixieReader(), HixieReader()
        else:
            key, nonce = handshake.key, None
            if handshake.response_head is not None:
                nonce = handshake.response_head.value("sec-websocket-nonce")
            secret = b""
            if number == 4 and key is not None and nonce is not None:
                secret = masking_key_of_connection(key, nonce)
            client.codes = server.codes = number >= FIRST_WITH_CODES
            client.draft = DraftReader(number < 4, number >= 4, secret)
            server.draft = DraftReader(number < 4, False, b"")
            client.framing = server.framing = MORE if number < 4 else DRAFT
            # Of draft 4 each place would cost a hash.
            client.searched = number != 4
            if number == 4 and not secret:
                # Nobody can tell what the client says.
                self.lose(client)
        if handshake is not None and handshake.has_challenge:
            server.due = ANSWER_LENGTH
            client.prologue = handshake.challenge
        elif self.supposed in (0, 2):
            server.due = ANSWER_LENGTH

    def expect(self, seen: bytes, due: cython.int) -> None:
        """Learn that of the challenge only `seen` came before the 101: `due` bytes are to come."""
        client = self.high if self.client_side else self.low
        if client.prologue is not None:
            client.prologue = seen
        client.due = due

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
        half: OldSide = self.high if side else self.low
        sender: Sender = half.sender
        at: cython.Py_ssize_t = start
        upto: cython.Py_ssize_t
        if sender.reset:
            # Who sends on had not reset the connection: somebody else had, or tried to.
            sender.reset = 0
            self.session.first_end = ""
        if half.due:
            at = self.begin(half, buffer, start, stop)
            sender.offset += at - start
        if at == stop:
            return 0
        if sender.lost:
            return self.look(side, half, buffer, at, stop, time, packet, ordinal)
        if half.hixie is not None:
            self.hixie(half, buffer, at, stop, time, packet, ordinal)
            sender.offset += stop - at
            return 0
        upto = self.draft(half, buffer, at, stop, time, packet, ordinal)
        sender.offset += upto - at
        if sender.lost:
            return self.look(side, half, buffer, upto, stop, time, packet, ordinal)
        return 0

    def begin(
        self, half: OldSide, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Take the bytes before a side's frames; return where its frames begin."""
        upto: cython.Py_ssize_t = stop if stop - at < half.due else at + half.due
        if half.prologue is not None:
            half.prologue += buffer.copy(at, upto)
        half.due -= upto - at
        if half.due == 0:
            self.judge(False)
        return upto

    def judge(self, ended: bool) -> None:
        """Say how the challenge was answered, as far as it is known; `ended`: no more will come."""
        handshake = self.connection.handshake
        if handshake is None or not handshake.has_challenge:
            return
        client = self.high if self.client_side else self.low
        server = self.low if self.client_side else self.high
        whole = handshake
        if ended or not client.due:
            whole = replace(whole, challenge=client.prologue)
        if ended or not server.due:
            whole = replace(whole, answer=server.prologue)
        self.connection.handshake = whole
        if self.connection.outcome != "unseen":
            self.connection.outcome = whole.outcome
            self.session.recorder.move(self.connection)

    def hixie(
        self,
        half: OldSide,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read frames of Hixie; `sender.offset` is that of `start`."""
        sender: Sender = half.sender
        reader: HixieReader = cython.cast(HixieReader, half.hixie)
        at: cython.Py_ssize_t = start
        end: cython.Py_ssize_t
        while at < stop:
            if half.seeking:
                at = half.seek(buffer, start, at, stop, time, packet, ordinal)
                continue
            sender.last_time = time
            sender.last_packet = packet
            if half.text:
                end = terminator(buffer, at, stop)
                half.payload(buffer, at, end)
                at = end
                if end < stop:
                    at += 1
                    half.end_text()
                continue
            if sender.in_frame:
                at = half.counted(buffer, at, stop)
                continue
            if reader.have == 0:
                half.start_frame(sender.offset + (at - start), time, packet, ordinal)
            at = reader.read(buffer, at, stop)
            if reader.complete:
                self.begin_hixie(half)
            elif reader.broken:
                # A length that nobody can mean: where the next frame begins is not known.
                self.note_length(half)
                self.lose(half)
                sender.unread += stop - at
                return 0
        return 0

    def note_length(self, half: OldSide) -> None:
        """Record an event about a frame whose header cannot be read, and which is no row."""
        sender: Sender = half.sender
        if self.session.observer is None:
            return
        observer: Observer = cython.cast(Observer, self.session.observer)
        if not observer.is_due("hixie-length", observer.watch(sender.role)):
            return
        event = Event(
            "hixie-length",
            "server" if sender.role else "client",
            sender.time,
            sender.packet,
            None,
            value=sender.frame_offset,
            certain=sender.confidence == 0,
        )
        observer.observation.events.append(event)

    def note_cut(self, half: OldSide) -> None:
        """Record an event about a frame of Hixie that the end of the stream cut, if one is open."""
        sender: Sender = half.sender
        if self.session.observer is None or half.hixie is None or sender.lost:
            return
        if half.text or sender.in_frame:
            observer: Observer = cython.cast(Observer, self.session.observer)
            observer.note("hixie-cut", observer.watch(sender.role), b"", sender.frame_offset)

    def begin_hixie(self, half: OldSide) -> cython.int:
        """Take note of the header that was just read."""
        reader: HixieReader = cython.cast(HixieReader, half.hixie)
        half.begin_frame(reader.head, 0, reader.header_length, reader.length)
        half.binary |= not reader.ends and reader.length > 0
        if reader.ends:
            half.text = 1
        elif reader.length == 0:
            half.end_frame()
        return 0

    def draft(
        self,
        half: OldSide,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Read frames of the HyBi drafts 1 to 6; return where reading stopped.

        That is `stop` but where frames had been found at a wrong place. `sender.offset` is that of
        `start`.
        """
        sender: Sender = half.sender
        reader: DraftReader = cython.cast(DraftReader, half.draft)
        at: cython.Py_ssize_t = start
        while at < stop:
            sender.last_time = time
            sender.last_packet = packet
            if sender.in_frame:
                at = self.masked(half, reader, buffer, at, stop)
                continue
            if reader.have == 0:
                half.start_frame(sender.offset + (at - start), time, packet, ordinal)
            at = reader.read(buffer, at, stop)
            if reader.complete:
                sender.reader.key = reader.key
                if sender.confidence and half.misfits():
                    sender.unread += reader.header_length
                    self.lose(half)
                    return at
                half.begin_frame(reader.head, reader.second, reader.header_length, reader.length)
                if reader.length == 0:
                    half.end_frame()
        return stop

    def masked(
        self,
        half: OldSide,
        reader: DraftReader,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.Py_ssize_t:
        """Take payload of a frame of the drafts; return where it ends, or a piece of it."""
        sender: Sender = half.sender
        place: cython.ulonglong = sender.reader.length - sender.reader.remaining
        if not reader.masks:
            return half.counted(buffer, at, stop)
        if stop - at > PIECE:
            stop = at + PIECE
        if sender.reader.remaining < cython.cast(cython.ulonglong, stop - at):
            stop = at + cython.cast(cython.Py_ssize_t, sender.reader.remaining)
        plain = reader.unmask(buffer.copy(at, stop), place)
        half.counted(Buffer(plain), 0, stop - at)
        return stop

    def gap(
        self,
        side: cython.int,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Go on behind missing bytes."""
        half: OldSide = self.high if side else self.low
        sender: Sender = half.sender
        missing: cython.longlong
        exact: cython.bint = length >= 0
        if not exact:
            length = -length
        if half.due:
            # Nobody knows how many are missing where none are named.
            missing = length if 0 < length < half.due else half.due
            half.prologue = None
            half.due -= missing
            if half.due == 0:
                self.judge(False)
            if length and length == missing:
                sender.offset += length
                return 0
            if length:
                sender.offset += missing
                length -= missing
        if sender.lost:
            if not seek_on(self.session.recorder, sender, length, time, packet, ordinal):
                return 0
            self.resume(side, half)
            return self.gap(side, length, time, packet, ordinal)
        sender.offset += length
        if (
            exact
            and sender.in_frame
            and not half.text
            and sender.reader.remaining >= cython.cast(cython.ulonglong, length)
        ):
            return half.miss_payload(length)
        self.lose(half)
        if half.hixie is not None:
            # The first byte tells, or the next 0xFF.
            sender.lost = 0
            half.seeking = 1
            half.found = NOTHING if half.binary else BEHIND_A_HOLE
        return 0

    def lose(self, half: OldSide) -> cython.int:
        """End what is open on one side: where its next frame begins is not known."""
        sender: Sender = half.sender
        reader: DraftReader | None = half.draft
        between: cython.bint = sender.frames > 0 and not sender.in_frame
        sender.lost = 1
        if reader is not None and half.searched:
            sender.search = Search(
                1 if reader.masks else 0,
                False,
                sender.reader.head if sender.frames else -1,
                between and reader.have == 0,
                self.session.recorder.limits.resync,
                self.session.recorder.scratch,
                half.framing,
            )
        self.stop(half)
        return 0

    def look(
        self,
        side: cython.int,
        half: OldSide,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Look for frames of a draft in bytes of a side that is lost."""
        recorder = self.session.recorder
        if seek(recorder, half.sender, buffer, start, stop, time, packet, ordinal):
            self.resume(side, half)
        return 0

    def resume(self, side: cython.int, half: OldSide) -> cython.int:
        """Read on where frames were found, with what was held of them."""
        # What is read now was sent before what is known of the connection's end.
        first_end = self.session.first_end
        resume(self, self.session.recorder, side, half.sender)
        self.session.first_end = first_end
        return 0

    def give_up(self, side: cython.int, half: OldSide) -> cython.int:
        """End a side's search: what can be said now is all that will be."""
        while end_search(self.session.recorder, half.sender):
            self.resume(side, half)
        return 0

    def stop(self, half: OldSide) -> cython.int:
        """End what is open on one side."""
        sender: Sender = half.sender
        if half.text:
            half.cut_text()
        elif sender.in_frame:
            sender.broken = 1
            sender.message.miss()
            half.end_frame()
        if half.hixie is not None:
            half.hixie.restart()
        else:
            cython.cast(DraftReader, half.draft).restart()
        self.session.stop(sender)
        return 0

    def end(
        self, side: cython.int, how: cython.int, time: cython.longlong, packet: cython.longlong
    ) -> cython.int:
        """Remember who ended the TCP connection first, and how."""
        return self.session.end(side, how, time, packet)

    def finish(self, evicted: cython.int) -> cython.int:
        """Judge the handshake, and write the counts of both sides to the connection's record."""
        half: OldSide
        for half in (self.low, self.high):
            self.give_up(1 if half is self.high else 0, half)
            half.close_at_last()
            self.note_cut(half)
            self.stop(half)
            if evicted and half.due:
                half.prologue = None
        self.judge(True)
        return self.session.finish(evicted)

# cython: language_level=3, wraparound=False, initializedcheck=False
"""A session of a version before HyBi draft 7: its challenge, its framing, the same columns."""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.old_side import OldSide
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.session import Session
from wsanalyze.websocket.challenge import ANSWER_LENGTH
from wsanalyze.websocket.drafts import DraftReader, masking_key_of_connection
from wsanalyze.websocket.hixie import HixieReader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.websocket.hixie import CLOSE, TEXT, terminator
    from wsanalyze.websocket.masking import PIECE

# Where a side of Hixie that lost a frame's end stands: 0xFF ends a frame wherever it comes, since
# no text has it. A text frame is believed to begin behind it where 0x00 comes, and one byte more:
# 0xFF 0x00 with nothing behind may be the closing handshake. 0xFF 0xFF 0x00 can only be that.
NOTHING = 0
ENDED = 1
ENDED_TWICE = 2
BEGAN = 3

# The first draft whose Close has a status code.
FIRST_WITH_CODES = 6


@cython.final
@cython.cclass
class OldSession(Layer):
    """Reads both directions of a connection of Hixie-75, -76 or the HyBi drafts 1 to 6.

    `session` keeps the rows and the counts; its own framing is not used. `client_side` is the
    direction in which the client sends.
    """

    def __init__(self, session: Session, connection: Connection, client_side: cython.int) -> None:
        self.session = session
        self.connection = connection
        self.client_side = client_side
        self.low = OldSide(session, session.low)
        self.high = OldSide(session, session.high)
        # permessage-deflate came with version 13.
        session.deflate = 0
        if session.observer is not None:
            session.observer.strict = False
        self.agree()

    def agree(self) -> None:
        """Set up both sides as the handshake has it."""
        handshake = self.connection.handshake
        client = self.high if self.client_side else self.low
        server = self.low if self.client_side else self.high
        if handshake is None or handshake.framing == "hixie":
            client.hixie, server.hixie = HixieReader(), HixieReader()
        else:
            number = int(handshake.version or 0)
            key, nonce = handshake.key, None
            if handshake.response_head is not None:
                nonce = handshake.response_head.value("sec-websocket-nonce")
            secret = b""
            if number == 4 and key is not None and nonce is not None:
                secret = masking_key_of_connection(key, nonce)
            client.codes = server.codes = number >= FIRST_WITH_CODES
            client.draft = DraftReader(number < 4, number >= 4, secret)
            server.draft = DraftReader(number < 4, False, b"")
            if number == 4 and not secret:
                # Nobody can tell what the client says.
                self.lose(client)
        if handshake is not None and handshake.has_challenge:
            server.due = ANSWER_LENGTH
            client.prologue = handshake.challenge

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
            sender.unread += stop - at
        elif half.hixie is not None:
            self.hixie(half, buffer, at, stop, time, packet, ordinal)
        else:
            self.draft(half, buffer, at, stop, time, packet, ordinal)
        sender.offset += stop - at
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
                at = self.seek(half, buffer, start, at, stop, time, packet, ordinal)
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
                self.lose(half)
                sender.unread += stop - at
                return 0
        return 0

    def begin_hixie(self, half: OldSide) -> cython.int:
        """Take note of the header that was just read."""
        reader: HixieReader = cython.cast(HixieReader, half.hixie)
        half.begin_frame(reader.head, 0, reader.header_length, reader.length)
        if reader.ends:
            half.text = 1
        elif reader.length == 0:
            half.end_frame()
        return 0

    def seek(
        self,
        half: OldSide,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Look on for the end of a frame that a gap cut; return where looking stopped."""
        sender: Sender = half.sender
        byte: cython.int = buffer.view[at]
        offset: cython.longlong = sender.offset + (at - start)
        end: cython.Py_ssize_t
        if half.found == BEGAN:
            # This byte is the first of a text, whose frame began one byte before.
            half.seeking = 0
            half.found = NOTHING
            sender.unread -= 1
            half.begin_frame(TEXT, 0, 1, 0)
            half.text = 1
            return at
        if half.found == NOTHING:
            end = terminator(buffer, at, stop)
            sender.unread += end - at
            if end == stop:
                return stop
            half.found = ENDED
            sender.unread += 1
            return end + 1
        sender.unread += 1
        if byte == 255:
            half.found = ENDED_TWICE
            half.start_frame(offset, time, packet, ordinal)
        elif byte == 0 and half.found == ENDED:
            half.found = BEGAN
            half.start_frame(offset, time, packet, ordinal)
        elif byte == 0:
            half.seeking = 0
            half.found = NOTHING
            sender.unread -= 2
            sender.last_time = time
            sender.last_packet = packet
            half.begin_frame(CLOSE, 0, 2, 0)
            half.end_frame()
        else:
            half.found = NOTHING
        return at + 1

    def draft(
        self,
        half: OldSide,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read frames of the HyBi drafts 1 to 6; `sender.offset` is that of `start`."""
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
                half.begin_frame(reader.head, reader.second, reader.header_length, reader.length)
                if reader.length == 0:
                    half.end_frame()
        return 0

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
        sender.offset += length
        if sender.lost:
            return 0
        if (
            sender.in_frame
            and not half.text
            and sender.reader.remaining >= cython.cast(cython.ulonglong, length)
        ):
            return half.miss_payload(length)
        self.lose(half)
        if half.hixie is not None:
            # The next 0xFF tells.
            sender.lost = 0
            half.seeking = 1
            half.found = NOTHING
        return 0

    def lose(self, half: OldSide) -> cython.int:
        """End what is open on one side: where its next frame begins is not known."""
        sender: Sender = half.sender
        sender.lost = 1
        self.stop(half)
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
            self.stop(half)
            if evicted and half.due:
                half.prologue = None
        self.judge(True)
        return self.session.finish(evicted)

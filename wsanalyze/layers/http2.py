"""HTTP/2: one connection's streams, of which those with WebSocket are read (RFC 9113, 8441)."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.http2.bodies import (
    ENABLE_CONNECT_PROTOCOL,
    INITIAL_WINDOW_SIZE,
    LARGEST_WINDOW,
    fragment,
    number,
    settings,
)
from wsanalyze.http2.fields import UNKNOWN, FieldDecoder, Fields, head_of
from wsanalyze.http2.frames import (
    ACK,
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Data,
    FrameHeader,
    FrameReader,
    Place,
    Whole,
)
from wsanalyze.http2.places import first_frame
from wsanalyze.http2.windows import Windows
from wsanalyze.layer import Layer
from wsanalyze.layers.http2_guess import Guesses
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import PLAIN, Route
from wsanalyze.observation import Multiplex, Setting, Stall
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.handshake import is_upgrade_request

HTTP = 2
SECOND = 1_000_000_000
KEPT = 16
KEPT_STREAMS = 64


class Half:
    """What one side sends: its frames, its field blocks, and what it may send.

    `block` is the field block that is being read, `opening` the frame that began it and `place`
    where; `preface`: bytes of the client's preface that are still to come; `untouched`: none came.
    """

    __slots__ = (
        "block",
        "fields",
        "opening",
        "place",
        "preface",
        "reader",
        "untouched",
        "windows",
    )

    def __init__(self, limit: int, midstream: bool) -> None:
        self.reader = FrameReader(limit)
        self.fields = FieldDecoder(limit)
        self.windows = Windows(not midstream)
        self.block: bytearray | None = None
        self.opening: FrameHeader | None = None
        self.place: Place = (0, 0, 0)
        self.preface = b""
        self.untouched = not midstream
        if midstream:
            self.fields.lose()


class Http2(Layer):
    """Reads the frames of both sides; each stream that asks for WebSocket is an attempt.

    `client_side` is -1 where it is to be found out: who sends the preface is the client, then who
    opened the TCP connection, then who sends requests. `midstream`: the beginning is not there.
    """

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        route: Route = PLAIN,
        client_side: int = -1,
        midstream: bool = False,
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.client_side = conversation.opened_by if client_side < 0 else client_side
        limit = recorder.limits.head
        self.halves = (Half(limit, midstream), Half(limit, midstream))
        self.streams: dict[int, WebSocketStream] = {}
        self.shared = Multiplex(whole=not midstream)
        self.guesses = Guesses(recorder) if midstream else None
        self.counted = 0
        conversation.spoke = HTTP
        if not midstream and self.client_side >= 0:
            self.halves[self.client_side].preface = PREFACE

    def expect(self, rest: int) -> None:
        """Learn that of the client's preface only the last `rest` bytes are to come."""
        self.halves[self.client_side].preface = PREFACE[len(PREFACE) - rest :]

    def data(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Read the next bytes of one side."""
        half = self.halves[side]
        place = (time, packet, ordinal)
        data = buffer.copy(start, stop)
        at = self.pass_preface(side, half, data)
        if half.reader.lost:
            at = self.find(half, data, at)
        if at < len(data):
            before = half.reader.oversized
            for piece in half.reader.feed(data, at, place):
                if isinstance(piece, Data):
                    self.payload(side, piece, buffer, start, place)
                else:
                    self.frame(side, half, piece)
            for _ in range(half.reader.oversized - before):
                self.recorder.reach("head")
        if self.overfull():
            self.finish(1)
            return 1
        return 0

    def pass_preface(self, side: int, half: Half, data: bytes) -> int:
        """Step over the client's preface (RFC 9113 §3.4); return where frames begin."""
        if half.untouched and data.startswith(PREFACE[:6]):
            # Who sends it is the client, whoever was taken for it.
            self.halves[1 - side].preface = b""
            self.client_side = side
            half.preface = half.preface or PREFACE
        half.untouched = False
        if not half.preface:
            return 0
        size = min(len(half.preface), len(data))
        if data[:size] != half.preface[:size]:
            half.preface = b""
            self.shared.malformed += 1
            return 0
        half.preface = half.preface[size:]
        return size

    def find(self, half: Half, data: bytes, at: int) -> int:
        """Look for frames in the bytes of a segment; return where they begin."""
        known = None if self.guesses is not None else self.streams.keys()
        found = first_frame(data[at:], known)
        if found < 0:
            return len(data)
        half.reader.find()
        return at + found

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = sum(stream.held_bytes for stream in self.streams.values())
        for half in self.halves:
            held += half.reader.held + (len(half.block) if half.block is not None else 0)
        if self.guesses is not None:
            held += self.guesses.held
        self.recorder.held += held - self.counted
        self.counted = held
        if held == 0 or self.recorder.held <= self.recorder.limits.held_total:
            return False
        self.recorder.reach("held_total")
        return True

    def payload(self, side: int, piece: Data, buffer: Buffer, base: int, place: Place) -> None:
        """Hand DATA to its stream."""
        header = piece.header
        windows = self.halves[side].windows
        if piece.first:
            windows.sent(header.stream, header.length, place[0])
        stream = self.streams.get(header.stream)
        if stream is None:
            self.guess(side, piece, buffer, base, place)
            return
        if piece.first and header.length:
            if side == self.client_side:
                stream.facts.client_data += 1
            else:
                stream.facts.server_data += 1
        if piece.missing:
            stream.gap(side, piece.missing, place)
        if piece.vague:
            stream.lose(side, place)
        if piece.stop > piece.start:
            stream.data(side, buffer, base + piece.start, base + piece.stop, place)
        if piece.last and header.flags & END_STREAM:
            self.end_stream(side, stream, place)

    def guess(self, side: int, piece: Data, buffer: Buffer, base: int, place: Place) -> None:
        """Look for frames on a stream whose request is not in the capture."""
        guesses = self.guesses
        if guesses is None or not self.shared.requests < KEPT_STREAMS:
            return
        number = piece.header.stream
        if piece.missing:
            guesses.gap(number, side, piece.missing, place)
        if piece.stop == piece.start:
            return
        start, stop = base + piece.start, base + piece.stop
        recognition = guesses.data(number, side, buffer, start, stop, place)
        if recognition is None:
            return
        client_side = recognition.client_side()
        if client_side < 0:
            return
        guesses.drop(number)
        self.client_side = client_side
        self.adopt(number, recognition.pieces(), [recognition.beginning(s, 0) for s in (0, 1)])

    def adopt(self, number: int, pieces: list, beginnings: list[tuple[int, int]]) -> None:  # type: ignore[type-arg]
        """Read a stream as WebSocket that was recognised by its frames."""
        if not pieces:
            self.recorder.reach("resync")
            return
        place: Place = pieces[0][1][3:]
        stream = self.open(number, place)
        stream.attempt.connection.requested = None
        stream.attempt.connection.request_packet = None
        session = stream.begin_unseen()
        for side in (0, 1):
            session.lose_from(side, *beginnings[side])
        for side, (_, data, missing, *where) in pieces:
            if missing:
                stream.gap(side, missing, tuple(where))
            else:
                stream.data(side, Buffer(data), 0, len(data), tuple(where))

    def open(self, number: int, place: Place) -> WebSocketStream:
        """Begin an attempt; beyond the limit the one that is open for longest is evicted."""
        if len(self.streams) >= self.recorder.limits.streams and self.streams:
            self.recorder.reach("streams")
            self.settle(next(iter(self.streams.values())), 1)
        shared = self.shared
        stream = WebSocketStream(
            self.recorder,
            self.conversation,
            self.client_side,
            number,
            self.route,
            shared,
            place,
        )
        shared.websockets += 1
        if len(shared.streams) < KEPT_STREAMS:
            shared.streams.append(number)
        self.streams[number] = stream
        for half in self.halves:
            half.windows.open(number)
        return stream

    def settle(self, stream: WebSocketStream, evicted: int = 0) -> None:
        """End an attempt, and forget its stream."""
        del self.streams[stream.number]
        for half in self.halves:
            half.windows.close(stream.number)
        stream.finish(evicted, stream.last_time)

    def end_stream(self, side: int, stream: WebSocketStream, place: Place) -> None:
        """Take note of END_STREAM."""
        stream.last_time = place[0]
        if len(stream.facts.finished) < 2:
            stream.facts.finished.append((stream.role(side), place[0], place[1]))
        stream.end(side, 0, place[:2])
        if all(stream.finished):
            self.settle(stream)

    def frame(self, side: int, half: Half, whole: Whole) -> None:
        """Take a frame that is no DATA."""
        header, body, place = whole
        opened = half.opening is not None
        if opened and (header.kind != CONTINUATION or header.stream != half.opening.stream):  # type: ignore[union-attr]
            # Nothing may come between the parts of a field block (RFC 9113 §6.10).
            self.shared.malformed += 1
            self.lose_block(side, half, place)
        if header.kind in (HEADERS, PUSH_PROMISE, CONTINUATION):
            self.block(side, half, header, body, place)
        elif body is None:
            self.shared.whole = False
        elif header.kind == SETTINGS and not header.flags & ACK:
            self.settings(side, body, place)
        elif header.kind == RST_STREAM:
            self.reset(side, header.stream, body, place)
        elif header.kind == WINDOW_UPDATE:
            self.update(side, header.stream, body, place)
        elif header.kind == GOAWAY:
            self.goaway(side, body, place)

    def block(
        self, side: int, half: Half, header: FrameHeader, body: bytes | None, place: Place
    ) -> None:
        """Take a part of a field block; read the block where it is whole (RFC 9113 §4.3)."""
        if header.kind == CONTINUATION and half.opening is None:
            # Its beginning is not there: whatever it adds to the table is unknown.
            half.fields.lose()
            return
        if header.kind != CONTINUATION:
            half.opening, half.block, half.place = header, bytearray(), place
        part = None if body is None else fragment(header, body)
        if part is None and body is not None:
            self.shared.malformed += 1
        if part is None or half.block is None:
            half.block = None
        elif len(half.block) + len(part) > self.recorder.limits.head:
            self.recorder.reach("head")
            half.block = None
        else:
            half.block += part
        if not header.flags & END_HEADERS:
            return
        opening, block, began = half.opening, half.block, half.place
        half.opening = half.block = None
        if opening is None:
            return
        found = None if block is None else half.fields.decode(bytes(block))
        if block is None:
            half.fields.lose()
        elif found is None:
            self.broken(half)
        if opening.kind == HEADERS:
            self.headers(side, opening, found, began)

    def broken(self, half: Half) -> None:
        """Count a block that cannot be decoded."""
        if half.fields.problem == "bomb":
            self.recorder.reach("head")
        else:
            self.shared.malformed += 1

    def lose_block(self, side: int, half: Half, place: Place) -> None:
        """Give up a field block that was begun."""
        opening, half.opening, half.block = half.opening, None, None
        half.fields.lose()
        if opening is not None and opening.kind == HEADERS:
            self.headers(side, opening, None, place)

    def headers(self, side: int, opening: FrameHeader, fields: Fields | None, place: Place) -> None:
        """Take a request, a response or trailers; `fields` None where they are not known."""
        names = {name for name, _ in fields} if fields is not None else set()
        if self.client_side < 0:
            self.learn(side, names)
        stream = self.streams.get(opening.stream)
        if side == self.client_side and stream is None:
            stream = self.request(opening.stream, fields, names, place)
        elif stream is not None and side != self.client_side:
            if fields is None:
                stream.answer_lost = True
            else:
                stream.response(head_of(fields, "response"), place)
        if stream is not None and opening.flags & END_STREAM:
            self.end_stream(side, stream, place)

    def learn(self, side: int, names: set[bytes]) -> None:
        """Find out who is the client."""
        if b":method" in names:
            self.client_side = side
        elif b":status" in names:
            self.client_side = 1 - side

    def request(
        self, number: int, fields: Fields | None, names: set[bytes], place: Place
    ) -> WebSocketStream | None:
        """Take a request; return its stream where it asks for WebSocket."""
        if fields is None or (UNKNOWN in names and b":protocol" not in names):
            self.make_guesses()
            return None
        head = head_of(fields, "request")
        if not is_upgrade_request(head):
            self.shared.requests += 1
            if self.guesses is not None:
                self.guesses.exclude(number)
            return None
        stream = self.open(number, place)
        stream.asked(head)
        stream.facts.enabled = self.enabled()
        return stream

    def make_guesses(self) -> None:
        """Look for WebSocket on streams whose request is not known."""
        if self.guesses is None:
            self.guesses = Guesses(self.recorder)

    def enabled(self) -> int | None:
        """Return what the server has said of extended CONNECT so far; None if that is not known."""
        shared = self.shared
        if shared.connect:
            return shared.connect[-1].value
        return 0 if shared.whole else None

    def settings(self, side: int, body: bytes, place: Place) -> None:
        """Take SETTINGS of a side (RFC 9113 §6.5)."""
        found = settings(body)
        if found is None:
            self.shared.malformed += 1
            return
        if side != self.client_side:
            self.shared.settings = True
        for identifier, value in found:
            if identifier == INITIAL_WINDOW_SIZE and value <= LARGEST_WINDOW:
                # It is how much the other side may send on each stream.
                sender = 1 - side
                relieved = self.halves[sender].windows.settings(value, place[0])
                self.relieve(sender, relieved, place)
            elif identifier == ENABLE_CONNECT_PROTOCOL and side != self.client_side:
                setting = Setting(value, place[0], place[1])
                # The last one is what counts: it takes the place of the one before.
                self.shared.connect[KEPT - 1 :] = self.shared.connect[KEPT - 1 : -1]
                self.shared.connect.append(setting)

    def update(self, side: int, number_of: int, body: bytes, place: Place) -> None:
        """Take a WINDOW_UPDATE of a side: the other one may send on."""
        increment = number(body)
        if increment is None:
            self.shared.malformed += 1
            return
        sender = 1 - side
        windows = self.halves[sender].windows
        relieved = windows.update(number_of, increment & LARGEST_WINDOW, place[0])
        self.relieve(sender, relieved, place)

    def relieve(self, side: int, relieved: dict[int, int], place: Place) -> None:
        """Take note of how long a side had to wait."""
        for number_of, since in relieved.items():
            self.stalled(side, self.streams.get(number_of), since, place, ended=True)

    def stalled(
        self, side: int, stream: WebSocketStream | None, since: int, place: Place, *, ended: bool
    ) -> None:
        """Keep a stall of a second and more within a frame."""
        if stream is None or stream.session is None or place[0] - since < SECOND:
            return
        sender = stream.session.sender(stream.role_of(side))
        if sender.in_frame and len(stream.facts.stalls) < KEPT:
            waited = place[0] - since
            stall = Stall(stream.role(side), since, sender.packet, waited, ended)
            stream.facts.stalls.append(stall)

    def reset(self, side: int, number_of: int, body: bytes, place: Place) -> None:
        """Take a RST_STREAM (RFC 9113 §6.4)."""
        code = number(body)
        stream = self.streams.get(number_of)
        if self.guesses is not None:
            self.guesses.drop(number_of)
        if code is None:
            self.shared.malformed += 1
        if stream is None or code is None:
            return
        stream.last_time = place[0]
        stream.facts.resets.append((stream.role(side), code, place[0], place[1]))
        stream.end(side, 1, place[:2])
        self.settle(stream)

    def goaway(self, side: int, body: bytes, place: Place) -> None:
        """Take a GOAWAY (RFC 9113 §6.8)."""
        last, code = number(body), number(body, 4)
        if last is None or code is None:
            self.shared.malformed += 1
        elif self.shared.goaway is None:
            sender = "client" if side == self.client_side else "server"
            self.shared.goaway = (sender, code, last & LARGEST_WINDOW, place[0], place[1])

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Go on behind missing bytes: within a frame the place of the next one is known."""
        half = self.halves[side]
        place = (time, packet, ordinal)
        self.shared.whole = False
        half.preface = b""
        for each in self.halves:
            # What WINDOW_UPDATE is among them, or DATA, is not known.
            each.windows.forget()
        if half.reader.lost:
            return 0
        for piece in half.reader.gap(length):
            if isinstance(piece, Data):
                self.payload(side, piece, Buffer(b""), 0, place)
            else:
                self.frame(side, half, piece)
        if half.reader.lost:
            self.lose(side, half, place)
        return 0

    def lose(self, side: int, half: Half, place: Place) -> None:
        """Take note that frames of unknown number and kind are missing."""
        if half.opening is not None:
            self.lose_block(side, half, place)
        half.fields.lose()
        for stream in self.streams.values():
            stream.lose(side, place)
        if side == self.client_side or self.client_side < 0:
            self.make_guesses()

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Tell every stream that TCP ended on a side."""
        for stream in list(self.streams.values()):
            stream.end(side, how, (time, packet), tcp=True)
        return 0

    def finish(self, evicted: int) -> int:
        """Settle what is still open."""
        self.recorder.held -= self.counted
        self.counted = 0
        last = self.conversation.last_time
        for half in self.halves:
            self.shared.malformed += half.reader.malformed
            self.shared.oversized += half.reader.oversized
        for side, half in enumerate(self.halves):
            for number_of, since in half.windows.stalled.items():
                stream = self.streams.get(number_of)
                self.stalled(side, stream, since, (last, 0, 0), ended=False)
        streams, self.streams = list(self.streams.values()), {}
        for stream in streams:
            stream.finish(evicted, last)
        if self.guesses is not None:
            self.last_guesses(self.guesses)
        return 0

    def last_guesses(self, guesses: Guesses) -> None:
        """Decide of the streams of unknown kind: nothing more will come."""
        for number_of, recognition in guesses.all():
            recognition.finish()
            client_side = recognition.client_side()
            if client_side < 0:
                continue
            self.client_side = client_side
            beginnings = [recognition.beginning(side, 0) for side in (0, 1)]
            self.adopt(number_of, recognition.pieces(), beginnings)
            stream = self.streams.pop(number_of, None)
            if stream is not None:
                stream.finish(0, self.conversation.last_time)

"""HTTP/2: one connection's streams, of which those with WebSocket are read (RFC 9113, 8441)."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.http2.fields import Fields, head_of
from wsanalyze.http2.frames import (
    ACK,
    CONTINUATION,
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
    Place,
    Whole,
)
from wsanalyze.http2.malformed import FRAME_SIZES, wrong_length
from wsanalyze.http2.places import first_frame
from wsanalyze.layer import Layer
from wsanalyze.layers.http2_begin import LINE, begins_http1, open_http1
from wsanalyze.layers.http2_control import take_goaway, take_reset, take_settings, take_update
from wsanalyze.layers.http2_early import Early, EarlyAnswers
from wsanalyze.layers.http2_flow import Flow
from wsanalyze.layers.http2_guess import Guesses
from wsanalyze.layers.http2_half import Block, Half
from wsanalyze.layers.http2_messages import Messages, check_frame, tell
from wsanalyze.layers.http2_requests import is_early, learn, take_request
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.layers.http2_tunnel import Tunnels
from wsanalyze.layers.http2_unknown import guess, guess_unasked, last_guesses
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import PLAIN, Route
from wsanalyze.multiplexing import KEPT_STREAMS, Multiplex
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.stream_fields import Wrong

HTTP = 2
TOO_MUCH_PADDING = Wrong("DATA with more padding than there is of it", "RFC 9113 §6.1", "DATA")
KEPT_ENDS = 8


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
        self.shared = Multiplex(whole=not midstream)
        self.halves = (Half(recorder, self.shared), Half(recorder, self.shared))
        self.streams: dict[int, WebSocketStream] = {}
        # Where a side's bytes wait for a hole: streams that the other reset, and in which packet.
        self.late: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.flow = Flow(self.streams, known=not midstream)
        # Bytes of each side that were lost with frames of unknown number: streams catch up on it.
        self.losses = [0, 0]
        # The packet behind the latest hole of each side, and how far each was read.
        self.lost_before = [0, 0]
        self.read_to = [0, 0]
        self.early = EarlyAnswers(recorder)
        # Reads a client that speaks HTTP/1, although the server was told HTTP/2.
        self.misled: Layer | None = None
        # The client's streams have rising numbers (RFC 9113 §5.1.1).
        self.highest = 0
        self.tunnels = Tunnels(recorder, conversation, route, self.losses)
        self.guesses = Guesses(recorder) if midstream else None
        self.counted = 0
        # The largest frame that each side takes.
        self.largest = [FRAME_SIZES[0], FRAME_SIZES[0]]
        self.messages = None
        if recorder.observe and not midstream:
            self.messages = Messages(self, recorder.limits.streams)
        conversation.spoke = HTTP
        if not midstream and self.client_side >= 0:
            self.halves[self.client_side].preface = PREFACE

    def go_on(self, preface: tuple[int, int]) -> None:
        """Learn when and in which packet the client's preface began: its first line is read."""
        self.shared.preface = preface
        half = self.halves[self.client_side]
        half.preface = PREFACE[len(LINE) :]
        half.untouched = False

    def data(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Read the next bytes of one side."""
        if self.misled is not None and side == self.client_side:
            return self.misled.data(side, buffer, start, stop, time, packet, ordinal)
        half = self.halves[side]
        place = (time, packet, ordinal)
        self.read_to[side] = packet
        data = buffer.copy(start, stop)
        if half.preface == PREFACE and half.untouched and begins_http1(data):
            ends = self.recorder, self.conversation, self.route, self.client_side
            self.misled = open_http1(*ends)
            return self.misled.data(side, buffer, start, stop, time, packet, ordinal)
        if self.late[side]:
            self.settle_late(side, packet)
        at = self.pass_preface(side, half, data, place)
        self.tell(side, half, 0, place)
        if half.reader.lost:
            found = self.find(half, data, at)
            self.losses[side] += found - at
            at = found
        if at < len(data):
            before, padded = half.reader.oversized, half.reader.malformed
            for piece in half.reader.feed(data, at, place):
                if half.reader.malformed > padded:
                    # In its turn, however many frames a packet has.
                    padded = half.reader.malformed
                    tell(self, side, TOO_MUCH_PADDING, 0, place)
                if isinstance(piece, Data):
                    self.payload(side, piece, buffer, start, place)
                else:
                    self.frame(side, half, piece)
            for _ in range(half.reader.oversized - before):
                self.recorder.reach("head")
            if half.reader.malformed > padded:
                tell(self, side, TOO_MUCH_PADDING, 0, place)
        if self.overfull():
            self.finish(1)
            return 1
        return 0

    def pass_preface(self, side: int, half: Half, data: bytes, place: Place) -> int:
        """Step over the client's preface (RFC 9113 §3.4); return where frames begin."""
        if half.begins_with_preface(data):
            # Who sends it is the client, whoever was taken for it.
            self.halves[1 - side].preface = b""
            self.client_side = side
            half.preface = half.preface or PREFACE
            half.begin()
            self.shared.preface = place[:2]
        half.untouched = False
        return half.pass_preface(data) if half.preface else 0

    def find(self, half: Half, data: bytes, at: int) -> int:
        """Look for frames in the bytes of a segment; return where they begin."""
        known = range(1, self.highest + 1) if self.highest else None
        found = first_frame(data[at:], known)
        if found < 0:
            return len(data)
        half.reader.find()
        return at + found

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = self.early.held + self.tunnels.held + self.halves[0].held + self.halves[1].held
        if self.guesses is not None:
            held += self.guesses.held
        if self.messages is not None:
            held += self.messages.held
        self.recorder.held += held - self.counted
        self.counted = held
        if held == 0 or self.recorder.held <= self.recorder.limits.held_total:
            return False
        self.recorder.reach("held_total")
        return True

    def payload(self, side: int, piece: Data, buffer: Buffer, base: int, place: Place) -> None:
        """Hand DATA to its stream."""
        header = piece.header
        if piece.first:
            self.flow.sent(side, header.stream, header.length, place[0])
            if header.stream == 0 or header.length > self.largest[1 - side]:
                check_frame(self, side, header, None, place)
        stream = self.streams.get(header.stream)
        if stream is None:
            if self.messages is not None:
                self.messages.data(side, piece, place)
            if header.stream in self.tunnels:
                self.tunnels.payload(side, piece, buffer, base, place)
                if piece.last and header.flags & END_STREAM:
                    self.tunnels.end(side, header.stream, 0, place)
            elif header.stream in self.early and side != self.client_side:
                lost = self.losses[side]
                if piece.missing or piece.vague:
                    missing = 0 if piece.vague else piece.missing
                    self.early.hold(header.stream, Early(missing, False, place, lost))
                data = buffer.copy(base + piece.start, base + piece.stop)
                ends = piece.last and bool(header.flags & END_STREAM)
                self.early.hold(header.stream, Early(data, ends, place, lost))
            else:
                guess(self, side, piece, buffer, base, place)
            return
        if piece.first and header.length:
            if side == self.client_side:
                stream.facts.client_data += 1
            else:
                stream.facts.server_data += 1
        if piece.missing:
            stream.gap(side, piece.missing, place)
        if piece.vague:
            stream.lose(side)
        if piece.stop > piece.start:
            stream.data(side, buffer, base + piece.start, base + piece.stop, place)
        if piece.last and header.flags & END_STREAM:
            self.end_stream(side, stream, place)

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
            self.losses,
        )
        shared.websockets += 1
        if len(shared.streams) < KEPT_STREAMS:
            shared.streams.append(number)
        self.streams[number] = stream
        self.flow.open(number)
        return stream

    def settle(self, stream: WebSocketStream, evicted: int = 0) -> None:
        """End an attempt, and forget its stream."""
        del self.streams[stream.number]
        for late in self.late:
            late.pop(stream.number, None)
        self.flow.close(stream.number)
        stream.finish(evicted, stream.last_time)

    def settle_late(self, side: int, packet: int) -> None:
        """End the attempts that were reset before a side sent this packet."""
        late = self.late[side]
        while late:
            number, reset = next(iter(late.items()))
            if packet <= reset:
                return
            self.settle(self.streams[number])

    def end_stream(self, side: int, stream: WebSocketStream, place: Place) -> None:
        """Take note of END_STREAM."""
        stream.last_time = place[0]
        said, came = stream.said, stream.offsets[side]
        if said is not None and side == self.client_side and said != came:
            tell(self, side, wrong_length(said, came), stream.number, place)
        if len(stream.facts.finished) < 2:
            stream.facts.finished.append((stream.role(side), place[0], place[1]))
        stream.end(side, 0, place[:2])
        if all(stream.finished):
            self.settle(stream)

    def frame(self, side: int, half: Half, whole: Whole) -> None:
        """Take a frame that is no DATA."""
        header, body, place = whole
        opening = half.opening
        if opening is not None and (header.kind, header.stream) != (CONTINUATION, opening.stream):
            # Nothing may come between the parts of a field block (RFC 9113 §6.10).
            self.over(side, half.interrupt())
            self.tell(side, half, opening.stream, place)
        check_frame(self, side, header, body, place)
        if header.kind in (HEADERS, PUSH_PROMISE, CONTINUATION):
            block = half.part(header, body, place)
            if half.wrong is not None:
                self.tell(side, half, header.stream, place)
            self.over(side, block)
        elif body is None:
            self.shared.whole = False
        elif header.kind == SETTINGS and not header.flags & ACK:
            take_settings(self, side, body, place)
        elif header.kind == RST_STREAM:
            take_reset(self, side, header.stream, body, place)
        elif header.kind == WINDOW_UPDATE:
            take_update(self, side, header.stream, body, place)
        elif header.kind == GOAWAY:
            take_goaway(self, side, body, place)

    def lose_block(self, side: int, half: Half) -> None:
        """Give up the table, and the field block that was begun."""
        self.over(side, half.lose())

    def over(self, side: int, block: Block | None) -> None:
        """Take a field block that is over."""
        if block is not None and block.opening.kind == HEADERS:
            self.headers(side, *block)

    def tell(self, side: int, half: Half, stream: int, place: Place) -> None:
        """Take note of what is wrong with what a half has read."""
        if half.wrong is not None:
            tell(self, side, half.wrong, stream, place)
            half.wrong = None

    def headers(self, side: int, opening: FrameHeader, fields: Fields | None, place: Place) -> None:
        """Take a request, a response or trailers; `fields` None where they are not known."""
        names = {name for name, _ in fields} if fields is not None else set()
        if self.client_side < 0:
            learn(self, side, names)
        stream = self.streams.get(opening.stream)
        if opening.stream in self.tunnels:
            if side != self.client_side:
                self.tunnels.answer(opening.stream, fields, place)
            if opening.flags & END_STREAM:
                self.tunnels.end(side, opening.stream, 0, place)
            return
        if self.messages is not None and stream is None and fields is not None:
            self.messages.more(side, opening.stream, fields, opening.flags, place)
        if side == self.client_side and stream is None:
            stream = take_request(self, opening, fields, names, place)
        elif stream is not None and side != self.client_side:
            if fields is None:
                stream.answer_lost = True
            else:
                stream.response(head_of(fields, "response"), place)
        elif fields is not None and is_early(self, side, opening.stream):
            ends = bool(opening.flags & END_STREAM)
            self.early.hold(opening.stream, Early(fields, ends, place, self.losses[side]))
        if stream is not None and opening.flags & END_STREAM:
            self.end_stream(side, stream, place)

    def make_guesses(self) -> None:
        """Look for WebSocket on streams whose request is not known."""
        if self.guesses is None:
            self.guesses = Guesses(self.recorder)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Go on behind missing bytes: within a frame the place of the next one is known.

        It is not where `length` is negative, which says at most how many are missing.
        """
        if self.misled is not None and side == self.client_side:
            return self.misled.gap(side, length, time, packet, ordinal)
        half = self.halves[side]
        place = (time, packet, ordinal)
        self.shared.whole = False
        self.lost_before[side] = packet
        self.messages = None
        half.preface = b""
        # What WINDOW_UPDATE is among them, or DATA, is not known.
        self.flow.forget()
        if half.reader.lost:
            self.losses[side] += abs(length)
            return 0
        for piece in half.reader.gap(length):
            if isinstance(piece, Data):
                self.payload(side, piece, Buffer(b""), 0, place)
            else:
                self.frame(side, half, piece)
        if half.reader.lost:
            self.lose(side, half, abs(length))
        return 0

    def lose(self, side: int, half: Half, length: int) -> None:
        """Take note that frames of unknown number and kind are missing."""
        self.lose_block(side, half)
        self.losses[side] += length
        if side == self.client_side or self.client_side < 0:
            self.make_guesses()
        if self.guesses is not None:
            self.guesses.lose(side)

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Tell every stream that TCP ended on a side."""
        if len(self.shared.tcp_ends) < KEPT_ENDS:
            sender = "client" if side == self.client_side else "server"
            self.shared.tcp_ends.append((sender, "rst" if how else "fin", time, packet))
        for stream in list(self.streams.values()):
            stream.end(side, how, (time, packet), tcp=True)
        self.tunnels.end_all(side, how, (time, packet, 0))
        return 0 if self.misled is None else self.misled.end(side, how, time, packet)

    def finish(self, evicted: int) -> int:
        """Settle what is still open."""
        if self.misled is not None:
            self.misled.finish(evicted)
        self.recorder.held -= self.counted
        self.counted = 0
        last = self.conversation.last_time
        self.flow.finish(last)
        self.tunnels.finish(evicted)
        streams = list(self.streams.values())
        self.streams.clear()
        self.late = ({}, {})
        for stream in streams:
            stream.finish(evicted, last)
            self.shared.cut += stream.was_cut
        guess_unasked(self)
        if self.guesses is not None:
            last_guesses(self, self.guesses)
        return 0

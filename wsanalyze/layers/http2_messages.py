"""What is malformed on an HTTP/2 connection: told by its frames, and by requests of all kinds.

Ordinary requests are followed for this alone, where checks look on, until something is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wsanalyze.http2.fields import KEPT_BLOCKS, Fields, head_of
from wsanalyze.http2.frames import END_STREAM, Data, FrameHeader, Place
from wsanalyze.http2.malformed import (
    content_length,
    wrong_body,
    wrong_header,
    wrong_length,
    wrong_message,
)
from wsanalyze.multiplexing import Malformed
from wsanalyze.websocket.handshake import is_interim
from wsanalyze.websocket.stream_fields import Wrong

if TYPE_CHECKING:
    from wsanalyze.layers.http2 import Http2

# Statuses whose responses have no content, whatever Content-Length says (RFC 9110 §6.4.1).
EMPTY = (b"204", b"304")
# What an open request costs here, in bytes, and of what is found how much is kept.
COST = 320
EVIDENCE = 100
# Heads whose fields are kept with what matters of them: those that decoders keep, of both sides.
KEPT_LOOKS = 2 * KEPT_BLOCKS


def tell(http: Http2, side: int, wrong: Wrong, stream: int, place: Place) -> None:
    """Take note of what breaks a rule, unless it may be for what the capture does not have."""
    if http.shared.whole:
        sender = "client" if side == http.client_side else "server"
        if http.shared.tell_again(wrong.what, sender):
            return
        what = (wrong.what, wrong.section, wrong.evidence[:EVIDENCE])
        http.shared.tell(
            Malformed(*what, sender, stream, place[0], place[1], field=wrong.field[:EVIDENCE])
        )


def check_frame(
    http: Http2, side: int, header: FrameHeader, body: bytes | None, place: Place
) -> None:
    """Take note of a frame that is not as it must be."""
    wrong = wrong_header(header, http.largest[1 - side])
    if wrong is None and body is not None:
        wrong = wrong_body(header, body)
    if wrong is not None:
        tell(http, side, wrong, header.stream, place)


class Look(NamedTuple):
    """What matters here of a head, which is the same of every head that has the same fields.

    `length` is how much DATA it says that there is. `is_head` and `is_tunnel` are of requests: HEAD
    and CONNECT; `is_interim` and `is_empty` of answers: the final one is to come, or has no DATA.
    """

    wrong: tuple[Wrong, ...]
    length: int | None
    is_head: bool
    is_tunnel: bool
    is_interim: bool
    is_empty: bool


def look_at(fields: Fields, kind: str) -> Look:
    """Return what matters of a `request`, a `response` or `trailers`."""
    is_answer = kind == "response"
    return Look(
        tuple(wrong_message(fields, kind)),
        content_length(fields),
        is_head=(b":method", b"HEAD") in fields,
        is_tunnel=(b":method", b"CONNECT") in fields,
        is_interim=is_answer and is_interim(head_of(fields, kind)),
        is_empty=is_answer and dict(fields).get(b":status") in EMPTY,
    )


class Exchange:
    """An ordinary request and its answer: how much DATA each said it has, and had so far.

    `said` is None where a side said nothing, or what it said is no measure.
    """

    __slots__ = ("answered", "came", "ended", "is_head", "said")

    def __init__(self, *, is_head: bool) -> None:
        self.is_head = is_head
        self.answered = False
        self.said: list[int | None] = [None, None]
        self.came = [0, 0]
        self.ended = [False, False]


class Messages:
    """Follows ordinary requests, at most `limit` at once; of more, the oldest are forgotten."""

    def __init__(self, http: Http2, limit: int) -> None:
        self._http = http
        self._limit = limit
        self._open: dict[int, Exchange] = {}
        # By kind, and by which object the fields are.
        self._seen: dict[tuple[str, int], tuple[Fields, Look]] = {}

    @property
    def held(self) -> int:
        """Bytes that are held of requests that are not over."""
        return COST * len(self._open)

    def request(self, number: int, fields: Fields, flags: int, place: Place) -> None:
        """Take a request that asks for no WebSocket."""
        http = self._http
        side = http.client_side
        look = self._look(side, number, fields, "request", place)
        if len(self._open) >= self._limit:
            self._open.pop(next(iter(self._open)), None)
        exchange = self._open[number] = Exchange(is_head=look.is_head)
        # What a CONNECT and its answer say of a length is no measure (RFC 9110 §9.3.6).
        if look.is_tunnel:
            self._open.pop(number)
            return
        exchange.said[side] = look.length
        if flags & END_STREAM:
            self._end(side, number, exchange, place)

    def more(self, side: int, number: int, fields: Fields, flags: int, place: Place) -> None:
        """Take another head on a stream: an answer, or trailers of either end."""
        exchange = self._open.get(number)
        if exchange is None:
            return
        is_answer = side != self._http.client_side and not exchange.answered
        look = self._look(side, number, fields, "response" if is_answer else "trailers", place)
        if is_answer and not look.is_interim:
            exchange.answered = True
            exchange.said[side] = None if exchange.is_head or look.is_empty else look.length
        if flags & END_STREAM:
            self._end(side, number, exchange, place)

    def data(self, side: int, piece: Data, place: Place) -> None:
        """Count DATA of a stream."""
        number = piece.header.stream
        exchange = self._open.get(number)
        if exchange is not None:
            exchange.came[side] += piece.stop - piece.start
            if piece.last and piece.header.flags & END_STREAM:
                self._end(side, number, exchange, place)

    def forget(self, number: int) -> None:
        """Give up a stream that was reset."""
        self._open.pop(number, None)

    def _look(self, side: int, number: int, fields: Fields, kind: str, place: Place) -> Look:
        """Look at a head, and tell what is wrong with it."""
        seen = self._seen.get((kind, id(fields)))
        if seen is not None and seen[0] is fields:
            look = seen[1]
        else:
            look = look_at(fields, kind)
            if self._http.halves[side].repeats:
                self._see(kind, fields, look)
        for wrong in look.wrong:
            tell(self._http, side, wrong, number, place)
        return look

    def _see(self, kind: str, fields: Fields, look: Look) -> None:
        """Keep what matters of fields that came once more, the same object each time."""
        if len(self._seen) >= KEPT_LOOKS:
            self._seen.clear()
        self._seen[kind, id(fields)] = fields, look

    def _end(self, side: int, number: int, exchange: Exchange, place: Place) -> None:
        said, came = exchange.said[side], exchange.came[side]
        if said is not None and said != came and not exchange.ended[side]:
            tell(self._http, side, wrong_length(said, came), number, place)
        exchange.ended[side] = True
        if all(exchange.ended):
            del self._open[number]

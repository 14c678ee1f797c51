"""A stream of HTTP/2 that a CONNECT made a tunnel (RFC 9113 §8.5): its DATA goes to a Probe."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.http2.field_table import UNKNOWN
from wsanalyze.http2.fields import Fields, head_of
from wsanalyze.http2.frames import Data, Place
from wsanalyze.layer import Layer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import Place as Beginning
from wsanalyze.layers.route import Route
from wsanalyze.layers.tunnel import answered, inside, keep_message, refuse
from wsanalyze.transport.conversation import Conversation
from wsanalyze.tunnels.messages import CONNECT_ANSWER, CONNECT_REQUEST
from wsanalyze.tunnels.way import DEEPEST, authority_written, depth
from wsanalyze.websocket.handshake import is_interim

# What a held piece costs besides its bytes.
OVERHEAD = 256


def maybe_way(fields: Fields, route: Route) -> str | None:
    """Return what the column `tunnel` has for a CONNECT of a stream; None for other requests."""
    if (b":method", b"CONNECT") not in fields:
        return None
    found = dict(reversed(fields))
    if found.get(b":method") != b"CONNECT" or b":protocol" in found:
        return None
    authority = found.get(b":authority", UNKNOWN)
    if authority == UNKNOWN or depth(route.tunnel) >= DEEPEST:
        return None
    return f"CONNECT {authority_written(authority)}"


class Tunnels:
    """The tunnels of one connection, by stream, as many as `limits.streams`.

    What the client sends before the answer is held, within the limit `held`. `losses`: bytes of
    each side that were lost, and may have been of any stream; `seen`: those that a tunnel knows of.
    """

    def __init__(
        self, recorder: Recorder, conversation: Conversation, route: Route, losses: list[int]
    ) -> None:
        self.losses = losses
        self.seen: dict[int, list[int]] = {}
        self.sizes: dict[int, int] = {}
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.client_side = -1
        self.ways: dict[int, str] = {}
        # Streams whose CONNECT brought credentials for the proxy.
        self.credentials: set[int] = set()
        self.inner: dict[int, Layer] = {}
        self.early: dict[int, list[tuple[bytes, Place]]] = {}
        self.held = 0

    def __bool__(self) -> bool:
        """Be true where there is a tunnel, or one is asked for."""
        return bool(self.ways)

    def __contains__(self, number: int) -> bool:
        """Say whether a stream is a tunnel, or asks to be one."""
        return number in self.ways

    def ask(self, number: int, way: str, client_side: int, fields: Fields, place: Place) -> None:
        """Take the CONNECT of a stream."""
        if len(self.ways) >= self.recorder.limits.streams:
            self.recorder.reach("streams")
            return
        self.client_side = client_side
        self.ways[number] = way
        if any(name == b"proxy-authorization" for name, _ in fields):
            self.credentials.add(number)
        self._keep(client_side, number, CONNECT_REQUEST, head_of(fields, "request").raw, place)
        self.early[number] = []
        self.sizes[number] = 0
        self.seen[number] = list(self.losses)

    def catch_up(self, number: int, place: Place) -> None:
        """Tell what is in a tunnel how much it may have lost since it was last read."""
        seen = self.seen.get(number, self.losses)
        for side in (0, 1):
            missing = self.losses[side] - seen[side]
            if not missing or number not in self.ways:
                continue
            seen[side] = self.losses[side]
            inner = self.inner.get(number)
            if inner is None and side == self.client_side:
                # It may be of what is held.
                self.close(number)
            elif inner is not None and inner.gap(side, -missing, *place):
                self.drop(number)

    def answer(self, number: int, fields: Fields | None, place: Place) -> None:
        """Take the answer; what is behind a 2xx is the tunnel's, whatever fields follow."""
        self.catch_up(number, place)
        if number in self.inner or number not in self.ways or fields is None:
            return
        head = head_of(fields, "response")
        if is_interim(head):
            return
        self._keep(1 - self.client_side, number, CONNECT_ANSWER, head.raw, place)
        asked = (self.recorder, self.conversation, self.route, self.client_side, self.ways[number])
        answered(*asked, has_credentials=number in self.credentials)
        if head.status is None or head.status // 100 != 2:
            ends = (self.client_side, self.ways[number], head.status, place[0], place[1])
            refuse(self.recorder, self.conversation, self.route, *ends)
            self.close(number)
            return
        beginning = Beginning(opened_by=self.client_side)
        route, way = self.route, self.ways[number]
        self.inner[number] = inside(self.recorder, self.conversation, route, way, beginning)
        for data, before in self._released(number):
            self._hand_on(number, self.client_side, Buffer(data), 0, len(data), before)

    def _keep(self, side: int, number: int, kind: str, data: bytes, place: Place) -> None:
        """Keep a head, where somebody wants to show it: what its fields would be as lines."""
        at = (place[0], place[1])
        keep_message(
            self.recorder, self.conversation, self.route, side, kind, data, at, stream=number
        )

    def ahead(self, number: int, data: bytes, place: Place) -> None:
        """Take what the server sent behind its answer, before the CONNECT was seen."""
        self._hand_on(number, 1 - self.client_side, Buffer(data), 0, len(data), place)

    def payload(self, side: int, piece: Data, buffer: Buffer, base: int, place: Place) -> None:
        """Hand on DATA; nothing more where it is not known how much is missing."""
        self.catch_up(piece.header.stream, place)
        number, inner = piece.header.stream, self.inner.get(piece.header.stream)
        start, stop = base + piece.start, base + piece.stop
        if piece.vague:
            self.close(number)
        elif inner is None:
            if side == self.client_side and number in self.early:
                self._hold(number, buffer.copy(start, stop), place, is_whole=not piece.missing)
        elif piece.missing and inner.gap(side, piece.missing, *place):
            self.drop(number)
        elif stop > start:
            self._hand_on(number, side, buffer, start, stop, place)

    def _hand_on(
        self, number: int, side: int, buffer: Buffer, start: int, stop: int, place: Place
    ) -> None:
        inner = self.inner.get(number)
        if inner is not None and stop > start and inner.data(side, buffer, start, stop, *place):
            self.drop(number)

    def _hold(self, number: int, data: bytes, place: Place, *, is_whole: bool) -> None:
        size = len(data) + OVERHEAD
        if not is_whole or self.sizes[number] + size > self.recorder.limits.held:
            self.close(number)
            return
        self.early[number].append((data, place))
        self.sizes[number] += size
        self.held += size

    def _released(self, number: int) -> list[tuple[bytes, Place]]:
        self.held -= self.sizes.pop(number, 0)
        return self.early.pop(number, [])

    def end(self, side: int, number: int, how: int, place: Place) -> None:
        """Learn that a side ended its stream: END_STREAM (`how` 0) or RST_STREAM (1)."""
        self.catch_up(number, place)
        inner = self.inner.get(number)
        if inner is not None and inner.end(side, how, place[0], place[1]):
            self.drop(number)
        if how:
            self.close(number)

    def end_all(self, side: int, how: int, place: Place) -> None:
        """Learn that TCP ended on a side."""
        for number in list(self.inner):
            inner = self.inner[number]
            if inner.end(side, how, place[0], place[1]):
                self.drop(number)

    def close(self, number: int, evicted: int = 0) -> None:
        """Let what is in a tunnel end."""
        inner = self.inner.get(number)
        self.drop(number)
        if inner is not None:
            inner.finish(evicted)

    def drop(self, number: int) -> None:
        """Read no more of a stream."""
        self._released(number)
        self.inner.pop(number, None)
        self.ways.pop(number, None)
        self.credentials.discard(number)
        self.seen.pop(number, None)

    def finish(self, evicted: int) -> None:
        """Let everything end."""
        for number in list(self.ways):
            self.close(number, evicted)

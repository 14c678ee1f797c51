"""Proxies that are asked for a way, or that say for whom they ask: SOCKS and the PROXY protocol.

A CONNECT is found by `Http1`; what the ways into a tunnel have in common is here, too.
"""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.held import Held, replay
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import Place, Route
from wsanalyze.observation import ProxyLogin
from wsanalyze.transport.conversation import Conversation
from wsanalyze.tunnels.dialogue import GOING, MORE, NONE, OPEN, REFUSED, Dialogue
from wsanalyze.tunnels.messages import kind_of, without_password
from wsanalyze.tunnels.proxy_protocol import BEGINNING, SIGNATURE, ProxyHeader, declared
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.tunnels.socks import GRANTED, REFUSALS, Socks4, Socks5
from wsanalyze.tunnels.way import DEEPEST, depth

OTHER = 4
SOCKS5_LOGIN = "SOCKS5 user name and password"

# Bytes that tell what a side begins with.
TELLING = 16


def opener(conversation: Conversation, place: Place) -> int:
    """Return the side that asked for a stream, -1 where the capture does not have that."""
    return place.opened_by if place.opened_by >= 0 else conversation.opened_by


def begun(data: bytes) -> Dialogue | None:
    """Return who reads what a client's first bytes begin; None where they begin no tunnel."""
    if data[0] == 5:
        return Socks5()
    if data[0] == 4:
        return Socks4()
    for first in (BEGINNING, SIGNATURE):
        if data.startswith(first[: len(data)]):
            return ProxyHeader()
    return None


def answers(data: bytes) -> bool:
    """Say whether a proxy's first bytes may answer what the capture has behind them."""
    if data[0] == 0:
        return data[1:2] == b"" or data[1] == GRANTED or data[1] in REFUSALS
    return data[0] == 5 or data.startswith(b"HTTP/"[: len(data)])


def maybe_tunnel(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    place: Place,
    side: int,
    data: bytes,
) -> Layer | None:
    """Return who reads a stream that may begin a tunnel by its first TELLING bytes, of `side`.

    Captures put packets of the two sides into the wrong order now and then: where the proxy's
    comes first, the client's first bytes are waited for.
    """
    if depth(route.tunnel) >= DEEPEST:
        return None
    asked_by = opener(conversation, place)
    client = side if asked_by < 0 else asked_by
    if side != client:
        return Tunnel(recorder, conversation, route, place, client) if answers(data) else None
    dialogue = begun(data)
    if dialogue is None or dialogue.take(data) == NONE:
        return None
    return Tunnel(recorder, conversation, route, place, client)


def inside(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    way: str,
    place: Place,
    login: ProxyLogin | None = None,
) -> Layer:
    """Return who reads the bytes in a tunnel, from `place` on; `login`: how it was asked for."""
    # A Probe opens tunnels, too.
    from wsanalyze.layers.probe import Probe

    return Probe(recorder, conversation, route.through(way, login), place)


def refuse(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    client_side: int,
    way: str,
    code: int | None,
    time: int,
    packet: int,
    *,
    kept_open: bool = True,
) -> None:
    """Keep what a proxy refused, for the checks, and for who counts or lists it."""
    client, proxy = conversation.endpoint(client_side), conversation.endpoint(1 - client_side)
    recorder.refuse(
        Refusal(
            conversation=conversation.index,
            capture=recorder.summaries[conversation.capture].capture,
            client_ip=client[0],
            proxy_ip=proxy[0],
            proxy_port=proxy[1],
            outer=route.tunnel,
            way=way,
            code=code,
            time=time,
            packet=packet,
            client_port=client[1],
            client_side=client_side,
            kept_open=kept_open,
        )
    )


def answered(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    client_side: int,
    way: str,
    *,
    has_credentials: bool,
) -> None:
    """Take note of any answer to a CONNECT: it may be one to a second try."""
    if recorder.challenged:
        proxy = conversation.endpoint(1 - client_side)
        client_ip = conversation.endpoint(client_side)[0]
        wish = (client_ip, *proxy, route.tunnel, way)
        recorder.answered_again(wish, conversation.index, has_credentials)


def keep_message(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    side: int,
    kind: str,
    data: bytes,
    place: tuple[int, int],
    *,
    stream: int = 0,
    length: int | None = None,
) -> None:
    """Keep a message to or from a proxy, where somebody wants to show bytes.

    `place` is time and packet; `length` that of the message, None: of `data`.
    """
    if recorder.streams is None:
        return
    size = len(data) if length is None else length
    where = (route.layers, route.tunnel, stream)
    recorder.streams.way_message(conversation.index, where, side, place, (kind, size, data))


class Tunnel(Layer):
    """Reads what a client and its proxy say first, then hands on what is in the tunnel.

    Everything is held until the way is open: what the client sends ahead, and what one side sent
    after its last message. Where it turns out to be no tunnel, another Probe reads all of it
    as if nobody had looked.
    """

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        route: Route,
        place: Place,
        client_side: int,
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.place = place
        self.client_side = client_side
        self.dialogue: Dialogue | None = None
        self.inner: Layer | None = None
        self.held = Held(recorder)
        self.unread = (bytearray(), bytearray())
        self.passed = [0, 0]
        self.cut = [False, False]
        self.ends: list[tuple[int, int, int, int]] = []
        self.login: ProxyLogin | None = None
        # What was said so far, where somebody wants to show it: side, kind, bytes, length, place.
        self.said: list[tuple[int, str, bytes, int, tuple[int, int]]] = []
        # Whether the way was refused, and no more than the segments is of interest.
        self.over = False

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        """Read on in the dialogue, or hand on."""
        if self.inner is not None:
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        if self.over:
            return 0
        piece = buffer.copy(start, stop)
        self.held.add(side, piece, 0, time, packet, ordinal)
        if not self.cut[side]:
            self.unread[side].extend(piece)
        return self._go_on()

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Learn that bytes are missing: of the dialogue, or behind it."""
        if self.inner is not None:
            return self.inner.gap(side, length, time, packet, ordinal)
        if self.over:
            return 0
        self.held.add(side, b"", length, time, packet, ordinal)
        self.cut[side] = True
        return self._go_on()

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Hand on, as soon as there is somebody."""
        if self.inner is not None:
            return self.inner.end(side, how, time, packet)
        if self.over:
            return 0
        self.ends.append((side, how, time, packet))
        return 0

    def finish(self, evicted: int) -> int:
        """Read what is held as far as it can be read."""
        if self.over:
            return 0
        if self.inner is None and self._is_lost():
            self._go_blind()
        elif self.inner is None:
            self._mistake()
        return self.inner.finish(evicted) if self.inner is not None else 0

    def _go_on(self) -> int:
        """Take the messages that are whole; return 1 to let the connection go."""
        size = MORE
        limit = self.recorder.limits.head
        while self.dialogue is None or self.dialogue.state == GOING:
            sender = "client" if self.dialogue is None else self.dialogue.sender
            side = self.client_side if sender == "client" else 1 - self.client_side
            data = self.unread[side]
            if self.dialogue is None and data:
                self.dialogue = begun(bytes(data[:TELLING]))
                if self.dialogue is None:
                    return self._mistake()
            kind = None if self.dialogue is None else kind_of(self.dialogue)
            size = MORE if self.dialogue is None else self.dialogue.take(data)
            if max(size, len(data) if size == MORE else 0, declared(data)) > limit:
                self.recorder.reach("head")
                return self._let_go()
            if size <= 0:
                break
            if self.login is None and isinstance(self.dialogue, Socks5) and self.dialogue.login:
                last = self.held.pieces[-1]
                self.login = ProxyLogin(SOCKS5_LOGIN, last.time, last.packet)
            if kind is not None and self.recorder.streams is not None:
                shown = without_password(kind, bytes(data[:size]))
                place = self._completed(side, self.passed[side] + size)
                self.said.append((side, kind, shown, size, place))
            del data[:size]
            self.passed[side] += size
        if size == NONE:
            return self._mistake()
        if self.dialogue is not None and self.dialogue.state != GOING:
            return self._conclude(self.dialogue)
        if self._is_lost():
            return self._go_blind()
        exceeded = self.held.exceeded()
        return 0 if exceeded is None else self._give_up(exceeded)

    def _completed(self, side: int, offset: int) -> tuple[int, int]:
        """Return time and packet of the piece that has the last byte before an offset."""
        for piece in self.held.pieces:
            if piece.side == side:
                offset -= len(piece.data)
                if offset <= 0:
                    break
        return piece.time, piece.packet

    def _keep_said(self) -> None:
        """Let what was said be shown: it was a tunnel's."""
        for side, kind, data, length, place in self.said:
            keep_message(
                *(self.recorder, self.conversation, self.route, side, kind, data, place),
                length=length,
            )
        self.said.clear()

    def _is_lost(self) -> bool:
        """Say whether what the dialogue waits for is missing."""
        sender = "client" if self.dialogue is None else self.dialogue.sender
        return self.cut[self.client_side if sender == "client" else 1 - self.client_side]

    def _give_up(self, exceeded: str) -> int:
        """Hold no more: a client whose first bytes never came may speak HTTP, anything else not."""
        if self.dialogue is None:
            return self._mistake()
        self.recorder.reach(exceeded)
        return self._let_go()

    def _conclude(self, dialogue: Dialogue) -> int:
        """Go into the tunnel, or let the connection go where there is none."""
        self.conversation.spoke = OTHER
        self._keep_said()
        if dialogue.state == OPEN and dialogue.way is not None:
            return self._enter(dialogue.way, self.passed)
        if dialogue.state == REFUSED:
            last = self.held.pieces[-1]
            kind = "SOCKS5" if isinstance(dialogue, Socks5) else "SOCKS4"
            way = dialogue.way or kind
            ends = (self.client_side, way, dialogue.code, last.time, last.packet)
            refuse(self.recorder, self.conversation, self.route, *ends)
            # What is let go of has no segments any more, and an end of TCP is told by those.
            self.over = self.recorder.recording.segments is not None
        if dialogue.why is not None:
            self.recorder.summaries[self.conversation.capture].passes_over(dialogue.why)
        return self._let_go()

    def _enter(self, way: str, passed: list[int], *, presumed: bool = False) -> int:
        """Let a Probe read what is behind the bytes of each side that were `passed`."""
        self._keep_said()
        offsets = tuple(map(sum, zip(self.place.offsets, passed, strict=True)))
        place = Place(
            (offsets[0], offsets[1]), self.client_side, self.place.before, presumed=presumed
        )
        route = self.route
        if isinstance(self.dialogue, ProxyHeader) and self.dialogue.tls is not None:
            route = replace(route, told_tls=self.dialogue.tls)
        self.inner = inside(self.recorder, self.conversation, route, way, place, self.login)
        return self._replay(passed)

    def _go_blind(self) -> int:
        """Read on where bytes of the dialogue are missing: behind it may be WebSocket, after all.

        Who had been told where to go, and goes on, was let through.
        """
        if self.dialogue is None or isinstance(self.dialogue, ProxyHeader):
            return self._mistake()
        if self.dialogue.way is not None:
            return self._enter(self.dialogue.way, self.passed, presumed=True)
        self.inner = self._plain(replace(self.place, tunnels=False, blind=True))
        return self._replay([0, 0])

    def _mistake(self) -> int:
        """Let somebody read it who does not look for tunnels: it is none."""
        self.inner = self._plain(replace(self.place, tunnels=False))
        return self._replay([0, 0])

    def _plain(self, place: Place) -> Layer:
        from wsanalyze.layers.probe import Probe

        return Probe(self.recorder, self.conversation, self.route, place)

    def _replay(self, passed: list[int]) -> int:
        """Hand on what is held, but for the bytes of each side that were `passed`."""
        inner = self.inner
        if inner is None:
            return 0
        if self.conversation.layer is self:
            self.conversation.layer = inner
        done = replay(self.held.release(), inner, passed)
        for ending in () if done else self.ends:
            done = done or inner.end(*ending)
        return done

    def _let_go(self) -> int:
        self.conversation.spoke = OTHER
        self.held.release()
        return 0 if self.over else 1

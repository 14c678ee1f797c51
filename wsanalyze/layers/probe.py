# cython: language_level=3, wraparound=False, initializedcheck=False
"""The first bytes of a conversation: what does it speak, and who shall read it?"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.http1 import Http1
from wsanalyze.layers.http2_begin import begins_http1, begins_http2, is_beginning, open_http2
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import BEGINNING, PLAIN, Place, Route
from wsanalyze.layers.tunnel import TELLING, maybe_tunnel, opener
from wsanalyze.transport.conversation import Conversation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

TLS = 3
OTHER = 4

# How many TLS connections in one another are followed.
NESTED = 4


@cython.final
@cython.cclass
class Probe(Layer):
    """Looks at the first byte of a conversation and passes it on, or lets it go.

    A TLS record begins with its content type, 20 to 24 (RFC 8446 §5.1); an HTTP/1 head with a
    visible character (RFC 9112 §3). Whatever else HTTP finds wrong, it lets go itself. Where the
    beginning is not in the capture it may be anything: HTTP looks for frames then, too. A tunnel
    begins with a version of SOCKS, or with a header of the PROXY protocol. HTTP/2 begins with its
    preface, with a server's SETTINGS, or where TLS agreed on it.
    """

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        route: Route = PLAIN,
        place: Place = BEGINNING,
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.place = place
        self.inner: Layer | None = None
        self.missing = [0, 0]

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
        """Look at the first byte, or hand on."""
        first: cython.int
        if self.inner is not None:
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        first = buffer.view[start]
        asked_by: cython.int = opener(self.conversation, self.place)
        blind: cython.bint = self.begins_late(asked_by) or self.missing[side] > 0
        agreed: cython.bint = self.route.alpn == "h2"
        if agreed and side == asked_by and begins_http1(buffer.copy(start, stop)):
            # A client that offered what it does not speak.
            agreed = False
        if not agreed and self.begins_tunnel(first, side != asked_by) and self.missing == [0, 0]:
            told = buffer.copy(start, stop if stop - start < TELLING else start + TELLING)
            self.inner = maybe_tunnel(
                self.recorder, self.conversation, self.route, self.place, side, told
            )
            if self.inner is not None:
                if self.conversation.layer is self:
                    self.conversation.layer = self.inner
                return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        if not agreed and 20 <= first <= 24 and (start + 1 == stop or buffer.view[start + 1] == 3):
            self.conversation.spoke = TLS
            if not self.reads_tls():
                return 1
            return self.open_tls().data(side, buffer, start, stop, time, packet, ordinal)
        if agreed or self.is_http2(buffer, start, stop, blind):
            first_bytes = buffer.copy(start, stop)
            late = blind or (agreed and not is_beginning(first_bytes, of_client=side == asked_by))
            http2 = open_http2(
                self.recorder, self.conversation, self.route, client_side=asked_by, midstream=late
            )
            if http2 is None:
                return 1
            self.inner = http2
            if self.conversation.layer is self:
                self.conversation.layer = http2
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        if (33 <= first <= 126) or first == 13 or first == 10 or blind:
            low, high = self.place.offsets
            offsets = [low + self.missing[0], high + self.missing[1]]
            http = Http1(self.recorder, self.conversation, offsets, self.route, self.place)
            self.inner = http
            if blind:
                http.begin_blind()
            if self.conversation.layer is self:
                self.conversation.layer = http
            return http.data(side, buffer, start, stop, time, packet, ordinal)
        self.conversation.spoke = OTHER
        return 1

    def begins_late(self, asked_by: int) -> bool:
        """Say whether the beginning of what is read may not be in the capture."""
        if self.place.blind:
            return True
        if self.route.tls is not None:
            return self.route.midstream
        return asked_by < 0

    def reads_tls(self) -> bool:
        """Say whether anything is to be known of a TLS connection: somebody asked, or has keys."""
        if self.route.layers >= NESTED:
            return False
        recorder = self.recorder
        if recorder.tls is not None or recorder.secrets.hopes():
            return True
        if recorder.tls_looks == 0:
            return False
        # Who left the handshake, and with which alert, is to be seen without any.
        recorder.tls_looks -= 1
        return True

    def open_tls(self) -> Layer:
        """Let TLS read on, and another Probe what is inside."""
        # It takes a while to load, and most captures need none.
        from wsanalyze.layers.tls import Tls

        layer = Tls(self.recorder, self.conversation, self.missing, self.route, self.inside)
        self.inner = layer
        if self.conversation.layer is self:
            self.conversation.layer = layer
        return layer

    def inside(self, route: Route, client_side: int) -> Layer:
        """Return who reads what is inside of TLS: offsets are those of what was decrypted."""
        asked_by = opener(self.conversation, self.place)
        if client_side >= 0 and not route.midstream:
            asked_by = client_side
        place = Place(opened_by=asked_by, before=self.place.before)
        probe = Probe(self.recorder, self.conversation, route, place)
        if self.recorder.streams is None:
            return probe
        tapped: Layer = self.recorder.streams.tapped(probe, self.conversation.index, route.layers)
        return tapped

    def begins_tunnel(self, first: cython.int, answering: cython.bint) -> cython.bint:
        """Say whether it is worth to look closer at what begins with this byte.

        4, 5: SOCKS; `P`, CR: the PROXY protocol. An answer is 5, 0 or `H` of HTTP.
        """
        if first == 5 or first == 4 or first == 80 or first == 13:
            return self.place.tunnels
        if answering and (first == 0 or first == 72):
            return self.place.tunnels
        return False

    def is_http2(self, buffer: Buffer, start: int, stop: int, blind: bool) -> bool:
        """Say whether what begins here is HTTP/2, although nobody agreed on it."""
        first = buffer.view[start]
        # Its preface begins with a P, its frames with a length below 65,536.
        if first not in (0, 80):
            return False
        return begins_http2(buffer.copy(start, min(stop, start + 65536)), blind=blind)

    def gap(
        self,
        side: cython.int,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Hand on; what is missing before the first byte only counts in the offsets."""
        if self.inner is not None:
            return self.inner.gap(side, length, time, packet, ordinal)
        self.missing[side] += abs(length)
        return 0

    def end(
        self, side: cython.int, how: cython.int, time: cython.longlong, packet: cython.longlong
    ) -> cython.int:
        """Hand on."""
        if self.inner is not None:
            return self.inner.end(side, how, time, packet)
        return 0

    def finish(self, evicted: cython.int) -> cython.int:
        """Hand on."""
        if self.inner is not None:
            return self.inner.finish(evicted)
        return 0

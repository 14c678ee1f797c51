# cython: language_level=3, wraparound=False, initializedcheck=False
"""The first bytes of a conversation: what does it speak, and who shall read it?"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.http1 import Http1
from wsanalyze.layers.http2_begin import begins_http2, open_http2
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import PLAIN, Route
from wsanalyze.transport.conversation import Conversation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

TLS = 3
OTHER = 4


@cython.final
@cython.cclass
class Probe(Layer):
    """Looks at the first byte of a conversation and passes it on, or lets it go.

    A TLS record begins with its content type, 20 to 24 (RFC 8446 §5.1); an HTTP/1 head with a
    visible character (RFC 9112 §3). Whatever else HTTP finds wrong, it lets go itself. Where the
    beginning is not in the capture it may be anything: HTTP looks for frames then, too. HTTP/2
    begins with its preface, with a server's SETTINGS, or where TLS agreed on it.
    """

    def __init__(
        self, recorder: Recorder, conversation: Conversation, route: Route = PLAIN
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
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
        blind: cython.bint = self.conversation.opened_by < 0 or self.missing[side] > 0
        if 20 <= first <= 24 and (start + 1 == stop or buffer.view[start + 1] == 3):
            self.conversation.spoke = TLS
            return 1
        if self.is_http2(buffer, start, stop, blind):
            http2 = open_http2(self.recorder, self.conversation, self.route, midstream=blind)
            if http2 is None:
                return 1
            self.inner = http2
            if self.conversation.layer is self:
                self.conversation.layer = http2
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        if (33 <= first <= 126) or first == 13 or first == 10 or blind:
            http = Http1(self.recorder, self.conversation, self.missing, self.route)
            self.inner = http
            if blind:
                http.begin_blind()
            if self.conversation.layer is self:
                self.conversation.layer = http
            return http.data(side, buffer, start, stop, time, packet, ordinal)
        self.conversation.spoke = OTHER
        return 1

    def is_http2(self, buffer: Buffer, start: int, stop: int, blind: bool) -> bool:
        """Say whether what begins here is HTTP/2."""
        if self.route.alpn == "h2":
            return True
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
        self.missing[side] += length
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

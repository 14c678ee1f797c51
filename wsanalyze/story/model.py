"""The story of one connection as plain values; text in it is as sent, not escaped for any place.

Times are integer ns since the epoch, spans integer ns, lengths bytes. `sender` is `client` or
`server`, `packet` the number that Wireshark shows. None: not in the capture, or not applicable.
Whoever shows one of these escapes all text of it; messages of findings quote what they quote.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Hole
from wsanalyze.story.model_beginning import (
    HeaderLine,
    HeadStory,
    Multiplexed,
    Opening,
    OtherRequest,
    Proof,
    Secure,
    SettingsStory,
    TlsAlert,
    TlsStep,
    WayStep,
)
from wsanalyze.story.model_session import (
    CloseFrame,
    Closing,
    Compression,
    End,
    FrameStory,
    MessageStory,
    Ping,
    Silence,
    Summary,
    Written,
)
from wsanalyze.tls.hello_parts import HelloPart
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.websocket.extensions import Deflate

# All parts of a story are imported from here.
__all__ = [
    "CloseFrame",
    "Closing",
    "Compression",
    "End",
    "Event",
    "FrameStory",
    "HeadStory",
    "HeaderLine",
    "HelloPart",
    "Leg",
    "MessageStory",
    "Multiplexed",
    "Opening",
    "OtherRequest",
    "Ping",
    "Proof",
    "Secure",
    "SettingsStory",
    "Silence",
    "Story",
    "Summary",
    "TlsAlert",
    "TlsStep",
    "WayStep",
    "Written",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went from one lane to another, or happened on one.

    `layer`: `tcp`, `tls`, `proxy` (asking for a way), `http`, `websocket`, `gap`, or `http2` for
    what ends a stream. `leg`: which of the `legs` of a proxied connection, from the client on.
    `label` says what, `detail` more of it, `length` how many bytes. `note` is TCP's
    (`retransmission` …), `severity` the worst finding, `frame` its number. What has no `sender` is
    told of both: frames that are left out, the last of them at `until`. `sealed`: of layer `gap`
    what is in the capture, and no key opens.
    """

    layer: str
    sender: str
    time: int
    packet: int | None
    ordinal: int
    label: str
    detail: str = ""
    length: int | None = None
    note: str | None = None
    severity: str | None = None
    frame: int | None = None
    leg: int = 0
    until: int | None = None
    connection: int | None = None
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the TCP connections that a proxied connection is made of: its number, its ends."""

    number: int
    client: str
    server: str
    tunnel: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is told of one connection. `frames` are those of the window, in order.

    `notes` are counts of segments by TCP's note. `legs` are those of a proxied connection, from the
    client on, where `events` has several. `proxy` is then the address of who stands between this
    one and the next; `other_leg` the number of that connection, `beyond` its end that is not the
    proxy: the server, or the client where this one is the last, `behind_proxy`.
    `secure` is the innermost TLS connection, `around` are those around it, the outermost first.
    `others`: further requests for WebSocket on its TCP connection; `more_requests`: how many
    requests of any kind came behind its own there.
    `refusal`: what it is about where it is a tunnel that was refused, and no connection; `number`
    counts those then. `way`: how proxies were asked for a way, and who they said asks; () where
    that is not kept. `unread`: bytes of both ends that are in the capture and could not be read.
    `sealed`: which ends sent within TLS what no key opened; `sealed_head`: `request` or `answer`
    where that is among it.
    """

    number: int
    capture: str
    client: str
    server: str
    scheme: str
    target: str | None
    tunnel: str | None
    version: str | None
    http_version: str | None
    http_stream: int | None
    outcome: str
    started: int
    ended: int
    opening: Opening | None
    secure: Secure | None
    request: HeadStory | None
    interims: tuple[str, ...]
    response: HeadStory | None
    proof: Proof | None
    deflate: Deflate | None
    frame_count: int
    frames: tuple[FrameStory, ...]
    left_out: tuple[Summary, ...]
    messages: tuple[MessageStory, ...]
    pings: tuple[Ping, ...]
    closing: Closing
    silences: tuple[Silence, ...]
    holes: tuple[Hole, ...]
    lost: dict[str, int]
    notes: tuple[tuple[str, str, int], ...]
    findings: tuple[Finding, ...]
    events: tuple[Event, ...] = ()
    proxy: str | None = None
    other_leg: int | None = None
    beyond: str | None = None
    behind_proxy: bool = False
    cut: str | None = None
    around: tuple[Secure, ...] = ()
    way: tuple[WayStep, ...] = ()
    legs: tuple[Leg, ...] = ()
    refusal: Refusal | None = None
    multiplexed: Multiplexed | None = None
    written: tuple[Written, ...] = ()
    unread: int = 0
    sealed: tuple[str, ...] = ()
    sealed_head: str | None = None
    others: tuple[OtherRequest, ...] = ()
    more_requests: int = 0

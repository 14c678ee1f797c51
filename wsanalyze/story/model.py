"""The story of one connection as plain values; text in it is as sent, not escaped for any place.

Times are integer ns since the epoch, spans integer ns, lengths bytes. `sender` is `client` or
`server`, `packet` the number that Wireshark shows. None: not in the capture, or not applicable.
Whoever shows one of these escapes all text of it; messages of findings quote what they quote.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Hole
from wsanalyze.streams import Record
from wsanalyze.tables.objects import Segment
from wsanalyze.tunnels.parts import Part
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.websocket.accept import AcceptSteps
from wsanalyze.websocket.challenge import ChallengeSteps
from wsanalyze.websocket.extensions import Deflate


@dataclass(frozen=True, slots=True)
class Opening:
    """How TCP was opened: SYN, SYN/ACK and ACK as far as the capture has them, and the time."""

    syn: Segment | None
    answer: Segment | None
    ack: Segment | None
    connect_ns: int | None


@dataclass(frozen=True, slots=True)
class TlsStep:
    """A message of the TLS handshake: what it is for, and label and text of what it says.

    `length` is that of the message, with its header of four bytes; `sealed`: it came encrypted.
    """

    sender: str
    time: int
    packet: int
    name: str
    meaning: str
    length: int
    sealed: bool
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TlsAlert:
    """An alert of TLS by its name: `close_notify`, or why the connection failed."""

    sender: str
    time: int
    packet: int
    name: str


@dataclass(frozen=True, slots=True)
class Secure:
    """The TLS connection around it.

    `keys_from`: `key log`, `capture`, `RSA key`, None where it stayed closed or that is not known;
    `labels` are those of the secrets (never the secrets). `records`: the first that were opened.
    `reason`: why it stayed closed. `steps`: the handshake, () where its bytes were not read again.
    `alerts`: the first close_notify, and the first other one.
    """

    version: str | None
    cipher: str | None
    sni: str | None
    alpn: str | None
    alpn_offered: tuple[str, ...]
    resumed: bool | None
    client_random: str | None
    certificate_subject: str | None
    certificate_issuer: str | None
    decrypted: bool
    reason: str | None
    keys_from: str | None
    labels: tuple[str, ...]
    records: tuple[tuple[str, Record], ...]
    steps: tuple[TlsStep, ...] = ()
    alerts: tuple[TlsAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One header field as sent, what it is for (None: not known here), and what is wrong there."""

    name: str
    value: str
    meaning: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class HeadStory:
    """A request or a response: the start line as sent, each field, findings on the head itself.

    `length` is that of the head in bytes; None where it came in the compressed fields of HTTP/2.
    """

    sender: str
    time: int | None
    packet: int | None
    start_line: str
    length: int | None
    lines: tuple[HeaderLine, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class WayStep:
    """A message of client or proxy before the way is open, or of a proxy that says who asks.

    `kind` is one of `tunnels.messages.KINDS`. `hop`: which tunnel of the way it is about, from 0;
    `depth`: how many TLS connections are around it; `stream` that of HTTP/2, None elsewhere.
    `parts` are its bytes with their meaning, `head` in their place where it is a CONNECT or its
    answer. `length` is in bytes, None in the compressed fields of HTTP/2. `code` is the number by
    which it answers, `meaning` what that says.
    """

    sender: str
    time: int
    packet: int
    kind: str
    length: int | None
    hop: int
    depth: int
    stream: int | None
    parts: tuple[Part, ...]
    head: HeadStory | None
    code: int | None
    meaning: str
    reference: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """How the server proves that it read the request.

    `kind`: `accept` (RFC 6455, `steps`), `challenge` (Hixie-76, `challenge`), `none` (no such proof
    in this version: `why` says so), `incomplete` (a part of it is missing: `why`). `sent` is what
    the server sent, `right` whether it is what must be sent.
    """

    kind: str
    steps: AcceptSteps | None = None
    challenge: ChallengeSteps | None = None
    sent: str | None = None
    right: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Compression:
    """A compressed message, before and after: `before` is the unmasked wire payload.

    `whole`: whether `before` is all of it; `after` is the beginning of `length` bytes inflated.
    `final`, `block`: BFINAL and BTYPE of its first block (RFC 1951 §3.2.3). `alone`: whether it
    inflates without the messages before it; None where that was not tried. `takeover`: whether the
    sender may refer to earlier messages; `window_bits` is that of the sender's window.
    """

    before: bytes
    whole: bool
    wire_length: int
    after: bytes
    length: int | None
    final: bool | None
    block: int | None
    alone: bool | None
    takeover: bool
    window_bits: int


@dataclass(frozen=True, slots=True)
class MessageStory:
    """One data message: its frames by number, the beginning of its content, its compression."""

    number: int
    sender: str
    type: str
    frames: tuple[int, ...]
    fragments: int
    length: int | None
    wire_length: int
    complete: bool
    utf8_valid: bool | None
    content: bytes
    compression: Compression | None


@dataclass(frozen=True, slots=True)
class FrameStory:
    """One frame, bit by bit.

    `dialect`: `rfc6455`, `draft` (HyBi 1 to 6) or `hixie`. `header` are its header bytes as sent,
    b"" where they could not be kept; `masked` and `payload` the first payload bytes before and
    after unmasking. `head`, `second`, `length` as RFC 6455 would have them. `part`: which fragment
    of its message it is, from 1, of how many; 0 where it is whole.
    """

    number: int
    sender: str
    time: int
    packet: int
    packet_end: int
    offset: int
    dialect: str
    head: int
    second: int
    header: bytes
    header_length: int
    length: int
    captured: int
    masking_key: bytes | None
    masked: bytes
    payload: bytes
    message: int | None
    part: int
    parts: int
    close_code: int | None
    close_reason: str | None
    findings: tuple[Finding, ...]

    @property
    def fin(self) -> bool:
        """The FIN bit."""
        return bool(self.head & 0x80)

    @property
    def opcode(self) -> int:
        """The opcode, 0 to 15."""
        return self.head & 0x0F


@dataclass(frozen=True, slots=True)
class Written:
    """HTTP in the place of frames: where it begins, its first characters, how many bytes it has."""

    sender: str
    time: int
    packet: int
    length: int
    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """A Ping with its Pong, by frame number; `rtt_ns` is None where none came."""

    sender: str
    frame: int
    time: int
    payload: bytes
    pong: int | None
    rtt_ns: int | None


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """A Close frame: code and reason (None: empty body), what the code means, who defines it."""

    sender: str
    frame: int | None
    time: int
    packet: int
    code: int | None
    reason: str | None
    meaning: str
    reference: str


@dataclass(frozen=True, slots=True)
class End:
    """A FIN or RST (`how`) of TCP, or END_STREAM, RST_STREAM or GOAWAY of HTTP/2 (`stream`).

    `name` is what it is called on the wire, `code` the name of its error code, None where there is
    none; `below`: of TCP below a stream that was over.
    """

    sender: str
    how: str
    time: int
    packet: int
    stream: bool
    name: str
    code: str | None = None
    below: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """How it ended: Close frames in order, ends of TCP in order, the column `ended_by`.

    `steps` are both together in order. `lingered_ns`: how long TCP stayed open when both ends had
    sent a Close, None where that was not. `more_closes`: how many Close frames there are behind
    those that are told.
    """

    closes: tuple[CloseFrame, ...]
    ends: tuple[End, ...]
    ended_by: str | None
    steps: tuple[CloseFrame | End, ...] = ()
    lingered_ns: int | None = None
    more_closes: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without a frame: from `start` on, before frame `before` (None: the end came).

    `outlasts`: names of time limits that are shorter, with their seconds: who would have cut it.
    `next_limit`: the shortest that is longer. `fits`: that which it is as long as, where the end
    came with it.
    """

    start: int
    length_ns: int
    after: int | None
    before: int | None
    outlasts: tuple[tuple[float, str], ...]
    next_limit: tuple[float, str] | None
    fits: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went from one lane to another, or happened on one.

    `layer`: `tcp`, `tls`, `proxy` (asking for a way), `http`, `websocket`, `gap`, or `http2` for
    what ends a stream. `leg`: which of the `legs` of a proxied connection, from the client on.
    `label` says what, `detail` more of it, `length` how many bytes. `note` is TCP's
    (`retransmission` …), `severity` the worst finding, `frame` its number. What has no `sender` is
    told of both: frames that are left out, the last of them at `until`.
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


@dataclass(frozen=True, slots=True)
class Summary:
    """Frames that are not told one by one: from `first` to `last`, how many of each kind."""

    first: int
    last: int
    client: int
    server: int
    kinds: tuple[tuple[str, int], ...]
    length: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the TCP connections that a proxied connection is made of: its number, its ends."""

    number: int
    client: str
    server: str
    tunnel: str | None


@dataclass(frozen=True, slots=True)
class SettingsStory:
    """SETTINGS of one end: of each its name, its value, and what it means where that is known."""

    sender: str
    time: int
    packet: int
    values: tuple[tuple[str, int, str | None], ...]


@dataclass(frozen=True, slots=True)
class Multiplexed:
    """How the HTTP/2 connection of a stream began; `preface` has time and packet.

    `whole`: nothing of it is missing. `enabled`: what the server had said of extended CONNECT when
    the request came, None where that is not known. `others`, `requests`: what shares it.
    """

    preface: tuple[int, int] | None
    settings: tuple[SettingsStory, ...]
    whole: bool
    enabled: int | None
    others: int
    requests: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is told of one connection. `frames` are those of the window, in order.

    `notes` are counts of segments by TCP's note. `legs` are those of a proxied connection, from the
    client on, where `events` has several. `proxy` is then the address of who stands between this
    one and the next; `other_leg` the number of that connection, `beyond` its end that is not the
    proxy: the server, or the client where this one is the last, `behind_proxy`.
    `secure` is the innermost TLS connection, `around` are those around it, the outermost first.
    `refusal`: what it is about where it is a tunnel that was refused, and no connection; `number`
    counts those then. `way`: how proxies were asked for a way, and who they said asks; () where
    that is not kept. `unread`: bytes of both ends that are in the capture and could not be read.
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

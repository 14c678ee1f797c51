"""The beginning of a connection as plain values: TCP, TLS, the way through proxies, the heads.

Text is as sent, not escaped for any place; times, spans and lengths are as in `story/model.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.checks.finding import Finding
from wsanalyze.streams import Record
from wsanalyze.tables.objects import Segment
from wsanalyze.tls.hello_parts import HelloPart
from wsanalyze.tunnels.parts import Part
from wsanalyze.websocket.accept import AcceptSteps
from wsanalyze.websocket.challenge import ChallengeSteps


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
    `parts`: of a ClientHello and a ServerHello each field with its bytes, else ().
    """

    sender: str
    time: int
    packet: int
    name: str
    meaning: str
    length: int
    sealed: bool
    facts: tuple[tuple[str, str], ...]
    parts: tuple[HelloPart, ...] = ()


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
class OtherRequest:
    """Another request for WebSocket on the same TCP connection: its number, and what became of it.

    `frames`: how many followed the answer, until `ended`.
    """

    number: int
    time: int
    packet: int
    responded: int | None
    response_packet: int | None
    method: str | None
    status: int | None
    outcome: str
    frames: int
    ended: int


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
    the request came, None where that is not known; `says_enabled`: whether any of `settings` says
    that it knows it. `others`, `requests`: what shares it.
    """

    preface: tuple[int, int] | None
    settings: tuple[SettingsStory, ...]
    whole: bool
    enabled: int | None
    others: int
    requests: int
    says_enabled: bool

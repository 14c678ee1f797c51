"""What is behind the handshake as plain values: frames, messages, Pings, silences, the end.

Text is as sent, not escaped for any place; times, spans and lengths are as in `story/model.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.checks.finding import Finding


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
class Summary:
    """Frames that are not told one by one: from `first` to `last`, how many of each kind."""

    first: int
    last: int
    client: int
    server: int
    kinds: tuple[tuple[str, int], ...]
    length: int


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """A Close frame: code and reason (None: empty body), what the code means, who defines it.

    `code_missing`: there is one, and it is not in the capture or could not be read.
    """

    sender: str
    frame: int | None
    time: int
    packet: int
    code: int | None
    reason: str | None
    meaning: str
    reference: str
    code_missing: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A FIN or RST (`how`) of TCP, or END_STREAM, RST_STREAM or GOAWAY of HTTP/2 (`stream`).

    `name` is what it is called on the wire, `code` the name of its error code, None where there is
    none; `below`: of TCP below a stream that was over. `again`: a FIN that was sent again.
    """

    sender: str
    how: str
    time: int
    packet: int
    stream: bool
    name: str
    code: str | None = None
    below: bool = False
    again: bool = False


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
    came with it, and then `ended_by` is whose end that was.
    """

    start: int
    length_ns: int
    after: int | None
    before: int | None
    outlasts: tuple[tuple[float, str], ...]
    next_limit: tuple[float, str] | None
    fits: tuple[float, str] | None = None
    ended_by: str | None = None

"""What was noticed of one connection while it was read: beside its counts, what checks look at.

Plain values. The layers write them, `checks/` reads them; nothing here knows packets or files.
Times are integer nanoseconds since the epoch, lengths bytes, `sender` is `client` or `server`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from wsanalyze.multiplexing import Stream

# How many events of one kind and one sender are kept with their places; all are counted.
KEPT_EVENTS = 5

# Masking keys kept of one side, the first ones: MT19937 gives itself away after 624 of 32 bits.
KEPT_KEYS = 1024


@dataclass(frozen=True, slots=True)
class ProxyLogin:
    """Credentials that a client gave a proxy where everybody could read them.

    `what` says of which kind; they themselves are not kept. Time and packet are those of the
    request of a CONNECT, or of SOCKS 5's user name and password.
    """

    what: str
    time: int
    packet: int


# Not frozen: that would make it four times as slow to make, and each connection has some.
@dataclass(slots=True)
class Event:
    """Something noteworthy about one frame or message. Nobody changes it.

    `kind` is one of KINDS. `time`, `packet` and `frame` (its number in the table `frames`, None
    where it cannot be told) are of the frame's first byte, `head`, `second`, `header_length`,
    `length` (as declared) and `masking_key` (None: unmasked) of its header. `payload` holds
    unmasked payload bytes that matter, shortened; `value` a number whose meaning KINDS tells.
    `other` is the event's counterpart where it has one. `certain` is False where the frame was
    found by evidence behind a hole. `part`: which fragment of its message it is about, from 0.
    """

    kind: str
    sender: str
    time: int
    packet: int
    frame: int | None
    head: int = 0
    second: int = 0
    header_length: int = 0
    length: int = 0
    masking_key: int | None = None
    payload: bytes = b""
    value: int = 0
    other: Event | None = None
    certain: bool = True
    part: int = 0

    @property
    def opcode(self) -> int:
        """The opcode, 0 to 15."""
        return self.head & 0x0F

    @property
    def header(self) -> bytes:
        """The header as it was on the wire, put together again of its facts.

        Of versions before HyBi draft 7, whose headers are others, what RFC 6455 has for the same.
        """
        size = self.header_length - (2 if self.masking_key is None else 6)
        length = self.length.to_bytes(8, "big")[8 - size :] if size in (2, 8) else b""
        key = b"" if self.masking_key is None else self.masking_key.to_bytes(4, "big")
        return bytes((self.head, self.second)) + length + key


# Kinds of events → what `value`, `payload` and `other` hold. Of a frame's header:
KINDS = {
    "unmasked": "a frame of the client without a mask",
    "masked": "a frame of the server with a mask",
    "rsv": "RSV2 or RSV3, or RSV1 where no extension owns it; value: the three bits, RSV1 is 4",
    "rsv1-continuation": "RSV1 on a continuation frame where permessage-deflate is in use",
    "rsv1-control": "RSV1 on a control frame where permessage-deflate is in use",
    "opcode": "a reserved opcode",
    "length-form": "a length that is not coded in the fewest bytes; value: bytes it is coded in",
    "length-top-bit": "a 64-bit length with the top bit set",
    "large": "the largest frame of a side, where that declares a megabyte or more",
    "control-length": "a control frame with more than 125 bytes",
    "control-fragment": "a control frame without FIN",
    "empty-data": "a data frame without payload that is a fragment of a longer message",
    # Of sequences of frames:
    "no-message": "a continuation frame although no message is open",
    "interrupted": "a text or binary frame although a message is open; other: its first frame",
    "interleaved": "a control frame between the fragments of a message; other: its first frame",
    "unfinished": "a message whose last frame never came; value: its bytes so far",
    "cut": "a frame that the end of the stream cut; value: payload bytes that came",
    "data-after-close": "a data frame after this side's Close; other: the Close",
    "close-again": "a second Close of this side; other: the first one",
    "ping-after-close": "a Ping after this side's Close; other: the Close",
    "frame-after-refusal": "frames of this side behind a response that voids the handshake",
    "http": "HTTP in the place of frames, up to the end; no frame of the table, and none is behind "
    "it; length: how long it is, payload: its first 1,024 bytes",
    "early": "bytes of the client before the 101; value: how many came",
    # Of frames of Hixie; value: where the frame begins in its sender's stream:
    "hixie-length": "a length of more than 63 bits, behind which nothing can be read",
    "hixie-cut": "a frame that the end of the stream cut",
    # Of the closing handshake; counted alone, without an event:
    "odd-reason": "a Close whose reason is not UTF-8",
    "odd-code": "a Close whose body does not begin with 1000 or 1001, and is not empty",
    "one-close": "the only Close of a session, which therefore has no answer",
    "no-close": "neither end sent a Close",
    "codes-differ": "a Close with another code than the other end's",
    # Of control frames; payload: theirs, unmasked:
    "ping-unanswered": "a Ping whose Pong did not come; value: ns that the capture went on for",
    "pong-mismatched": "a Pong that no Ping has the payload of, while one is due; other: the Ping",
    # Of messages; payload: the beginning of its content, decompressed:
    "not-utf8": "text that is not UTF-8; value: offset of the first bad byte in the message, "
    "payload: up to 4 bytes before it, which begin with a character, and 4 from it on; they end "
    "before it where text ends within a character; part: the fragment that it is in",
    "tiny-fragments": "a message of many small fragments; value: their bytes, part: how many",
    "not-inflated": "a compressed message that does not inflate; payload: what the decoder says",
    "inflated-again": "the first compressed message that inflates behind some that do not",
    "inflate-cut": "a message that inflates beyond a limit; value: bytes inflated until then",
    "inflate-ratio": "a message that inflates to many times its size; value: its length inflated, "
    "part: its length on the wire",
    "grew": "a compressed message that is longer than its content; value: length of the content, "
    "part: its length on the wire",
    "empty-compressed": "an empty compressed message in other bytes than 00; value: how many",
    "final-block": "a compressed message with blocks that are the last of their stream (BFINAL); "
    "value: how many",
    "window": "a reference beyond the agreed window; value: the distance",
    "context": "a reference into the message before although no_context_takeover was agreed; "
    "value: how far back from the message's beginning, 0 where that is not known",
    "http-on-wire": "bytes that spell a request line of HTTP on the wire; payload: as on the wire",
    "secret": "content that looks like a secret; value: index into SECRETS",
    "inner-protocol": "content that begins as another protocol does; value: index into INNER",
    "dense": "a binary message as random as encrypted data; value: thousandths of a bit a byte",
    "json-in-binary": "a binary message that is JSON",
    "base64-in-text": "a text message that is base64 and nothing else",
}

SECRETS = ("JWT", "PEM private key", "AWS access key", "card number", "password field")
INNER = ("SSH", "TLS", "HTTP", "SOCKS", "RDP", "VNC")


@dataclass(slots=True)
class Spread:
    """Numbers of which only these facts are kept: how many, their sums, the least and the most."""

    count: int = 0
    total: int = 0
    squares: float = 0.0
    least: int = 0
    most: int = 0

    def add(self, number: int) -> None:
        """Take one number."""
        self.least = number if self.count == 0 else min(self.least, number)
        self.most = number if self.count == 0 else max(self.most, number)
        self.count += 1
        self.total += number
        self.squares += float(number) * number

    @property
    def mean(self) -> float:
        """The mean; 0 where there are none."""
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 where there are none."""
        if not self.count:
            return 0.0
        return float(max(self.squares / self.count - self.mean**2, 0.0) ** 0.5)


@dataclass(slots=True)
class Side:
    """What one end sent, as far as checks want to know it.

    - `close`: its first Close frame, `payload` being its body; `before_close`: the last frame of
      the other end before it, which may have provoked it
    - `first`, `last`: its first and last frame
    - `masking_keys`: the first KEPT_KEYS keys of its masked frames, in order, as unsigned 32-bit
      numbers; `zero_keys`, `same_keys`: how many are zero, and equal to the one before
    - `empty_frames`: data frames without payload; `fragments`: frames of messages that have several
    - `interleaved`: control frames between fragments
    - `compressed`, `uncompressed`: data messages with and without RSV1 that were complete;
      `compressed_wire`, `compressed_length`: bytes of the former before and after inflating
    - `pong_ns`: the time that its Pings waited for their Pong (`count` is how many were answered)
    - `ping_ns`, `pong_only_ns`: time between its Pings; between its unsolicited Pongs
    - `pings_in_second`: the most Pings in a second, counted in seconds that begin with a Ping
    - `unsolicited_pongs`: Pongs while no Ping of the other end was open
    - `message_ns`, `message_lengths`: time between its data messages; their lengths on the wire
    - `bursts`: three messages or more within 5 ms after a second of silence from it;
      `burst_messages`: how many messages came in them; `unasked_bursts`: those of them in whose
      silence the other end had sent nothing, either
    - `pong_times`: the first 1,024 times that `pong_ns` sums up, in ns; None where there are none
    - `largest`: its frame with the largest declared length
    """

    close: Event | None = None
    before_close: Event | None = None
    first: Event | None = None
    last: Event | None = None
    largest: Event | None = None
    masking_keys: array[int] = field(default_factory=lambda: array("I"))
    zero_keys: int = 0
    same_keys: int = 0
    empty_frames: int = 0
    fragments: int = 0
    interleaved: int = 0
    compressed: int = 0
    uncompressed: int = 0
    compressed_wire: int = 0
    compressed_length: int = 0
    unsolicited_pongs: int = 0
    pings_in_second: int = 0
    bursts: int = 0
    unasked_bursts: int = 0
    burst_messages: int = 0
    pong_ns: Spread = field(default_factory=Spread)
    ping_ns: Spread = field(default_factory=Spread)
    pong_only_ns: Spread = field(default_factory=Spread)
    pong_times: array[int] | None = None
    message_ns: Spread = field(default_factory=Spread)
    message_lengths: Spread = field(default_factory=Spread)


# Not frozen, as Event: each connection has two.
@dataclass(slots=True)
class Ending:
    """A FIN or RST of one end, as it was on the wire.

    `how` is `fin` or `rst`. `ttl` is the IP TTL (hop limit) of that packet, `usual_ttl` that of the
    last packet with payload (else of the SYN) of the same direction, None where there was none.
    `ip_id` is IPv4's identification, None with IPv6. `behind` says how many bytes the segment's
    sequence number is ahead of what had been received of its sender in order (negative: old).
    `window` is as sent. `bare` is False where it carried payload. `stream`: it is END_STREAM or
    RST_STREAM of a stream of HTTP/2, or a GOAWAY with an error code, which have nothing of that;
    `code` is the error code then, None of END_STREAM, and `last` the last stream that a GOAWAY
    names. `again`: a FIN behind the first one of its sender, which that sent again.
    """

    sender: str
    how: str
    time: int
    packet: int
    ttl: int
    usual_ttl: int | None
    ip_id: int | None
    behind: int
    window: int
    has_ack: bool
    bare: bool
    stream: bool = False
    code: int | None = None
    last: int | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes of one end that are not in the capture; `time` and `packet`: of what came behind."""

    sender: str
    offset: int
    length: int
    time: int
    packet: int


@dataclass(slots=True)
class Observation:
    """What was noticed of one connection.

    - `events`: in the order in which they were read, at most KEPT_EVENTS of each kind and sender;
      `counts`: how many there were of each (kind, sender)
    - `endings`: FINs and RSTs of the TCP conversation in order, at most 16
    - `holes`: what the capture did not have, the first 16 of a connection
    - `client_after_end`, `server_after_end`: bytes that one end still sent, new ones, after the
      other end's first RST or FIN
    - `client_after_own_reset`, `server_after_own_reset`: bytes that one end still sent, new ones,
      after the first RST in its own name: somebody else had sent that
    - `silence_ns`: the time from the last frame to the first FIN or RST
    - `longest_silence_ns`: the longest time without a frame of either end, from 5 s on, and before
      which frame
    - `pipelined`: requests that the client sent behind the upgrade request before its answer came
    - `requests_after`: requests on the same TCP connection after this attempt was refused
    - `with_response`: frames of the server in the same packet as its response
    - `zero_windows`: times that an end announced a window of 0; `window_zero_ns` for how long in
      all
    - `client_unfilled`, `server_unfilled`: whether an end's SYN has a checksum that the network
      card was to fill in: it was captured on the sending host
    - `client_end_missing`, `server_end_missing`: whether the last of what an end sent is not in the
      capture: its FIN perhaps, where the other acknowledged more than is there, or bytes before it
    - `client_segments`, `server_segments`: TCP segments with new payload behind that with the end
      of the response's head, in which frames may be, too; 0 where no response came
    - `stalls`: pauses of more than a second within one frame of an end
    - `body`: the first bytes of a refusal's body, as sent
    - `stream`: where it is a stream of HTTP/2; `endings` begin with END_STREAM and RST_STREAM then
    """

    client: Side = field(default_factory=Side)
    server: Side = field(default_factory=Side)
    events: list[Event] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    client_after_end: int = 0
    server_after_end: int = 0
    client_after_own_reset: int = 0
    server_after_own_reset: int = 0
    silence_ns: int | None = None
    longest_silence_ns: int = 0
    longest_silence_before: Event | None = None
    pipelined: int = 0
    requests_after: int = 0
    with_response: int = 0
    client_zero_windows: int = 0
    server_zero_windows: int = 0
    client_window_zero_ns: int = 0
    server_window_zero_ns: int = 0
    client_unfilled: bool = False
    server_unfilled: bool = False
    client_end_missing: bool = False
    server_end_missing: bool = False
    client_segments: int = 0
    server_segments: int = 0
    client_stalls: int = 0
    server_stalls: int = 0
    body: bytes = b""
    stream: Stream | None = None

    def side(self, sender: str) -> Side:
        """Return what `client` or `server` sent."""
        return self.client if sender == "client" else self.server

    def of(self, kind: str) -> list[Event]:
        """Return the events of a kind that are kept, in order."""
        return [event for event in self.events if event.kind == kind]

    def http(self, sender: str) -> Event | None:
        """Return the event of the HTTP that an end writes where frames are due; None for none."""
        return next((each for each in self.of("http") if each.sender == sender), None)

    def count(self, kind: str, sender: str | None = None) -> int:
        """Count the events of a kind, kept or not, of one sender or both."""
        senders = ("client", "server") if sender is None else (sender,)
        return sum(self.counts.get((kind, each), 0) for each in senders)

"""What was noticed of an HTTP/2 connection and of its streams (RFC 9113, RFC 8441).

Plain values, as those of `observation`: the layers write them, `checks/` and `story/` read them.
Times are integer nanoseconds since the epoch, `sender` is `client` or `server`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Values of SETTINGS_ENABLE_CONNECT_PROTOCOL that are kept of one connection.
KEPT_SETTINGS = 16

# SETTINGS frames that are kept of one connection, and settings of one.
KEPT_OPENING = 8

# Kinds of what is malformed that are kept of one connection.
KEPT_FAULTS = 16

# Streams of HTTP/2 that are named.
KEPT_STREAMS = 64


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that the server gave SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3)."""

    value: int
    time: int
    packet: int


@dataclass(frozen=True, slots=True)
class Settings:
    """A SETTINGS frame of one end: identifiers and values, in order, the first 16."""

    sender: str
    time: int
    packet: int
    values: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Malformed:
    """A frame or a message of HTTP/2 that breaks a rule of RFC 9113, and how often it did.

    `what` in words, `section` of which document, `evidence` what was found. `stream` is 0 for what
    concerns the connection; time and packet are of the first. `field`: the name of the field at
    fault, or of the frame, empty where it is neither.
    """

    what: str
    section: str
    evidence: str
    sender: str
    stream: int
    time: int
    packet: int
    count: int = 1
    field: str = ""


@dataclass(slots=True)
class Multiplex:
    """What was noticed of an HTTP/2 connection; its streams share it.

    - `whole`: from its first byte on, every frame could be read so far; `settings`: whether
      SETTINGS of the server were seen
    - `preface`: time and packet of the client's preface; `opening`: the first SETTINGS of both
      ends, at most 8
    - `connect`: the first values and the last one of SETTINGS_ENABLE_CONNECT_PROTOCOL
    - `websockets`, `requests`: how many streams asked for WebSocket, and for something else;
      `streams`: the first 64 of the former
    - `opened`: how many of them became one; `open_streams`: the first 64 of those
    - `goaway`: (sender, error code, last stream, time, packet) of the first GOAWAY, or of the first
      with an error
    - `tcp_ends`: (sender, `fin` or `rst`, time, packet) of the ends of TCP below, the first 8
    - `cut`: how many WebSockets were open, without a Close of both ends, when the connection ended
    - `malformed`: how many frames and messages are not as RFC 9113 has them, while `whole`; those
      for WebSocket are judged by their handshake; `faults`: the first 16 kinds of them
    """

    whole: bool = True
    settings: bool = False
    preface: tuple[int, int] | None = None
    opening: list[Settings] = field(default_factory=list)
    connect: list[Setting] = field(default_factory=list)
    websockets: int = 0
    requests: int = 0
    streams: list[int] = field(default_factory=list)
    opened: int = 0
    open_streams: list[int] = field(default_factory=list)
    goaway: tuple[str, int, int, int, int] | None = None
    tcp_ends: list[tuple[str, str, int, int]] = field(default_factory=list)
    cut: int = 0
    malformed: int = 0
    faults: list[Malformed] = field(default_factory=list)

    def tell_again(self, what: str, sender: str) -> bool:
        """Count what breaks a rule that was broken before; say whether it was."""
        for each in self.faults:
            if each.what == what and each.sender == sender:
                each.count += 1
                self.malformed += 1
                return True
        return False

    def tell(self, fault: Malformed) -> None:
        """Take note of what is malformed; what breaks the same rule again is counted."""
        if self.tell_again(fault.what, fault.sender):
            return
        self.malformed += 1
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)

    def enable(self, values: list[int], time: int, packet: int) -> None:
        """Take values of SETTINGS_ENABLE_CONNECT_PROTOCOL."""
        for value in values:
            # The last one is what counts: it takes the place of the one before.
            del self.connect[KEPT_SETTINGS - 1 :]
            self.connect.append(Setting(value, time, packet))

    def open(self, number: int) -> None:
        """Take a stream that became a WebSocket."""
        self.opened += 1
        if len(self.open_streams) < KEPT_STREAMS:
            self.open_streams.append(number)

    @property
    def enabled(self) -> int | None:
        """What the server has said of extended CONNECT so far; None where that is not known."""
        if self.connect:
            return self.connect[-1].value
        return 0 if self.whole else None


@dataclass(frozen=True, slots=True)
class Stall:
    """A sender's window was used up: from `time` on, for `waited_ns`; `ended`: by an update."""

    sender: str
    time: int
    packet: int
    waited_ns: int
    ended: bool


@dataclass(slots=True)
class Stream:
    """What was noticed of one stream of HTTP/2 that carries a WebSocket.

    - `enabled`: what the server had said of extended CONNECT when the request came: 1, 0, None
      where that is not known
    - `late`: whether its request was read behind what the server sent later: a hole, in TLS
      perhaps, had kept the client waiting
    - `opened`: whether it became a WebSocket
    - `client_data`, `server_data`: DATA frames of each end
    - `resets`: (sender, error code, time, packet) of RST_STREAM, the first of each end
    - `finished`: who sent END_STREAM, in order, with time and packet
    - `stalls`: the first 16 times that a window was used up for a second and more while a frame
      was cut by it
    """

    shared: Multiplex
    number: int
    enabled: int | None = None
    late: bool = False
    opened: bool = False
    client_data: int = 0
    server_data: int = 0
    resets: list[tuple[str, int, int, int]] = field(default_factory=list)
    finished: list[tuple[str, int, int]] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)

    @property
    def sharing(self) -> tuple[int, int]:
        """How many other WebSockets, and other requests, are on its connection."""
        others = self.shared.opened - self.opened
        asked = self.shared.websockets - 1 - others
        return others, self.shared.requests + asked

"""What an application notes about its own WebSocket connections while it is being recorded.

Every application (a client or a server, in Python, in Node, in a browser) writes events to a
journal, one JSON object per line. `truth.py` makes the truth of a capture from the journals of both
ends and from nothing else. `sessions/journal.cjs` writes the same lines from Node.

An event has `time` (CLOCK_MONOTONIC in nanoseconds, the same clock in all processes of a machine),
`side` (which application noted it), the four addresses and ports, `exchange` (0 for the first
upgrade request on this TCP connection, 1 for the next) and `event`:

- `request`: target, version, subprotocols_offered, extensions_offered
- `response`: status, subprotocol, extensions, and success: the status that opens a WebSocket, where
  that may be another one than 101 and is not told by `open`
- `tunnel`: the way through proxies that this side asked for or was told, as `tunnel` has it
- `open`: the application takes the handshake for good
- `unanswered`: there was a 101, but not all that Hixie-76 has behind it
- `message`: sender, type, length, sha256, frames (None: unknown), compressed (None: unknown)
- `control`: sender, type (`close`, `ping`, `pong`), length, code, reason
- `frame`: sender, opcode, fin, rsv1, rsv2, rsv3, masked, length; from applications that see frames
- `eof`: by: the end of one side's TCP stream, as an application notices it
- `http`: sender: it writes HTTP in the place of frames, of which no application has a count
- `cut`: by, how (`fin`, `rst`): the connection is torn down without the closing handshake
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Side = Literal["client", "server"]
Header = tuple[str, str]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
CONTROL_TYPES = {CLOSE: "close", PING: "ping", PONG: "pong"}
DATA_TYPES = {TEXT: "text", BINARY: "binary"}


@dataclass(frozen=True)
class Peers:
    """The two ends of a TCP connection."""

    client_ip: str
    client_port: int
    server_ip: str
    server_port: int

    @classmethod
    def seen_by(cls, side: Side, local: tuple[Any, ...], remote: tuple[Any, ...]) -> Peers:
        """Return the peers of a socket with these `getsockname` and `getpeername` answers."""
        client, server = (local, remote) if side == "client" else (remote, local)
        return cls(client[0], client[1], server[0], server[1])


def header_elements(headers: Iterable[Header], name: str) -> list[str]:
    """Return the comma-separated elements of all header fields called `name`, in order, as sent."""
    values = [value for field, value in headers if field.lower() == name.lower()]
    return [element.strip() for value in values for element in value.split(",") if element.strip()]


def header_value(headers: Iterable[Header], name: str) -> str | None:
    """Return the first header field called `name`, or None."""
    return next((value for field, value in headers if field.lower() == name.lower()), None)


class Journal:
    """The events of one application, appended to one file."""

    def __init__(self, path: Path, side: Side, *, sees_control: bool = True) -> None:
        """Open the journal; a browser's page never sees ping and pong: `sees_control` is False."""
        self.side: Side = side
        self.sees_control = sees_control
        self._file = path.open("a", encoding="utf-8")
        self._exchanges: Counter[Peers] = Counter()

    def exchange(self, peers: Peers) -> Pen:
        """Return the pen for the next upgrade request on the TCP connection between `peers`."""
        number = self._exchanges[peers]
        self._exchanges[peers] += 1
        return Pen(self, peers, number)

    def write(self, event: dict[str, Any]) -> None:
        """Append one event, and flush: the application may be killed next."""
        line = {
            "time": time.monotonic_ns(),
            "side": self.side,
            "sees_control": self.sees_control,
        } | event
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Pen:
    """Writes the events of one upgrade request and of the WebSocket connection that it opens."""

    def __init__(self, journal: Journal, peers: Peers, exchange: int) -> None:
        """Take the `exchange`-th upgrade request between `peers`."""
        self.journal = journal
        self.side: Side = journal.side
        self.peers = peers
        self._address = asdict(peers) | {"exchange": exchange}
        self._fragments: dict[Side, list[bytes]] = {"client": [], "server": []}
        self._types: dict[Side, str | None] = {"client": None, "server": None}

    @property
    def other(self) -> Side:
        """The side that this application talks to."""
        return "server" if self.side == "client" else "client"

    def note(self, event: str, **facts: Any) -> None:
        """Write one event with its facts."""
        self.journal.write(self._address | {"event": event} | facts)

    def request(self, target: str, headers: Iterable[Header], **facts: Any) -> None:
        """Note the upgrade request that was sent or received."""
        fields = list(headers)
        self.note(
            "request",
            target=target,
            version=header_value(fields, "Sec-WebSocket-Version"),
            subprotocols_offered=header_elements(fields, "Sec-WebSocket-Protocol"),
            extensions_offered=header_elements(fields, "Sec-WebSocket-Extensions"),
            **facts,
        )

    def response(self, status: int, headers: Iterable[Header], **facts: Any) -> None:
        """Note the final response that was sent or received."""
        fields = list(headers)
        self.note(
            "response",
            status=status,
            subprotocol=header_value(fields, "Sec-WebSocket-Protocol"),
            extensions=header_elements(fields, "Sec-WebSocket-Extensions"),
            **facts,
        )

    def opened(self) -> None:
        """Note that this application takes the WebSocket connection for open."""
        self.note("open")

    def message(
        self,
        sender: Side,
        payload: str | bytes,
        *,
        frames: int | None = None,
        compressed: bool | None = None,
        **facts: Any,
    ) -> None:
        """Note a data message as the application has it (`str` is text, `bytes` binary)."""
        data = payload.encode() if isinstance(payload, str) else bytes(payload)
        kind = "text" if isinstance(payload, str) else "binary"
        self._message(sender, kind, data, frames, compressed, **facts)

    def _message(
        self,
        sender: Side,
        kind: str,
        data: bytes,
        frames: int | None,
        compressed: bool | None,
        **facts: Any,
    ) -> None:
        self.note(
            "message",
            sender=sender,
            type=kind,
            length=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            frames=frames,
            compressed=compressed,
            **facts,
        )

    def control(self, sender: Side, opcode: int, data: bytes = b"", **facts: Any) -> None:
        """Note a Close, Ping or Pong with its payload."""
        code = int.from_bytes(data[:2], "big") if opcode == CLOSE and len(data) >= 2 else None
        reason = data[2:].decode(errors="replace") if code is not None else None
        kind = CONTROL_TYPES[opcode]
        self.note(
            "control", sender=sender, type=kind, length=len(data), code=code, reason=reason, **facts
        )

    def frame(
        self,
        sender: Side,
        opcode: int,
        data: bytes,
        *,
        fin: bool = True,
        rsv: tuple[bool, bool, bool] = (False, False, False),
        masked: bool | None = None,
    ) -> None:
        """Note one uncompressed frame, and the message or control frame that it completes.

        `masked` defaults to what RFC 6455 §5.1 asks of `sender`.
        """
        whose = sender == "client" if masked is None else masked
        self.frame_header(sender, opcode, fin=fin, rsv=rsv, masked=whose, length=len(data))
        self.fragment(sender, opcode, data, fin=fin, compressed=False)

    def frame_header(
        self,
        sender: Side,
        opcode: int,
        *,
        fin: bool,
        rsv: tuple[bool, bool, bool] = (False, False, False),
        masked: bool,
        length: int,
    ) -> None:
        """Note a frame by its header alone: its payload may never come."""
        bits = dict(zip(("rsv1", "rsv2", "rsv3"), rsv, strict=True))
        self.note(
            "frame", sender=sender, opcode=opcode, fin=fin, **bits, masked=masked, length=length
        )

    def fragment(
        self, sender: Side, opcode: int, data: bytes, *, fin: bool, compressed: bool | None
    ) -> None:
        """Put a frame's application data into its message; note the message when it is complete."""
        if opcode in CONTROL_TYPES:
            self.control(sender, opcode, data)
            return
        if opcode in DATA_TYPES:
            self._types[sender], self._fragments[sender] = DATA_TYPES[opcode], []
        kind = self._types[sender]
        if kind is None:
            return  # a reserved opcode, or a continuation of nothing
        self._fragments[sender].append(data)
        if fin:
            parts = self._fragments[sender]
            self._message(sender, kind, b"".join(parts), len(parts), compressed)
            self._types[sender] = None

    def cut(self, by: Side, how: Literal["fin", "rst"]) -> None:
        """Note that `by` tears the TCP connection down without a closing handshake."""
        self.note("cut", by=by, how=how)

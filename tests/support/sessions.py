"""WebSocket conversations made by hand, given to the layers directly, in any pieces."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from support.packets import SECOND, T0
from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.probe import Probe
from wsanalyze.layers.recorder import Recorder
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.tls.keylog import Secrets
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.masking import unmask

Row = dict[str, Any]

# RFC 6455 §1.3
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = bytes.fromhex("37fa213d")
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
    form: int | None = None,
) -> bytes:
    """Return a frame; `length` is what it claims, `form` 7, 16 or 64 bits of it (the shortest)."""
    length = len(payload) if length is None else length
    if form is None:
        form = 7 if length < 126 else 16 if length < 65536 else 64
    head = bytes((fin << 7 | rsv << 4 | opcode,))
    masked = 0x80 if mask is not None else 0
    if form == 7:
        head += bytes((masked | length,))
    else:
        head += bytes((masked | (126 if form == 16 else 127),)) + length.to_bytes(form // 8, "big")
    return head + (mask + unmask(payload, mask) if mask is not None else payload)


def masked(payload: bytes = b"", opcode: int = TEXT, **more: Any) -> bytes:
    """Return a frame as a client sends it."""
    return frame(payload, opcode, mask=MASK, **more)


def request(*lines: str, target: str = "/chat") -> bytes:
    """Return an upgrade request with further field lines."""
    head = (
        f"GET {target} HTTP/1.1",
        "Host: example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*head, *lines, "", "")).encode()


def response(*lines: str) -> bytes:
    """Return the 101 that answers it, with further field lines."""
    head = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPT}",
    )
    return "\r\n".join((*head, *lines, "", "")).encode()


def http(first_line: str, *lines: str, body: bytes = b"") -> bytes:
    """Return any other head, with a body behind it."""
    return "\r\n".join((first_line, *lines, "", "")).encode() + body


DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


class Deflater:
    """Compresses messages as a sender with context takeover does."""

    def __init__(self, bits: int = 15) -> None:
        self.compressor = zlib.compressobj(wbits=-bits)

    def __call__(self, payload: bytes) -> bytes:
        data = self.compressor.compress(payload) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        return data[:-4]


class Stage:
    """A conversation that a Probe reads; side 0 is the client. Each call is a packet of its own.

    `opened` says whether the client's SYN was seen; `pieces` how data is cut: None for whole;
    `secrets` open TLS.
    """

    def __init__(
        self,
        *,
        opened: bool = True,
        limits: Limits | None = None,
        wants: Wants | None = None,
        pieces: int | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        wants = wants or Wants(payloads="full")
        self.recording = Recording(
            wants,
            frames=FrameColumns() if wants.frames else None,
            messages=MessageColumns() if wants.messages else None,
        )
        self.recorder = Recorder(self.recording, limits or Limits(), secrets)
        self.recorder.summaries = [CaptureSummary("stage.pcap")]
        self.conversation = Conversation()
        self.conversation.family = 4
        self.conversation.low_low, self.conversation.low_port = 0xC0000201, 40000
        self.conversation.high_low, self.conversation.high_port = 0xC6336402, 8080
        self.conversation.first_time = T0
        self.conversation.opened_by = 0 if opened else -1
        self.layer: Layer = Probe(self.recorder, self.conversation)
        self.conversation.layer = self.layer
        self.pieces = pieces
        self.packet = 0
        self.gone = False

    def _next(self) -> tuple[int, int]:
        self.packet += 1
        self.conversation.last_time = T0 + self.packet * SECOND
        self.conversation.last_packet = self.conversation.last_ordinal = self.packet
        return T0 + self.packet * SECOND, self.packet

    def data(self, side: int, data: bytes) -> Stage:
        """Send bytes, cut as this stage cuts them."""
        size = self.pieces or max(1, len(data))
        for at in range(0, len(data), size):
            time, packet = self._next()
            piece = b"..." + data[at : at + size] + b"..."
            if not self.gone:
                done = self.layer.data(side, Buffer(piece), 3, len(piece) - 3, time, packet, packet)
                self.gone = bool(done)
        return self

    def client(self, *data: bytes) -> Stage:
        """Send bytes of the client, each argument in a packet of its own."""
        for each in data:
            self.data(0, each)
        return self

    def server(self, *data: bytes) -> Stage:
        """Send bytes of the server."""
        for each in data:
            self.data(1, each)
        return self

    def gap(self, side: int, length: int) -> Stage:
        """Lose bytes."""
        time, packet = self._next()
        if not self.gone:
            direction = self.conversation.direction(side)
            direction.lost += length
            self.gone = bool(self.layer.gap(side, length, time, packet, packet))
        return self

    def end(self, side: int, how: int = 0) -> Stage:
        """Send a FIN, or a RST."""
        time, packet = self._next()
        if not self.gone:
            self.gone = bool(self.layer.end(side, how, time, packet))
        return self

    def finish(self, evicted: int = 0) -> Recording:
        """End it, as the transport does, and return what was recorded."""
        if not self.gone:
            self.layer.finish(evicted)
        return self.recording

    @property
    def frames(self) -> list[Row]:
        """The frames, each side's in order."""
        return frames_of(self.recording)

    @property
    def messages(self) -> list[Row]:
        """The messages, each side's in order."""
        return messages_of(self.recording)

    @property
    def connections(self) -> list[Connection]:
        """The connection attempts."""
        return self.recording.connections

    @property
    def connection(self) -> Connection:
        """The one connection attempt."""
        (only,) = self.recording.connections
        return only


def rows_of(columns: Any) -> Iterator[Row]:
    """Yield the rows of typed columns as dicts."""
    lists = {name: list(view) for name, view in columns.arrays().items()}
    for values in zip(*lists.values(), strict=True):
        yield dict(zip(lists, values, strict=True))


PLACE = ("connection", "sender", "offset")


def messages_of(recording: Recording) -> list[Row]:
    """Return the messages by connection, sender and offset, with digest and kept payload."""
    columns = recording.messages
    assert columns is not None
    rows = []
    for serial, row in enumerate(rows_of(columns)):
        digest, start, stop = (
            row.pop(name) for name in ("digest", "payload_start", "payload_stop")
        )
        row["sha256"] = (
            bytes(columns.digests[32 * digest : 32 * digest + 32]) if digest >= 0 else None
        )
        row["payload"] = bytes(columns.payloads[start:stop])
        row["serial"] = serial
        rows.append(row)
    return sorted(rows, key=lambda row: tuple(row[name] for name in PLACE))


def frames_of(recording: Recording) -> list[Row]:
    """Return the frames likewise; `message` counts a sender's messages within a connection."""
    assert recording.frames is not None
    rows = sorted(rows_of(recording.frames), key=lambda row: tuple(row[name] for name in PLACE))
    places: dict[tuple[int, int], dict[int, int]] = {}
    for row in rows:
        if row["message"] >= 0:
            mine = places.setdefault((row["connection"], row["sender"]), {})
            row["message"] = mine.setdefault(row["message"], len(mine))
    return rows


WHEN = ("time", "time_end", "packet", "packet_end", "ordinal", "serial")
CONNECTION_WHEN = (
    "requested_ordinal",
    "started",
    "requested",
    "responded",
    "ended",
    "ended_ordinal",
    "request_packet",
    "response_packet",
    "connect_ms",
)


def without(row: Row, names: Sequence[str]) -> Row:
    """Return a row without some of its columns."""
    return {name: value for name, value in row.items() if name not in names}


def connections_of(recording: Recording) -> list[Row]:
    """Return the connections' records without what depends on the packets."""
    rows = []
    for connection in recording.connections:
        row = {each.name: getattr(connection, each.name) for each in fields(connection)}
        handshake = row.pop("handshake")
        row["proxy_logins"] = [login.what for login in row["proxy_logins"]]
        row["heads"] = handshake and (handshake.request_head, handshake.response_head)
        rows.append(without(row, CONNECTION_WHEN))
    return rows


def facts(recording: Recording) -> dict[str, list[Row]]:
    """Return everything that does not depend on how the bytes were packed into packets."""
    return {
        "connections": connections_of(recording),
        "frames": [without(row, WHEN) for row in frames_of(recording)],
        "messages": [without(row, WHEN) for row in messages_of(recording)],
    }


def sha256(payload: bytes) -> bytes:
    """Return the digest that a message with this payload has."""
    return hashlib.sha256(payload).digest()


def brief(rows: Iterable[Row], *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of rows, as tuples."""
    return [tuple(row[name] for name in names) for row in rows]

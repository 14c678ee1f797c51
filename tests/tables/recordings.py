"""Recordings made by hand, for tests of what is built of them."""

from __future__ import annotations

from typing import Any

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, MessageColumns, SegmentColumns
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

# 2026-01-02T03:04:05Z in ns.
T0 = 1_767_323_045_000_000_000
SECOND = 1_000_000_000

REQUEST = (
    b"GET /chat?x=1 HTTP/1.1\r\n"
    b"Host: example.com:8080\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    b"Origin: http://example.com\r\n"
    b"User-Agent: test/1.0\r\n"
    b"\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"Server: toy\r\n"
    b"\r\n"
)


def handshake(request: bytes = REQUEST, response: bytes | None = RESPONSE) -> Handshake:
    """Return the handshake of two heads."""
    return Handshake(read_head(request), read_head(response) if response is not None else None)


def connection(serial: int = 0, **facts: Any) -> Connection:
    """Return a connection that was established at T0, with some of its facts changed."""
    defaults: dict[str, Any] = {
        "requested_ordinal": 3 + serial,
        "capture": "chat.pcap",
        "conversation": serial,
        "tcp_stream": serial,
        "client_ip": "192.0.2.1",
        "client_port": 50000 + serial % 10_000,
        "server_ip": "198.51.100.2",
        "server_port": 8080,
        "client_direction": 0,
        "http_version": "1.1",
        "handshake": handshake(),
        "outcome": "established",
        "request_packet": 4,
        "response_packet": 6,
        "started": T0,
        "requested": T0 + 1_000_000,
        "responded": T0 + 3_500_000,
        "ended": T0 + 2 * SECOND,
        "connect_ms": 0.5,
    }
    return Connection(serial=serial, **(defaults | facts))


def filled(columns: Any, rows: list[dict[str, int]]) -> Any:
    """Return typed columns with the rows; what a row does not name is 0."""
    columns.grow(max(len(rows), columns.capacity))
    columns.count = len(rows)
    arrays = columns.arrays()
    for index, row in enumerate(rows):
        for name, value in row.items():
            arrays[name][index] = value
    return columns


def frame(**facts: int) -> dict[str, int]:
    """Return a row of FrameColumns: an unmasked final text frame of the server, `hello`."""
    defaults = {
        "sender": 1,
        "time": T0,
        "time_end": T0,
        "packet": 1,
        "packet_end": 1,
        "head": 0x81,
        "header_length": 2,
        "length": 5,
        "captured": 5,
        "message": -1,
        "close_code": -1,
    }
    return defaults | facts


def message(**facts: int) -> dict[str, int]:
    """Return a row of MessageColumns: an empty text of the client, complete, without digest."""
    defaults = {"opcode": 1, "frames": 1, "complete": 1, "utf8_valid": 1, "digest": -1}
    return defaults | facts


def messages(
    rows: list[dict[str, int]], payloads: bytes = b"", digests: bytes = b""
) -> MessageColumns:
    """Return MessageColumns with a payload store."""
    columns: MessageColumns = filled(MessageColumns(), rows)
    columns.payloads += payloads
    columns.digests += digests
    return columns


def recording(
    connections: list[Connection] | None = None,
    frames: list[dict[str, int]] | None = None,
    texts: MessageColumns | None = None,
    segments: list[dict[str, int]] | None = None,
    wants: Wants | None = None,
    captures: list[CaptureSummary] | None = None,
) -> Recording:
    """Return a recording of those rows."""
    return Recording(
        wants or Wants(segments=segments is not None),
        connections if connections is not None else [],
        filled(FrameColumns(), frames or []),
        texts or messages([]),
        None if segments is None else filled(SegmentColumns(), segments),
        captures if captures is not None else [CaptureSummary("chat.pcap", format="pcap")],
    )

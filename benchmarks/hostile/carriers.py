"""Attacks on what carries WebSocket: TLS with its key log, and the streams of HTTP/2.

Where secrets are needed, `PATH.keys` has them.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from .conversations import each_client, opening
from .wire import CLIENT, CLIENT_FIRST, SEQUENCE, SERVER, SERVER_FIRST, Wire, packet

HANDSHAKE, APPLICATION_DATA = 22, 23
CLIENT_RANDOM = bytes(range(32))
TRAFFIC = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)
# TLS 1.3, chosen by an extension, with TLS_AES_128_GCM_SHA256.
CLIENT_HELLO = (
    b"\x03\x03" + CLIENT_RANDOM + b"\0\0\x02\x13\x01\x01\0" + b"\0\x07\0\x2b\0\x03\x02\x03\x04"
)
SERVER_HELLO = b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + b"\0\x06\0\x2b\0\x02\x03\x04"

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
END_HEADERS = 4
REQUEST = (
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"https"),
    (b":path", b"/"),
    (b":authority", b"a"),
)
# The first entries of the dynamic table, and `:status: 200` of the static one (RFC 7541 §A).
AGAIN, STATUS_200 = b"\xbe\xbf\xc0\xc1\xc2", b"\x88"
# As many as wsanalyze follows at once.
STREAMS = 1024


def record(kind: int, content: bytes) -> bytes:
    """Return a record of TLS."""
    return struct.pack(">BHH", kind, 0x0303, len(content)) + content


def message(kind: int, body: bytes) -> bytes:
    """Return a handshake message."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def one_byte_records(path: Path, count: int) -> None:
    """A handshake message in records of one byte."""
    with path.open("wb") as file:
        wire = Wire(file)
        wire.rows(opening())
        data = record(HANDSHAKE, b"\x01\x03\xff\xff") + record(HANDSHAKE, b"a") * count
        wire.stream(CLIENT, CLIENT_FIRST, data)


def forged_records(path: Path, count: int) -> None:
    """Connections whose secrets are known, and whose records no key opens: `count` of them."""
    log = [f"{label} {CLIENT_RANDOM.hex()} {'ab' * 32}\n" for label in TRAFFIC]
    path.with_name(path.name + ".keys").write_text("".join(log), encoding="ascii")
    hello = record(HANDSHAKE, message(1, CLIENT_HELLO))
    answer = record(HANDSHAKE, message(2, SERVER_HELLO))
    answer += record(APPLICATION_DATA, bytes(17)) * 50
    packets = [
        *opening(),
        packet(CLIENT, CLIENT_FIRST, SERVER_FIRST, data=hello),
        packet(SERVER, SERVER_FIRST, CLIENT_FIRST + len(hello), data=answer),
    ]
    with path.open("wb") as file:
        Wire(file).rows(packets, count, each_client(packets, range(count)))


def h2(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    """Return a frame of HTTP/2 (RFC 9113 §4.1)."""
    return struct.pack(">IBI", len(body) << 8 | kind, flags, stream) + body


def first_block() -> bytes:
    """Return a field block that puts all of the request into the table, for AGAIN."""
    literals = (
        b"\x40" + bytes([len(name)]) + name + bytes([len(value)]) + value
        for name, value in reversed(REQUEST)
    )
    return b"".join(literals)


def begun(wire: Wire) -> tuple[int, int]:
    """Begin HTTP/2; return both sides' next sequence numbers."""
    wire.rows(opening())
    client = wire.stream(CLIENT, CLIENT_FIRST, PREFACE + h2(SETTINGS, 0, 0))
    enabled = b"\0\x08\0\0\0\1"
    return client, wire.stream(SERVER, SERVER_FIRST, h2(SETTINGS, 0, 0, enabled))


def requests(count: int) -> bytes:
    """Return requests for WebSocket, each on a stream of its own."""
    blocks = (first_block() if number == 0 else AGAIN for number in range(count))
    return b"".join(
        h2(HEADERS, END_HEADERS, 2 * number + 1, block) for number, block in enumerate(blocks)
    )


def streams(path: Path, count: int) -> None:
    """Requests for WebSocket, each in fourteen bytes on a stream of its own."""
    with path.open("wb") as file:
        wire = Wire(file)
        client, _ = begun(wire)
        wire.stream(CLIENT, client, requests(count))


def tiny_requests(path: Path, count: int) -> None:
    """Ordinary requests of a byte, `:method: GET` alone, each on a stream of its own."""
    with path.open("wb") as file:
        wire = Wire(file)
        client, _ = begun(wire)
        data = (h2(HEADERS, 5, each, b"\x82") for each in range(1, 2 * count, 2))
        wire.stream(CLIENT, client, b"".join(data))


def resets(path: Path, count: int) -> None:
    """Ordinary requests that are reset at once (CVE-2023-44487)."""
    reset = (8).to_bytes(4, "big")
    get = b"\x82\x86\x84"
    with path.open("wb") as file:
        wire = Wire(file)
        client, _ = begun(wire)
        numbers = range(1, 2 * count, 2)
        data = (h2(HEADERS, 5, each, get) + h2(RST_STREAM, 0, each, reset) for each in numbers)
        wire.stream(CLIENT, client, b"".join(data))


def opened(wire: Wire) -> tuple[int, int]:
    """Open as many WebSockets as are followed; return both sides' next sequence numbers."""
    client, server = begun(wire)
    client = wire.stream(CLIENT, client, requests(STREAMS))
    answers = (h2(HEADERS, END_HEADERS, 2 * each + 1, STATUS_200) for each in range(STREAMS))
    return client, wire.stream(SERVER, server, b"".join(answers))


def holes(path: Path, count: int) -> None:
    """Holes behind which frames go on, under a thousand WebSockets."""
    with path.open("wb") as file:
        wire = Wire(file)
        client, server = opened(wire)
        ping = h2(PING, 0, 0, bytes(8))
        seq = server + 100 + (100 + len(ping)) * np.arange(count)
        packets = [packet(SERVER, 0, client, data=ping), packet(CLIENT, client, 0)]
        acknowledged = seq + len(ping)
        changes = [(0, SEQUENCE, 4, seq), (1, SEQUENCE + 4, 4, acknowledged)]
        wire.rows(packets, count, changes)


def windows(path: Path, count: int) -> None:
    """Changes of the initial window, under a thousand WebSockets."""
    with path.open("wb") as file:
        wire = Wire(file)
        client, _ = opened(wire)
        change = h2(SETTINGS, 0, 0, b"\0\4\0\0\0\0") + h2(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff")
        wire.stream(CLIENT, client, change * count)

"""Attacks on what is kept of packets and conversations: tables that fill, holes that stay."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from .wire import (
    ACK,
    CLIENT,
    CLIENT_FIRST,
    CLIENTS,
    FRAGMENT_ID,
    PAYLOAD,
    SEGMENT,
    SEQUENCE,
    SERVER,
    SERVER_FIRST,
    SOURCE,
    SYN,
    TARGET,
    Change,
    Wire,
    packet,
)

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


def opening() -> list[bytes]:
    """Return the three packets that open a connection."""
    return [
        packet(CLIENT, CLIENT_FIRST - 1, 0, SYN),
        packet(SERVER, SERVER_FIRST - 1, CLIENT_FIRST, SYN | ACK),
        packet(CLIENT, CLIENT_FIRST, SERVER_FIRST),
    ]


def upgraded(extensions: bytes = b"") -> tuple[list[bytes], int, int]:
    """Return the packets of an upgrade, and both sides' next sequence numbers."""
    request, response = (head + extensions + b"\r\n" for head in (REQUEST, RESPONSE))
    client, server = CLIENT_FIRST + len(request), SERVER_FIRST + len(response)
    asked = packet(CLIENT, CLIENT_FIRST, SERVER_FIRST, data=request)
    answered = packet(SERVER, SERVER_FIRST, client, data=response)
    return [*opening(), asked, answered], client, server


def each_client(packets: list[bytes], numbers: range | np.ndarray) -> list[Change]:
    """Return the changes that give each row a client address of its own."""
    addresses = CLIENTS + np.asarray(numbers)
    from_server = struct.pack(">I", CLIENTS + 0)
    places = [TARGET if each[TARGET : TARGET + 4] == from_server else SOURCE for each in packets]
    return [(index, place, 4, addresses) for index, place in enumerate(places)]


def syn_flood(path: Path, count: int) -> None:
    """A SYN from another address each time."""
    with path.open("wb") as file:
        packets = [packet(CLIENT, flags=SYN)]
        Wire(file).rows(packets, count, each_client(packets, range(count)))


def upgrades(path: Path, count: int) -> None:
    """Connections that do nothing but upgrade."""
    with path.open("wb") as file:
        packets, _, _ = upgraded()
        Wire(file).rows(packets, count, each_client(packets, range(count)))


def unanswered(path: Path, count: int) -> None:
    """Upgrade requests, each on a connection of its own, that nobody answers."""
    with path.open("wb") as file:
        packets = [packet(CLIENT, CLIENT_FIRST, SERVER_FIRST, data=REQUEST + b"\r\n")]
        Wire(file).rows(packets, count, each_client(packets, range(count)))


def missing_segments(path: Path, count: int) -> None:
    """400 sessions of which a segment is missing for ever; `count` segments behind it in each."""
    streams = range(400)
    with path.open("wb") as file:
        wire = Wire(file)
        packets, client, server = upgraded()
        wire.rows(packets, len(streams), each_client(packets, streams))
        behind = [packet(SERVER, 0, client, data=b"\x82\x7e\x05\x74" + bytes(SEGMENT - 4))]
        for number in range(1, count + 1):
            seq = (0, SEQUENCE, 4, server + number * SEGMENT)
            wire.rows(behind, len(streams), [*each_client(behind, streams), seq])


def one_byte_segments(path: Path, count: int) -> None:
    """A session whose payload comes byte by byte."""
    with path.open("wb") as file:
        wire = Wire(file)
        packets, client, server = upgraded()
        wire.rows(packets)
        wire.rows([packet(SERVER, server, client, data=b"\x82\x7f" + struct.pack(">Q", 1 << 30))])
        one = [packet(SERVER, 0, client, data=b"x")]
        wire.rows(one, count, [(0, SEQUENCE, 4, server + 10 + np.arange(count))])


def reversed_bytes(path: Path, count: int) -> None:
    """Sixteen sessions whose segments of one byte come in reverse order, `count` in each."""
    with path.open("wb") as file:
        wire = Wire(file)
        for number in range(16):
            packets, client, server = upgraded()
            wire.rows(packets, 1, each_client(packets, range(number, number + 1)))
            one = [packet(SERVER, 0, client, data=b"x")]
            seq = server + np.arange(count, 0, -1)
            mine = each_client(one, np.full(count, number))
            wire.rows(one, count, [*mine, (0, SEQUENCE, 4, seq)])


def copies_over_chunks(path: Path, count: int) -> None:
    """16,000 bytes wait, each in a chunk of its own; `count` times a segment covers all of them."""
    chunks = 16_000
    with path.open("wb") as file:
        wire = Wire(file)
        packets, client, server = upgraded()
        wire.rows(packets)
        one = [packet(SERVER, 0, client, data=b"x")]
        wire.rows(one, chunks, [(0, SEQUENCE, 4, server + 2 + np.arange(chunks))])
        # The capture has its headers only.
        over = packet(SERVER, server + 2, client, data=b"x" * chunks)
        wire.rows([over[:PAYLOAD]], count, wire_length=len(over))


def ip_fragments(path: Path, count: int) -> None:
    """First fragments of datagrams that never become whole."""
    with path.open("wb") as file:
        first = packet(CLIENT, CLIENT_FIRST, data=bytes(500), fragment=0x2000)
        numbers = np.arange(count)
        changes: list[Change] = [
            (0, FRAGMENT_ID, 2, numbers & 0xFFFF),
            (0, SOURCE, 4, CLIENTS + (numbers >> 16)),
        ]
        Wire(file).rows([first], count, changes)

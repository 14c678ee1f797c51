"""Attacks on what is read of a stream: heads, bodies, frames and compression."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from .conversations import DEFLATE, each_client, opening, upgraded
from .wire import CLIENT, CLIENT_FIRST, SEQUENCE, SERVER, SERVER_FIRST, Wire, packet

EMPTY_FRAGMENT, LAST_FRAGMENT = b"\x00\x00", b"\x80\x00"


def endless_head(path: Path, count: int) -> None:
    """A request with a new field in each of `count` segments, and no end."""
    with path.open("wb") as file:
        wire = Wire(file)
        wire.rows(opening())
        line = b"X: " + b"y" * 1395 + b"\r\n"
        wire.stream(CLIENT, CLIENT_FIRST, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n")
        wire.stream(CLIENT, CLIENT_FIRST + 36, line * count)


def heads_by_bytes(path: Path, count: int) -> None:
    """Behind a request line of 60,000 bytes, a head that goes on byte by byte; `count` of them."""
    with path.open("wb") as file:
        wire = Wire(file)
        line = b"GET /" + b" HTTP" * 12_000 + b" HTTP/1.1\r\nX: "
        for number in range(count):
            packets = [*opening(), packet(CLIENT, CLIENT_FIRST, data=line)]
            wire.rows(packets, 1, each_client(packets, range(number, number + 1)))
            one = [packet(CLIENT, 0, SERVER_FIRST, data=b"y")]
            mine = each_client(one, np.full(5000, number))
            seq = CLIENT_FIRST + len(line) + np.arange(5000)
            wire.rows(one, 5000, [*mine, (0, SEQUENCE, 4, seq)])


def pipelined(path: Path, count: int) -> None:
    """Upgrade requests one behind the other, which are answered when all were sent."""
    with path.open("wb") as file:
        wire = Wire(file)
        wire.rows(opening())
        request = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
        wire.stream(CLIENT, CLIENT_FIRST, request * count)
        answer = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
        wire.stream(SERVER, SERVER_FIRST, answer * count)


def chunks(path: Path, count: int) -> None:
    """A response in chunks of one byte, before the connection upgrades."""
    with path.open("wb") as file:
        wire = Wire(file)
        wire.rows(opening())
        wire.stream(CLIENT, CLIENT_FIRST, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.stream(SERVER, SERVER_FIRST, head + b"1\r\na\r\n" * count)


def in_session(path: Path, data: bytes, extensions: bytes = b"", connections: int = 1) -> None:
    """Write sessions in which the server sends this."""
    with path.open("wb") as file:
        wire = Wire(file)
        packets, client, server = upgraded(extensions)
        if connections == 1:
            wire.rows(packets)
            wire.stream(SERVER, server, data)
            return
        packets.append(packet(SERVER, server, client, data=data))
        wire.rows(packets, connections, each_client(packets, range(connections)))


def huge_frame(path: Path, count: int) -> None:
    """A frame that claims 2^62 bytes, and `count` kB of them."""
    in_session(path, b"\x82\x7f" + struct.pack(">Q", 1 << 62) + bytes(1000 * count))


def empty_fragments(path: Path, count: int) -> None:
    """A message of `count` fragments without a byte in them."""
    in_session(path, b"\x01\x00" + EMPTY_FRAGMENT * count + LAST_FRAGMENT)


def empty_messages(path: Path, count: int) -> None:
    """Messages without a byte in them."""
    in_session(path, b"\x81\x00" * count)


def compressed(payload: bytes, times: int = 1) -> bytes:
    """Return a compressed message that says `payload` so many times."""
    compressor = zlib.compressobj(9, wbits=-15)
    parts = [compressor.compress(payload) for _ in range(times)]
    return (b"".join(parts) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def framed(payload: bytes) -> bytes:
    """Return a compressed text message in one frame."""
    return b"\xc1\x7f" + struct.pack(">Q", len(payload)) + payload


def bombs(path: Path, count: int) -> None:
    """Messages that inflate a thousand times, to 60 MiB each."""
    in_session(path, framed(compressed(bytes(1 << 20), 60)) * count, DEFLATE)


def bombs_alone(path: Path, count: int) -> None:
    """The same below what is looked at, to 15 MiB each, without context takeover."""
    alone = DEFLATE[:-2] + b"; server_no_context_takeover\r\n"
    in_session(path, framed(compressed(bytes(1 << 20), 15)) * count, alone)


def windows(path: Path, count: int) -> None:
    """Sessions that each keep a window for decompression, and say no more."""
    in_session(path, framed(compressed(b"ab" * 300)), DEFLATE, count)


def final_blocks(path: Path, count: int) -> None:
    """Messages of 4,000 empty blocks that each end a DEFLATE stream."""
    in_session(path, framed(b"\x03\x00" * 4000) * count, DEFLATE)

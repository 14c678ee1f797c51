"""WebSocket conversations: HTTP upgrade, frames, closing handshake (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .contents import (
    CLOSE_BODIES,
    CLOSE_SHARES,
    Contents,
    IntArray,
    interleaved,
    starts_of,
)
from .sends import (
    CLIENT,
    MICROSECOND,
    MILLISECOND,
    SEND,
    SERVER,
    Script,
    Sends,
    Table,
    concatenate,
)
from .truth import Truth

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

FRAME = np.dtype(
    [
        ("conversation", np.int32),
        ("side", np.uint8),
        ("opcode", np.uint8),
        ("fin", np.bool_),
        ("joined", np.bool_),  # leaves in the same send as the frame before it
        ("start", np.int64),  # offset of its payload in the pool of contents
        ("length", np.int64),  # bytes of payload
        ("key", np.uint32),  # 0 where unmasked
    ]
)

# Data frames are made in pairs, so that a pair can be one thing: two messages that have nothing to
# do with each other, a Ping and its Pong, one message in two fragments, two messages at once.
MESSAGES, PING_PONG, FRAGMENTS, BURST = range(4)
PAIR_SHARES = (0.92, 0.02, 0.02, 0.04)


@dataclass(frozen=True)
class Style:
    """How a profile's WebSocket connections talk."""

    pairs: tuple[int, int]
    """Fewest and most pairs of frames in a connection, without the two Close frames."""
    pause_ns: int
    """Mean time between two sends of one connection."""
    text_share: float
    """Share of the messages that are text."""
    sizes: Callable[[np.random.Generator, int], IntArray] | None
    """Message sizes in bytes; None for whole JSON documents and binary of 20-200 bytes."""


def conversations(
    rng: np.random.Generator, contents: Contents, style: Style, count: int, truth: Truth
) -> Sends:
    """`count` WebSocket connections from request to Close, added up in `truth`."""
    frames = make_frames(rng, contents, style, count)
    close_codes = add_closes(rng, contents, frames, count)
    frames = close_codes.frames
    truth.add_connections(frames, close_codes.codes, close_codes.closers)
    return concatenate(upgrades(rng, count), frame_sends(rng, contents, style, frames))


def upgrades(rng: np.random.Generator, count: int) -> Sends:
    """The HTTP request and the 101 response of `count` connections."""
    script = Script()
    for conversation in range(count):
        key = base64.b64encode(rng.bytes(16))
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        script.send(conversation, CLIENT, 60 * MICROSECOND, request(key))
        script.send(conversation, SERVER, rng.uniform(2, 40) * MILLISECOND, response(accept))
    return script.finish()


def request(key: bytes) -> bytes:
    """A browser's opening request with this Sec-WebSocket-Key (RFC 6455 §4.1)."""
    return (
        b"GET /feed?v=2 HTTP/1.1\r\nHost: ws.example.com\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nOrigin: http://www.example.com\r\n"
        b"Accept-Encoding: gzip, deflate\r\n"
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0\r\n"
        b"Accept-Language: en\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: " + key + b"\r\n\r\n"
    )


def response(accept: bytes) -> bytes:
    """A server's 101 response with this Sec-WebSocket-Accept (RFC 6455 §4.2.2)."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nServer: example/1.0\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def make_frames(rng: np.random.Generator, contents: Contents, style: Style, count: int) -> Table:
    """The data, Ping and Pong frames of `count` connections (dtype FRAME), in order."""
    pairs = rng.integers(style.pairs[0], style.pairs[1] + 1, count)
    kind = rng.choice(4, int(pairs.sum()), p=PAIR_SHARES)
    frames = np.zeros((len(kind), 2), dtype=FRAME)
    frames["conversation"] = np.repeat(np.arange(count), pairs)[:, None]
    frames["fin"] = True
    frames["side"] = rng.integers(0, 2, frames.shape)
    fill_messages(rng, contents, style, frames)
    shape_ping_pong(rng, contents, frames, np.flatnonzero(kind == PING_PONG))
    shape_fragments(frames, np.flatnonzero(kind == FRAGMENTS))
    shape_burst(frames, np.flatnonzero(kind == BURST))
    return set_keys(rng, frames.reshape(-1))


def fill_messages(
    rng: np.random.Generator, contents: Contents, style: Style, frames: Table
) -> None:
    """Give each frame a message of its own, text or binary."""
    flat = frames.reshape(-1)
    is_text = rng.random(len(flat)) < style.text_share
    flat["opcode"] = np.where(is_text, TEXT, BINARY)
    if style.sizes is None:
        text = contents.documents(rng, len(flat))
        binary = contents.binary(rng, rng.integers(20, 201, len(flat)))
    else:
        sizes = style.sizes(rng, len(flat))
        text, binary = contents.text(rng, sizes), contents.binary(rng, sizes)
    flat["start"] = np.where(is_text, text[0], binary[0])
    flat["length"] = np.where(is_text, text[1], binary[1])


def shape_ping_pong(
    rng: np.random.Generator, contents: Contents, frames: Table, rows: IntArray
) -> None:
    """Make these pairs a Ping of 0 or 8 bytes and the Pong that answers it."""
    starts, lengths = contents.binary(rng, 8 * rng.integers(0, 2, len(rows)))
    for column, opcode in ((0, PING), (1, PONG)):
        frames["opcode"][rows, column] = opcode
        frames["start"][rows, column] = starts
        frames["length"][rows, column] = lengths
    frames["side"][rows, 1] = 1 - frames["side"][rows, 0]


def shape_fragments(frames: Table, rows: IntArray) -> None:
    """Make these pairs the two halves of the first one's message, in one send."""
    whole = frames["length"][rows, 0]
    half = whole // 2
    frames["fin"][rows, 0] = False
    frames["opcode"][rows, 1] = CONTINUATION
    frames["start"][rows, 1] = frames["start"][rows, 0] + half
    frames["length"][rows, 0] = half
    frames["length"][rows, 1] = whole - half
    shape_burst(frames, rows)


def shape_burst(frames: Table, rows: IntArray) -> None:
    """Send these pairs from one side, both frames at once."""
    frames["side"][rows, 1] = frames["side"][rows, 0]
    frames["joined"][rows, 1] = True


def set_keys(rng: np.random.Generator, frames: Table) -> Table:
    """Mask the client's frames, each with a key of its own (RFC 6455 §5.3)."""
    keys = rng.integers(1, 1 << 32, len(frames), dtype=np.uint32)
    frames["key"] = np.where(frames["side"] == CLIENT, keys, 0)
    return frames


@dataclass(frozen=True)
class Closed:
    """Frames with the Close frames added, each connection's close code and who closed."""

    frames: Table
    codes: list[int | None]
    closers: IntArray


def add_closes(rng: np.random.Generator, contents: Contents, frames: Table, count: int) -> Closed:
    """End each connection with a Close from one side (70 % the client) and its echo."""
    choice = rng.choice(len(CLOSE_BODIES), count, p=CLOSE_SHARES)
    closer: IntArray = np.where(rng.random(count) < 0.7, CLIENT, SERVER).astype(np.int64)
    closes = np.zeros((count, 2), dtype=FRAME)
    closes["conversation"] = np.arange(count)[:, None]
    closes["side"] = np.stack([closer, 1 - closer], axis=1)
    closes["opcode"] = CLOSE
    closes["fin"] = True
    closes["start"] = contents.close_starts[choice][:, None]
    closes["length"] = contents.close_lengths[choice][:, None]
    both = np.concatenate([frames, set_keys(rng, closes.reshape(-1))])
    order = np.argsort(both["conversation"], kind="stable")
    codes = [CLOSE_BODIES[index][0] for index in choice]
    return Closed(both[order], codes, closer)


def frame_sends(rng: np.random.Generator, contents: Contents, style: Style, frames: Table) -> Sends:
    """The frames as they are sent: mostly one at a time, `joined` ones with the one before."""
    headers, header_lengths = frame_headers(frames)
    first = np.flatnonzero(~frames["joined"])
    sends = np.zeros(len(first), dtype=SEND)
    sends["conversation"] = frames["conversation"][first]
    sends["side"] = frames["side"][first]
    # At least 30 µs: nothing answers faster than that.
    sends["pause"] = 30 * MICROSECOND + rng.exponential(style.pause_ns, len(first))
    sends["length"] = np.add.reduceat(header_lengths + frames["length"], first)
    sends["start"] = starts_of(sends["length"])
    payloads = masked_payloads(contents.data, frames)
    return Sends(sends, interleaved([headers, payloads]))


def frame_headers(frames: Table) -> tuple[list[bytes], IntArray]:
    """Each frame's header and its length in bytes (RFC 6455 §5.2)."""
    length = frames["length"]
    masked = frames["key"] != 0
    extended = np.where(length < 126, 0, np.where(length < 65536, 2, 8))
    matrix = np.zeros((len(frames), 14), dtype=np.uint8)
    matrix[:, 0] = frames["fin"] * 0x80 | frames["opcode"]
    matrix[:, 1] = masked * 0x80 | np.choose(extended // 2, [length, 126, 0, 0, 127])
    for width in (2, 8):
        rows = np.flatnonzero(extended == width)
        matrix[rows, 2 : 2 + width] = big_endian(length[rows], width)
    rows = np.flatnonzero(masked)
    columns = 2 + extended[rows][:, None] + np.arange(4)
    matrix[rows[:, None], columns] = frames["key"][rows].reshape(-1, 1).view(np.uint8)
    lengths: IntArray = 2 + extended + 4 * masked
    data = matrix.tobytes()
    return [data[14 * i : 14 * i + n] for i, n in enumerate(lengths.tolist())], lengths


def big_endian(values: IntArray, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Each value as `width` bytes in network order."""
    return values.astype(f">u{width}").reshape(-1, 1).view(np.uint8)


def masked_payloads(pool: bytes, frames: Table) -> list[bytes]:
    """Each frame's payload as on the wire.

    All of them are laid out on words of four bytes, masked in one operation, then cut apart.
    """
    words = (frames["length"] + 3) // 4
    ends = frames["start"] + 4 * words
    aligned = b"".join(
        [pool[a:b] for a, b in zip(frames["start"].tolist(), ends.tolist(), strict=True)]
    )
    masked = np.frombuffer(aligned, dtype=np.uint32) ^ np.repeat(frames["key"], words)
    data = masked.tobytes()
    starts = 4 * starts_of(words)
    ends = starts + frames["length"]
    return [data[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]

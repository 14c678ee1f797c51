"""The bytes that conversations talk about: one pool of text, binary and close bodies.

Everything sent is a slice of the pool, so a message of a mebibyte costs the generator two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

TEXT_BLOCK = 256 * 1024
TEXT_REPEATS = 16
BINARY_SIZE = 4 * 1024 * 1024
DOCUMENTS = 4096
DOCUMENT_SIZES = (20, 200)

ASCII_WORDS = ("price", "order", "status", "update", "user", "room", "channel", "message", "token")
OTHER_WORDS = ("größe", "café", "naïve", "señal", "привет", "дом", "状態", "更新", "🙂", "🚀")
# About ten ASCII words to one other: a part of the messages is not all ASCII, long ones never are.
WORDS = ASCII_WORDS * 11 + OTHER_WORDS

CLOSE_BODIES: tuple[tuple[int | None, bytes], ...] = (
    (1000, b""),
    (1000, b"done"),
    (1001, b"going away"),
    (4000, b"session expired"),
    (None, b""),
)
CLOSE_SHARES = (0.45, 0.35, 0.12, 0.06, 0.02)


@dataclass(frozen=True)
class Contents:
    """A pool of bytes and where in it each sort of content lies (offsets and lengths in bytes)."""

    data: bytes
    document_starts: IntArray
    document_lengths: IntArray
    text_start: int
    boundary: IntArray
    """For each position in the long text, the last start of a character at or before it."""
    binary_start: int
    close_starts: IntArray
    close_lengths: IntArray

    def documents(self, rng: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
        """Pick `count` whole JSON documents of 20-200 bytes: their offsets and lengths."""
        chosen = rng.integers(0, len(self.document_starts), count)
        return self.document_starts[chosen], self.document_lengths[chosen]

    def text(self, rng: np.random.Generator, sizes: IntArray) -> tuple[IntArray, IntArray]:
        """Pick valid UTF-8 of about `sizes` bytes (up to 3 fewer, never a cut character)."""
        first = rng.integers(0, len(self.boundary) - sizes)
        starts = self.boundary[first]
        return self.text_start + starts, self.boundary[starts + sizes] - starts

    def binary(self, rng: np.random.Generator, sizes: IntArray) -> tuple[IntArray, IntArray]:
        """Pick random bytes of exactly `sizes` bytes."""
        starts: IntArray = rng.integers(0, BINARY_SIZE - sizes)
        return self.binary_start + starts, sizes

    def binary_bytes(self, rng: np.random.Generator, size: int) -> bytes:
        """One run of `size` random bytes (at most 4 MiB)."""
        start = self.binary_start + int(rng.integers(0, BINARY_SIZE - size))
        return self.data[start : start + size]

    def text_bytes(self, rng: np.random.Generator, size: int) -> bytes:
        """One run of about `size` bytes of text, whole characters only."""
        starts, lengths = self.text(rng, np.array([size]))
        return self.data[int(starts[0]) : int(starts[0] + lengths[0])]


def json_document(rng: np.random.Generator, size: int) -> bytes:
    """A JSON object of exactly `size` bytes (at least 20) with some multi-byte characters."""
    head = f'{{"id":{int(rng.integers(100_000, 1_000_000))},"m":"'.encode()
    room = size - len(head) - 2
    words: list[bytes] = []
    for index in rng.integers(0, len(WORDS), room // 4):
        word = WORDS[index].encode() + b" "
        if len(word) > room:
            break
        words.append(word)
        room -= len(word)
    return b"".join([head, *words, b"." * room, b'"}'])


def build(rng: np.random.Generator) -> Contents:
    """Make the pool; takes about a tenth of a second and 40 MB."""
    sizes = rng.integers(DOCUMENT_SIZES[0], DOCUMENT_SIZES[1] + 1, DOCUMENTS)
    documents = [json_document(rng, int(size)) for size in sizes]
    lines = b"\n".join(documents)
    block = lines[:TEXT_BLOCK].decode(errors="ignore").encode()
    text = block * TEXT_REPEATS
    closes = [
        b"" if code is None else code.to_bytes(2, "big") + reason for code, reason in CLOSE_BODIES
    ]
    joined = b"".join([*documents, *closes])
    close_lengths = np.array([len(body) for body in closes], dtype=np.int64)
    closes_start = len(joined) - int(close_lengths.sum())
    return Contents(
        # Three spare bytes: masking reads whole words of four.
        data=b"".join([joined, text, rng.bytes(BINARY_SIZE), bytes(3)]),
        document_starts=starts_of(sizes),
        document_lengths=sizes,
        text_start=len(joined),
        boundary=character_starts(block, TEXT_REPEATS),
        binary_start=len(joined) + len(text),
        close_starts=closes_start + starts_of(close_lengths),
        close_lengths=close_lengths,
    )


def starts_of(lengths: IntArray) -> IntArray:
    """Offsets of things of these lengths laid end to end."""
    ends: IntArray = np.cumsum(lengths, dtype=np.int64)
    return ends - lengths


def interleaved(columns: list[list[bytes]]) -> bytes:
    """The first of each column, the second of each column, and so on, joined."""
    step = len(columns)
    parts = [b""] * (step * len(columns[0]))
    for number, column in enumerate(columns):
        parts[number::step] = column
    return b"".join(parts)


def character_starts(text: bytes, repeats: int) -> IntArray:
    """For each byte of UTF-8 `text`, `repeats` times over, where its character starts."""
    is_start = (np.frombuffer(text, dtype=np.uint8) & 0xC0) != 0x80
    positions: IntArray = np.where(is_start, np.arange(len(text), dtype=np.int64), 0)
    starts: IntArray = np.maximum.accumulate(positions)
    return (starts + len(text) * np.arange(repeats)[:, None]).reshape(-1)

"""permessage-deflate, message after message, against zlib used plainly."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Hashable, Iterator, Sequence

from support.sessions import Deflater

from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from wsanalyze.websocket.deflate import TAIL, WINDOW, Inflater

LIMIT, RATIO = 100_000, 500
# An empty final block takes two bytes: so many do not reach the limit on them.
LARGEST = 4000


class Plain:
    """One side's messages, inflated whole with all that was said before as the window."""

    def __init__(self, takeover: bool) -> None:
        self.takeover = takeover
        # What was said since a message could not be read, whether it may be referred to or not.
        self.before = b""
        self.forget()

    def forget(self) -> None:
        """Begin with an empty window."""
        self.decoder = zlib.decompressobj(-15)
        self.said = b""

    def message(self, data: bytes) -> bytes | None:
        """Return what a message says, None where it cannot be decompressed."""
        if not self.takeover:
            self.forget()
        said = b""
        data += TAIL
        try:
            while data:
                said += self.decoder.decompress(data)
                data = self.decoder.unused_data
                if self.decoder.eof:
                    window = (self.said + said)[-WINDOW:] if self.takeover else b""
                    self.decoder = zlib.decompressobj(-15, zdict=window)
        except zlib.error:
            self.forget()
            return None
        self.said += said
        if len(said) > LIMIT:
            self.forget()
        return said

    def against_agreement(self, data: bytes) -> bytes | None:
        """Return what a message says that refers to those before it, which it must not."""
        decoder, said = zlib.decompressobj(-15, zdict=self.before), b""
        data += TAIL
        try:
            while data:
                said += decoder.decompress(data)
                data = decoder.unused_data
                if decoder.eof:
                    decoder = zlib.decompressobj(-15)
        except zlib.error:
            return None
        return said

    def remember(self, said: bytes | None) -> None:
        """Take note of what was read of a message, None where it was not, or not whole."""
        self.before = b"" if said is None else (self.before + said)[-WINDOW:]


def messages_of(data: bytes) -> Iterator[bytes]:
    """Yield the messages of an input: each behind its length."""
    at = 0
    while at + 2 <= len(data):
        (length,) = struct.unpack_from(">H", data, at)
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def inflated(inflater: Inflater, message: bytes, size: int) -> bytes:
    """Return what a message gives that comes in pieces of `size` bytes."""
    inflater.start()
    said = b""
    for at in range(0, len(message), size):
        said += b"".join(inflater.feed(message[at : at + size]))
    return said + b"".join(inflater.finish())


def check(data: bytes) -> Hashable:
    """Inflate every message whole and in pieces; compare with zlib."""
    if not data or len(data) > LARGEST:
        return None
    takeover = bool(data[0] & 1)
    whole, pieces = (Inflater(takeover=takeover, limit=LIMIT, ratio=RATIO) for _ in range(2))
    plain = Plain(takeover)
    sketch = []
    for message in messages_of(data[1:]):
        said = inflated(whole, message, len(message) or 1)
        expected = plain.message(message)
        in_pieces = inflated(pieces, message, 1 + data[0] % 61)
        if whole.broken or whole.cut:
            # zlib gives nothing of a call that fails: what came before that depends on the cuts.
            assert in_pieces.startswith(said) or said.startswith(in_pieces)
            assert pieces.broken or pieces.cut
        else:
            assert (in_pieces, pieces.broken, pieces.cut) == (said, False, "")
        assert len(said) <= LIMIT
        if whole.reached and not (whole.broken or whole.cut):
            assert expected is None
            assert not takeover
            assert said == plain.against_agreement(message)
        elif expected is None:
            assert whole.broken or whole.cut
        elif len(expected) > LIMIT:
            assert whole.cut == "message"
            assert expected.startswith(said)
        else:
            assert not whole.broken
            assert not whole.cut
            assert said == expected
        plain.remember(None if whole.broken or whole.cut else said)
        sketch.append((whole.broken, whole.cut, magnitude(len(said)), whole.final_blocks > 0))
    return takeover, tuple(sketch[:6])


def packed(takeover: bool, messages: Sequence[bytes]) -> bytes:
    """Return an input with these compressed messages."""
    parts = [struct.pack(">H", len(each)) + each for each in messages]
    return bytes([takeover]) + b"".join(parts)


def final(payload: bytes) -> bytes:
    """Return a message whose last block says that it is the last."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(payload) + compressor.flush()


def seeds() -> Sequence[bytes]:
    """Return sides that say the same again, random bytes, stored and final blocks, and too much."""
    deflate, random_bytes = Deflater(), random.Random(1).randbytes(300)  # noqa: S311
    words = b"the same words again and again, "
    talk = [deflate(words), deflate(words * 9), deflate(random_bytes), deflate(b""), deflate(words)]
    stored = struct.pack("<BHH", 0, 5, 5 ^ 0xFFFF) + b"hello"
    bomb = Deflater()(bytes(400_000))
    return [
        packed(takeover, messages)
        for takeover in (False, True)
        for messages in (
            talk,
            talk[2:] + talk[:2],
            [final(words), final(words * 2), talk[0]],
            [stored + b"\0", stored],
            [bomb, talk[0]],
            [final(b"") * 50, talk[0]],
        )
    ]


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change one message's bytes, or lose, repeat and move whole messages."""
    if not data or chance.random() < 0.1:
        return mutated(data, seeds, chance)[:LARGEST]
    messages = list(messages_of(data[1:])) or [b""]
    at = chance.randrange(len(messages))
    way = chance.randrange(5)
    if way == 0:
        messages.insert(chance.randrange(len(messages)), messages.pop(at))
    elif way == 1:
        messages.insert(at, messages[at])
    elif way == 2:
        messages += list(messages_of(chance.choice(seeds)[1:]))[:3]
    else:
        messages[at] = mutated(messages[at], messages, chance)
    takeover = bool(data[0] & 1) if chance.random() < 0.9 else chance.random() < 0.5
    return packed(takeover, messages)[:LARGEST]


TARGET = Target(
    "inflate",
    "A side's messages inflate as zlib inflates them, and begin anew behind one that does not.",
    seeds,
    mutate,
    check,
)

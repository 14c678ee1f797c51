"""A message from its first fragment to its last: length, text, digest, and what is kept of it."""

from __future__ import annotations

import hashlib
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.deflate import Inflater
from wsanalyze.websocket.masking import Scratch, unmask
from wsanalyze.websocket.messages import MessageReader

KEY = 0x37FA213D
TEXT, BINARY = 1, 2


class Reading:
    """A MessageReader and what it takes to feed it."""

    def __init__(self, keep: int = 1 << 20, hashes: bool = True) -> None:
        self.reader = MessageReader(keep, hashes)
        self.scratch = Scratch()

    def start(self, opcode: int = TEXT, compressed: bool = False) -> Reading:
        self.reader.start(opcode, compressed)
        return self

    def fragment(self, payload: bytes, masked: bool = True, cuts: tuple[int, ...] = ()) -> Reading:
        """Feed a frame's payload, cut into pieces."""
        sent = unmask(payload, KEY) if masked else payload
        edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
        for a, b in pairwise(edges):
            buffer = Buffer(b"<" + sent[a:b] + b">")
            self.reader.feed(buffer, 1, 1 + b - a, masked, KEY, a & 3, self.scratch)
        self.reader.frames += 1
        return self

    def finish(self, complete: bool = True) -> MessageReader:
        self.reader.finish(complete)
        return self.reader


def facts(reader: MessageReader) -> tuple[int, int, int, bytes | None, bytes]:
    """Return complete, utf8_valid, length, digest and what was kept."""
    kept = bytes(reader.kept)
    return reader.complete, reader.utf8_valid, reader.length, reader.digest, kept


def whole(payload: bytes, valid: int) -> tuple[int, int, int, bytes | None, bytes]:
    """Return the facts of a message that is all there."""
    return 1, valid, len(payload), hashlib.sha256(payload).digest(), payload


TEXTS = {
    "empty": (b"", 1),
    "ascii": (b"Hello", 1),
    "long ascii": (b"Hello, world. " * 4000, 1),
    "other": ("Grüße, 世界 \U0001f600".encode(), 1),
    "long other": ("Grüße, 世界 \U0001f600".encode() * 3000, 1),
    "wrong": (b"abc\xffdef", 0),
    "wrong at the end of much": (b"a" * 40000 + b"\x80", 0),
    "unfinished": ("€".encode()[:2], 0),
    "continued wrongly by ascii": (b"\xe2\x82abc", 0),
}


@pytest.mark.parametrize(("payload", "valid"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("cuts", [(), (1,), (1, 2, 3, 4, 5, 6), (16384,), (16383, 16385)])
def test_text(payload: bytes, valid: int, masked: bool, cuts: tuple[int, ...]) -> None:
    reader = Reading().start(TEXT).fragment(payload, masked, cuts).finish()
    assert facts(reader) == whole(payload, valid)
    assert (reader.wire_length, reader.frames) == (len(payload), 1)


@pytest.mark.parametrize("masked", [True, False])
def test_binary_is_never_looked_at_as_text(masked: bool) -> None:
    reader = Reading().start(BINARY).fragment(b"\xff\xfe", masked).finish()
    assert facts(reader) == whole(b"\xff\xfe", -1)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5), st.booleans())
def test_any_fragments(payload: bytes, cuts: list[int], masked: bool) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut <= len(payload)), len(payload)]
    reading = Reading().start(TEXT)
    for a, b in pairwise(edges):
        reading.fragment(payload[a:b], masked)
    try:
        payload.decode("utf-8")
        valid = 1
    except UnicodeDecodeError:
        valid = 0
    assert facts(reading.finish()) == whole(payload, valid)


@pytest.mark.parametrize("keep", [0, 1, 4, 5, 6])
@pytest.mark.parametrize("masked", [True, False])
def test_as_much_is_kept_as_was_asked_for(keep: int, masked: bool) -> None:
    reading = Reading(keep=keep).start(TEXT).fragment(b"Hel", masked).fragment(b"lo", masked)
    reader = reading.finish()
    assert bytes(reader.kept) == b"Hello"[:keep]
    assert (reader.length, reader.digest) == (5, hashlib.sha256(b"Hello").digest())


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(("keep", "hashes"), [(0, False), (3, False), (0, True)])
def test_facts_do_not_depend_on_what_is_kept(opcode: int, keep: int, hashes: bool) -> None:
    usual = Reading().start(opcode).fragment(b"abc").fragment(b"de").finish()
    reader = Reading(keep, hashes).start(opcode).fragment(b"abc").fragment(b"de").finish()
    names = ("complete", "utf8_valid", "length", "wire_length", "frames", "open", "opcode")
    for name in names:
        assert getattr(reader, name) == getattr(usual, name), name
    assert reader.digest == (usual.digest if hashes else None)


def test_a_message_that_misses_bytes() -> None:
    reading = Reading().start(TEXT).fragment(b"abc")
    reading.reader.miss()
    reader = reading.fragment(b"def").finish()
    assert facts(reader)[:2] == (0, -1)
    assert reader.digest is None
    assert bytes(reader.kept) == b"abc"


def test_text_that_was_wrong_before_bytes_were_missing_is_wrong() -> None:
    reading = Reading().start(TEXT).fragment(b"a\xff")
    reading.reader.miss()
    assert reading.finish().utf8_valid == 0


def test_a_message_that_does_not_end() -> None:
    reader = Reading().start(TEXT).fragment(b"abc").finish(complete=False)
    assert facts(reader) == (0, -1, 3, None, b"abc")


def test_each_message_begins_anew() -> None:
    reading = Reading()
    reading.start(TEXT).fragment(b"a\xff")
    reading.reader.miss()
    reading.finish(complete=False)
    assert facts(reading.start(TEXT).fragment(b"new").finish()) == whole(b"new", 1)
    assert reading.reader.frames == 1
    assert reading.reader.open == 0


class TestCompressed:
    """permessage-deflate: the facts are those of what was compressed."""

    def reading(self, *, takeover: bool = True, limit: int = 1 << 20) -> Reading:
        reading = Reading()
        reading.reader.inflater = Inflater(takeover=takeover, limit=limit, ratio=1000)
        return reading

    def squeeze(self, payload: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    @pytest.mark.parametrize(("payload", "valid"), TEXTS.values(), ids=TEXTS)
    @pytest.mark.parametrize("cuts", [(), (1,), (1, 2, 3, 4)])
    def test_text(self, payload: bytes, valid: int, cuts: tuple[int, ...]) -> None:
        data = self.squeeze(payload)
        reader = self.reading().start(TEXT, True).fragment(data, True, cuts).finish()
        assert facts(reader) == whole(payload, valid)
        assert reader.wire_length == len(data)

    def test_what_is_no_deflate(self) -> None:
        reader = self.reading().start(TEXT, True).fragment(b"\xff\xff").finish()
        assert facts(reader) == (0, -1, -1, None, b"")

    def test_rsv1_on_an_empty_payload(self) -> None:
        """An empty message is the byte 00 (RFC 7692 §7.2.3.6): without it zlib is out of step."""
        reading = self.reading()
        assert reading.start(TEXT, True).finish().length in (0, -1)
        reader = reading.start(TEXT, True).fragment(self.squeeze(b"Hello")).finish()
        assert not reader.complete or facts(reader) == whole(b"Hello", 1)

    def test_a_gap(self) -> None:
        data = self.squeeze(b"Hello")
        reading = self.reading().start(TEXT, True).fragment(data[:3])
        reading.reader.miss()
        assert facts(reading.fragment(data[4:]).finish())[:4] == (0, -1, -1, None)

    def test_beyond_the_limit(self) -> None:
        reading = self.reading(limit=100_000)
        reader = reading.start(TEXT, True).fragment(self.squeeze(b"a" * 200_000)).finish()
        assert (reader.complete, reader.digest, reader.utf8_valid) == (0, None, -1)

    def test_a_message_that_does_not_end(self) -> None:
        data = self.squeeze(b"Hello" * 100)
        reader = self.reading().start(TEXT, True).fragment(data[:4]).finish(complete=False)
        assert (reader.complete, reader.length, reader.digest) == (0, -1, None)

    def test_uncompressed_ones_between(self) -> None:
        compressor = zlib.compressobj(wbits=-15)
        reading = self.reading()
        for i in range(3):
            text = b"the same again and again %d" % i
            data = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
            assert facts(reading.start(TEXT, True).fragment(data[:-4]).finish()) == whole(text, 1)
            assert facts(reading.start(TEXT, False).fragment(b"plain").finish()) == whole(
                b"plain", 1
            )

    def test_bytes_missing_of_an_uncompressed_one_leave_the_context(self) -> None:
        """RFC 7692 §7.2: uncompressed messages do not go through the window."""
        compressor = zlib.compressobj(wbits=-15)
        texts = [b"the same again and again"] * 2
        data = [compressor.compress(t) + compressor.flush(zlib.Z_SYNC_FLUSH) for t in texts]
        reading = self.reading()
        reading.start(TEXT, True).fragment(data[0][:-4]).finish()
        reading.start(TEXT, False).fragment(b"pl")
        reading.reader.miss()
        reading.finish()
        assert facts(reading.start(TEXT, True).fragment(data[1][:-4]).finish()) == whole(
            texts[1], 1
        )


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (3,), (4,), (5,), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize(
    ("text", "last"),
    [("caf\xe9".encode("latin-1"), b"caf\xe9"), (b"abc\xf0\x9f\x98", b"c\xf0\x9f\x98")],
)
def test_of_text_that_ends_within_a_character_the_last_bytes_are_known(
    text: bytes, last: bytes, cuts: tuple[int, ...]
) -> None:
    reader = Reading().start(TEXT).fragment(text, False, cuts).finish()
    assert (reader.utf8_valid, reader.utf8.wrong_at) == (0, len(text))
    assert last.endswith(reader.wrong)
    assert text.endswith(reader.wrong)
    # Of what came before the character, as much as came in the same piece.
    assert reader.wrong.endswith(text[-3:] if text[-3] == 0xF0 else text[-1:])


def test_a_character_that_is_finished_by_the_next_piece_is_none() -> None:
    reader = Reading().start(TEXT).fragment("é".encode(), False, (1,)).fragment(b"\xff").finish()
    assert (reader.utf8_valid, reader.wrong, reader.wrong_frame) == (0, b"\xff", 1)

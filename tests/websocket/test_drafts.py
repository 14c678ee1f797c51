"""Frames of the HyBi drafts 1 to 6."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.drafts import (
    DraftReader,
    masking_key_of_connection,
    scan_draft_frames,
)

KEY = bytes.fromhex("37fa213d")
# Opcode of RFC 6455 → of the drafts.
OPCODES = {0: 0, 8: 1, 9: 2, 10: 3, 1: 4, 2: 5, 6: 6, 7: 7, 3: 8, 4: 9, 5: 10, 11: 11, 15: 15}
SECRET = masking_key_of_connection("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC==")


def encode(
    version: int, sender: str, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0
) -> bytes:
    """Return a frame; `opcode` is that of RFC 6455."""
    first = (fin ^ (version < 4)) << 7 | rsv << 4 | OPCODES[opcode]
    size = len(payload)
    if size < 126:
        data = bytes((first, size))
    elif size < 65536:
        data = bytes((first, 126)) + size.to_bytes(2, "big")
    else:
        data = bytes((first, 127)) + size.to_bytes(8, "big")
    data += payload
    if version < 4 or sender == "server":
        return data
    mask = KEY if version > 4 else hashlib.sha1(KEY + SECRET, usedforsecurity=False).digest()
    return KEY + bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(data))


def secret(version: int) -> bytes:
    return SECRET if version == 4 else b""


def test_bytes_of_draft_3() -> None:
    frames = list(scan_draft_frames(b"\x04\x05Hello\x84\x02He\x00\x03llo", 3, "server"))
    seen = [(each.fin, each.opcode, each.header_length, each.payload) for each in frames]
    assert seen == [(True, 1, 2, b"Hello"), (False, 1, 2, b"He"), (True, 0, 2, b"llo")]


def test_bytes_of_draft_6() -> None:
    # The header 84 05 and "Hello", each byte XORed with 37 fa 21 3d from the header on.
    data = KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(b"\x84\x05Hello"))
    (frame,) = scan_draft_frames(data, 6, "client")
    assert (frame.fin, frame.opcode, frame.masking_key, frame.payload) == (True, 1, KEY, b"Hello")
    assert (frame.header_length, frame.length, frame.offset) == (6, 5, 0)


def test_the_masking_key_of_draft_4() -> None:
    # Draft 4: SHA-1 of both nonces, as sent, and its GUID; then SHA-1 of the frame's and that.
    text = b"dGhlIHNhbXBsZSBub25jZQ==AQIDBAUGBwgJCgsMDQ4PEC==61AC5F19-FBBA-4540-B96F-6561F1AB40A8"
    assert hashlib.sha1(text, usedforsecurity=False).digest() == SECRET
    mask = hashlib.sha1(KEY + SECRET, usedforsecurity=False).digest()
    data = bytes(
        byte ^ mask[i % 20] for i, byte in enumerate(b"\x84\x1e" + b"thirty bytes " * 2 + b"long")
    )
    (frame,) = scan_draft_frames(KEY + data, 4, "client", SECRET)
    assert (frame.opcode, frame.masking_key, frame.payload) == (
        1,
        KEY,
        b"thirty bytes " * 2 + b"long",
    )


@pytest.mark.parametrize("opcode", OPCODES)
@pytest.mark.parametrize("version", [1, 3, 4, 6])
def test_opcodes_have_the_numbers_of_rfc_6455(version: int, opcode: int) -> None:
    (frame,) = scan_draft_frames(encode(version, "server", opcode, b"x"), version, "server")
    assert frame.opcode == opcode


def test_the_bit_that_became_mask_is_none() -> None:
    (frame,) = scan_draft_frames(b"\x84\x85Hello", 6, "server")
    assert (frame.masking_key, frame.length, frame.payload) == (None, 5, b"Hello")


def test_a_hostile_length() -> None:
    data = KEY + bytes(b ^ KEY[i % 4] for i, b in enumerate(b"\x84\x7f" + b"\xff" * 8 + b"abc"))
    (frame,) = scan_draft_frames(data, 5, "client")
    assert (frame.length, frame.payload, frame.complete) == ((1 << 64) - 1, b"abc", False)


@pytest.mark.parametrize(("version", "sender"), [(0, "client"), (7, "client"), (6, "proxy")])
def test_other_versions_and_senders(version: int, sender: str) -> None:
    with pytest.raises(ValueError, match="version is 1 to 6"):
        list(scan_draft_frames(b"", version, sender))


made_frames = st.lists(
    st.tuples(
        st.sampled_from(sorted(OPCODES)),
        st.one_of(st.binary(max_size=140), st.sampled_from([bytes(65535), bytes(65536)])),
        st.booleans(),
        st.integers(0, 7),
    ),
    max_size=5,
)


@given(st.integers(1, 6), st.sampled_from(["client", "server"]), made_frames)
def test_what_was_made_is_read(
    version: int, sender: str, made: list[tuple[int, bytes, bool, int]]
) -> None:
    data = b"".join(
        encode(version, sender, opcode, payload, fin=fin, rsv=rsv)
        for opcode, payload, fin, rsv in made
    )
    found = list(scan_draft_frames(data, version, sender, secret(version)))
    assert [
        (each.opcode, each.payload, each.fin, each.rsv1 << 2 | each.rsv2 << 1 | each.rsv3)
        for each in found
    ] == made
    assert all(each.complete for each in found)


@given(st.integers(1, 6), st.binary(max_size=60))
def test_no_bytes_raise(version: int, data: bytes) -> None:
    for sender in ("client", "server"):
        for each in scan_draft_frames(data, version, sender, secret(version)):
            assert len(each.payload) <= each.length < 1 << 64


@given(st.integers(4, 6), st.binary(min_size=1, max_size=200), st.integers(1, 9))
def test_in_pieces(version: int, payload: bytes, size: int) -> None:
    data = encode(version, "client", 1, payload)
    reader, at = DraftReader(False, True, secret(version)), 0
    while not reader.complete:
        at = reader.read(Buffer(data), at, min(at + size, len(data)))
    assert (at, reader.length) == (reader.header_length, len(payload))
    parts = [
        reader.unmask(data[start : start + size], start - at)
        for start in range(at, len(data), size)
    ]
    assert b"".join(parts) == payload

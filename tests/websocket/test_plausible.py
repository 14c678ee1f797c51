"""What a header is worth: impossible ones, cut ones, and bits for the others."""

from __future__ import annotations

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import Scratch, unmask
from wsanalyze.websocket.plausible import DRAFT, MORE, Header

IMPOSSIBLE, CUT = -1000, -1001
KEY = b"\x37\xfa\x21\x3d"


def weigh(data: bytes, masked: int = 0, compression: bool = False, usual: int = -1) -> int:
    """Return the bits of the header at the beginning of `data`."""
    return Header(masked, compression, usual, Scratch()).weigh(Buffer(data), 0, len(data))


def masked(head: bytes, payload: bytes) -> bytes:
    """Return a masked frame."""
    return head + KEY + unmask(payload, KEY)


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (b"\x82\x05", 6),
        (b"\x8a\x00", 6),
        (b"\x82\x00", 3),
        (b"\x00\x05", 1),
        (b"\x01\x05", 3),
        (b"\x82\x7e\x01\x00", 9),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 18),
        (b"\x81\x05hello", 7),
        (b"\x88\x02\x03\xe8", 17),
        (b"\x88\x02\x0f\xa0", 11),
    ],
)
def test_headers_of_a_server(data: bytes, bits: int) -> None:
    assert weigh(data) == bits


@pytest.mark.parametrize(
    "data",
    [
        b"\x83\x05",
        b"\xc2\x05",
        b"\xa2\x05",
        b"\x82\x85",
        b"\x09\x00",
        b"\x89\x7e\x00\x80",
        b"\x82\x7e\x00\x7d",
        b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
        b"\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00",
        b"\x81\x02\xff\xfe",
        b"\x81\x01\xc3",
        b"\x88\x01\x03",
        b"\x88\x02\x03\xe7",
        b"\x88\x04\x03\xe8\xff\xff",
    ],
)
def test_what_is_forbidden(data: bytes) -> None:
    assert weigh(data) == IMPOSSIBLE


@pytest.mark.parametrize("data", [b"\x82", b"\x82\x7e", b"\x82\x7e\x01", b"\x82\x7f" + bytes(7)])
def test_what_is_cut(data: bytes) -> None:
    assert weigh(data) == CUT


def test_what_is_known_of_the_sender() -> None:
    assert weigh(b"\xc2\x05", compression=True) == 6
    assert weigh(b"\x82\x05", usual=0x82) == 8
    assert weigh(b"\x82\x05", masked=-1) == 5
    assert weigh(masked(b"\x82\x85", b"hello"), masked=1) == 6


def test_text_behind_a_mask_is_evidence() -> None:
    text = b"a text of some length"
    assert weigh(masked(bytes((0x81, 0x80 | len(text))), text), masked=1) == 18
    assert weigh(b"\x81\x83" + KEY + unmask(b"\x00\x01\x02", KEY), masked=1) == 6


def weigh_draft(data: bytes, masked: int, framing: int) -> tuple[int, int, int, int]:
    """Return the bits of a draft's header, then what it says: first byte, its size, length."""
    header = Header(masked, False, -1, Scratch(), framing)
    bits = header.weigh(Buffer(data), 0, len(data))
    return bits, header.head, header.size, header.length


def with_key(frame: bytes) -> bytes:
    """Return a frame as a client of drafts 5 and 6 sends it."""
    return KEY + unmask(frame, KEY)


@pytest.mark.parametrize(
    ("data", "framing", "facts"),
    [
        # Drafts 1 to 3 begin frames with small integers, which count little.
        (b"\x04\x05hello", MORE, (4, 0x81, 2, 5)),
        (b"\x84\x05hello", MORE, (4, 0x01, 2, 5)),
        (b"\x02\x02ab", MORE, (3, 0x89, 2, 2)),
        (b"\x84\x05hello", DRAFT, (7, 0x81, 2, 5)),
        (b"\x85\x7e\x01\x00", DRAFT, (9, 0x82, 4, 256)),
        # What a Close holds is no status code before draft 6.
        (b"\x81\x02ab", DRAFT, (6, 0x88, 2, 2)),
    ],
)
def test_headers_of_a_server_of_drafts(
    data: bytes, framing: int, facts: tuple[int, int, int, int]
) -> None:
    assert weigh_draft(data, 0, framing) == facts


@pytest.mark.parametrize(
    ("frame", "facts"),
    [
        (b"\x84\x05hello", (11, 0x81, 6, 5)),
        (b"\x84\x15a text of some length", (18, 0x81, 6, 21)),
        (b"\x84\x7e\x01\x00" + b"a" * 256, (21, 0x81, 8, 256)),
        (b"\x85\x7f\0\0\0\0\0\x01\0\0", (18, 0x82, 14, 65536)),
    ],
)
def test_headers_of_a_client_of_drafts_5_and_6(
    frame: bytes, facts: tuple[int, int, int, int]
) -> None:
    assert weigh_draft(with_key(frame), 1, DRAFT) == facts


@pytest.mark.parametrize("frame", [b"\x86\x05", b"\x84\x85", b"\xc4\x05", b"\x82\x7e\x01\x00"])
def test_what_no_client_of_drafts_5_and_6_sends(frame: bytes) -> None:
    assert weigh_draft(with_key(frame), 1, DRAFT)[0] == IMPOSSIBLE


@pytest.mark.parametrize("size", [0, 1, 4, 5, 7, 8, 9])
def test_what_is_cut_of_a_client_of_drafts_5_and_6(size: int) -> None:
    data = with_key(b"\x85\x7e\x01\x00")[: size or 3]
    expected = CUT if len(data) < 8 else weigh_draft(with_key(b"\x85\x7e\x01\x00"), 1, DRAFT)[0]
    assert weigh_draft(data, 1, DRAFT)[0] == expected

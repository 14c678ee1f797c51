"""What a header is worth: impossible ones, cut ones, and bits for the others."""

from __future__ import annotations

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import Scratch, unmask
from wsanalyze.websocket.plausible import Header

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

"""Is it UTF-8? Against bytes.decode, for every short string and however it is cut."""

from __future__ import annotations

import itertools
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.utf8 import Utf8, is_utf8


def fed(*pieces: bytes) -> tuple[bool, int]:
    """Return what a checker says of a message in pieces, and of which byte."""
    checker = Utf8()
    for piece in pieces:
        checker.feed(Buffer(b"\x80" + piece + b"\xff"), 1, 1 + len(piece))
    return bool(checker.finish()), checker.wrong_at


def agrees(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return not is_utf8(data)
    return is_utf8(data)


def test_every_string_of_one_and_two_bytes() -> None:
    for length in (0, 1, 2):
        for each in itertools.product(range(256), repeat=length):
            assert agrees(bytes(each)), bytes(each)


@pytest.mark.parametrize("lead", [0x00, 0x41, *range(0xC0, 0x100)], ids=hex)
def test_every_string_of_three_bytes_by_its_first(lead: int) -> None:
    # The bounds of the classes, and one of each between them.
    edges = (
        0x00,
        0x7F,
        0x80,
        0x8F,
        0x90,
        0x9F,
        0xA0,
        0xBF,
        0xC0,
        0xC2,
        0xDF,
        0xE0,
        0xED,
        0xF0,
        0xFF,
    )
    for each in itertools.product(range(256), edges):
        assert agrees(bytes((lead, *each))), bytes((lead, *each))


@pytest.mark.parametrize("lead", range(0xF0, 0xF6), ids=hex)
def test_characters_of_four_bytes(lead: int) -> None:
    edges = (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0)
    for each in itertools.product(range(256), edges, edges):
        assert agrees(bytes((lead, *each))), bytes((lead, *each))


# Markus Kuhn, "UTF-8 decoder capability and stress test": (his number, bytes, valid)
KUHN: list[tuple[str, str, bool]] = [
    ("1 correct", "ceba e1bdb9 cf83 cebc ceb5", True),
    ("2.1.1 first of 1 byte", "00", True),
    ("2.1.2 first of 2 bytes", "c280", True),
    ("2.1.3 first of 3 bytes", "e0a080", True),
    ("2.1.4 first of 4 bytes", "f0908080", True),
    ("2.1.5 first of 5 bytes", "f888808080", False),
    ("2.1.6 first of 6 bytes", "fc8480808080", False),
    ("2.2.1 last of 1 byte", "7f", True),
    ("2.2.2 last of 2 bytes", "dfbf", True),
    ("2.2.3 last of 3 bytes", "efbfbf", True),
    ("2.2.4 last of 4 bytes", "f7bfbfbf", False),
    ("2.2.5 last of 5 bytes", "fbbfbfbfbf", False),
    ("2.2.6 last of 6 bytes", "fdbfbfbfbfbf", False),
    ("2.3.1 U+D7FF", "ed9fbf", True),
    ("2.3.2 U+E000", "ee8080", True),
    ("2.3.3 U+FFFD", "efbfbd", True),
    ("2.3.4 U+10FFFF", "f48fbfbf", True),
    ("2.3.5 U+110000", "f4908080", False),
    ("3.1.1 first continuation byte", "80", False),
    ("3.1.2 last continuation byte", "bf", False),
    ("3.1.9 all continuation bytes", bytes(range(0x80, 0xC0)).hex(), False),
    ("3.2.1 lonely start of 2", "c020", False),
    ("3.2.2 lonely start of 3", "e020", False),
    ("3.2.3 lonely start of 4", "f020", False),
    ("3.3.1 2 bytes, last missing", "c0", False),
    ("3.3.2 3 bytes, last missing", "e080", False),
    ("3.3.3 4 bytes, last missing", "f08080", False),
    ("3.3.6 U+07FF, last missing", "df", False),
    ("3.3.7 U+FFFF, last missing", "efbf", False),
    ("3.3.8 U+1FFFFF, last missing", "f7bfbf", False),
    ("3.4 incomplete ones behind each other", "c0e080f08080f8808080dfefbff7bfbf", False),
    ("3.5.1 impossible", "fe", False),
    ("3.5.2 impossible", "ff", False),
    ("4.1.1 overlong slash", "c0af", False),
    ("4.1.2 overlong slash", "e080af", False),
    ("4.1.3 overlong slash", "f08080af", False),
    ("4.2.1 overlong maximum", "c1bf", False),
    ("4.2.2 overlong maximum", "e09fbf", False),
    ("4.2.3 overlong maximum", "f08fbfbf", False),
    ("4.3.1 overlong NUL", "c080", False),
    ("4.3.2 overlong NUL", "e08080", False),
    ("4.3.3 overlong NUL", "f0808080", False),
    ("5.1.1 surrogate U+D800", "eda080", False),
    ("5.1.4 surrogate U+DBFF", "edafbf", False),
    ("5.1.7 surrogate U+DFFF", "edbfbf", False),
    ("5.2.1 paired surrogates", "eda080edb080", False),
    ("5.3.1 noncharacter U+FFFE", "efbfbe", True),
    ("5.3.2 noncharacter U+FFFF", "efbfbf", True),
]


@pytest.mark.parametrize(
    ("data", "valid"), [each[1:] for each in KUHN], ids=[each[0] for each in KUHN]
)
@pytest.mark.parametrize("before", [b"", b"a", b"ascii" * 10, "grüß €".encode()])
def test_markus_kuhn(data: str, valid: bool, before: bytes) -> None:
    encoded = bytes.fromhex(data)
    for message in (before + encoded, before + encoded + b"then more"):
        for at in range(len(message) + 1):
            assert fed(message[:at], message[at:])[0] is (valid and agrees(message))
        assert is_utf8(message) is valid or message.endswith(b"more")


strings = st.one_of(
    st.text(max_size=60).map(str.encode),
    st.binary(max_size=12),
    st.lists(
        st.sampled_from([b"a" * 17, "é".encode(), "€".encode(), "\U0001f600".encode(), b"\xe0\xa0"])
    ).map(b"".join),
)


@given(strings, strings, st.lists(st.integers(0, 120), max_size=5))
def test_however_it_is_cut(one: bytes, other: bytes, cuts: list[int]) -> None:
    data = one + other
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert fed(*pieces) == fed(data) == (agrees(data) and is_utf8(data), fed(data)[1])


# name: (bytes, offset of the first byte that is wrong; the length where a character is missing)
WRONG = {
    "lead": (b"ab\xff", 2),
    "continuation without a lead": (b"ab\x80", 2),
    "second byte": (b"ab\xc3a", 3),
    "overlong": (b"\xe0\x80\x80", 1),
    "surrogate": (b"\xed\xa0\x80", 1),
    "third byte": (b"\xe2\x82a", 2),
    "fourth byte": (b"\xf0\x9f\x98a", 3),
    "too high": (b"\xf4\x90\x80\x80", 1),
    "unfinished": (b"abc\xe2\x82", 5),
    "behind much": ("ü€\U0001f600".encode() * 50 + b"\xfe", 450),
    "valid": ("grüß".encode(), -1),
}


@pytest.mark.parametrize(("data", "place"), WRONG.values(), ids=WRONG)
def test_where_it_is_wrong(data: bytes, place: int) -> None:
    for at in range(len(data) + 1):
        assert fed(data[:at], data[at:]) == (place < 0, place)
        assert fed(data[:at], data[at:], b"" if place < 0 or place == len(data) else b"more") == (
            place < 0,
            place,
        )


def test_a_checker_is_used_again() -> None:
    checker = Utf8()
    checker.feed(Buffer(b"\xff"), 0, 1)
    assert not checker.finish()
    checker.start()
    checker.feed(Buffer("€".encode()), 0, 3)
    assert checker.finish()
    assert (checker.length, checker.wrong_at) == (3, -1)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 6)])
def test_a_piece_outside_its_buffer(start: int, stop: int) -> None:
    with pytest.raises(IndexError):
        Utf8().feed(Buffer(b"hello"), start, stop)

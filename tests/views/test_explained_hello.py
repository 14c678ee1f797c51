"""A hello byte by byte, as a terminal shows it."""

from __future__ import annotations

import pytest

from wsanalyze.tls.hello_parts import HelloPart
from wsanalyze.views.escape import cells
from wsanalyze.views.explained_hello import ROWS, VALUES, hello_lines

LIST = HelloPart(b"\0\4", "length of groups", "4 bytes, 2 values")


def shown(*parts: HelloPart, width: int = 100) -> list[str]:
    return ["".join(text for text, _ in line) for line in hello_lines(parts, width)]


def values(*texts: str) -> list[HelloPart]:
    pairs = enumerate(texts)
    return [HelloPart(bytes((0, place)), "", text, 1, listed=True) for place, text in pairs]


def test_bytes_stand_in_front() -> None:
    version = HelloPart(b"\3\3", "version", "TLS 1.2")
    assert shown(version) == [f"{'       03 03':<36}version: TLS 1.2"]


def test_what_is_in_an_extension_is_moved_in() -> None:
    group = HelloPart(b"\0\x1d", "group", "x25519", 1)
    assert shown(group) == [f"{'         00 1d':<36}group: x25519"]


def test_long_fields_show_their_beginning() -> None:
    (line,) = shown(HelloPart(bytes(range(32)), "key", "the public key, 32 bytes"))
    assert line.split("  ")[-1] == "key: the public key, 32 bytes"
    assert "00 01 02 03 04 05 06 07 …  " in line


def test_short_values_of_a_list_share_a_line() -> None:
    assert shown(*values("one", "two", "three")) == [
        " " * 36 + "00 00 one    00 01 two    00 02 three"
    ]


def test_long_values_of_a_list_have_a_line_each() -> None:
    first, *_, last = shown(*values(*["a" * 40] * 3))
    assert first == f"{'           00 00':<36}{'a' * 40}"
    assert last == f"{'           00 02':<36}{'a' * 40}"


def test_very_many_values_and_fields_are_counted() -> None:
    assert shown(*values(*["x"] * (VALUES + 2)))[-1].strip() == "… and 2 values more"
    many = [HelloPart(b"\0", "name", "x")] * (ROWS + 1)
    assert shown(*many)[-1].strip() == "… and 1 field more"


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_lines_fit_and_nothing_steers(width: int) -> None:
    evil = "\x1b]0;owned\x07 ##[error] ::error \u202e\u4e16\u754c " * 5
    lines = shown(HelloPart(b"x" * 40, "name", evil), *values(evil, "a", "b"), width=width)
    assert all(line.isprintable() for line in lines)
    assert "##[" not in "".join(lines)
    assert max(sum(map(cells, line)) for line in lines) <= width

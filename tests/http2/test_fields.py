"""Field blocks: decoded as hpack does, and what is unknown is called so."""

from __future__ import annotations

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.http2.fields import UNKNOWN, FieldDecoder, head_of

REQUEST = [(b":method", b"CONNECT"), (b":path", b"/chat"), (b"x-one", b"1")]


def test_in_order() -> None:
    encoder, decoder = Encoder(), FieldDecoder(1000)
    for _ in range(3):
        assert decoder.decode(encoder.encode(REQUEST)) == REQUEST
    assert not decoder.partial


def test_entries_of_a_block_that_is_missing_are_unknown() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536)
    encoder.encode(REQUEST)
    decoder.lose()
    again = decoder.decode(encoder.encode([*REQUEST, (b"x-two", b"2")]))
    assert again == [(UNKNOWN, UNKNOWN)] * 3 + [(b"x-two", b"2")]
    # What was added since is known, wherever the unknown ones stand.
    assert decoder.decode(encoder.encode([(b"x-two", b"2"), REQUEST[0]])) == [
        (b"x-two", b"2"),
        (UNKNOWN, UNKNOWN),
    ]


def test_a_value_whose_name_is_unknown() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536)
    encoder.encode(REQUEST)
    decoder.lose()
    assert decoder.decode(encoder.encode([(b"x-one", b"other")])) == [(UNKNOWN, b"other")]


def test_an_index_that_nobody_has_is_an_error_even_then() -> None:
    decoder = FieldDecoder(65536)
    decoder.lose()
    assert decoder.decode(b"\x80") is None
    assert decoder.decode(b"\xff\xff\xff\xff\x7f") is None
    assert decoder.problem == "broken"
    assert FieldDecoder(65536).decode(b"\xbe") is None


def test_a_list_over_the_limit() -> None:
    decoder = FieldDecoder(1000)
    assert decoder.decode(b"\x82" * 1000) is None
    assert decoder.problem == "bomb"
    assert decoder.partial


def test_a_block_behind_one_that_is_broken() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536)
    assert decoder.decode(b"\x40\x05ab") is None
    assert decoder.decode(encoder.encode(REQUEST)) == REQUEST


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes(blocks: list[bytes]) -> None:
    decoder = FieldDecoder(4096)
    for block in blocks:
        found = decoder.decode(block)
        assert (found is None) == bool(decoder.problem)
        assert sum(len(name) + len(value) for name, value in found or ()) <= 4096


@pytest.mark.parametrize(
    ("status", "number"), [(b"200", 200), (b"20", None), (b"\xb2\xb2\xb2", None), (b"", None)]
)
def test_the_head_of_a_response(status: bytes, number: int | None) -> None:
    head = head_of([(b":status", status), (b"server", b" a ")], "response")
    assert (head.status, head.http_version, head.value("server")) == (number, "2", "a")


def test_the_head_of_a_request() -> None:
    head = head_of([(b":method", b"CONNECT"), (b":path", b"/\xff"), (b"a", b"b")], "request")
    assert (head.method, head.target, head.value("a")) == ("CONNECT", "/\xff", "b")
    assert [head.raw[f.offset : f.offset + f.length] for f in head.fields][2] == b"a: b"
    assert head.oddities == ()


def test_the_first_of_two_counts() -> None:
    head = head_of([(b":path", b"/a"), (b":path", b"/b")], "request")
    assert head.target == "/a"


def test_a_table_beyond_the_usual_size_counts() -> None:
    decoder = FieldDecoder(65_536)
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.held == 0
    # The largest table, full of the smallest entries.
    decoder.decode(b"\x3f\xe1\xff\x03" + b"\x40\x00\x00" * 1500)
    decoder.decode(b"\x40\x00\x00" * 1500)
    assert decoder.held == 4 * (65_536 - 4096)
    decoder.lose()
    assert decoder.held == 0

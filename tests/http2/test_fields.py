"""Field blocks: decoded as hpack does, and what is unknown is called so."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder, HPACKError
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.http2.field_table import UNKNOWN
from wsanalyze.http2.fields import KEPT_BLOCKS, SHORT_BLOCK, FieldDecoder, Fields, head_of

ROOM = 262_144
REQUEST = [(b":method", b"CONNECT"), (b":path", b"/chat"), (b"x-one", b"1")]


def test_in_order() -> None:
    encoder, decoder = Encoder(), FieldDecoder(1000, ROOM)
    for _ in range(3):
        assert decoder.decode(encoder.encode(REQUEST)) == REQUEST
    assert not decoder.partial


def test_entries_of_a_block_that_is_missing_are_unknown() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536, ROOM)
    encoder.encode(REQUEST)
    decoder.lose()
    again = decoder.decode(encoder.encode([*REQUEST, (b"x-two", b"2")]))
    assert again == [(UNKNOWN, UNKNOWN)] * 3 + [(b"x-two", b"2")]
    # What was added since is known, wherever the unknown ones stand.
    assert decoder.decode(encoder.encode([(b"x-two", b"2"), REQUEST[0]])) == [
        (b"x-two", b"2"),
        (UNKNOWN, UNKNOWN),
    ]


def test_a_table_that_begins_has_no_unknown_entries() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536, ROOM)
    decoder.lose()
    decoder.begin()
    assert not decoder.partial
    assert decoder.decode(encoder.encode(REQUEST)) == REQUEST
    assert decoder.decode(encoder.encode(REQUEST)) == REQUEST


def test_a_value_whose_name_is_unknown() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536, ROOM)
    encoder.encode(REQUEST)
    decoder.lose()
    assert decoder.decode(encoder.encode([(b"x-one", b"other")])) == [(UNKNOWN, b"other")]


def test_an_index_that_nobody_has_is_an_error_even_then() -> None:
    decoder = FieldDecoder(65536, ROOM)
    decoder.lose()
    assert decoder.decode(b"\x80") is None
    assert decoder.decode(b"\xff\xff\xff\xff\x7f") is None
    assert decoder.problem == "broken"
    assert FieldDecoder(65536, ROOM).decode(b"\xbe") is None


def test_a_list_over_the_limit() -> None:
    decoder = FieldDecoder(1000, ROOM)
    assert decoder.decode(b"\x82" * 1000) is None
    assert decoder.problem == "bomb"
    assert decoder.partial


def test_more_fields_than_anybody_takes() -> None:
    decoder = FieldDecoder(65_536, ROOM)
    assert decoder.decode(b"\x82" * 512) == [(b":method", b"GET")] * 512
    assert decoder.decode(b"\x82" * 513) is None
    assert decoder.problem == "bomb"


def test_a_block_behind_one_that_is_broken() -> None:
    encoder, decoder = Encoder(), FieldDecoder(65536, ROOM)
    assert decoder.decode(b"\x40\x05ab") is None
    assert decoder.decode(encoder.encode(REQUEST)) == REQUEST


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes(blocks: list[bytes]) -> None:
    decoder = FieldDecoder(4096, ROOM)
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
    decoder = FieldDecoder(65_536, ROOM)
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.held == 0
    # The largest table, full of the smallest entries.
    decoder.decode(b"\x3f\xe1\xff\x03" + b"\x40\x00\x00" * 500)
    for _ in range(5):
        decoder.decode(b"\x40\x00\x00" * 500)
    assert decoder.held == 4 * (65_536 - 4096)
    decoder.lose()
    assert decoder.held == 0


def large(size: int) -> Encoder:
    encoder = Encoder()
    encoder.header_table_size = size
    return encoder


def test_a_table_as_large_as_the_other_end_allows() -> None:
    encoder, decoder = large(200_000), FieldDecoder(65_536, ROOM)
    decoder.allow(200_000)
    fields = [[(b"x-%03d" % number, b"a" * 900)] for number in range(200)]
    for each in fields * 2:
        assert decoder.decode(encoder.encode(each)) == each
    assert not decoder.overflowed
    assert decoder.held == 4 * (200 * 937 - 4096)


def test_of_a_table_beyond_the_limit_old_entries_are_unknown() -> None:
    """Which is a limit of ours, and nobody's fault."""
    encoder, decoder = large(1_000_000), FieldDecoder(65_536, 10_000)
    decoder.allow(1_000_000)
    fields = [[(b"x-%03d" % number, b"a" * 963)] for number in range(20)]
    for each in fields:
        assert decoder.decode(encoder.encode(each)) == each
    assert (decoder.overflowed, decoder.problem) == (True, "")
    assert decoder.decode(encoder.encode(fields[-1])) == fields[-1]
    assert decoder.decode(encoder.encode(fields[0])) == [(UNKNOWN, UNKNOWN)]
    # When the table is made smaller than what is kept, all that is left is known.
    encoder.header_table_size = 3000
    assert decoder.decode(encoder.encode(fields[-1])) == fields[-1]
    assert not decoder.partial


def test_a_table_that_nobody_allowed() -> None:
    decoder = FieldDecoder(65_536, ROOM)
    assert decoder.decode(large(65_537).encode(REQUEST)) is None
    assert decoder.problem == "broken"


def test_the_size_of_a_table_stands_first() -> None:
    decoder = FieldDecoder(65_536, ROOM)
    assert decoder.decode(b"\x20\x3f\xe1\x1f\x82") == [(b":method", b"GET")]
    assert decoder.decode(b"\x82\x20") is None


@pytest.mark.parametrize(
    "block", [b"\xff" + b"\x80" * 70, b"\x40\xff\xff\xff\xff\xff\x7f", b"\x40\x81\x00\x00"]
)
def test_numbers_and_strings_that_are_none(block: bytes) -> None:
    decoder = FieldDecoder(65_536, ROOM)
    assert decoder.decode(block) is None
    assert decoder.problem == "broken"


def as_hpack_reads_it(blocks: list[bytes]) -> list[Fields | None]:
    """Return what the package hpack makes of blocks, up to the first that it cannot read."""
    decoder, found = Decoder(max_header_list_size=4096), []
    for block in blocks:
        try:
            fields = decoder.decode(block, raw=True)
        except (HPACKError, ValueError, IndexError):
            return [*found, None]
        found.append([(bytes(name), bytes(value)) for name, value in fields])
    return found


OCTETS = st.one_of(
    st.binary(max_size=30),
    st.lists(
        st.sampled_from(
            [
                *(b"\x82", b"\xbe", b"\xbf", b"\xc0", b"\x20", b"\x3f\x21", b"\x3f\xe1\x1f"),
                *(b"\x40\x01a\x01b", b"\x44\x02/x", b"\x0f\x2f\x01c", b"\x10\x01n\x01v"),
                b"\x41\x83\x19\x65\xff",
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


@given(st.lists(OCTETS, max_size=6))
def test_as_hpack_does(blocks: list[bytes]) -> None:
    decoder = FieldDecoder(4096, ROOM)
    for block, fields in zip(blocks, as_hpack_reads_it(blocks), strict=False):
        assert decoder.decode(block) == fields


GET, ADDED = b"\x82\x86\x84", b"\x40\x01x\x01y"


def test_a_block_that_says_the_same_again_is_known_until_the_table_changes() -> None:
    decoder = FieldDecoder(1000, ROOM)
    assert decoder.seen(GET) is None
    first = decoder.decode(GET)
    assert decoder.seen(GET) is first
    decoder.decode(ADDED)
    assert decoder.seen(GET) is None
    # What added to the table would add to it again.
    assert decoder.seen(ADDED) is None


def test_an_index_means_another_field_once_the_table_changed() -> None:
    decoder = FieldDecoder(1000, ROOM)
    decoder.decode(ADDED)
    assert decoder.decode(b"\xbe") == decoder.seen(b"\xbe") == [(b"x", b"y")]
    decoder.decode(b"\x40\x01x\x01z")
    assert decoder.seen(b"\xbe") is None
    assert decoder.decode(b"\xbe") == [(b"x", b"z")]


@pytest.mark.parametrize("change", [b"\x20", b"\x80"], ids=["resized", "broken"])
def test_what_else_changes_the_table(change: bytes) -> None:
    decoder = FieldDecoder(1000, ROOM)
    decoder.decode(GET)
    decoder.decode(change)
    assert decoder.seen(GET) is None


def test_few_blocks_are_kept_and_short_ones_alone() -> None:
    decoder = FieldDecoder(65536, ROOM)
    blocks = [bytes([0x81 + each]) for each in range(KEPT_BLOCKS + 1)]
    for block in blocks:
        decoder.decode(block)
    assert sum(decoder.seen(block) is not None for block in blocks) <= KEPT_BLOCKS
    assert decoder.seen(blocks[-1]) is not None
    decoder.decode(GET[:1] * (SHORT_BLOCK + 1))
    assert decoder.seen(GET[:1] * (SHORT_BLOCK + 1)) is None

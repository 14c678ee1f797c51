"""The bit diagram: every bit of a header stands in it, in its field."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.sessions import frame

from wsanalyze.views.bits import bits_of, diagram, header_fields


@given(
    st.integers(0, 1 << 40),
    st.none() | st.binary(min_size=4, max_size=4),
    st.integers(0, 255),
    st.binary(max_size=8),
)
def test_all_bits_in_order(length: int, mask: bytes | None, first: int, payload: bytes) -> None:
    header = bytes((first,)) + frame(b"", length=length, mask=mask)[1:]
    fields = header_fields(header, payload)
    bits = "".join(field.bits for field in fields)
    filling = -len(header) * 8 % 32
    assert bits == bits_of(header) + bits_of(payload)[:filling]
    named = {field.name.partition(" (")[0]: field.bits for field in fields}
    assert int(named["opcode"], 2) == first & 15
    if mask is not None:
        assert named["Masking-key"] == bits_of(mask)
    if length > 125:
        assert int(named["Extended payload length"], 2) == length
    lines = diagram(fields)
    assert all(len(line) <= 65 for line in lines)
    drawn = "".join(
        character for line in lines[2:] if set(line) <= set("|01 ") for character in line
    )
    assert drawn.replace("|", "").replace(" ", "").startswith(bits[:8])


def test_a_masked_text_frame() -> None:
    header = bytes.fromhex("818537fa213d")
    assert diagram(header_fields(header, bytes.fromhex("7f9f")))[2:] == [
        "+-+-+-+-+-------+-+-------------+-------------------------------+",
        "|F|R|R|R|opcode |M| Payload len |          Masking-key          |",
        "|I|S|S|S|  (4)  |A|     (7)     |                               |",
        "|N|V|V|V|       |S|             |                               |",
        "| |1|2|3|       |K|             |                               |",
        "|1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|",
        "+-+-+-+-+-------+-+-------------+-------------------------------+",
        "|     Masking-key continued     |         Payload Data          |",
        "|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 1|",
        "+-------------------------------+-------------------------------+",
    ]


def test_a_row_that_is_not_full() -> None:
    lines = diagram(header_fields(bytes.fromhex("8880") + b"abcd"))
    assert lines[-1] == "+-------------------------------+"


def test_an_end_of_another_row_has_its_corner() -> None:
    lines = diagram(header_fields(frame(b"", length=70_000, mask=b"abcd"), b"xy"))
    assert [line for line in lines if line.startswith("+")][-2][32] == "+"

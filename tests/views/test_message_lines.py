"""Messages as JSON Lines from their columns: what the slow way writes, character by character."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.monitoring.rows import MessageRows
from wsanalyze.tables.columns import MessageColumns
from wsanalyze.views.finding_rows import ascii_json
from wsanalyze.views.live_rows import row
from wsanalyze.views.message_lines import MessageLines

counts = st.integers(0, (1 << 63) - 1)
times = st.integers(-(1 << 62), 1 << 62)
cells = st.fixed_dictionaries(
    {
        "time": times,
        "time_end": times,
        "packet": counts,
        "packet_end": counts,
        "frames": counts,
        "wire_length": counts,
        "length": st.just(-1) | counts,
        "sender": st.integers(0, 1),
        "opcode": st.integers(1, 2),
        "compressed": st.integers(0, 1),
        "complete": st.integers(0, 1),
        "confidence": st.integers(0, 255),
        "utf8_valid": st.integers(-1, 1),
    }
)
payloads = st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.just(b"x##[y##[##[")
given_messages = st.lists(
    st.tuples(cells, payloads, st.none() | st.binary(min_size=32, max_size=32))
)


def rows_of(messages: list[tuple[dict[str, int], bytes, bytes | None]]) -> MessageRows:
    """Return rows with these cells, payloads and digests."""
    columns: dict[str, Any] = MessageColumns().run()
    rows = []
    for cells, payload, digest in messages:
        start = len(columns["payloads"])
        columns["payloads"] += payload
        place = len(columns["digests"]) // 32 if digest is not None else -1
        columns["digests"] += digest or b""
        ends = {"payload_start": start, "payload_stop": start + len(payload), "digest": place}
        rows.append(cells | ends)
    for name, column in columns.items():
        if isinstance(column, memoryview):
            columns[name] = memoryview(array(column.format, [each.get(name, 0) for each in rows]))
    return MessageRows(columns, 16)


@given(given_messages)
def test_a_line_is_that_of_the_event(
    messages: list[tuple[dict[str, int], bytes, bytes | None]],
) -> None:
    rows = rows_of(messages)
    places = range(len(messages))
    expected = "".join(ascii_json(row(rows.event(place))) for place in places)
    text = MessageLines().text(rows, places)
    assert text == expected
    assert text.isascii()


def test_the_second_of_the_line_before_is_not_that_of_the_next() -> None:
    lines = MessageLines()
    base = {"opcode": 1, "length": 0}
    rows = rows_of([(base | {"time": time}, b"", None) for time in (-1, 0, 10**9, 999_999_999)])
    told = [line.split('"time": "')[1][:30] for line in lines.text(rows, range(4)).splitlines()]
    assert told == [
        "1969-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00.000000000Z",
        "1970-01-01T00:00:01.000000000Z",
        "1970-01-01T00:00:00.999999999Z",
    ]

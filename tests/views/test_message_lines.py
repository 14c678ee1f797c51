"""Messages as lines from their columns: what the slow way writes, character by character."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.monitoring.rows import MessageRows
from wsanalyze.tables.columns import MessageColumns
from wsanalyze.views.finding_rows import ascii_json
from wsanalyze.views.live_log import line
from wsanalyze.views.live_rows import row
from wsanalyze.views.message_lines import MessageLines, MessageLog

counts = st.integers(0, (1 << 63) - 1)
times = st.integers(-(1 << 62), 1 << 62)
cells = st.fixed_dictionaries(
    {
        "owner": counts,
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


def rows_of(
    messages: list[tuple[dict[str, int], bytes, bytes | None]], shown: int = 16
) -> MessageRows:
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
    found = MessageRows(columns, shown)
    for place, each in enumerate(rows):
        found.given()[0][place] = each.get("owner", 0)
    return found


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


@given(given_messages, st.integers(1, 100))
def test_a_line_of_the_log_is_that_of_the_event(
    messages: list[tuple[dict[str, int], bytes, bytes | None]], shown: int
) -> None:
    rows = rows_of(messages, shown)
    places = range(len(messages))
    expected = "".join(f"{line(rows.event(place))}\n" for place in places)
    assert MessageLog().text(rows, places) == expected


def test_what_is_longer_than_a_line_of_the_log_is_cut() -> None:
    cells = {"opcode": 1, "complete": 1}
    texts = (b"a" * 80, b"a" * 81, b"\x1b[2J" * 30, "\u4f60".encode() * 50, b"\\" * 60)
    rows = rows_of([(cells | {"length": len(text)}, text, None) for text in texts], 300)
    told = MessageLog().text(rows, range(5)).splitlines()
    assert told == [line(rows.event(place)) for place in range(5)]
    assert [each[26:].partition(" B ")[2] for each in told] == [
        "a" * 80,
        "a" * 79 + "…",
        "\\x1b[2J" * 11 + "\\x…",
        "\u4f60" * 39 + "…",
        "\\\\" * 39 + "\\…",
    ]


def test_more_than_the_room_has_come_in_pieces() -> None:
    rows = rows_of([({"opcode": 1, "length": 9}, b'\xff\x00#"\\nine', None)] * 500, 5000)
    events = [rows.event(place) for place in range(500)]
    assert MessageLines().text(rows, range(500)) == "".join(
        ascii_json(row(each)) for each in events
    )
    assert MessageLog().text(rows, range(500)) == "".join(f"{line(each)}\n" for each in events)


def test_the_most_bytes_that_cells_can_take_have_room() -> None:
    text = ("\U00010400" + "\U0001d167" * 3).encode() * 100
    rows = rows_of([({"opcode": 1, "length": len(text)}, text, None)] * 50, 3000)
    assert MessageLog().text(rows, range(50)) == f"{line(rows.event(0))}\n" * 50


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

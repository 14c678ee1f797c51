"""Rows without pandas: the same cells as the table's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tables.recordings import REQUEST, SECOND, T0, connection, handshake
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.tables.rows import connection_row, connection_rows, in_order, iso
from wsanalyze.tables.schema import CONNECTIONS

CAPTURES = Path(__file__).parents[2] / "captures"


def test_order_is_of_the_requests_then_of_serials() -> None:
    places = (5, 3, 5, 1)
    found = in_order([connection(serial, requested_ordinal=at) for serial, at in enumerate(places)])
    assert [each.serial for each in found] == [3, 1, 0, 2]


def test_cells_are_in_the_order_of_the_table() -> None:
    row = connection_row(connection(), 7)
    assert tuple(row) == CONNECTIONS.names
    assert (row["connection"], row["requested"], row["handshake_ms"]) == (7, T0 + 10**6, 2.5)


def test_lists_are_nobody_elses() -> None:
    seen = connection()
    connection_row(seen, 0)["subprotocols_offered"].append("x")
    assert connection_row(seen, 0)["subprotocols_offered"] == ["chat", "superchat"]


def test_missing_is_none() -> None:
    row = connection_row(connection(handshake=None, responded=None), 0)
    names = ("version", "target", "extensions", "status", "handshake_ms", "severity")
    assert [row[name] for name in names] == [None] * 6


def test_http_version_of_the_request_stands_in() -> None:
    old = handshake(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), None)
    assert connection_row(connection(http_version=None, handshake=old), 0)["http_version"] == "1.0"


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (T0 + 6, "2026-01-02T03:04:05.000000006Z"),
        (T0 + SECOND - 1, "2026-01-02T03:04:05.999999999Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_iso(time: int, text: str) -> None:
    assert iso(time) == text


def test_legs_through_a_proxy_have_the_numbers_of_each_other() -> None:
    recording = read([CAPTURES / "socks-tunnels.pcapng"], wants=Wants(), limits=Limits())
    rows = list(connection_rows(recording.connections))
    assert [row["connection"] for row in rows] == list(range(len(rows)))
    legs = [(row["leg_before"], row["leg_behind"]) for row in rows[14:17]]
    assert legs == [(None, 15), (14, 16), (15, None)]
    for row in rows:
        if row["leg_before"] is not None:
            assert rows[row["leg_before"]]["key"] == row["key"]


def test_the_sample_key_alone_makes_no_legs() -> None:
    recording = read([CAPTURES / "hybi-drafts.pcapng"], wants=Wants(), limits=Limits())
    assert {row["leg_before"] for row in connection_rows(recording.connections)} == {None}

"""Exact cells and dtypes of the tables that are built of a recording."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tables.recordings import (
    RESPONSE,
    SECOND,
    T0,
    connection,
    frame,
    handshake,
    message,
    messages,
    recording,
)
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.build import Tables
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.dtypes import empty
from wsanalyze.tables.schema import TABLES

TIME = pd.Timestamp(T0, tz="UTC", unit="ns")


def cells(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Return rows of some columns as tuples, NA as None."""
    return [
        tuple(
            None if value is None or value is pd.NA or value is pd.NaT or value != value else value
            for value in row
        )
        for row in table[list(columns)].astype(object).itertuples(index=False, name=None)
    ]


def all_tables(record: Recording) -> Iterator[tuple[str, pd.DataFrame]]:
    tables = Tables(record)
    for name in TABLES:
        yield name, tables.table(name)


@pytest.fixture
def rich() -> Recording:
    """Two connections; the one with serial 1 came first."""
    first = connection(1, requested_ordinal=1, client_direction=1)
    frames = [
        frame(connection=0, ordinal=5, packet=6, message=0),
        frame(
            connection=1,
            ordinal=6,
            sender=0,
            second=0x85,
            masking_key=0x00ADBEEF,
            header_length=6,
            message=1,
        ),
        frame(connection=0, ordinal=4, head=0x8F, header_length=10, length=1 << 63),
        frame(connection=0, ordinal=4, offset=9, head=0x88, close_code=1000, length=2),
    ]
    texts = messages(
        [
            message(
                connection=0,
                sender=1,
                ordinal=5,
                payload_stop=5,
                wire_length=7,
                length=5,
                digest=0,
                compressed=1,
            ),
            message(
                connection=1,
                ordinal=6,
                opcode=2,
                utf8_valid=-1,
                payload_start=5,
                payload_stop=9,
                length=-1,
                complete=0,
            ),
        ],
        b"helloabcd",
        hashlib.sha256(b"hello").digest(),
    )
    segments = [
        {
            "conversation": 0,
            "ordinal": 1,
            "packet": 2,
            "time": T0,
            "flags": 0x12,
            "ack": 1,
            "window": 65535,
        },
        {"conversation": 9, "ordinal": 1},
        {
            "conversation": 1,
            "ordinal": 2,
            "packet": 3,
            "direction": 1,
            "flags": 2,
            "ack": -1,
            "note": 8,
        },
    ]
    return recording([connection(0), first], frames, texts, segments)


def test_every_table_has_its_dtypes_with_rows_and_without(rich: Recording) -> None:
    for record in (rich, recording(), Recording(Wants())):
        for name, table in all_tables(record):
            pd.testing.assert_series_equal(table.dtypes, empty(TABLES[name]).dtypes)


def test_connections_are_numbered_by_request(rich: Recording) -> None:
    table = Tables(rich).connections
    assert cells(table, "connection", "client_port") == [(0, 50001), (1, 50000)]


def test_ties_are_numbered_by_serial() -> None:
    record = recording([connection(serial, requested_ordinal=7) for serial in range(3)])
    assert Tables(record).connections["tcp_stream"].tolist() == [0, 1, 2]


def test_a_connection_row() -> None:
    row = Tables(recording([connection()])).connections.iloc[0]
    expected = {
        "scheme": "ws",
        "http_version": "1.1",
        "version": "13",
        "outcome": "established",
        "method": "GET",
        "target": "/chat?x=1",
        "host": "example.com:8080",
        "origin": "http://example.com",
        "user_agent": "test/1.0",
        "status": 101,
        "reason": "Switching Protocols",
        "server": "toy",
        "key": "dGhlIHNhbXBsZSBub25jZQ==",
        "accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "accept_expected": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "accept_valid": True,
        "subprotocols_offered": ["chat", "superchat"],
        "subprotocol": "chat",
        "extensions_offered": ["permessage-deflate; client_max_window_bits"],
        "extensions": [],
        "started": TIME,
        "handshake_ms": 2.5,
        "duration_s": 2.0,
        # SEC-06: the key is the RFC's example.
        "findings": 1,
        "severity": "warning",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["requested"].value == T0 + 1_000_000
    assert pd.isna(row["client_close_code"])


def test_a_connection_seen_from_the_middle_has_na() -> None:
    middle = connection(
        handshake=None, outcome="unseen", http_version=None, requested=None, responded=None
    )
    row = Tables(recording([middle])).connections.iloc[0]
    missing = [
        "version",
        "method",
        "status",
        "accept_valid",
        "extensions",
        "requested",
        "handshake_ms",
    ]
    assert row[missing].isna().all()


def test_undefined_versions_are_na_in_the_category() -> None:
    odd = handshake(b"GET / HTTP/1.7\r\nSec-WebSocket-Version: 25\r\n\r\n", None)
    row = Tables(recording([connection(handshake=odd, http_version="1.7")])).connections.iloc[0]
    assert pd.isna(row["version"])
    assert pd.isna(row["http_version"])


def test_lone_surrogates_of_file_names_become_text() -> None:
    record = recording(
        [connection(capture="a\udc80.pcap")], captures=[CaptureSummary("a\udc80.pcap")]
    )
    tables = Tables(record)
    assert tables.connections["capture"].tolist() == ["a\\udc80.pcap"]
    assert tables.summary["capture"].tolist() == ["a\\udc80.pcap"]


def test_frames_are_numbered_in_order_of_reading(rich: Recording) -> None:
    table = Tables(rich).frames
    assert cells(table, "connection", "frame", "type", "message") == [
        (0, 0, "text", 0),
        (1, 0, "reserved-15", None),
        (1, 1, "close", None),
        (1, 2, "text", 0),
    ]


def test_frame_facts(rich: Recording) -> None:
    table = Tables(rich).frames
    assert cells(table, "sender", "masked", "masking_key", "close_code") == [
        ("client", True, "00adbeef", None),
        ("server", False, None, None),
        ("server", False, None, 1000),
        ("server", False, None, None),
    ]
    assert table["time"].tolist() == [TIME] * 4


def test_lengths_with_the_top_bit_are_kept_exactly(rich: Recording) -> None:
    table = Tables(rich).frames
    assert cells(table, "length", "length_coded", "length_raw") == [
        (5, 0, None),
        (2**63 - 1, 8, 2**63),
        (2, 0, None),
        (5, 0, None),
    ]


def test_largest_legal_length_is_itself() -> None:
    record = recording([connection()], [frame(length=2**63 - 1, header_length=10)])
    assert cells(Tables(record).frames, "length", "length_raw") == [(2**63 - 1, None)]


@pytest.mark.parametrize("head", range(256))
def test_first_header_byte(head: int) -> None:
    table = Tables(recording([connection()], [frame(head=head)])).frames
    (row,) = cells(table, "fin", "rsv1", "rsv2", "rsv3", "opcode")
    assert row == (
        head >> 7 == 1,
        head >> 6 & 1 == 1,
        head >> 5 & 1 == 1,
        head >> 4 & 1 == 1,
        head & 15,
    )


def test_hixie_frames_code_no_length() -> None:
    table = Tables(recording([connection()], [frame(head=0, header_length=1)])).frames
    assert table["length_coded"].tolist() == [0]


def test_frames_name_messages_that_were_not_kept() -> None:
    record = recording(
        [connection(0), connection(1)],
        [
            frame(connection=0, ordinal=9, head=0x80, message=4),
            frame(connection=1, ordinal=2, message=0),
            frame(connection=0, ordinal=3, message=2),
            frame(connection=0, ordinal=5, message=4),
        ],
    )
    record.messages = None
    assert cells(Tables(record).frames, "connection", "frame", "message") == [
        (0, 0, 0),
        (0, 1, 1),
        (0, 2, 1),
        (1, 0, 0),
    ]


def test_order_against_plain_sorting() -> None:
    random = np.random.default_rng(7)
    rows = [
        frame(connection=int(serial), ordinal=int(ordinal), offset=place, packet=place)
        for place, (serial, ordinal) in enumerate(random.integers(0, 5, (200, 2)))
    ]
    record = recording([connection(serial) for serial in range(5)], rows)
    expected = sorted(rows, key=lambda row: (row["connection"], row["ordinal"], row["offset"]))
    assert Tables(record).frames["packet"].tolist() == [row["packet"] for row in expected]


def test_messages(rich: Recording) -> None:
    table = Tables(rich).messages
    columns = (
        "connection",
        "message",
        "sender",
        "type",
        "compressed",
        "wire_length",
        "length",
        "complete",
        "utf8_valid",
        "preview",
    )
    assert cells(table, *columns) == [
        (0, 0, "client", "binary", False, 0, None, False, None, "61626364"),
        (1, 0, "server", "text", True, 7, 5, True, True, "hello"),
    ]
    assert cells(table, "sha256") == [(None,), (hashlib.sha256(b"hello").hexdigest(),)]


def test_headers() -> None:
    answered = connection(1, handshake=handshake(response=RESPONSE))
    record = recording([connection(0, handshake=None), answered])
    table = Tables(record).headers
    assert cells(table, "connection", "sender", "position", "name", "value")[0] == (
        1,
        "client",
        0,
        "Host",
        "example.com:8080",
    )
    assert table["sender"].tolist() == ["client"] * 9 + ["server"] * 5
    assert table["position"].tolist() == [*range(9), *range(5)]


def test_summary() -> None:
    capture = CaptureSummary("a.pcap", packets=3, first_time=T0, limits={"flows": 2}, problem="cut")
    table = Tables(recording(captures=[capture])).summary
    columns = (
        "capture",
        "packets",
        "first_time",
        "last_time",
        "dropped",
        "limit_flows",
        "limit_head",
        "problem",
    )
    assert cells(table, *columns) == [("a.pcap", 3, TIME, None, None, 2, 0, "cut")]


def test_times_before_the_epoch_and_far_ahead() -> None:
    rows = [frame(ordinal=1, time=-1), frame(ordinal=2, time=2**63 - 1)]
    table = Tables(recording([connection()], rows)).frames
    assert [moment.value for moment in table["time"]] == [-1, 2**63 - 1]


def test_duration_is_of_the_last_packet() -> None:
    table = Tables(recording([connection(ended=T0 + SECOND // 4)])).connections
    assert table["duration_s"].tolist() == [0.25]

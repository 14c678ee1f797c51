"""The declaration against tables.md's own words, and what is derived from it."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd
import pytest

from wsanalyze.tables import schema
from wsanalyze.tables.arrays import arrow_schema
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.declaration import Kind
from wsanalyze.tables.dtypes import empty
from wsanalyze.tables.schema import TABLES

NAMES = {
    "connections": (
        "connection capture tcp_stream community_id client_ip client_port server_ip server_port "
        "scheme http_version http_stream tunnel version outcome method target host origin "
        "user_agent status reason server key accept accept_expected accept_valid "
        "subprotocols_offered subprotocol extensions_offered extensions started requested "
        "responded ended connect_ms handshake_ms duration_s client_frames server_frames "
        "client_messages server_messages client_bytes server_bytes client_pings server_pings "
        "client_pongs server_pongs client_unmasked_frames server_masked_frames client_close_code "
        "client_close_reason server_close_code server_close_reason ended_by client_lost_bytes "
        "server_lost_bytes client_retransmissions server_retransmissions client_out_of_order "
        "server_out_of_order findings severity client_unread_bytes server_unread_bytes "
        "client_invalid_text_messages server_invalid_text_messages "
        "client_duplicates server_duplicates "
        "client_resyncs server_resyncs request_packet response_packet faults "
        "client_incomplete_messages server_incomplete_messages "
        "client_conflicts server_conflicts tls_version tls_cipher sni alpn "
        "leg_before leg_behind"
    ),
    "frames": (
        "connection frame sender time time_end packet packet_end offset fin rsv1 rsv2 rsv3 opcode "
        "type masked masking_key header_length length captured message close_code length_coded "
        "length_raw confidence"
    ),
    "messages": (
        "connection message sender type time time_end packet packet_end frames compressed "
        "wire_length length complete utf8_valid sha256 preview confidence"
    ),
    "headers": "connection sender position name value",
    "findings": "connection check severity message sender time packet frame evidence reference "
    "name expected coverage count",
    "segments": "connection packet time sender flags seq ack length window note",
    "tls": "client_ip client_port server_ip server_port community_id tcp_stream started version "
    "cipher sni alpn resumed client_random server_random ja3 ja4 certificate_subject "
    "certificate_issuer not_before not_after decrypted reason",
}


@pytest.mark.parametrize("table", NAMES)
def test_columns_and_their_order(table: str) -> None:
    assert " ".join(TABLES[table].names) == NAMES[table]


def test_summary_has_every_attribute_of_a_capture_summary() -> None:
    # Counts by name are columns of their own, reasons stand in `tls` beside each connection.
    left_out = ("limits", "tls_reasons", "tls_left", "tunnel_reasons")
    attributes = [field.name for field in fields(CaptureSummary) if field.name not in left_out]
    names = [name for name in TABLES["summary"].names if not name.startswith("limit_")]
    assert names == attributes


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_empty_tables_have_every_dtype(table: schema.Table) -> None:
    dtypes = empty(table).dtypes
    assert list(dtypes.index) == list(table.names)
    for column in table.columns:
        found = dtypes[column.name]
        if column.kind is Kind.CATEGORY:
            assert isinstance(found, pd.CategoricalDtype)
            assert tuple(found.categories) == column.categories
        else:
            assert str(found) == {"list": "object"}.get(column.kind.value, column.kind.value)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_only_what_says_so_can_be_missing(table: schema.Table) -> None:
    never = {Kind.INT, Kind.BYTE, Kind.BOOL}
    for column in table.columns:
        if column.kind in never:
            assert not column.missing, column.name
        if column.kind in (Kind.NULLABLE_INT, Kind.BOOLEAN, Kind.UNSIGNED):
            assert column.missing, column.name
        assert bool(column.categories) == (column.kind is Kind.CATEGORY), column.name


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_arrow_schema_has_the_same_columns(table: schema.Table) -> None:
    assert tuple(arrow_schema(table).names) == table.names


def test_frame_types_are_in_the_order_of_opcodes() -> None:
    assert len(schema.FRAME_TYPES) == 16
    named = {0: "continuation", 1: "text", 2: "binary", 3: "reserved-3", 8: "close", 9: "ping"}
    named |= {10: "pong", 11: "reserved-11", 15: "reserved-15"}
    assert {opcode: schema.FRAME_TYPES[opcode] for opcode in named} == named


def test_unknown_columns_are_not_declared() -> None:
    with pytest.raises(KeyError):
        TABLES["frames"].column("colour")

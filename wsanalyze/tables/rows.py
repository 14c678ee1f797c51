"""Connections as plain rows: their numbers and the cells of `connections`, without pandas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from wsanalyze.checks.legs import legs_before, legs_behind
from wsanalyze.checks.tokens import public
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import in_order as in_order
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.schema import CONNECTIONS, SUMMARY

Row = dict[str, Any]

# Columns that the handshake knows; all others but the ones computed below are of the Connection.
_OF_HANDSHAKE = (
    "version",
    "method",
    "target",
    "host",
    "origin",
    "user_agent",
    "status",
    "reason",
    "server",
    "key",
    "accept",
    "accept_expected",
    "accept_valid",
    "subprotocols_offered",
    "subprotocol",
    "extensions_offered",
    "extensions",
)
_COMPUTED = ("connection", "handshake_ms", "duration_s", "faults", "leg_before", "leg_behind")
_NAMES = CONNECTIONS.names
_OF_CONNECTION = tuple(
    name for name in _NAMES if name not in _OF_HANDSHAKE and name not in _COMPUTED
)


def connection_rows(connections: Iterable[Connection]) -> Iterator[Row]:
    """Yield the rows of `connections`, of all connections of a recording, in their order."""
    ordered = in_order(connections)
    before = legs_before(ordered)
    behind = legs_behind(before)
    for number, connection in enumerate(ordered):
        legs = (before.get(number), behind.get(number))
        yield connection_row(connection, number, legs)


def connection_row(
    connection: Connection, number: int, legs: tuple[int | None, int | None] = (None, None)
) -> Row:
    """Return the cells of a row of `connections` by column name, in the order of the table.

    Times are integer nanoseconds; None is NA. Lists are new ones. `legs`: numbers of the one before
    it and the one behind it, of a connection through a proxy.
    """
    cells: Row = {name: getattr(connection, name) for name in _OF_CONNECTION}
    handshake = connection.handshake
    for name in _OF_HANDSHAKE:
        value = getattr(handshake, name) if handshake is not None else None
        cells[name] = list(value) if isinstance(value, list | tuple) else value
    if handshake is not None and cells["http_version"] is None:
        cells["http_version"] = handshake.http_version
    cells["faults"] = None
    if handshake is not None:
        cells["faults"] = [
            f"{fault.code}: {public(fault.message, handshake)}" for fault in handshake.faults
        ]
    cells["connection"] = number
    cells["leg_before"], cells["leg_behind"] = legs
    cells["handshake_ms"] = _milliseconds(connection.requested, connection.responded)
    cells["duration_s"] = (connection.ended - connection.started) / 1e9
    return {name: cells[name] for name in _NAMES}


def summary_row(capture: CaptureSummary) -> Row:
    """Return the cells of a capture's row."""
    row = asdict(capture)
    reached = row.pop("limits")
    row |= {f"limit_{name}": count for name, count in reached.items()}
    return {name: row.get(name, 0) for name in SUMMARY.names}


def _milliseconds(start: int | None, stop: int | None) -> float | None:
    return None if start is None or stop is None else (stop - start) / 1e6


def iso(nanoseconds: int) -> str:
    """Return a time as the exports write it: `2026-01-02T03:04:05.000000006Z`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + f".{rest:09d}Z"

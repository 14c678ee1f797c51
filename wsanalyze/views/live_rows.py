"""Live events as JSON, an object on each line: the kind of event, then columns of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from wsanalyze.capture.live import Received
from wsanalyze.monitoring.events import (
    Ended,
    Established,
    Event,
    Message,
    Messages,
    Refused,
    Requested,
    Told,
)
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.declaration import Kind
from wsanalyze.tables.rows import connection_row, iso, summary_row
from wsanalyze.tables.schema import CONNECTIONS, MESSAGES, SUMMARY
from wsanalyze.views.finding_rows import ascii_json
from wsanalyze.views.message_lines import MessageLines

# What is known of a connection when it asks, and once it is answered.
OF_REQUEST = (
    "connection",
    "capture",
    "tcp_stream",
    "community_id",
    "client_ip",
    "client_port",
    "server_ip",
    "server_port",
    "scheme",
    "http_version",
    "http_stream",
    "tunnel",
    "version",
    "method",
    "target",
    "host",
    "origin",
    "user_agent",
    "key",
    "subprotocols_offered",
    "extensions_offered",
    "started",
    "requested",
    "connect_ms",
    "request_packet",
    "tls_version",
    "tls_cipher",
    "sni",
    "alpn",
)
OF_ANSWER = (
    *OF_REQUEST,
    "outcome",
    "status",
    "reason",
    "server",
    "accept",
    "accept_expected",
    "accept_valid",
    "subprotocol",
    "extensions",
    "responded",
    "handshake_ms",
    "response_packet",
    "faults",
)
_TIMES = frozenset(each.name for each in CONNECTIONS.columns if each.kind is Kind.TIME) | {
    "time",
    "time_end",
}


def row(event: Event) -> dict[str, Any]:
    """Return an event as plain cells by name, `event` first; times as the exports write them."""
    cells: dict[str, Any] = {"event": event.kind}
    if isinstance(event, Requested):
        cells |= _of_connection(event, OF_REQUEST)
    elif isinstance(event, Established | Refused):
        cells |= _of_connection(event, OF_ANSWER)
    elif isinstance(event, Ended):
        cells |= _of_connection(event, CONNECTIONS.names)
    elif isinstance(event, Message):
        cells |= {name: getattr(event, name) for name in MESSAGES.names}
    else:
        names = (each.name for each in fields(event) if each.name != "again")
        cells |= {name: getattr(event, name) for name in names}
    return {
        name: iso(value) if name in _TIMES and value is not None else value
        for name, value in cells.items()
    }


def as_jsonl(events: Iterable[Told]) -> str:
    """Return events, an object on each line; what is in them cannot steer a terminal."""
    return "".join(jsonl_pieces(events, MessageLines()))


def jsonl_pieces(events: Iterable[Told], lines: MessageLines) -> Iterator[str]:
    """Yield what `as_jsonl` returns, in pieces of one or more lines.

    `lines` is who writes blocks of messages, the same one each time.
    """
    for event in events:
        if isinstance(event, Messages):
            yield from lines.pieces(event.rows, event.places)
        else:
            yield ascii_json(row(event))


def _of_connection(
    event: Requested | Established | Refused | Ended, names: Iterable[str]
) -> dict[str, Any]:
    cells = connection_row(event.facts, event.connection)
    return {name: cells[name] for name in names}


def summary_line(summary: CaptureSummary, received: Received, analysed: int) -> str:
    """Return the row of `summary` as the last object, with what was received and what was not.

    `analysed`: packets that were looked at: of `received` those that --count lets be.
    """
    times = {each.name for each in SUMMARY.columns if each.kind is Kind.TIME}
    cells = {
        name: iso(value) if name in times and value is not None else value
        for name, value in summary_row(summary).items()
    }
    counts = {each.name: getattr(received, each.name) for each in fields(received)}
    return ascii_json({"event": "summary"} | counts | {"analysed": analysed} | cells)

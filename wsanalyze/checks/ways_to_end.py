"""What TLS and HTTP/2 said about the end of a connection that was cut: alerts, GOAWAY, resets."""

from __future__ import annotations

from typing import TypeGuard

from wsanalyze.checks.facts import Facts
from wsanalyze.http2.bodies import PROTOCOL_ERROR, error_name
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.observation import Ending
from wsanalyze.tls.alerts import ALERTS, WARNINGS


def said_by_tls(facts: Facts, end: Ending) -> str | None:
    """Say how TLS ended before TCP did; None without TLS, or where the records were not opened.

    RFC 8446 §6.1: each end sends close_notify before it closes its side, unless an error alert was
    sent. A FIN without it may be anybody's.
    """
    tls = facts.connection.tls
    if not _tells_its_end(tls, end):
        return None
    if tls.alert in ALERTS and tls.alert not in WARNINGS and tls.alert_at is not None:
        name = ALERTS[tls.alert]
        return f"the {tls.alert_by} had sent the TLS alert {name} in packet {tls.alert_at[1]}"
    # Where the other end answers a FIN so, this one had said nothing.
    if tls.closed_by is not None and tls.closed_at is not None and tls.closed_at[0] <= end.time:
        packet = tls.closed_at[1]
        if tls.closed_by == end.sender:
            return f"it had ended TLS first (close_notify in packet {packet}), as a program does"
        return f"the {tls.closed_by} had ended TLS before (close_notify in packet {packet})"
    if end.how == "fin":
        # A program that exits, one that only closes its socket, and anybody on the way leave it so.
        return "TLS was not ended (no close_notify), so that the FIN may be anybody's"
    return None


def ended_tls(facts: Facts, end: Ending) -> str | None:
    """Return whose close_notify came first, ahead of an end of TCP; None where none is known of.

    That is who ended the connection: the other end answers with its own, and may close TCP first.
    """
    tls = facts.connection.tls
    if not _tells_its_end(tls, end) or tls.closed_at is None or tls.closed_at[0] > end.time:
        return None
    failed = tls.alert in ALERTS and tls.alert not in WARNINGS
    return None if failed else tls.closed_by


def _tells_its_end(tls: TlsConnection | None, end: Ending) -> TypeGuard[TlsConnection]:
    return tls is not None and tls.decrypted and not (end.stream or tls.bad_records)


def said_by_http2(facts: Facts, end: Ending) -> str | None:
    """Say how HTTP/2 ended the stream, or its connection; None for what is no stream."""
    stream = facts.observation.stream
    if stream is None:
        return None
    goaway = stream.shared.goaway
    if goaway is not None and goaway[3] <= end.time and end.last is None:
        sender, code, last, _, packet = goaway
        refused = "" if stream.number <= last else f", which leaves out stream {stream.number}"
        return f"the {sender} had sent GOAWAY ({error_name(code)}) in packet {packet}{refused}"
    if end.stream and end.last is None:
        return None
    if end.last is not None and end.last < stream.number:
        return f"it leaves out stream {stream.number}"
    others = stream.shared.cut - 1
    more = "1 more WebSocket" if others == 1 else f"{others} more WebSockets"
    what = "TCP" if end.last is None else "HTTP/2"
    return f"{more} ended with this {what} connection" if others > 0 else None


def reset_for_fault(facts: Facts) -> Ending | None:
    """Return the RST_STREAM with which a server answers a malformed request (RFC 9113 §8.1.1)."""
    resets = (each for each in facts.observation.endings if each.how == "rst" and each.stream)
    first = next(resets, None)
    if first is None or first.sender != "server" or first.last is not None:
        return None
    faulty = any(
        fault.sender == "client"
        for code in ("H2-03", "H2-04")
        for fault in facts.faults.get(code, ())
    )
    stream = facts.observation.stream
    if stream is not None:
        faulty |= any(
            each.sender == "client" and each.stream == stream.number
            for each in stream.shared.faults
        )
    is_answer = facts.connection.outcome == "unanswered" and first.code == PROTOCOL_ERROR
    return first if faulty and is_answer else None


def reset_code(end: Ending) -> str | None:
    """Return the name of the error code of the RST_STREAM or GOAWAY that an ending is."""
    return None if end.code is None else error_name(end.code)

"""What a person wants to know of a capture first: lines of facts, each a label and a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from wsanalyze.tables.capture_summary import (
    EMPTY_LOGS,
    NO_SECRETS,
    REASONS,
    CaptureSummary,
    of_several,
    ranked,
    why_closed,
)
from wsanalyze.tables.schema import OUTCOMES
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import counted, duration, moment, number, size

Fact = tuple[str, str]

NOT_DECODED = (
    ("not_decoded_link", "of an unknown link type"),
    ("not_decoded_truncated", "cut inside a header"),
    ("not_decoded_malformed", "with a malformed header"),
    ("not_decoded_fragment", "that are IP fragments of incomplete datagrams"),
    ("not_decoded_esp", "encrypted with IPsec ESP"),
    ("not_decoded_macsec", "encrypted with MACsec"),
    ("not_decoded_wifi", "encrypted in 802.11"),
    ("not_decoded_nested", "nested too deeply"),
)
SPOKEN = (
    ("conversations_websocket", "WebSocket"),
    ("conversations_http", "HTTP"),
    ("conversations_tls", "TLS, not decrypted"),
    ("conversations_tls_empty", "TLS, decrypted, with nothing within"),
    ("conversations_other", "other"),
    ("conversations_empty", "without payload"),
)


def facts(capture: CaptureSummary) -> list[Fact]:
    """Return what is known of one capture; text is escaped for a terminal."""
    if capture.format is None:
        return [("capture", visible(capture.capture)), ("problem", visible(capture.problem or ""))]
    lines = [("capture", _heading(capture))]
    if capture.first_time is not None and capture.last_time is not None:
        span = duration(capture.last_time - capture.first_time)
        lines.append(("time", f"{moment(capture.first_time)}, {span}"))
    clock = _clock(capture)
    if clock:
        lines.append(("clock", clock))
    lines.append(("TCP", _conversations(capture)))
    tls = _tls(capture)
    if tls:
        lines.append(("TLS", tls))
    closed = closed_tls(capture)
    if closed:
        lines.append(("encrypted", closed))
    if capture.tls_left:
        lines.append(("broken off", visible(_counted_reasons(capture.tls_left), 1000)))
    lines.append(("WebSocket", _attempts(capture)))
    lost = _losses(capture)
    if lost:
        lines.append(("lost", lost))
    if capture.duplicate_packets:
        lines.append(("seen twice", counted(capture.duplicate_packets, "packet")))
    skipped = _not_analysed(capture)
    if skipped:
        lines.append(("not analysed", skipped))
    reached = [
        f"{name} {counted(count, 'time')}" for name, count in capture.limits.items() if count
    ]
    if reached:
        lines.append(("limits reached", ", ".join(reached)))
    if capture.problem:
        lines.append(("problem", visible(capture.problem)))
    return lines


def refused_tunnels(count: int) -> Fact:
    """Return how many tunnels proxies refused, which are no connections, and who tells of one."""
    who, command, what = "by proxies", "--refused N", "one, from 0 on"
    if count == 1:
        who, command, what = "by a proxy", "--refused 0", "it"
    text = f"{who}: `wsanalyze explain CAPTURE {command}` tells {what}"
    return "refused", f"{counted(count, 'tunnel')}, {text}"


def _heading(capture: CaptureSummary) -> str:
    kind = capture.format or ""
    if capture.compression:
        kind += f", {capture.compression}"
    counts = f"{counted(capture.packets, 'packet')}, {size(capture.wire_bytes)}"
    return f"{visible(capture.capture)} ({visible(kind)}), {counts}"


def _conversations(capture: CaptureSummary) -> str:
    text = counted(capture.tcp_conversations, "conversation")
    kinds = [(getattr(capture, name), kind) for name, kind in SPOKEN]
    parts = [f"{number(count)} {kind}" for count, kind in kinds if count]
    return f"{text}: {', '.join(parts)}" if parts else text


def _tls(capture: CaptureSummary) -> str:
    """Return how many TLS connections were decrypted; nothing where there were no secrets."""
    if not (capture.tls_decrypted or capture.keylog_files):
        return ""
    text = "none was seen"
    if capture.tls_decrypted or capture.conversations_tls:
        text = f"{number(capture.tls_decrypted)} decrypted"
        if capture.tls_without_secret:
            text += f" (of {number(capture.tls_without_secret)} there is no secret for one end)"
        text += f", {number(capture.conversations_tls)} not"
    if capture.keylog_lines:
        text += f"; key logs of {counted(capture.keylog_lines, 'line')}"
    if 0 < capture.keylog_lines == capture.keylog_not_understood:
        text += ", none of which is understood: no key log"
    elif capture.keylog_not_understood:
        text += f", {number(capture.keylog_not_understood)} of them not understood"
    return text


def closed_tls(capture: CaptureSummary) -> str:
    """Return why TLS connections stayed closed, counted, and who knows more; nothing for none."""
    if not capture.conversations_tls:
        return ""
    reasons = why_closed(capture)
    parts = [_counted_reasons(reasons)]
    if NO_SECRETS in reasons:
        parts.append("--keylog FILE takes what programs log (SSLKEYLOGFILE)")
    if set(reasons) - {NO_SECRETS, EMPTY_LOGS}:
        parts.append("`wsanalyze export -t tls` names them")
    return visible("; ".join(parts), 1000)


def _counted_reasons(reasons: Mapping[str, int]) -> str:
    found = sorted(reasons.items(), key=lambda each: -each[1])
    parts = [f"{number(count)}: {of_several(reason, count)}" for reason, count in found[:REASONS]]
    rest = sum(count for _, count in found[REASONS:])
    return "; ".join([*parts, *([f"{number(rest)} for other reasons"] if rest else [])])


def _attempts(capture: CaptureSummary) -> str:
    if not capture.attempts:
        return "no connection attempts"
    counts = ((getattr(capture, f"attempts_{outcome}"), outcome) for outcome in OUTCOMES)
    named = {"unseen": "without a whole handshake"}
    if capture.tls_without_secret:
        named["unseen"] += " that could be read"
    parts = [f"{number(count)} {named.get(outcome, outcome)}" for count, outcome in counts if count]
    text = f"{counted(capture.attempts, 'attempt')}: {', '.join(parts)}"
    frames, messages = counted(capture.frames, "frame"), counted(capture.messages, "message")
    return f"{text}; {frames}, {messages}"


def _losses(capture: CaptureSummary) -> str:
    parts = []
    if capture.dropped:
        parts.append(f"{counted(capture.dropped, 'packet')} dropped while capturing")
    if capture.lost_bytes:
        parts.append(f"{size(capture.lost_bytes)} of WebSocket connections never captured")
    if capture.cut_packets:
        parts.append(f"{counted(capture.cut_packets, 'packet')} cut by the snap length")
    return ", ".join(parts)


def _clock(capture: CaptureSummary) -> str:
    parts = []
    if capture.untimed_packets:
        parts.append(f"{counted(capture.untimed_packets, 'packet')} without a time")
    if capture.clamped_times:
        parts.append(f"{counted(capture.clamped_times, 'packet')} outside 1677 to 2262")
    return ", ".join(parts)


def _not_analysed(capture: CaptureSummary) -> str:
    counts = ((getattr(capture, name), why) for name, why in NOT_DECODED)
    parts = [f"{counted(count, 'packet')} {why}" for count, why in counts if count]
    if capture.unknown_links:
        parts[0] += f" ({', '.join(capture.unknown_links)})"
    if capture.http2_unknown_streams:
        streams = counted(capture.http2_unknown_streams, "stream")
        parts.append(f"{streams} of HTTP/2, WebSocket or not, the request not being in the capture")
    if capture.unread_tunnels:
        tunnels = counted(capture.unread_tunnels, "tunnel")
        parts.append(f"{tunnels}: {ranked(capture.tunnel_reasons)}")
    return ", ".join(parts)

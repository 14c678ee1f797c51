"""Live events for a person: a line each."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from wsanalyze.checks.tokens import public
from wsanalyze.layers.connection import Connection
from wsanalyze.monitoring.events import (
    Close,
    Ended,
    Established,
    Event,
    Found,
    LimitReached,
    Message,
    Problem,
    Refused,
    Requested,
)
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.quantities import counted, duration, size
from wsanalyze.views.summary import URL, asked_for, ending_of

ARROWS = {"client": "↑", "server": "↓"}
# Cells that a message or a reason may take.
SHOWN = 80

# Styles of rich by kind of event; of findings by severity.
STYLES = {"established": "green", "refused": "red", "problem": "yellow", "limit": "yellow"}
SEVERITIES = {"error": "red", "warning": "yellow", "info": "cyan"}


def line(event: Event) -> str:
    """Return one line, with everything invisible in what was captured escaped."""
    number = getattr(event, "connection", None)
    which = "" if number is None else f"#{number}"
    return f"{_moment(_time(event)):12}  {which:>5}  {_said(event)}"


def style(event: Event) -> str:
    """Return the style of an event's line; "" for none."""
    if isinstance(event, Found):
        return SEVERITIES.get(event.severity, "")
    return STYLES.get(event.kind, "")


def _time(event: Event) -> int | None:
    if isinstance(event, Message):
        return event.time_end
    return getattr(event, "time", None)


def _moment(time: int | None) -> str:
    """Return the time of day in UTC, with milliseconds."""
    if time is None:
        return ""
    seconds, rest = divmod(time, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1_000_000:03d}"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def _said(event: Event) -> str:
    match event:
        case Requested():
            return f"requested {resource(event.facts)} by {_ends(event.facts)}"
        case Established() | Refused():
            return _answered(event)
        case Message():
            return _message(event)
        case Close():
            code = "without code" if event.close_code is None else str(event.close_code)
            code = "whose code is missing" if event.code_missing else code
            reason = f" {visible(event.close_reason, SHOWN)}" if event.close_reason else ""
            return f"{ARROWS[event.sender]} close {code}{reason}"
        case Found():
            times = f" ({event.count} times)" if event.count > 1 else ""
            return f"{event.severity} {event.check} {prose(event.message)}{times}"
        case Ended():
            return _ended(event.facts, event.told)
        case LimitReached():
            return f"limit {event.limit} reached: what goes beyond it is not looked at, or not kept"
        case Problem():
            return f"problem: {visible(event.what)}"


def _message(event: Message) -> str:
    length = event.length if event.length is not None else event.wire_length
    preview = "" if not event.preview else f" {visible(event.preview, SHOWN)}"
    whole = "" if event.complete else " (incomplete)"
    return f"{ARROWS[event.sender]} {event.type} {size(length)}{whole}{preview}"


def _answered(event: Established | Refused) -> str:
    record, handshake = event.facts, event.facts.handshake
    if record.outcome == "unseen":
        return f"established {resource(record)} of {_ends(record)}, handshake not seen"
    if handshake is None:
        return f"{record.outcome} {resource(record)}"
    said = f"{record.outcome} {resource(record)}: {handshake.status}"
    if handshake.subprotocol:
        said += f", subprotocol {visible(public(handshake.subprotocol, handshake), 60)}"
    extensions = (visible(public(each, handshake), 80) for each in handshake.extensions[:3])
    return said + "".join(f", {each}" for each in extensions)


def _ended(record: Connection, told: int) -> str:
    how = ending_of(record) if record.outcome in ("established", "unseen") else record.outcome
    findings = f", {counted(told, 'finding')}" if told else ""
    up = f"↑ {counted(record.client_frames, 'frame')} {size(record.client_bytes)}"
    down = f"↓ {counted(record.server_frames, 'frame')} {size(record.server_bytes)}"
    lasted = duration(record.ended - record.started)
    return f"ended {how} after {lasted}: {up}, {down}{findings}"


def resource(record: Connection) -> str:
    """Return the URL that was asked for."""
    handshake = record.handshake
    if handshake is None:
        return record.scheme
    return visible(asked_for(record, handshake), URL)


def _ends(record: Connection) -> str:
    client = address_and_port(record.client_ip, record.client_port)
    return f"{client} at {address_and_port(record.server_ip, record.server_port)}"

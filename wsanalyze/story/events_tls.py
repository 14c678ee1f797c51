"""What TLS sent to and fro, for a ladder diagram: the messages of its handshake, its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from wsanalyze.story.model import Event, Secure, TlsStep
from wsanalyze.story.opening import Segments, first_segment
from wsanalyze.tables.objects import Segment

# Messages of one packet that are named; of more the first and the last.
NAMED = 3


def of_tls(secure: Secure | None, segments: Segments | None, which: str = "") -> list[Event]:
    """Return one event for the messages that one side sent in one packet, and one for each alert.

    `which` of several TLS connections in one another it is stands in front of the labels. Where
    messages are not known, the hellos at the first segments with payload of each end.
    """
    if secure is None:
        return []
    if not secure.steps:
        return _of_hellos(secure, segments) if segments is not None else []
    found = [*_of_steps(secure), *_of_alerts(secure)]
    if not which:
        return found
    return [replace(each, label=f"{which}: {each.label}") for each in found]


def _of_steps(secure: Secure) -> Iterator[Event]:
    answer = ", ".join(filter(None, (secure.version, secure.cipher)))
    for (sender, packet), group in groupby(secure.steps, lambda each: (each.sender, each.packet)):
        steps = list(group)
        names = [each.name for each in steps]
        detail = ""
        if "ClientHello" in names and secure.sni:
            detail = f"SNI {secure.sni}"
        elif "ServerHello" in names:
            detail = answer
        elif all(each.sealed for each in steps):
            detail = "encrypted"
        yield Event(
            layer="tls",
            sender=sender,
            time=steps[0].time,
            packet=packet,
            ordinal=0,
            label=_joined(steps),
            detail=detail,
            length=sum(each.length for each in steps),
        )


def _joined(steps: Iterable[TlsStep]) -> str:
    names = []
    for name, group in groupby(each.name for each in steps):
        count = len(list(group))
        names.append(name if count == 1 else f"{count} {name}")
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{names[0]} … {names[-1]} ({len(names)} messages)"


def _of_alerts(secure: Secure) -> Iterator[Event]:
    for alert in secure.alerts:
        yield Event(
            layer="tls",
            sender=alert.sender,
            time=alert.time,
            packet=alert.packet,
            ordinal=0,
            label=f"alert {alert.name}",
        )


def _of_hellos(secure: Secure, segments: Segments) -> list[Event]:
    has_payload = segments.column("length") > 0
    sender = segments.column("sender")
    asked, answered = (first_segment(segments, has_payload & (sender == side)) for side in (0, 1))
    events = []
    if asked is not None:
        asks = f"SNI {secure.sni}" if secure.sni else ""
        events.append(_of_hello(asked, "ClientHello", asks))
    if answered is not None:
        answer = ", ".join(filter(None, (secure.version, secure.cipher)))
        events.append(_of_hello(answered, "ServerHello", answer))
    return events


def _of_hello(segment: Segment, label: str, detail: str) -> Event:
    return Event(
        "tls", segment.sender, segment.time, segment.packet, segment.ordinal, label, detail
    )

"""Captures themselves (TRN): what they lack, where they were taken, what they cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.one_way import maybe_unseen_end
from wsanalyze.checks.spans import are
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.tables.capture_summary import (
    LACKING,
    ranked,
    why_closed,
)

SENDERS = ("client", "server")
_CAPTURE = ("capture",)

# Beyond these limits rows wait in a file, connections are compared in turns: nothing is missing.
HARMLESS = ("rows", "recent")

# Connections whose SYNs show where a capture was taken: of one, chance does so in 20,000.
SEVERAL_SYNS = 2


@check(
    "TRN-04",
    "poor-capture",
    "The capture itself is not complete",
    severity="warning",
    tags=_CAPTURE,
    references=(),
    explanation=(
        "Packets were cut to a snap length, dropped before they were written, or the file ends in "
        "the middle. What checks say holds for what is there. Where the checksums of one end are "
        "never filled in, its network card was to do so: the capture was taken on that host."
    ),
    advice=(
        "Capture with -s 262144 and a larger buffer; stop the capture before copying the file."
    ),
    scope=CAPTURE,
    example="snapped.pcap",
)
def poor_capture(facts: CaptureFacts) -> Iterator[Finding]:
    """TRN-04: one finding for each capture."""
    for capture in facts.captures:
        said = []
        if capture.cut_packets:
            cut = f"{are(capture.cut_packets)} cut short"
            said.append(f"{capture.cut_packets} of {capture.packets} packets {cut}")
        if capture.dropped:
            were = "packet was" if capture.dropped == 1 else "packets were"
            said.append(f"{capture.dropped} {were} dropped while capturing")
        if capture.damage:
            said.append(capture.damage)
        reached = [name for name, count in capture.limits.items() if count and name not in HARMLESS]
        if reached:
            said.append(f"limits were reached: {', '.join(reached)}")
        if said:
            coverage = "truncated" if capture.damage else "gap"
            yield Finding(f"{capture.capture}: {'; '.join(said)}", coverage=coverage)
        for sender in SENDERS:
            if (told := _offloaded(facts, capture.capture, sender)) is not None:
                yield Finding(told, sender=sender, severity="info", coverage="full")


def _offloaded(facts: CaptureFacts, capture: str, sender: str) -> str | None:
    """Say that a capture was taken on the host of one end; None where it was not, or of both.

    Of both: on the loopback interface nobody fills checksums in, or looks at them. By the SYNs, of
    connections whose beginning is there.
    """
    begun = [
        each.observation
        for each in facts.connections
        if each.connection.capture == capture and each.connection.connect_ms is not None
    ]
    other = "server" if sender == "client" else "client"
    unfilled = sum(getattr(each, f"{sender}_unfilled") for each in begun)
    if unfilled < SEVERAL_SYNS or unfilled < len(begun):
        return None
    if any(getattr(each, f"{other}_unfilled") for each in begun):
        return None
    return (
        f"{capture}: the checksums of the {sender}s are not filled in: it was taken on their host, "
        "where segments are larger than on the wire, and damage cannot be told from an attack"
    )


# What is missing of a handshake, by whether its request and its response were seen.
_MISSING = {
    (False, False): "handshake",
    (True, False): "response",
    (False, True): "request",
    (True, True): "whole handshake",
}


@check(
    "TRN-05",
    "no-handshake",
    "The opening handshake is not in the capture",
    severity="info",
    tags=_CAPTURE,
    references=(),
    explanation=(
        "The capture began later, or lacks parts of the handshake: that this is WebSocket, and who "
        "is the client, is told from the frames themselves. What was agreed upon is not known, "
        "compression among it."
    ),
    advice="Start the capture before the connection is opened, with -s 262144.",
    example="from-the-middle.pcapng",
    circumstances=("unseen",),
)
def no_handshake(facts: Facts) -> Iterator[Finding]:
    """TRN-05."""
    record = facts.connection
    if record.outcome != "unseen" or maybe_unseen_end(facts) is not None:
        return
    firsts = [facts.side(sender).first for sender in SENDERS]
    seen = [event for event in firsts if event is not None]
    first = min(seen, key=lambda event: event.time, default=None)
    asked, answered = record.request_packet is not None, record.response_packet is not None
    if record.tls is not None and _is_sealed(record.tls, asked=asked, answered=answered):
        return
    part = _MISSING[asked, answered]
    told = "" if answered else ": told to be WebSocket by its frames"
    # Its SYN is there: the session did not begin before the capture.
    whole = " as a whole" if part == "handshake" and record.connect_ms is not None else ""
    yield Finding(
        f"the {part} is not in the capture{whole}{told}",
        time=first.time if first else None,
        packet=first.packet if first else None,
        frame=first.frame if first else None,
        coverage="midstream",
    )


def _is_sealed(tls: TlsConnection, *, asked: bool, answered: bool) -> bool:
    """Tell whether what is missing is in the capture, and could not be decrypted (TLS-09)."""
    return (asked or tls.client_sealed > 0) and (answered or tls.server_sealed > 0)


@check(
    "TRN-06",
    "still-open",
    "The session was still open when the capture ended",
    severity="info",
    tags=_CAPTURE,
    references=(),
    explanation="Nothing is wrong: how the connection ended is not known.",
    advice="Capture longer if the end matters.",
    example="capture-ends-open.pcap",
    circumstances=("open",),
)
def still_open(facts: Facts) -> Iterator[Finding]:
    """TRN-06."""
    record = facts.connection
    if record.ended_by == "capture-end" and facts.established and not facts.ended:
        last = facts.side("client").last or facts.side("server").last
        if last is not None:
            yield Finding("the session was open at the end", coverage="truncated")


@check(
    "TRN-10",
    "opaque-tls",
    "TLS that stayed closed",
    severity="info",
    tags=(*_CAPTURE, "tls"),
    references=(),
    explanation=(
        "Some conversations speak TLS and could not be decrypted: whether WebSocket was inside "
        "cannot be said, and nothing in them was checked. Mostly there are no secrets for them, or "
        "those of other connections; the finding counts the reasons. Where an end left within the "
        "handshake, or refused it with an alert, nothing was said inside at all."
    ),
    advice=(
        "Where secrets are missing, record with SSLKEYLOGFILE set before the program starts and "
        "give that file with --keylog, or capture behind the proxy that ends TLS. Where an end "
        "left within the handshake, secrets do not help: look at who left, after what, and at the "
        "certificate. `wsanalyze export -t tls` says of each connection why it stayed closed."
    ),
    scope=CAPTURE,
)
def opaque_tls(facts: CaptureFacts) -> Iterator[Finding]:
    """TRN-10: one finding for each capture."""
    for capture in facts.captures:
        count = capture.conversations_tls
        if count:
            spoke = "1 conversation speaks" if count == 1 else f"{count} conversations speak"
            message = f"{capture.capture}: {spoke} TLS and could not be read"
            yield Finding(f"{message}: {ranked(why_closed(capture))}", coverage="gap")


@check(
    "TRN-12",
    "opaque-tunnel",
    "A tunnel through a proxy that cannot be read",
    severity="info",
    tags=(*_CAPTURE, "proxy"),
    references=("RFC 1928 §3", "RFC 1961 §3"),
    explanation=(
        "A client and a SOCKS proxy agreed on something behind which bytes cannot be told: GSSAPI, "
        "which may encrypt all that follows, a method of logging in that no document describes, or "
        "BIND, where the other end connects. Whether WebSocket was inside cannot be said, and "
        "nothing in it was checked."
    ),
    advice="Capture behind the proxy, or let it take logins that do not encrypt.",
    scope=CAPTURE,
)
def opaque_tunnel(facts: CaptureFacts) -> Iterator[Finding]:
    """TRN-12: one finding for each capture."""
    for capture in facts.captures:
        count = capture.unread_tunnels
        if count:
            tunnels = "1 tunnel" if count == 1 else f"{count} tunnels"
            message = f"{capture.capture}: {tunnels} could not be read: "
            yield Finding(message + ranked(capture.tunnel_reasons), coverage="gap")


@check(
    "TRN-11",
    "missing-package",
    "Something was met that takes a package which is not installed",
    severity="warning",
    tags=(*_CAPTURE, "tls", "http2"),
    references=(),
    explanation=(
        "WebSocket over HTTP/2 takes the package hpack, TLS the package cryptography. One of them "
        "is not installed where this was run, and what needs it was not read: nothing was checked "
        "in there. It says nothing of the traffic."
    ),
    advice="Install the package with the command in the finding, and run this again.",
    scope=CAPTURE,
)
def missing_package(facts: CaptureFacts) -> Iterator[Finding]:
    """TRN-11: one finding for each capture and package."""
    for capture in facts.captures:
        for package in capture.missing_packages:
            message = f"{capture.capture}: {LACKING[package]}"
            yield Finding(message, evidence=package, coverage="gap")

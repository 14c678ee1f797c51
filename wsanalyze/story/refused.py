"""Tunnels that proxies refused: they are no connections, and have a story of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording, Wants
from wsanalyze.story import events as happened
from wsanalyze.story.events_tls import of_tls
from wsanalyze.story.model import Closing, End, Opening, Story
from wsanalyze.story.opening import FIN, RST, Segments, around, opening
from wsanalyze.story.telling import KEPT, Again, tls_layers
from wsanalyze.story.way import of_way, steps_of, way_of
from wsanalyze.streams import Streams, WayMessage
from wsanalyze.tables.build import Tables
from wsanalyze.tables.objects import AnalyzedConnection
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.tunnels.way import address_and_port, joined, steps

# Ends of TCP that are told.
ENDS = 8


def refused_tunnels(recording: Recording) -> list[Refusal]:
    """Return what proxies refused, in the order of their answers, where nobody tried again.

    A 407 that has a second try is no refusal: that one's answer counts.
    """
    return [each for each in recording.refusals if not each.tried_again]


def tell_refused(
    recording: Recording,
    number: int,
    findings: Sequence[Finding],
    *,
    again: Again | None = None,
) -> Story:
    """Return the story of a refused tunnel: TCP, TLS with the proxy, what was said, the end.

    `number` counts `refused_tunnels` from 0; the recording has segments, or the story goes without
    TCP. `again` as in `tell`. No password is in it; names and credentials are.
    """
    refusal = refused_tunnels(recording)[number]
    streams = None
    if again is not None:
        streams = Streams({refusal.conversation: ([], [])}, KEPT)
        wants = Wants(frames=False, messages=False, hashes=False, payloads="none", tls=True)
        streams = streams if again(streams, wants) is not None else None
    facts = _facts(refusal)
    said = list(_said(refusal, streams))
    alone = len(recording.captures) == 1
    mine = [each for each in findings if alone and each.packet == refusal.packet]
    way = steps_of(said, refusal.client_side, mine)
    known = tls_layers(recording).get(refusal.conversation, {})
    outer = around(facts, streams, known, max((each.depth for each in way), default=0))
    read = AnalyzedConnection(Tables(recording), number, facts)
    segments = read.segments if recording.segments is not None else None
    opened = _opened(opening(segments, facts)) if segments is not None else None
    times = [*(each.time for each in way), refusal.time]
    if segments:
        times = [segments[0].time, refusal.time, int(segments.column("time").max())]
    ends = tuple(_ends(segments))[:ENDS] if segments is not None else ()
    return Story(
        number=number,
        capture=refusal.capture,
        client=address_and_port(refusal.client_ip, refusal.client_port),
        server=address_and_port(refusal.proxy_ip, refusal.proxy_port),
        scheme="",
        target=None,
        tunnel=joined(refusal.outer, refusal.way),
        version=None,
        http_version=None,
        http_stream=None,
        outcome="refused",
        started=times[0],
        ended=max(times),
        opening=opened,
        secure=None,
        request=None,
        interims=(),
        response=None,
        proof=None,
        deflate=None,
        frame_count=0,
        frames=(),
        left_out=(),
        messages=(),
        pings=(),
        closing=Closing((), ends, None, ends),
        silences=(),
        holes=(),
        lost={"client": 0, "server": 0},
        notes=(),
        findings=tuple(each for step in way for each in step.findings),
        events=happened.in_order(
            [
                *happened.of_transport(segments, opened),
                *(event for each in outer for event in of_tls(each, segments)),
                *of_way(way),
            ],
            by_packet=alone,
        ),
        around=outer,
        way=way,
        refusal=refusal,
    )


def _facts(refusal: Refusal) -> Connection:
    """Return a record of the TCP connection alone, which no table has."""
    return Connection(
        serial=-1,
        requested_ordinal=0,
        capture=refusal.capture,
        conversation=refusal.conversation,
        tcp_stream=None,
        client_ip=refusal.client_ip,
        client_port=refusal.client_port,
        server_ip=refusal.proxy_ip,
        server_port=refusal.proxy_port,
        client_direction=refusal.client_side,
        tunnel=refusal.outer,
        requested=refusal.time,
    )


def _said(refusal: Refusal, streams: Streams | None) -> Iterator[tuple[int, WayMessage]]:
    """Yield the messages up to the refusal, with the place of each on the way."""
    if streams is None:
        return
    every = streams.way.get(refusal.conversation, [])
    before = [each for each in every if each.time <= refusal.time]
    yield from (each for each in way_of(before, refusal.outer) if each[1].outer != refusal.outer)
    mine = [each for each in before if each.outer == refusal.outer]
    answers = [each.stream for each in mine if each.packet == refusal.packet]
    stream = answers[-1] if answers else 0
    hop = len(steps(refusal.outer))
    yield from ((hop, each) for each in mine if each.stream == stream)


def _opened(opened: Opening) -> Opening:
    if opened.syn is None or opened.answer is None:
        return opened
    return Opening(opened.syn, opened.answer, opened.ack, opened.answer.time - opened.syn.time)


def _ends(segments: Segments) -> Iterator[End]:
    """Yield the first FIN and the first RST of each end."""
    seen = set()
    for segment in segments.at(np.flatnonzero(segments.column("flags") & (FIN | RST))):
        how = "rst" if "RST" in segment.flags.split(",") else "fin"
        if (segment.sender, how) not in seen:
            seen.add((segment.sender, how))
            yield End(segment.sender, how, segment.time, segment.packet, False, how.upper())

"""What a report shows, as one value that JSON can hold; every text in it is as sent.

The page makes invisible characters visible where it shows a text. Times are integer ns since
`began`, the first packet of all; lengths are bytes; None is "not available".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.checks.legs import legs_before, legs_behind
from wsanalyze.findings import numbers
from wsanalyze.recording import Recording, Wants
from wsanalyze.report.budget import Budget, shares
from wsanalyze.report.frames import frame_columns, frame_totals, message_columns
from wsanalyze.report.hiding import Hide, beginnings, hider, known_secrets
from wsanalyze.report.parts import (
    close_part,
    cuts_part,
    handshake_part,
    ladder_events,
    ladder_part,
    multiplexed_part,
    pings_part,
    refused_part,
    tls_part,
    tls_steps_part,
    way_part,
)
from wsanalyze.report.plots import sizes, throughput
from wsanalyze.report.provenance import Digest, capture_lines
from wsanalyze.story.frames import Window, control_frames, ranges
from wsanalyze.story.legs import Legs, with_legs
from wsanalyze.story.model import Story
from wsanalyze.story.same_tcp import attempts_of
from wsanalyze.story.secrets import without_secrets
from wsanalyze.story.telling import tls_layers, told
from wsanalyze.streams import Range, Streams
from wsanalyze.tables.build import Tables
from wsanalyze.tables.objects import AnalyzedConnection
from wsanalyze.tables.rows import connection_row, in_order
from wsanalyze.tables.schema import OUTCOMES
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.audited import audited
from wsanalyze.views.findings import looked_at
from wsanalyze.views.folding import told_by
from wsanalyze.views.quantities import counted, moment, size

Data = dict[str, Any]
# Reads the same captures again, keeping what `Streams` wants; None where that cannot be.
Again = Callable[[Streams, Wants], Recording | None]
# Bytes of frames that a second pass keeps in all.
KEPT = 64 * 1024 * 1024


def report_data(
    recording: Recording,
    findings: Sequence[Finding],
    *,
    again: Again | None = None,
    chosen: set[int] | None = None,
    budget: Budget | None = None,
    show_secrets: bool = False,
    digests: Sequence[Digest | None] = (),
) -> Data:
    """Return everything that the page shows of a recording.

    The recording has frames, messages with their beginnings, and segments; `findings` are those of
    `audit`. `again` reads the captures once more for bytes of control frames and headers; without
    it the page goes without. `chosen`: numbers of the connections to show (None: all). `digests`:
    size and SHA-256 of each capture's file, as far as known.
    """
    budget = budget if budget is not None else Budget()
    began = min((c.first_time for c in recording.captures if c.first_time is not None), default=0)
    tables = Tables(recording)
    every = [
        AnalyzedConnection(tables, number, each)
        for number, each in enumerate(in_order(recording.connections))
        if chosen is None or number in chosen
    ]
    reads = every[: budget.connections]
    window = Window(0, budget.headers - 1)
    shown = shares([len(each.frames) for each in reads], budget.frames)
    controls = shares([len(control_frames(each.frames)) for each in reads], budget.controls)
    streams = _streams(reads, window, controls, again)
    before = legs_before(in_order(recording.connections), across=True)
    behind = legs_behind(before)
    stories = _stories(reads, findings, window, shown, controls, recording, streams, show_secrets)
    has_bytes, streams = streams is not None, None
    known = {} if show_secrets else known_secrets(each.handshake for each in recording.connections)
    cut = beginnings(known)

    @cache
    def hide_of(serial: int | None) -> Hide:
        mine = None if serial is None else recording.connections[serial].handshake
        return hider(mine, known, show=show_secrets, cut=cut)

    found = _found(recording, findings, {each.number for each in every})
    listed = found[: budget.findings]
    cells = [_cells(each, place, began, hide_of(each.connection)) for each, place in listed]
    _mark_told([each for each, _ in listed], cells)
    index = {id(each): place for place, (each, _) in enumerate(listed)}
    room, tls_room = budget.payload, budget.tls // max(2 * len(reads), 1)
    connections = []
    events = [ladder_events(story, most) for story, most in zip(stories, shown, strict=True)]
    rows = shares(events, budget.rows)
    for read, story, most, drawn in zip(reads, stories, shown, rows, strict=True):
        hide = hide_of(read.facts.serial)
        messages, used = message_columns(read, most, began, room, budget.message, hide)
        room -= used
        connections.append(
            _row(read, story, began, hide, (before.get(read.number), behind.get(read.number)))
            | {
                "handshake": handshake_part(story, index, began),
                "multiplexed": multiplexed_part(story, began),
                "way": way_part(story, index, began, tls_room, hide),
                "tls": tls_part(story.secure),
                "tls_steps": tls_steps_part(story.secure, began, tls_room),
                "tls_around": [
                    [tls_part(each), tls_steps_part(each, began, tls_room // len(story.around))]
                    for each in story.around
                ],
                "ladder": ladder_part(story, drawn, hide),
                "frames": frame_columns(read, story, most, began, hide),
                "messages": messages,
                "throughput": throughput(read.frames, read.facts.started, read.facts.ended),
                "sizes": sizes(read.messages),
                "pings": pings_part(read.facts, story, budget.pings, began, hide, whole=has_bytes),
                "close": close_part(story, began, hide),
            }
        )
    shown_findings = audited(recording, catalogue(), findings, chosen=chosen)
    return {
        "began": moment(began),
        "starts": moment(min((each.facts.started for each in reads), default=began)),
        # Folders are of the sender's machine, and no business of who gets the page.
        "captures": [
            capture_lines(replace(capture, capture=PurePath(capture.capture).name), digest)
            for capture, digest in zip_longest(recording.captures, digests)
        ],
        "looked_at": looked_at(shown_findings),
        "cuts": cuts_part(shown_findings, hide_of(None)),
        "refused": refused_part(recording, began),
        "totals": _totals(every, tables, [each for each, _ in found]),
        "left_out": _left_out(every, connections, len(found), budget, again is None),
        "secrets": show_secrets,
        "rules": _rules([each for each, _ in listed]),
        "findings": cells,
        "connections": connections,
    }


def _streams(
    reads: Sequence[AnalyzedConnection],
    window: Window,
    controls: Sequence[int],
    again: Again | None,
) -> Streams | None:
    """Return the bytes of all connections, of one pass for all of them."""
    if again is None or not reads:
        return None
    wanted: dict[int, tuple[list[Range], list[Range]]] = {}
    for read, most in zip(reads, controls, strict=True):
        client, server = ranges(read.frames, window, most)
        sides = (client, server) if read.facts.client_direction == 0 else (server, client)
        kept = wanted.setdefault(read.facts.conversation, ([], []))
        for mine, more in zip(kept, sides, strict=True):
            mine.extend(more)
    streams = Streams(wanted, KEPT)
    wants = Wants(
        frames=False, messages=False, hashes=False, contents=False, payloads="none", tls=True
    )
    return streams if again(streams, wants) is not None else None


def _stories(
    reads: Sequence[AnalyzedConnection],
    findings: Sequence[Finding],
    window: Window,
    shown: Sequence[int],
    controls: Sequence[int],
    recording: Recording,
    streams: Streams | None,
    show_secrets: bool,
) -> list[Story]:
    by_serial: dict[int | None, list[Finding]] = {}
    for finding in findings:
        by_serial.setdefault(finding.connection, []).append(finding)
    layers, attempts = tls_layers(recording), attempts_of(recording)
    stories = {}
    for read, most, looked_into in zip(reads, shown, controls, strict=True):
        story = told(
            read,
            by_serial.get(read.facts.serial, []),
            window,
            recording=recording,
            layers=layers,
            attempts=attempts,
            contents=read,
            streams=streams,
            drawn=Window(0, most - 1),
            controls=looked_into,
        )
        # Before the legs are put together: each has secrets of its own.
        stories[read.number] = story if show_secrets else without_secrets(story, read.handshake)
    legs, alone = Legs(recording), len(recording.captures) == 1
    joined = []
    for read in reads:
        numbers = legs.of(read.number, stories)
        every = [stories[each] for each in numbers]
        joined.append(with_legs(every, numbers.index(read.number), by_packet=alone))
    return joined


def _found(
    recording: Recording, findings: Sequence[Finding], shown: set[int]
) -> list[tuple[Finding, int | None]]:
    """Return findings of `shown` connections and of captures, worst first, with whose they are."""
    number = numbers(recording)
    places = (None if each.connection is None else number[each.connection] for each in findings)
    found = [
        (each, place)
        for each, place in zip(findings, places, strict=True)
        if place is None or place in shown
    ]
    found.sort(key=lambda pair: -SEVERITIES.index(pair[0].severity))
    return found


def _cells(finding: Finding, place: int | None, began: int, hide: Hide) -> Data:
    return {
        "c": place,
        "check": finding.check,
        "severity": finding.severity,
        "message": hide(finding.message),
        "sender": finding.sender,
        "t": None if finding.time is None else finding.time - began,
        "packet": finding.packet,
        "f": finding.frame,
        "evidence": finding.evidence and hide(finding.evidence),
        "expected": finding.expected and hide(finding.expected),
        "reference": finding.reference,
        "coverage": finding.coverage,
        "count": finding.count,
        "told": None,
    }


def _mark_told(listed: Sequence[Finding], cells: Sequence[Data]) -> None:
    """Write into the cells of findings which other one of the list says all that they do."""
    tellers = told_by(listed, {each.id: each for each in catalogue()})
    by_finding = {id(each): own for each, own in zip(listed, cells, strict=True)}
    for each, own in zip(listed, cells, strict=True):
        if id(each) in tellers:
            teller = by_finding[id(tellers[id(each)])]
            own["told"] = {"check": teller["check"], "c": teller["c"]}


def _rules(findings: Sequence[Finding]) -> Data:
    used = {each.check for each in findings}
    return {
        each.id: {
            "name": each.name,
            "title": each.title,
            "explanation": each.explanation,
            "advice": each.advice,
            "references": list(each.references),
        }
        for each in catalogue()
        if each.id in used
    }


def _totals(
    every: Sequence[AnalyzedConnection], tables: Tables, findings: Sequence[Finding]
) -> Data:
    outcomes = Counter(each.facts.outcome for each in every)
    severities: Counter[str] = Counter()
    for each in findings:
        severities[each.severity] += each.count
    return {
        "connections": len(every),
        "outcomes": {name: outcomes[name] for name in OUTCOMES if outcomes[name]},
        "severities": {name: severities[name] for name in reversed(SEVERITIES)},
        "messages": sum(each.facts.client_messages + each.facts.server_messages for each in every),
        **frame_totals(tables, every),
    }


_COLUMNS = (
    *("connection", "capture", "scheme", "outcome", "status", "reason", "version", "http_version"),
    *("target", "host", "origin", "user_agent", "server", "subprotocol", "extensions"),
    *("tcp_stream", "http_stream", "tunnel", "ended_by", "severity", "findings"),
    *("connect_ms", "handshake_ms", "duration_s", "client_frames", "server_frames"),
    *("client_messages", "server_messages", "client_bytes", "server_bytes"),
    *("client_lost_bytes", "server_lost_bytes", "client_retransmissions"),
    *("server_retransmissions", "community_id", "leg_before", "leg_behind"),
)
# Those with text of the handshake.
_SENT = ("host", "origin", "subprotocol", "reason", "user_agent", "server", "tunnel")


def _row(
    read: AnalyzedConnection,
    story: Story,
    began: int,
    hide: Hide,
    legs: tuple[int | None, int | None],
) -> Data:
    cells = connection_row(read.facts, read.number, legs)
    row = {name: cells[name] for name in _COLUMNS}
    row |= {name: hide(row[name]) for name in _SENT if row[name]}
    ends = read.facts
    return row | {
        "client": address_and_port(ends.client_ip, ends.client_port),
        "server_address": address_and_port(ends.server_ip, ends.server_port),
        "capture": PurePath(read.facts.capture).name,
        "target": None if story.target is None else hide(story.target),
        "version": None if story.version is None else hide(story.version),
        "started": ends.started - began,
        "ended": ends.ended - began,
    }


def _left_out(
    every: Sequence[AnalyzedConnection],
    connections: Sequence[Data],
    findings: int,
    budget: Budget,
    is_once: bool,
) -> list[str]:
    """Return one sentence for each thing that the report does not show."""
    said = []
    if len(every) > len(connections):
        said.append(
            f"Of {counted(len(every), 'connection')} the first {len(connections):,} are shown."
        )
    frames = sum(each["frames"]["total"] for each in connections)
    shown = sum(each["frames"]["shown"] for each in connections)
    if frames > shown:
        said.append(
            f"Of {counted(frames, 'frame')} {shown:,} are listed: the first of each connection. "
            "Counts and plots are of all of them."
        )
    if findings > budget.findings:
        said.append(f"Of {counted(findings, 'finding')} the worst {budget.findings:,} are listed.")
    cut = sum(each["messages"]["cut"] for each in connections)
    if cut:
        said.append(
            f"Of {counted(cut, 'message')} only the beginning is shown: at most "
            f"{size(budget.message)} each and {size(budget.payload)} in all."
        )
    if is_once:
        said.append("The input could be read only once: payloads of control frames are missing.")
    return said

"""What checks found, for a person: the headline, then connection by connection, the worst first.

Made of records alone; rich only where it prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from wsanalyze.checks.coverage import coverage_of
from wsanalyze.checks.finding import COVERAGES, SEVERITIES, Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.facts import facts
from wsanalyze.views.quantities import counted, duration, number
from wsanalyze.views.summary import endpoint, url
from wsanalyze.views.wrapping import Line, labelled, print_lines, wrapped
from wsanalyze.websocket.request_rules import without_userinfo

if TYPE_CHECKING:
    from rich.console import Console

# Connections, and findings of each, shown before the reader has to ask for more.
FIRST = 20
FIRST_OF_EACH = 10
# Numbers of connections listed in one sentence.
NAMED = 10
# Columns at which text begins: behind severities, behind labels below them, behind the five.
SEVERITY, LABEL, FIVE = 9, 20, 33

# Those of the five that take both heads.
ACCEPT = "invalid Sec-WebSocket-Accept"
OF_BOTH = (ACCEPT, "invalid subprotocol", "invalid extension")

# Those of the five that RFC 8441 §4 and §5 have no use for.
NOT_IN_HTTP2 = {
    "invalid Upgrade header": "not used in HTTP/2 (CONNECT instead)",
    "invalid Sec-WebSocket-Key": "not used in HTTP/2",
    ACCEPT: "not used in HTTP/2 (status 2xx instead)",
}

STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}
# Labels of `facts` that belong to what was looked at, the alarming ones being coloured.
SHOWN_FACTS = ("capture", "TCP")
ALARMING = ("problem", "lost", "limits reached", "not analysed")

COVERED = {
    "full": "seen whole",
    "gap": "with bytes missing or not read",
    "midstream": "without a whole handshake",
    "truncated": "still open when the capture ended",
}
# Why a finding may have more to it than is told.
DOUBTS = {
    "gap": "packets of this connection are missing from the capture",
    "midstream": "the handshake of this connection is not in the capture as a whole",
}


def print_findings(audited: Audited, console: Console, *, show_all: bool = False) -> None:
    """Print findings on a rich console, in its width.

    Of many connections with findings, and of many findings of one, the worst are shown and the rest
    is counted, unless `show_all`.
    """
    print_lines(lines(audited, console.width, show_all=show_all), console)


def lines(audited: Audited, width: int, *, show_all: bool = False) -> Iterator[Line]:
    """Yield the lines of the whole report; every text in them is escaped for a terminal."""
    yield from _looked_at(audited, width)
    yield []
    if not audited.findings:
        if audited.looked_at:
            yield from _headlines(audited, width)
        yield from _nothing(audited, width)
        return
    yield [("Found: ", "bold"), *_counts(audited)]
    yield []
    yield from _headlines(audited, width)
    yield from _by_connection(audited, width, show_all)
    yield from _of_the_captures(audited, width, show_all)
    yield from _advice(audited, width)
    yield _last(audited)


def _looked_at(audited: Audited, width: int) -> Iterator[Line]:
    for capture in audited.captures:
        for label, sentence in facts(capture):
            if label in SHOWN_FACTS or label in ALARMING:
                style = "yellow" if label in ALARMING else "bold"
                yield from labelled(label, sentence, width, column=16, label_style=style)
    if audited.interrupted:
        yield [("interrupted     ", "yellow"), ("this is what was read until then", "")]
    text = looked_at(audited)
    yield from labelled("looked at", text, width, column=16, label_style="bold")


def looked_at(audited: Audited) -> str:
    """Return how many checks were run on what, and what of it the captures do not have."""
    checks = counted(len(audited.checks), "check")
    connections = counted(len(audited.looked_at), "connection")
    return f"{checks} on {connections}{_coverages(audited.looked_at)}{_unread(audited)}"


def _coverages(connections: Sequence[Connection]) -> str:
    found = Counter(map(coverage_of, connections))
    parts = [f"{number(found[each])} {COVERED[each]}" for each in COVERAGES if found[each]]
    return f": {', '.join(parts)}" if parts else ""


def _nothing(audited: Audited, width: int) -> Iterator[Line]:
    if not audited.looked_at:
        chosen = audited.chosen is not None
        which = "no WebSocket connection matches" if chosen else "there is no WebSocket connection"
        text = f"Nothing to check: {which}."
    else:
        text = "Nothing found."
    if not audited.complete:
        text += " The captures were read in part only."
    if audited.unread:
        text += f" But{_unread(audited).removeprefix(';')}."
    yield from ([(each, "bold")] for each in wrapped(text, width))


def _counts(audited: Audited) -> Line:
    pieces: Line = []
    for severity, count in audited.counts.items():
        text = f"{number(count)} info" if severity == "info" else counted(count, severity)
        pieces += [(", ", "")] if pieces else []
        pieces.append((text, STYLES[severity] if count else ""))
    return pieces


def _last(audited: Audited) -> Line:
    concerned = {each.connection for each in audited.findings if each.connection is not None}
    of = counted(len(audited.looked_at), "connection")
    text = f" in {number(len(concerned))} of {of}" if audited.looked_at else ""
    if not audited.complete:
        text += "; the captures were read in part only"
    return [*_counts(audited), (text + _unread(audited), "")]


def _unread(audited: Audited) -> str:
    """Return what could not be looked into, behind a semicolon; nothing where all could."""
    parts = [f"{number(count)} {what}" for what, count in audited.unread.items()]
    return f"; {', '.join(parts)} could not be looked into" if parts else ""


def _headlines(audited: Audited, width: int) -> Iterator[Line]:
    """Yield those of the five that were looked for, whether they are there or not.

    Whoever selects checks knows which are left out.
    """
    looked_for = {name: found for name, found in audited.headlines.items() if found is not None}
    if not looked_for:
        return
    yield [("What everyone meets first", "bold")]
    for name, found in looked_for.items():
        if found:
            text, style = _connections(found), "red"
        else:
            text, style = _absent(name, audited), ""
        yield from labelled(f"  {name}", text, width, column=FIVE, style=style)
    yield []


def _absent(name: str, audited: Audited) -> str:
    """Say no, where a handshake could be looked at: the value of a 101 is judged by its request."""
    seen = [
        each
        for each in audited.looked_at
        if each.outcome != "unseen" or (each.request_packet is not None and name not in OF_BOTH)
    ]
    if not seen:
        return "not captured"
    unseen = len(audited.looked_at) - len(seen)
    unknown = f"; in {counted(unseen, 'connection')}: not captured" if unseen else ""
    without = [each for each in seen if each.http_stream is not None]
    if name not in NOT_IN_HTTP2 or not without:
        return "no" + unknown
    if len(without) == len(seen):
        return NOT_IN_HTTP2[name] + unknown
    return f"no; in {counted(len(without), 'connection')}: {NOT_IN_HTTP2[name]}{unknown}"


def _connections(found: Sequence[int]) -> str:
    noun = "connection" if len(found) == 1 else "connections"
    more = f" and {number(len(found) - NAMED)} more" if len(found) > NAMED else ""
    return f"{noun} {', '.join(map(str, found[:NAMED]))}{more}"


def _by_connection(audited: Audited, width: int, show_all: bool) -> Iterator[Line]:
    groups: dict[int, list[Finding]] = {}
    for finding in audited.findings:
        if finding.connection is not None:
            groups.setdefault(finding.connection, []).append(finding)
    ordered = sorted(groups.items(), key=lambda group: (_badness(group[1]), group[0]))
    shown = ordered if show_all else ordered[:FIRST]
    for place, findings in shown:
        connection = audited.connections[place]
        heading = f"Connection {place}: {_described(connection)}"
        if len(audited.captures) > 1:
            heading += f", in {visible(PurePath(connection.capture).name, 60)}"
        for place_in_it, text in enumerate(wrapped(heading, width - 2)):
            yield [(f"  {text}" if place_in_it else text, "bold")]
        yield from _legs(audited, place, width)
        yield from _group(audited, findings, connection, width, show_all)
    if len(shown) < len(ordered):
        rest = counted(len(ordered) - len(shown), "more connection")
        yield [(f"… and {rest} with findings: --all shows them, -c and --where choose", "")]
        yield []


def _legs(audited: Audited, place: int, width: int) -> Iterator[Line]:
    """Say which connection is the other leg through a proxy."""
    parts = []
    if place in audited.legs_before:
        parts.append(f"behind a proxy: it passes on connection {audited.legs_before[place]}")
    if place in audited.legs_behind:
        parts.append(f"passed on by a proxy as connection {audited.legs_behind[place]}")
    if parts:
        yield from labelled("  ", "; ".join(parts), width, column=2, style="dim")


def _described(connection: Connection) -> str:
    client = endpoint(connection.client_ip, connection.client_port)
    server = endpoint(connection.server_ip, connection.server_port)
    handshake = connection.handshake
    target = "handshake not seen"
    if handshake is not None:
        # Without the query: it is where tokens are, and evidence alone says what may be shown.
        path, question, _ = (handshake.target or "").partition("?")
        target = visible(url(connection, handshake.host, without_userinfo(path) + question), 120)
        target += "…" if question else ""
        if handshake.status is not None:
            target += f", {handshake.status}"
    return f"{client} → {server}, {target}"


def _of_the_captures(audited: Audited, width: int, show_all: bool) -> Iterator[Line]:
    findings = [each for each in audited.findings if each.connection is None]
    if findings:
        yield [("All connections together", "bold")]
        yield from _group(audited, findings, None, width, show_all)


def _group(
    audited: Audited,
    findings: Iterable[Finding],
    connection: Connection | None,
    width: int,
    show_all: bool,
) -> Iterator[Line]:
    """Yield the findings of one heading, the worst first, and an empty line."""
    ordered = sorted(findings, key=lambda each: (_badness([each]), each.packet or 0))
    shown = ordered if show_all else ordered[:FIRST_OF_EACH]
    for finding in shown:
        yield from _finding(audited, finding, connection, width)
    if len(shown) < len(ordered):
        yield [(f"  … and {number(len(ordered) - len(shown))} more: --all shows them", "")]
    yield []


def _finding(
    audited: Audited, finding: Finding, connection: Connection | None, width: int
) -> Iterator[Line]:
    name = f"{finding.check} {audited.check(finding).name}"
    times = f" ({number(finding.count)} times)" if finding.count > 1 else ""
    style = STYLES[finding.severity]
    severity = f"  {finding.severity}"
    yield [(f"{severity:<{SEVERITY + 2}}", style), (name, "bold"), (times, "")]
    indent = " " * (SEVERITY + 2)
    yield from labelled(indent, prose(finding.message), width, column=len(indent))
    doubt = None if connection is None else _doubt(finding, connection)
    for label, text in (
        ("where", _place(finding, connection)),
        ("found", None if finding.evidence is None else visible(finding.evidence)),
        ("expected", None if finding.expected is None else visible(finding.expected)),
        ("see", prose(finding.reference) or None),
        ("mind", doubt),
    ):
        if text is not None:
            yield from labelled(f"{indent}{label}", text, width, column=LABEL, label_style="dim")


def _doubt(finding: Finding, connection: Connection) -> str | None:
    """Say why a finding may have more to it: packets are missing, or bytes are no frames."""
    lost = connection.client_lost_bytes or connection.server_lost_bytes
    if finding.coverage == "gap" and not lost:
        return "bytes of this connection could not be read as frames"
    return DOUBTS.get(finding.coverage)


def _place(finding: Finding, connection: Connection | None) -> str | None:
    parts = [] if finding.packet is None else [f"packet {finding.packet}"]
    if finding.frame is not None:
        parts.append(f"frame {finding.frame}")
    if finding.sender is not None:
        parts.append(f"of the {finding.sender}")
    if finding.time is not None and connection is not None:
        parts.append(_since(finding.time - connection.started, connection))
    return ", ".join(parts) or None


def _since(ns: int, connection: Connection) -> str:
    """Say when: since the beginning, which is that of TCP only where its SYN was captured."""
    began = "the connection began"
    if connection.connect_ms is None and connection.outcome == "unseen":
        began = "its first packet here"
    if ns == 0:
        return f"when {began}" if began.endswith("began") else f"in {began}"
    return f"{duration(abs(ns))} {'before' if ns < 0 else 'after'} {began}"


def _advice(audited: Audited, width: int) -> Iterator[Line]:
    """Yield what to do, once for each check that found an error or a warning, or could not look."""
    bad = [each for each in audited.findings if each.severity != "info" or _hides(each)]
    found = {each.check: audited.check(each) for each in bad}
    if not found:
        return
    yield [("What to do", "bold"), ("  (`wsanalyze checks ID` tells all of a check)", "")]
    for check in sorted(found.values(), key=lambda each: each.id):
        yield [(f"  {check.id} {check.name}", "bold")]
        yield from labelled("", check.advice, width, column=4)
    yield []


def _hides(finding: Finding) -> bool:
    """Say whether it tells of something in the captures that could not be looked into."""
    return finding.connection is None and finding.coverage == "gap"


def _badness(findings: Iterable[Finding]) -> int:
    """Return a number that is less for worse findings."""
    return -max(SEVERITIES.index(each.severity) for each in findings)

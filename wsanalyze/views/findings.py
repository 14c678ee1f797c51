"""What checks found, for a person: the headline, then connection by connection, the worst first.

Made of records alone; rich only where it prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from wsanalyze.checks.coverage import coverage_of
from wsanalyze.checks.finding import COVERAGES, SEVERITIES, Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.views.audited import Audited
from wsanalyze.views.cut_lines import connections_named, cut_lines
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.facts import facts, refused_tunnels
from wsanalyze.views.folding import (
    NAMED,
    Groups,
    Share,
    Told,
    also,
    folded,
    said_of_several,
    unfolded,
    without_repetition,
)
from wsanalyze.views.headings import capture_name, heading, legs_without_heading
from wsanalyze.views.quantities import counted, duration, number
from wsanalyze.views.wrapping import Line, labelled, print_lines, wrapped

if TYPE_CHECKING:
    from rich.console import Console

# Connections, and findings of each, shown before the reader has to ask for more.
FIRST = 20
FIRST_OF_EACH = 10
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
SHOWN_FACTS = ("capture", "TCP", "broken off")
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

    What is the same in several places is told once. Of many connections with findings, and of many
    findings of one, the worst are shown and the rest is counted. With `show_all` each is told.
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
    groups = _groups(audited, show_all)
    yield [("Found: ", "bold"), *_counts(audited), (_said_by_others(audited, groups), "")]
    yield []
    yield from _headlines(audited, width)
    yield from cut_lines(audited, width)
    yield from _by_connection(audited, groups, width, show_all)
    yield from _of_the_captures(audited, width, show_all)
    yield from _advice(audited, groups, width)
    yield _last(audited)


def _looked_at(audited: Audited, width: int) -> Iterator[Line]:
    for capture in audited.captures:
        for label, sentence in facts(capture):
            if label in SHOWN_FACTS or label in ALARMING:
                style = "yellow" if label in ALARMING else "bold"
                yield from labelled(label, sentence, width, column=16, label_style=style)
    if audited.refused:
        label, sentence = refused_tunnels(audited.refused)
        yield from labelled(label, sentence, width, column=16, label_style="bold")
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


def _said_by_others(audited: Audited, groups: Groups) -> str:
    """Say how many findings are not told, since others say all of it."""
    told = sum(len(each) for _, each in groups)
    silent = sum(each.connection is not None for each in audited.findings) - told
    if not silent:
        return ""
    repeat = "repeats" if silent == 1 else "repeat"
    return f"; {number(silent)} of them {repeat} what others say in full: --all tells each"


def _last(audited: Audited) -> Line:
    concerned = {each.connection for each in audited.findings if each.connection is not None}
    # Of some checks not all findings are kept.
    concerned |= {place for place in audited.places if audited.connections[place].findings}
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
            text, style = connections_named(found), "red"
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


def _groups(audited: Audited, show_all: bool) -> Groups:
    """Return connections with what is to be told of each, the worst of both first."""
    groups: dict[int, list[Finding]] = {}
    for finding in audited.findings:
        if finding.connection is not None:
            groups.setdefault(finding.connection, []).append(finding)
    checks = {each.id: each for each in audited.checks}
    if not show_all:
        said = said_of_several(audited.findings, checks)
        for place, each in groups.items():
            here = [one for one in each if (place, one.check) not in said]
            groups[place] = without_repetition(here, checks)
    told = {place: sorted(each, key=_worst_first) for place, each in groups.items()}
    # Those of which another one's finding says all come last.
    return sorted(
        told.items(), key=lambda group: (_badness(group[1][0]) if group[1] else 0, group[0])
    )


def _by_connection(audited: Audited, groups: Groups, width: int, show_all: bool) -> Iterator[Line]:
    shares = unfolded(groups) if show_all else folded(groups, partial(_doubt_of, audited))
    left = [share for share in shares if share.told]
    # Of what is told of others no order is left.
    left.sort(key=lambda share: (_badness(share.told[0].finding), share.place))
    shown = left if show_all else left[:FIRST]
    for share in shown:
        yield from heading(audited, share.place, width)
        yield from _group(audited, share, width, show_all)
    places = {share.place for share in shown}
    told = [each.place for each in shares if not each.told and places.issuperset(each.as_in)]
    if told:
        have = "has" if len(told) == 1 else "have"
        text = (
            f"{connections_named(sorted(told)).capitalize()} {have} nothing but what is told above."
        )
        yield from ([(each, "")] for each in wrapped(text, width))
        yield []
        yield from legs_without_heading(audited, set(told), places, width)
    if len(shown) + len(told) < len(shares):
        rest = counted(len(shares) - len(shown) - len(told), "more connection")
        yield [(f"… and {rest} with findings: --all shows them, -c and --where choose", "")]
        yield []


def _of_the_captures(audited: Audited, width: int, show_all: bool) -> Iterator[Line]:
    findings = [each for each in audited.findings if each.connection is None]
    if findings:
        yield [("All connections together", "bold")]
        told = [Told(each) for each in sorted(findings, key=_worst_first)]
        yield from _group(audited, Share(-1, told), width, show_all)


def _group(audited: Audited, share: Share, width: int, show_all: bool) -> Iterator[Line]:
    """Yield what there is to tell under one heading, and an empty line."""
    shown = share.told if show_all else share.told[:FIRST_OF_EACH]
    for told in shown:
        yield from _finding(audited, told, width)
    if len(shown) < len(share.told):
        yield [(f"  … and {number(len(share.told) - len(shown))} more: --all shows them", "")]
    if share.as_in:
        parts = [f"connection {place}: {', '.join(ids)}" for place, ids in share.as_in.items()]
        text = f"as in {'; '.join(parts[:NAMED])}{'; …' if len(parts) > NAMED else ''}"
        yield from labelled("  ", text, width, column=2, style="dim")
    yield []


def _finding(audited: Audited, told: Told, width: int) -> Iterator[Line]:
    finding, check = told.finding, audited.check(told.finding)
    connection = audited.connection(finding)
    times = f" ({number(finding.count)} times)" if finding.count > 1 else ""
    style = STYLES[finding.severity]
    severity = f"  {finding.severity}"
    head: Line = [(f"{severity:<{SEVERITY + 2}}", style), (f"{check.id} {check.name}", "bold")]
    yield [*head, (times, "")]
    indent = " " * (SEVERITY + 2)
    yield from labelled(indent, prose(finding.message), width, column=len(indent))
    for label, text in (
        ("where", _place(finding, connection)),
        ("found", None if finding.evidence is None else visible(finding.evidence)),
        ("expected", None if finding.expected is None else visible(finding.expected)),
        ("see", prose(finding.reference) or None),
        ("mind", _doubt_of(audited, finding)),
    ):
        if text is not None:
            yield from labelled(f"{indent}{label}", text, width, column=LABEL, label_style="dim")
    label = f"{indent}also"
    for text in also(told, check, _captures(audited, told)):
        yield from labelled(label, text, width, column=LABEL, label_style="dim")
        label = ""


def _captures(audited: Audited, told: Told) -> dict[int, str]:
    """Return the names of the captures that others are in, where there are several."""
    if len(audited.captures) < 2:
        return {}
    return {place: capture_name(audited.connections[place]) for place in told.elsewhere}


def _doubt_of(audited: Audited, finding: Finding) -> str | None:
    connection = audited.connection(finding)
    return None if connection is None else _doubt(finding, connection)


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
        sender = f"the {finding.sender}"
        parts.append(f"of {sender}" if parts else f"in what {sender} sent")
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


def _advice(audited: Audited, groups: Groups, width: int) -> Iterator[Line]:
    """Yield what to do, once for each check that found an error or a warning, or could not look."""
    told = [finding for _, findings in groups for finding in findings]
    told += [each for each in audited.findings if each.connection is None]
    bad = [each for each in told if each.severity != "info" or _hides(each)]
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


def _badness(finding: Finding) -> int:
    """Return a number that is less for worse findings."""
    return -SEVERITIES.index(finding.severity)


def _worst_first(finding: Finding) -> tuple[int, int]:
    return _badness(finding), finding.packet or 0

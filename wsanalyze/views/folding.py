"""Findings that say the same: told in full once, of the others where they are and what differs.

Two of them say the same where check, severity, section, what was expected, the doubt, and the
message but for its numbers are the same. Who sent it, evidence and numbers may differ; what does is
told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.quantities import number

# Places told of one finding, and lines of what differs.
NAMED = 10
DIFFERENT = 5
# Characters of a message of which only what differs is told again.
LONG = 200
# A number with the unit of time that is written behind it.
_NUMBER = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)( (?:µs|ms|s)\b)?")
# One that measures or counts: none of an address, of a port, or that names a place.
_QUANTITY = re.compile(
    r"(?<![\w.:\[])(?<!packet )(?<!stream )(?<!frame )(?<!connection )(?<!port )"
    r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)(?![\w\]]|[.:,][0-9A-Fa-f:])"
    r"( (?:µs|ms|s)\b)?"
)
# Where something else was seen that a message speaks of: of another connection it is elsewhere.
_ELSEWHERE = re.compile(r" in packet [0-9,]+")
_NANOSECONDS = {"": 1.0, " µs": 1e3, " ms": 1e6, " s": 1e9}
# Messages whose words without numbers are kept: those of one check come together.
_KEPT = 1024

Groups = Sequence[tuple[int, Sequence[Finding]]]


@dataclass(slots=True)
class Told:
    """A finding that is told in full, and those that say the same.

    - `here`: those of its own connection, in their order
    - `elsewhere`: those of other connections, by their numbers, which are in order
    """

    finding: Finding
    here: list[Finding] = field(default_factory=list)
    elsewhere: dict[int, list[Finding]] = field(default_factory=dict)


@dataclass(slots=True)
class Share:
    """What is left to tell of one connection.

    `as_in`: IDs of checks whose findings are told of another connection, by its number.
    """

    place: int
    told: list[Told] = field(default_factory=list)
    as_in: dict[int, list[str]] = field(default_factory=dict)


def folded(groups: Groups, doubt: Callable[[Finding], str | None]) -> list[Share]:
    """Return what is left to tell of each connection, when each finding is told where it is first.

    `groups` are the numbers of connections with their findings, in the order of telling; `doubt`
    says what is uncertain of one.
    """
    first: dict[tuple[object, ...], tuple[int, Told]] = {}
    shares = []
    for place, findings in groups:
        share = Share(place)
        for finding in findings:
            key = _likeness(finding, doubt(finding))
            known = first.get(key)
            if known is None:
                told = Told(finding)
                first[key] = place, told
                share.told.append(told)
                continue
            where, told = known
            if where == place:
                told.here.append(finding)
                continue
            told.elsewhere.setdefault(place, []).append(finding)
            ids = share.as_in.setdefault(where, [])
            if finding.check not in ids:
                ids.append(finding.check)
        shares.append(share)
    for _, told in first.values():
        told.elsewhere = dict(sorted(told.elsewhere.items()))
    return shares


def without_repetition(findings: Sequence[Finding], checks: Mapping[str, Check]) -> list[Finding]:
    """Return findings of a connection without those of which another one says all, and more."""
    said = {
        (id_, each.packet, each.evidence)
        for each in findings
        for id_ in checks[each.check].instead_of
        if id_ != each.check
    }
    return [each for each in findings if (each.check, each.packet, each.evidence) not in said]


def said_of_several(
    findings: Sequence[Finding], checks: Mapping[str, Check]
) -> set[tuple[int | None, str]]:
    """Return of which connection which check's findings another one says, that concerns several."""
    # What is not told itself says nothing of others.
    silent = _said(findings, checks)
    return _said([each for each in findings if (each.connection, each.check) not in silent], checks)


def _said(findings: Sequence[Finding], checks: Mapping[str, Check]) -> set[tuple[int | None, str]]:
    return {
        (place, id_)
        for each in findings
        for place in each.concerns
        for id_ in checks[each.check].instead_of
        if (place, id_) != (each.connection, each.check)
    }


def told_by(findings: Sequence[Finding], checks: Mapping[str, Check]) -> dict[int, Finding]:
    """Return of findings which another one says all of, by identity, and which one that is.

    They are those that `without_repetition` and `said_of_several` name.
    """
    several: dict[tuple[int | None, str], Finding] = {}
    same: dict[tuple[object, ...], Finding] = {}
    for each in findings:
        for id_ in checks[each.check].instead_of:
            for place in each.concerns:
                if (place, id_) != (each.connection, each.check):
                    several.setdefault((place, id_), each)
            if id_ != each.check:
                same.setdefault((each.connection, id_, each.packet, each.evidence), each)
    found: dict[int, Finding] = {}
    for each in findings:
        alike = same.get((each.connection, each.check, each.packet, each.evidence))
        teller = several.get((each.connection, each.check), alike)
        if teller is not None and teller is not each:
            found[id(each)] = teller
    tellers = {place: _first_teller(teller, found) for place, teller in found.items()}
    # Of findings that say all of one another none is left out.
    return {place: teller for place, teller in tellers.items() if id(teller) not in found}


def _first_teller(finding: Finding, found: Mapping[int, Finding]) -> Finding:
    seen = {id(finding)}
    while id(finding) in found and id(found[id(finding)]) not in seen:
        finding = found[id(finding)]
        seen.add(id(finding))
    return finding


def unfolded(groups: Groups) -> list[Share]:
    """Return all that there is to tell of each connection."""
    return [Share(place, [Told(each) for each in findings]) for place, findings in groups]


def also(told: Told, check: Check, captures: Mapping[int, str]) -> list[str]:
    """Return where else the same was found, and what differs there: lines, escaped for a terminal.

    `captures`: names of the captures that connections are in, where there are several.
    """
    others = [each for findings in told.elsewhere.values() for each in findings]
    if check.measures and (others or told.here):
        return _measured(told, [*told.here, *others], captures)
    # What others have of their own → those that have it; nothing for those that say the same.
    apart: dict[str, list[Finding]] = {"": []}
    for each in (*told.here, *others):
        apart.setdefault(_own(told, each, check), []).append(each)
    same = apart.pop("")
    lines = [_places(told, same, captures)] if same else []
    for own, findings in list(apart.items())[:DIFFERENT]:
        lines.append(f"{_places(told, findings, captures)}: {own}")
    if len(apart) > DIFFERENT:
        rest = sum(map(len, list(apart.values())[DIFFERENT:]))
        lines.append(f"and {number(rest)} more that differ: --all shows them")
    return lines


def _measured(told: Told, others: list[Finding], captures: Mapping[int, str]) -> list[str]:
    """Return where others are, with the range of what was measured.

    An address is no quantity: those that differ in one are told apart. Nor is the number of a
    packet, which is left out where it differs.
    """
    alike: dict[str, list[Finding]] = {_measure(told.finding.message): []}
    for each in others:
        alike.setdefault(_measure(each.message), []).append(each)
    lines = []
    for place, findings in enumerate(alike.values()):
        if not findings:
            continue
        messages = [each.message for each in findings]
        if place == 0:
            messages.insert(0, told.finding.message)
        if len({tuple(_ELSEWHERE.findall(each)) for each in messages}) > 1:
            messages = [_ELSEWHERE.sub("", each) for each in messages]
        text = _places(told, findings, captures)
        if place or len(set(messages)) > 1:
            of_all = ranged(messages)
            if place == 0 and len(of_all) > LONG:
                of_all = what_differs(messages)
            text += f"{'; of all' if place == 0 else ''}: {prose(of_all)}"
        lines.append(text)
    if len(lines) > DIFFERENT:
        return [*lines[:DIFFERENT], f"and {number(len(lines) - DIFFERENT)} more that differ"]
    return lines


def what_differs(messages: Sequence[str]) -> str:
    """Return the ranges of the quantities in which messages differ."""
    ranges = [_range(column) for column in _columns(messages)]
    return ", ".join(each for each in ranges if " to " in each)


def ranged(messages: Sequence[str]) -> str:
    """Return messages that differ in numbers as one, with the least and the most of each number."""
    first = messages[0]
    pieces, at = [], 0
    for column in _columns(messages):
        pieces += [first[at : column[0].start()], _range(column)]
        at = column[0].end()
    return "".join([*pieces, first[at:]])


def _columns(messages: Sequence[str]) -> list[list[re.Match[str]]]:
    """Return the numbers of messages that have the same words: the first of each, and so on."""
    found = [[match] for match in _QUANTITY.finditer(messages[0])]
    for message in messages[1:]:
        for column, match in zip(found, _QUANTITY.finditer(message), strict=True):
            column.append(match)
    return found


def _range(column: list[re.Match[str]]) -> str:
    low, high = min(column, key=_value), max(column, key=_value)
    if low[0] == high[0]:
        return low[0]
    return f"{low[1] if low[2] == high[2] else low[0]} to {high[0]}"


def _value(match: re.Match[str]) -> float:
    return float(match[1].replace(",", "")) * _NANOSECONDS[match[2] or ""]


@lru_cache(_KEPT)
def _words(message: str) -> str:
    """Return a message without its numbers; NUL, for which they stand, is in no message."""
    return _NUMBER.sub("\0", message)


@lru_cache(_KEPT)
def _measure(message: str) -> str:
    """Return a message without its quantities and the packets that it names."""
    return _QUANTITY.sub("\0", _ELSEWHERE.sub("", message))


def _likeness(finding: Finding, doubt: str | None) -> tuple[object, ...]:
    return (
        finding.check,
        finding.severity,
        finding.reference,
        finding.expected,
        doubt,
        _words(finding.message),
    )


def _own(told: Told, other: Finding, check: Check) -> str:
    """Return what another finding has of its own, beside the one that is told; nothing for none."""
    parts = []
    if other.message != told.finding.message:
        parts.append(prose(other.message))
    evidence = other.evidence
    if evidence not in (None, told.finding.evidence) and not check.quotes_samples:
        parts.append(visible(evidence))
    return "; found ".join(parts)


def _places(told: Told, others: Sequence[Finding], captures: Mapping[int, str]) -> str:
    """Return where others are: in the connection of the one that is told, and elsewhere."""
    here: list[Finding] = []
    elsewhere: dict[int, list[Finding]] = {}
    for each in others:
        if each.connection is None or each.connection == told.finding.connection:
            here.append(each)
        else:
            elsewhere.setdefault(each.connection, []).append(each)
    parts = []
    spots = [_spot(told, each) for each in here if each.packet is not None]
    if spots:
        parts.append(_listed("packet", spots))
    if len(spots) < len(here):
        parts.append(f"{number(len(here) - len(spots))} more here")
    if elsewhere:
        first = list(elsewhere.items())[:NAMED]
        names = [f"{at}{_inside(told, group, captures.get(at))}" for at, group in first]
        parts.append(_listed("connection", names, len(elsewhere)))
    return "; ".join(parts)


def _listed(noun: str, names: Sequence[str], count: int | None = None) -> str:
    count = len(names) if count is None else count
    more = f" and {number(count - NAMED)} more" if count > NAMED else ""
    return f"{noun}{'s' if count > 1 else ''} {', '.join(names[:NAMED])}{more}"


def _inside(told: Told, findings: Sequence[Finding], capture: str | None) -> str:
    first = findings[0]
    parts = [] if first.packet is None else [f"packet {first.packet}"]
    parts += _details(told, first, sum(each.count for each in findings))
    parts += [] if capture is None else [f"in {capture}"]
    return f" ({', '.join(parts)})" if parts else ""


def _spot(told: Told, finding: Finding) -> str:
    parts = _details(told, finding, finding.count)
    return f"{finding.packet} ({', '.join(parts)})" if parts else f"{finding.packet}"


def _details(told: Told, finding: Finding, times: int) -> list[str]:
    parts = [] if finding.frame is None else [f"frame {finding.frame}"]
    if finding.sender is not None and finding.sender != told.finding.sender:
        parts.append(f"of the {finding.sender}")
    return parts + ([f"{number(times)} times"] if times > 1 else [])

"""The last word of an explained connection: what went wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.story.model import Story
from wsanalyze.views.escape import prose
from wsanalyze.views.explained_parts import INDENT, STYLES, say
from wsanalyze.views.folding import told_by
from wsanalyze.views.quantities import counted, number
from wsanalyze.views.wrapping import Line

# Checks whose advice is given, and packets of one that are named.
CHECKS = 20
PLACES = 5
BELOW = INDENT + 4


def advice_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield each check that found an error or a warning, the worst first, with its advice."""
    checks = {each.id: each for each in catalogue()}
    tellers = told_by(story.findings, checks)
    by_check: dict[str, list[Finding]] = {}
    for finding in story.findings:
        if finding.severity != "info" and id(finding) not in tellers:
            by_check.setdefault(finding.check, []).append(finding)
    ordered = sorted(by_check.values(), key=_worst_first)
    for found in ordered[:CHECKS]:
        yield from _advice(found, checks.get(found[0].check), width)
    if len(ordered) > CHECKS:
        more = counted(len(ordered) - CHECKS, "more check")
        yield from say(f"… and {more}", width, style="dim")
    if ordered:
        text = "`wsanalyze checks ID` tells all of one: why it matters, and where it is written."
        yield from say(text, width, style="dim")


def _worst_first(found: Sequence[Finding]) -> tuple[int, int]:
    severity = max(SEVERITIES.index(each.severity) for each in found)
    return -severity, min(each.packet or 0 for each in found)


def _advice(found: Sequence[Finding], check: Check | None, width: int) -> Iterator[Line]:
    worst = min(found, key=lambda each: -SEVERITIES.index(each.severity))
    name = worst.check if check is None else f"{worst.check} {check.name}"
    places = _places(found)
    way: Line = [
        (f"{' ' * INDENT}{worst.severity}", STYLES.get(worst.severity, "")),
        (f" {name}", "bold"),
    ]
    yield [*way, (f", {places}", "dim")] if places else way
    yield from say(prose(worst.message), width, indent=BELOW)
    if check is not None:
        yield from say(f"What to do: {check.advice}", width, indent=BELOW)


def _places(found: Sequence[Finding]) -> str:
    """Return the packets that it was found at, and how often in all where that is more."""
    packets = sorted({each.packet for each in found if each.packet is not None})
    text = ", ".join(map(str, packets[:PLACES])) + (" …" if len(packets) > PLACES else "")
    text = f"packet{'' if len(packets) == 1 else 's'} {text}" if packets else ""
    times = sum(each.count for each in found)
    if times > max(len(packets), 1):
        text += f"{', ' if text else ''}{number(times)} times"
    return text

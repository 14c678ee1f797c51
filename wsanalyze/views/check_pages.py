"""The catalogue of checks for a person: a line for each, or all that there is to say of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.findings import STYLES
from wsanalyze.views.wrapping import Line, labelled, wrapped

# Findings of the example that are shown.
FIRST = 3
LABEL = 12


def catalogue_lines(checks: Sequence[Check], width: int) -> Iterator[Line]:
    """Yield a line for each check: its ID, severity, name and title; cut titles go on below."""
    if not checks:
        yield [("There are no checks.", "")]
        return
    ids = max(len(each.id) for each in checks) + 2
    names = max(len(each.name) for each in checks) + 2
    for check in checks:
        start: Line = [(f"{check.id:<{ids}}", "bold")]
        start.append((f"{check.severity:<9}", STYLES[check.severity]))
        column = ids + 9 + names
        # On a narrow terminal the title has a line of its own.
        if width < column + 40:
            yield [*start, (check.name, "")]
            yield from labelled("", check.title, width, column=ids)
            continue
        first, *rest = wrapped(check.title, width - column)
        yield [*start, (f"{check.name:<{names}}{first}", "")]
        yield from ([(" " * column + each, "")] for each in rest)


def page_lines(check: Check, width: int, findings: Iterable[Finding] | None) -> Iterator[Line]:
    """Yield all that there is to say of a check.

    `findings`: what it finds in its example; None where the example is not there.
    """
    yield [
        (f"{check.id} {check.name}", "bold"),
        (f"  {check.severity}", STYLES[check.severity]),
        (f", {', '.join(check.tags)}" if check.tags else "", ""),
    ]
    yield from ([(each, "")] for each in wrapped(check.title, width))
    yield []
    yield from ([(each, "")] for each in wrapped(check.explanation, width))
    yield []
    yield from labelled("what to do", check.advice, width, column=LABEL, label_style="bold")
    references = "; ".join(check.references)
    if references:
        yield from labelled("see", references, width, column=LABEL, label_style="bold")
    if check.example:
        yield from labelled("example", _example(check), width, column=LABEL, label_style="bold")
    for finding in list(findings or ())[:FIRST]:
        yield from _finding(finding, width)
    yield []


def _example(check: Check) -> str:
    return f"captures/{check.example}"


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    place = "" if finding.packet is None else f"packet {finding.packet}: "
    yield from labelled("", place + prose(finding.message), width, column=LABEL)
    if finding.evidence is not None:
        yield from labelled("", f"found {visible(finding.evidence)}", width, column=LABEL)
    if finding.expected is not None:
        yield from labelled("", f"expected {visible(finding.expected)}", width, column=LABEL)

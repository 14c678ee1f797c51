"""Recorded captures: every check together, exactly what somebody who knows them would say."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from checks.expected import DISPUTED, FOUND, REMARKS
from checks.given import recorded
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.finding import Finding


@cache
def every(name: str) -> list[Finding]:
    """Return all findings of a capture."""
    facts = recorded(name)
    return Audit(catalogue()).findings(facts.connections, facts.captures, facts.refusals)


def found_in(name: str, *severities: str) -> dict[int | None, set[str]]:
    """Return the checks that find something of these severities, by connection."""
    found: dict[int | None, set[str]] = defaultdict(set)
    for finding in every(name):
        if finding.severity in (severities or ("error", "warning")):
            found[finding.connection].add(finding.check)
    return dict(found)


def cases() -> list[object]:
    """Return each capture with each of its connections that has a finding, found or expected."""
    marks = {place: pytest.mark.xfail(reason=why, strict=True) for place, why in DISPUTED.items()}
    return [
        pytest.param(name, number, id=f"{name}-{number}", marks=marks.get((name, number), ()))
        for name, numbers in FOUND.items()
        for number in numbers
    ]


@pytest.mark.parametrize(("name", "number"), cases())
def test_what_is_wrong_with_a_connection_is_found(name: str, number: int | None) -> None:
    assert found_in(name).get(number, set()) == set(FOUND[name][number].split())


@pytest.mark.parametrize("name", FOUND)
def test_nothing_is_found_on_the_other_connections(name: str) -> None:
    others = found_in(name).keys() - FOUND[name].keys()
    assert {number: found_in(name)[number] for number in others} == {}


@pytest.mark.parametrize("name", REMARKS)
def test_what_is_worth_a_remark_is_found_and_nothing_else(name: str) -> None:
    wanted = {number: set(checks.split()) for number, checks in REMARKS[name].items()}
    assert found_in(name, "info") == wanted

"""Recorded captures: every check together, exactly what somebody who knows them would say."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from checks.expected import DISPUTED, FOUND
from checks.given import recorded
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue


@cache
def found_in(name: str) -> dict[int | None, set[str]]:
    """Return the checks of severity error and warning that find something, by connection."""
    facts = recorded(name)
    found: dict[int | None, set[str]] = defaultdict(set)
    for finding in Audit(catalogue()).findings(facts.connections, facts.captures, facts.refusals):
        if finding.severity in ("error", "warning"):
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
def test_what_is_wrong_with_a_connection_is_found(name: str, number: int) -> None:
    assert found_in(name).get(number, set()) == set(FOUND[name][number].split())


@pytest.mark.parametrize("name", FOUND)
def test_nothing_is_found_on_the_other_connections(name: str) -> None:
    others = found_in(name).keys() - FOUND[name].keys()
    assert {number: found_in(name)[number] for number in others} == {}

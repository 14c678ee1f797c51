"""Whom findings are about: which connections are legs of one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsanalyze.checks.catalogue import catalogue
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.views.audited import Audited, audited
from wsanalyze.views.headings import heading, legs_without_heading

CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.fixture(scope="module")
def proxied() -> Audited:
    wants = Wants(frames=False, messages=False, observe=True)
    recording = read([CAPTURES / "nginx-60s.pcapng"], wants=wants, limits=Limits())
    return audited(recording, catalogue(), [])


def said(audit: Audited, told: set[int], headed: set[int]) -> str:
    found = legs_without_heading(audit, told, headed, 200)
    return "".join(text for line in found for text, _ in line)


def test_a_heading_names_the_other_leg(proxied: Audited) -> None:
    lines = ["".join(text for text, _ in line) for line in heading(proxied, 0, 200)]
    assert lines[1:] == ["  passed on by a proxy as connection 1"]
    lines = ["".join(text for text, _ in line) for line in heading(proxied, 1, 200)]
    assert lines[1:] == ["  behind a proxy: it passes on connection 0"]


def test_legs_that_have_no_heading_are_named_together(proxied: Audited) -> None:
    start = "Likewise passed on by a proxy: connection"
    assert said(proxied, {1, 6, 7, 9}, {0}) == f"{start} 6 as 7, 8 as 9."
    # One that has a heading names the other in it.
    assert said(proxied, {1, 7}, {0, 6}) == ""
    assert said(proxied, set(), {0}) == ""

"""docs/checks.md is what the declarations say, and they hold together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checks.given import found_in

from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.check import Check
from wsanalyze.checks.describe import markdown, thresholds
from wsanalyze.checks.finding import SEVERITIES

ROOT = Path(__file__).resolve().parents[2]


def test_checks_are_described_as_they_are() -> None:
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert text == markdown() + thresholds(), "python -m wsanalyze.checks.describe > docs/checks.md"


def test_no_two_checks_are_named_alike() -> None:
    names = [each.name for each in catalogue()]
    ids = [each.id for each in catalogue()]
    assert len(set(names)) == len(names)
    assert len(set(ids)) == len(ids)
    # A word means one thing: a tag that is also a name would select two.
    assert not set(names) & {tag for each in catalogue() for tag in each.tags}


@pytest.mark.parametrize("check", catalogue(), ids=lambda each: each.id)
def test_a_declaration(check: Check) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9]{1,2}-\d{2}", check.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.name)
    assert check.severity in SEVERITIES
    assert check.tags
    assert not check.title.endswith(".")
    assert check.explanation[-1] in ".?)"
    assert check.advice[-1] in ".?)"
    # What Markdown and SARIF would take for markup of theirs.
    for text in (check.title, check.explanation, check.advice):
        assert text.isprintable()
        assert not re.search(r"<\w|\]\(", text)


@pytest.mark.parametrize(
    "check", [each for each in catalogue() if each.example], ids=lambda each: each.id
)
def test_an_example_shows_what_it_is_an_example_of(check: Check) -> None:
    assert found_in(check, check.example.split(" ")[0])

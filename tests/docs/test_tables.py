"""docs/tables.md is what the schema says, and the README points at what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsanalyze.tables.describe import markdown
from wsanalyze.tables.export import FORMATS
from wsanalyze.tables.schema import TABLES

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/cli.md",
    "docs/sources.md",
    "docs/architecture.md",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_tables_are_described_as_they_are() -> None:
    assert read("docs/tables.md") == markdown(), (
        "python -m wsanalyze.tables.describe > docs/tables.md"
    )


def test_the_readme_names_every_table_and_format() -> None:
    text = read("README.md")
    for name in (*TABLES, *FORMATS):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", read(page)):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_no_machine(page: str) -> None:
    text = read(page)
    assert not re.search(r"(?<![\w.:])/(?:home|root|tmp|work|opt)/|pypi\.org|pythonhosted", text)


def test_the_readme_counts_the_recorded_sessions() -> None:
    captures = [path for path in (ROOT / "captures").iterdir() if ".pcap" in path.name]
    text = read("README.md")
    assert f"one of {len(captures)} recorded sessions" in text
    assert f"{len(captures)} captures of real clients and servers" in text

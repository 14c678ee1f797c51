"""Every way of showing findings, on any text that could be in them."""

from __future__ import annotations

import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from views.audits import audit_of, finding
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.audited import Audited
from wsanalyze.views.finding_rows import as_github, as_json, as_jsonl
from wsanalyze.views.findings import print_findings
from wsanalyze.views.sarif import as_sarif

# Lone surrogates, too: file names that are not UTF-8 have them.
TEXTS = st.text(st.characters(codec=None) | st.sampled_from("::##[%{}\\\x1b\n\u202e"))


def shown(audited: Audited) -> dict[str, str]:
    sink = io.StringIO()
    print_findings(audited, Console(file=sink, width=40, markup=False, highlight=False))
    return {
        "text": sink.getvalue(),
        "json": as_json(audited),
        "jsonl": as_jsonl(audited),
        "github": as_github(audited),
        "sarif": as_sarif(audited, "1.0", Path("/data")),
    }


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_nothing_steers(message: str, evidence: str, expected: str, name: str) -> None:
    capture = CaptureSummary(name, format="pcap", problem=evidence or None)
    found = finding(message=message, evidence=evidence, expected=expected)
    every = shown(audit_of([found], captures=[capture]))
    for kind, text in every.items():
        assert all(character.isprintable() for character in text.replace("\n", "")), kind
        text.encode()
        if kind != "github":
            assert "##[" not in text, kind
            assert not any(line.lstrip().startswith("::") for line in text.splitlines()), kind
    assert all(line.startswith(("::error ", "::warning ")) for line in every["github"].splitlines())
    assert json.loads(every["jsonl"])["evidence"] == evidence
    assert json.loads(every["json"])["findings"][0]["expected"] == expected

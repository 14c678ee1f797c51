"""Findings as JSON, all in one object or one on each line, and as commands of GitHub Actions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from wsanalyze.checks.finding import Finding
from wsanalyze.tables.rows import iso
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import prose, visible

# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def ascii_json(value: object, indent: int | None = None) -> str:
    """Return JSON in which every control and bidi character is escaped, and reads back exactly.

    So is the second # of `##[`, which CI services take for a command wherever it stands in a line.
    """
    return json.dumps(value, indent=indent).replace("##[", "#\\u0023[") + "\n"


def row(audited: Audited, finding: Finding) -> dict[str, Any]:
    """Return the facts of a finding by name; None is "not available"."""
    return {
        "connection": finding.connection,
        "check": finding.check,
        "name": audited.check(finding).name,
        "severity": finding.severity,
        "message": finding.message,
        "sender": finding.sender,
        "time": None if finding.time is None else iso(finding.time),
        "packet": finding.packet,
        "frame": finding.frame,
        "evidence": finding.evidence,
        "expected": finding.expected,
        "reference": finding.reference,
        "coverage": finding.coverage,
        "count": finding.count,
        "capture": audited.capture(finding),
    }


def as_json(
    audited: Audited,
    version: str | None = None,
    digests: Sequence[tuple[int, str] | None] = (),
) -> str:
    """Return what was looked at and what was found, as one object.

    `version` is that of wsanalyze; `digests` have size and SHA-256 of each capture's file, None
    for what is no file.
    """
    captures = [
        {
            "capture": capture.capture,
            "packets": capture.packets,
            "problem": capture.problem,
            "first_time": None if capture.first_time is None else iso(capture.first_time),
            "last_time": None if capture.last_time is None else iso(capture.last_time),
            "size": None if digest is None else digest[0],
            "sha256": None if digest is None else digest[1],
        }
        for capture, digest in zip_longest(audited.captures, digests)
    ]
    found = {
        "version": version,
        "complete": audited.complete,
        "captures": captures,
        "connections": len(audited.looked_at),
        "checks": [each.id for each in audited.checks],
        "counts": audited.counts,
        "headlines": audited.headlines,
        "cuts": [
            {"cause": each.cause, "connections": list(each.connections)} for each in audited.cuts
        ],
        "findings": [row(audited, finding) for finding in audited.findings],
    }
    return ascii_json(found, indent=2)


def as_jsonl(audited: Audited) -> str:
    """Return the findings, an object on each line."""
    return "".join(ascii_json(row(audited, each)) for each in audited.findings)


def as_github(audited: Audited) -> str:
    """Return a command for each finding, and for each capture that was read in part."""
    return "".join(f"{line}\n" for line in _commands(audited))


def _commands(audited: Audited) -> Iterator[str]:
    for capture in audited.captures:
        if capture.problem:
            yield _command("warning", capture.capture, "read in part", visible(capture.problem))
    for finding in audited.findings:
        title = f"{finding.check} {audited.check(finding).name}"
        yield _command(
            COMMANDS[finding.severity], audited.capture(finding), title, _sentence(finding)
        )


def _sentence(finding: Finding) -> str:
    places = (("connection", finding.connection), ("packet", finding.packet))
    place = ", ".join(
        f"{name} {value}"
        for name, value in (*places, ("frame", finding.frame))
        if value is not None
    )
    parts = [prose(finding.message) + (f" ({place})" if place else "")]
    if finding.evidence is not None:
        parts.append(f"found: {visible(finding.evidence)}")
    if finding.expected is not None:
        parts.append(f"expected: {visible(finding.expected)}")
    return "; ".join(parts)


def _command(command: str, capture: str | None, title: str, message: str) -> str:
    file = "" if capture is None else f"file={_property(visible(capture))},"
    return f"::{command} {file}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

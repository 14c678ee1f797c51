"""Findings as SARIF 2.1.0, which code hosts and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; § are sections of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.tables.rows import iso
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import prose, visible
from wsanalyze.views.finding_rows import ascii_json

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(
    audited: Audited,
    version: str,
    folder: Path,
    digests: Sequence[tuple[int, str] | None] = (),
) -> str:
    """Return a SARIF log of one run; paths of captures below `folder` are relative to it.

    `digests` have size and SHA-256 of each capture's file, None for what is no file.
    """
    run = {
        "tool": {
            "driver": {
                "name": "wsanalyze",
                "version": version,
                "rules": [_rule(each) for each in _rules(audited)],
            }
        },
        "invocations": [_invocation(audited, folder)],
        "artifacts": [
            _artifact(capture.capture, folder, digest)
            for capture, digest in zip_longest(audited.captures, digests)
        ],
        "results": _results(audited, folder),
    }
    return ascii_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _artifact(capture: str, folder: Path, digest: tuple[int, str] | None) -> dict[str, Any]:
    """Return an artifact; its hash has the name that IANA gave it (SARIF §3.24.11)."""
    artifact = {"location": location(capture, folder), "roles": ["analysisTarget"]}
    if digest is None:
        return artifact
    return artifact | {"length": digest[0], "hashes": {"sha-256": digest[1]}}


def location(capture: str, folder: Path) -> dict[str, Any]:
    """Return the artifactLocation of a capture: a relative URI where it is below `folder`."""
    if capture == "-":
        return {"uri": "stdin", "description": {"text": "standard input"}}
    # Not resolve(): what a symbolic link is called is what the user knows.
    path = Path(os.path.abspath(folder / capture))  # noqa: PTH100
    inside = path.is_relative_to(folder)
    name = (path.relative_to(folder) if inside else path).as_posix()
    uri = quote_from_bytes(_bytes_of(name), safe="/")
    return {"uri": uri if inside else f"file://{uri}"}


def _bytes_of(name: str) -> bytes:
    """Return a file's name as the system has it, or something like it for what can be none."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        return name.encode("utf-8", "backslashreplace")


def plain(text: str) -> str:
    """Return a plain text message in which nothing is a placeholder or a link (§3.11.5, §3.11.6).

    Braces are doubled. Brackets have no escape outside of a link: a space keeps `](` apart.
    """
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _rules(audited: Audited) -> list[Check]:
    """Return the checks that found something: nothing refers to the texts of the others."""
    found = {each.check for each in audited.findings}
    return [each for each in audited.checks if each.id in found]


def _message(text: str) -> dict[str, str]:
    return {"text": plain(text)}


def _rule(check: Check) -> dict[str, Any]:
    references = "; ".join(check.references)
    return {
        "id": check.id,
        "name": check.name,
        "shortDescription": _message(check.title),
        "fullDescription": _message(check.explanation),
        "help": {
            "text": plain(f"{check.explanation}\n\n{check.advice}\n\n{references}"),
            "markdown": plain(
                f"{check.explanation}\n\n**What to do:** {check.advice}\n\n*{references}*"
            ),
        },
        "defaultConfiguration": {"level": LEVELS[check.severity]},
        "properties": {"tags": list(check.tags)},
    }


def _invocation(audited: Audited, folder: Path) -> dict[str, Any]:
    notifications = [
        {
            "level": "warning",
            "message": _message(f"read in part: {visible(capture.problem)}"),
            "locations": [
                {"physicalLocation": {"artifactLocation": location(capture.capture, folder)}}
            ],
        }
        for capture in audited.captures
        if capture.problem
    ]
    if audited.interrupted:
        notifications.append({"level": "warning", "message": _message("interrupted")})
    return {
        "executionSuccessful": audited.complete,
        "toolExecutionNotifications": notifications,
    }


def _results(audited: Audited, folder: Path) -> list[dict[str, Any]]:
    places = {each.id: index for index, each in enumerate(_rules(audited))}
    seen: dict[str, int] = {}
    results = []
    for finding in audited.findings:
        identity = _identity(audited, finding)
        ordinal = seen[identity] = seen.get(identity, 0) + 1
        result = {
            "ruleId": finding.check,
            "ruleIndex": places[finding.check],
            "level": LEVELS[finding.severity],
            "message": _message(prose(finding.message)),
            "occurrenceCount": finding.count,
            "partialFingerprints": {
                "place/v1": sha256(
                    f"{identity} {ordinal}".encode("utf-8", "backslashreplace")
                ).hexdigest()[:32]
            },
            "properties": _properties(finding),
        }
        where = _where(audited, finding, folder)
        if where:
            result["locations"] = [where]
        results.append(result)
    return results


def _identity(audited: Audited, finding: Finding) -> str:
    """Return what stays the same however the captures are called, cut and numbered.

    Neither message nor evidence: what is shown of secrets is the user's choice.
    """
    connection = audited.connection(finding)
    ends: tuple[object, ...] = ()
    if connection is not None:
        ends = (
            *(connection.client_ip, connection.client_port),
            *(connection.server_ip, connection.server_port),
        )
    return " ".join(map(str, (finding.check, *ends, finding.time, finding.sender)))


def _where(audited: Audited, finding: Finding, folder: Path) -> Mapping[str, Any]:
    where: dict[str, Any] = {}
    capture = audited.capture(finding)
    if capture is not None:
        where["physicalLocation"] = {"artifactLocation": location(capture, folder)}
    if finding.connection is None:
        return where
    connection = f"connection {finding.connection}"
    logical = [{"name": connection, "fullyQualifiedName": connection, "kind": "connection"}]
    if finding.frame is not None:
        frame = f"frame {finding.frame}"
        logical.append(
            {"name": frame, "fullyQualifiedName": f"{connection}/{frame}", "kind": "frame"}
        )
    where["logicalLocations"] = logical
    return where


def _properties(finding: Finding) -> dict[str, Any]:
    facts = {
        "connection": finding.connection,
        "sender": finding.sender,
        "time": None if finding.time is None else iso(finding.time),
        "packet": finding.packet,
        "frame": finding.frame,
        "evidence": finding.evidence,
        "expected": finding.expected,
        "reference": finding.reference,
        "coverage": finding.coverage,
    }
    return {name: value for name, value in facts.items() if value is not None}

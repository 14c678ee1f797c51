"""Connections of HTTP/2 that are made up, and what checks find in them."""

from __future__ import annotations

from typing import Any

from support.http2 import Connection

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.recording import Wants


def stage(**options: Any) -> Connection:
    return Connection(wants=Wants(observe=True), **options)


def findings(played: Connection, *wanted: Check) -> list[Finding]:
    played.finish()
    played.recording.captures.extend(played.recorder.summaries)
    facts = [Facts(each) for each in played.connections]
    return Audit(wanted or catalogue()).findings(facts, played.recording.captures)


def found(played: Connection, check: Check) -> list[tuple[int | None, str]]:
    return [(each.packet, each.message) for each in findings(played, check)]

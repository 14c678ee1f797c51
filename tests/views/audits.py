"""Audits made by hand: declared checks, and findings with the worst that a stranger could send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tables.recordings import SECOND, T0, connection, recording

from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.audited import Audited, audited

# An escape sequence, a bidi override, a zero-width space, a tag character, a soft hyphen, a C1
# control, a line end and what CI services take for commands.
STEERING = "\x1b[31m\u202egnp.exe\u200b\U000e0041\xad\x9b2J\r\n::error::owned\n##[error]owned %0A"


def declared(id_: str, name: str = "", severity: str = "error", **facts: Any) -> Check:
    """Return a check that finds nothing."""
    return Check(
        id=id_,
        name=name or f"name-of-{id_.lower()}",
        title=f"Title of {id_}",
        severity=severity,
        tags=("test",),
        references=("RFC 6455 §4.1",),
        explanation="Why the rule exists.",
        advice=f"What to do about {id_}.",
        function=lambda _: (),
        **facts,
    )


ACCEPT = declared("HSR-04", "wrong-accept")
SERVER = declared("PRX-04", "proxy-signs", "info")
MASK = declared("FRM-01", "unmasked-client-frame")
ORIGINS = declared("SEC-04", "origin-not-checked", "warning", scope="capture")
CHECKS = (ACCEPT, MASK, SERVER, ORIGINS)


def finding(check: Check = ACCEPT, **facts: Any) -> Finding:
    """Return a finding about connection 0 as the audit completes it."""
    defaults: dict[str, Any] = {
        "message": "the accept value does not belong to the key",
        "sender": "server",
        "time": T0 + SECOND,
        "packet": 6,
        "evidence": "Sec-WebSocket-Accept: AAAA",
        "expected": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "severity": check.severity,
        "reference": "; ".join(check.references),
        "coverage": "full",
        "check": check.id,
        "connection": 0,
    }
    return Finding(**(defaults | facts))


HOSTILE = finding(message=STEERING, evidence=STEERING, expected=STEERING, reference=STEERING)


def audit_of(
    findings: Sequence[Finding],
    connections: Sequence[Connection] | None = None,
    captures: Sequence[CaptureSummary] | None = None,
    checks: Sequence[Check] = CHECKS,
    **options: Any,
) -> Audited:
    """Return an audit of one connection, or of those given, in the capture chat.pcap."""
    records = [connection()] if connections is None else list(connections)
    read = recording(records, captures=None if captures is None else list(captures))
    return audited(read, checks, findings, **options)

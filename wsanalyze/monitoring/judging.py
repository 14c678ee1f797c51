"""Findings as they happen: of a handshake when it is decided, of a connection when it is over.

What concerns several connections together is looked for among those that ended recently, a number
of them at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue, chosen
from wsanalyze.checks.check import CAPTURE, Check
from wsanalyze.checks.encryption import certificate
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.layers.connection import Connection
from wsanalyze.monitoring.events import Found
from wsanalyze.recording import in_order
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tunnels.refusal import Refusal

# Whose checks look at both heads and nothing else: what they find does not change any more.
OF_HANDSHAKES = frozenset(
    f"wsanalyze.checks.{name}"
    for name in ("handshake_request", "handshake_fields", "handshake_response")
)
# Likewise those that say so; but this one asks for the body of a refusal, too.
OF_BODIES = "wsanalyze.checks.proxies"
# What TLS agreed on before anything could be said in it, and the names that were asked for.
OF_TLS = frozenset(("TLS-01", "TLS-02", "TLS-05", "TLS-08", "PRX-19"))
# Told of the first connection that has a certificate; how many have it is said of all together.
OF_CERTIFICATES = frozenset(("TLS-03", "TLS-04"))
# Certificates of which it is remembered what was told: a network has some hundred.
CERTIFICATES = 4096
# Whose checks look at the capture as a whole: they have nothing to say before its end.
OF_CAPTURES = "wsanalyze.checks.capture_quality"


class Judge:
    """Finds what is wrong, each finding once.

    `told` of a connection are the findings that were told of it, as `key` has them.
    """

    def __init__(
        self,
        checks: Sequence[Check] | None = None,
        thresholds: Thresholds | None = None,
        *,
        show_secrets: bool = False,
    ) -> None:
        checks = chosen() if checks is None else checks
        self.thresholds = Thresholds() if thresholds is None else thresholds
        self.show_secrets = show_secrets
        single = [each for each in checks if each.scope != CAPTURE]
        whole = [each for each in checks if each.scope == CAPTURE]
        self._single = Audit(single)
        self._early = Audit([each for each in single if _is_early(each)])
        self._recent = Audit([each for each in whole if _room(each) != OF_CAPTURES])
        self._whole = Audit(whole)
        self._certificates = Audit([each for each in whole if each.id in OF_CERTIFICATES])
        # What was told of which certificate, the latest last.
        self._told_of: dict[tuple[object, ...], None] = {}
        self._names = {each.id: each.name for each in catalogue()}

    def handshake(self, connection: Connection, told: set[Finding]) -> list[Finding]:
        """Return what is found of a handshake that was decided."""
        found = self._early.of(self._facts(connection))
        return _new([_so_far(connection, finding) for finding in found], told)

    def certificate(self, connection: Connection, told: set[Finding]) -> list[Finding]:
        """Return what is found of a certificate that nobody had before this connection.

        `together` finds it once more, with how many have it by then.
        """
        tls = connection.tls
        if tls is None:
            return []
        facts = self._facts(connection)
        which, found = certificate(facts, tls), self._certificates.together([facts], (), ())
        new = [each for each in found if (each.check, *which) not in self._told_of]
        for each in new:
            if len(self._told_of) >= CERTIFICATES:
                del self._told_of[next(iter(self._told_of))]
            self._told_of[each.check, *which] = None
        return _new([_so_far(connection, finding) for finding in new], told)

    def ending(self, connection: Connection, told: set[Finding]) -> list[Finding]:
        """Return what is found, and was not told, of a connection that is over.

        The connection is told how many findings concern it, and the worst of them.
        """
        found = list(self._single.of(self._facts(connection)))
        connection.findings = sum(finding.count for finding in found)
        worst = max((SEVERITIES.index(finding.severity) for finding in found), default=None)
        connection.severity = None if worst is None else SEVERITIES[worst]
        return _new(found, told)

    def together(
        self,
        connections: Sequence[Connection],
        captures: Sequence[CaptureSummary],
        refusals: Sequence[Refusal],
        *,
        last: bool,
    ) -> list[Finding]:
        """Return what is found of several connections; with `last`, of the capture, too."""
        facts = [self._facts(connection) for connection in in_order(connections)]
        audit = self._whole if last else self._recent
        return audit.together(facts, captures, refusals)

    def event(self, finding: Finding, connection: int | None) -> Found:
        """Return a finding of a connection, given by number, as an event."""
        return Found(
            connection=connection,
            check=finding.check,
            name=self._names.get(finding.check, ""),
            severity=finding.severity,
            message=finding.message,
            sender=finding.sender,
            time=finding.time,
            packet=finding.packet,
            frame=finding.frame,
            evidence=finding.evidence,
            expected=finding.expected,
            reference=finding.reference,
            coverage=finding.coverage,
            count=finding.count,
        )

    def _facts(self, connection: Connection) -> Facts:
        return Facts(connection, self.thresholds, self.show_secrets)


def key(finding: Finding) -> Finding:
    """Return what makes a finding the same one: all but how much of the connection was seen."""
    return replace(finding, coverage="")


def _so_far(connection: Connection, finding: Finding) -> Finding:
    """Return a finding with how much there is by now: what goes on is not cut."""
    if connection.over or finding.coverage != "truncated":
        return finding
    return replace(finding, coverage="full")


def _new(found: list[Finding], told: set[Finding]) -> list[Finding]:
    new = [finding for finding in found if key(finding) not in told]
    told.update(map(key, new))
    return new


def _is_early(check: Check) -> bool:
    """Whether what a check finds is known when the handshake is decided, and stays so."""
    room = _room(check)
    return room in OF_HANDSHAKES or check.id in OF_TLS or (check.of_heads and room != OF_BODIES)


def _room(check: Check) -> str:
    return check.function.__module__

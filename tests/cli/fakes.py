"""A small catalogue for tests of the commands, which must not change with the real one."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding


@check(
    "TST-01",
    "refused-request",
    "The server refused the request",
    severity="error",
    tags=("handshake", "test"),
    references=("RFC 6455 §4.2.2",),
    explanation="A server may refuse, and the client learns it by the status code.",
    advice="Look at the status code.",
    example="refused-upgrades.pcapng",
)
def refused_request(facts: Facts) -> Iterator[Finding]:
    """Find what was refused."""
    if facts.connection.outcome == "refused" and facts.handshake is not None:
        yield facts.once("server", f"the status is {facts.handshake.status}", expected="101")


@check(
    "TST-02",
    "target-asked-for",
    "Which resource was asked for",
    severity="info",
    tags=("test",),
    references=("RFC 6455 §3", "RFC 9112 §3.2"),
    explanation="Every request names a resource.",
    advice="Nothing.",
    example="bad-accept.pcapng /accept-is-the-key",
)
def target_asked_for(facts: Facts) -> Iterator[Finding]:
    """Remark on every request, as on a secret."""
    if facts.handshake is not None:
        target = facts.handshake.target or ""
        yield facts.once("client", "a resource was asked for", evidence=facts.secret(target))


@check(
    "TEST-3",
    "several-connections",
    "There are several connections",
    severity="warning",
    tags=("security",),
    references=(),
    explanation="One connection would do.",
    advice="Open one.",
    scope="capture",
)
def several_connections(facts: CaptureFacts) -> Iterator[Finding]:
    """Find more connections than the threshold says."""
    if len(facts.connections) >= facts.thresholds.reconnects:
        yield Finding(f"there are {len(facts.connections)} connections")


FAKES = (refused_request, target_asked_for, several_connections)

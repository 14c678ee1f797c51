"""Who cut a connection through a proxy, both of whose legs are in the capture."""

from __future__ import annotations

from typing import Any

import pytest

from checks.given import SECOND, connection, found_in, observed
from checks.given import event as frame
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.closing import cut_without_close
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.proxies import upgrade_stripped_on_the_way
from wsanalyze.checks.who_cut import who_cut
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Side

CHECKS = [each for each in catalogue() if each.id in ("CLS-08", "PRX-13")]
FRONT, BEHIND = 0, 1
PROXY, ITS_CLIENT = "the proxy at 198.51.100.2:80", "the proxy at 203.0.113.5"


def leg(serial: int, by: str, at: float, **facts: Any) -> Connection:
    last = frame("last", "server", time=8 * SECOND)
    end = Ending(by, "fin", int(at * SECOND), 30 + serial, 60, 60, 7, 0, 500, True, True)
    noticed = observed(endings=[end], client=Side(first=last), server=Side(last=last))
    return connection(observation=noticed, serial=serial, client_frames=3, **facts)


def legs(front: tuple[str, float], behind: tuple[str, float]) -> list[Finding]:
    """Return what is found of both legs, each cut by an end at a time in seconds."""
    first = leg(FRONT, *front)
    # What a proxy passes on comes between the request to it and its response.
    first.requested, first.responded = 1000, 3000
    second = leg(BEHIND, *behind, server_port=9060, client_ip="203.0.113.5")
    second.requested, second.responded = 2000, 2500
    return Audit(CHECKS).findings([Facts(first), Facts(second)], [])


def said(findings: list[Finding], check: str) -> list[tuple[int | None, str]]:
    """Return who did it, of each connection."""
    return [
        (each.connection, each.message.partition(" without")[0])
        for each in findings
        if each.check == check
    ]


def test_the_proxy_ended_both() -> None:
    findings = legs(("server", 9.0), ("client", 9.01))
    assert said(findings, "CLS-08") == [
        (FRONT, f"{PROXY} closed TCP (FIN)"),
        (BEHIND, f"{ITS_CLIENT} closed TCP (FIN)"),
    ]
    [both] = [each for each in findings if each.check == "PRX-13"]
    assert (both.connection, both.concerns, both.packet) == (FRONT, (FRONT, BEHIND), 30)
    assert both.evidence == (
        "FIN in packet 31 of the leg from 203.0.113.5:50000 to 198.51.100.2:9060; the last frame "
        "in packet 8"
    )


@pytest.mark.parametrize(
    ("front", "behind", "cause", "began", "passed_on"),
    [
        (("client", 9.0), ("client", 9.01), FRONT, "the client", ITS_CLIENT),
        (("server", 9.01), ("server", 9.0), BEHIND, "the server", PROXY),
    ],
)
def test_an_end_cut_its_leg_and_the_proxy_passed_it_on(
    front: tuple[str, float], behind: tuple[str, float], cause: int, began: str, passed_on: str
) -> None:
    findings = {each.connection: each for each in legs(front, behind)}
    first, second = findings[cause], findings[1 - cause]
    assert first.message.startswith(f"{began} closed TCP (FIN)")
    assert first.message.endswith("; the proxy then ended the other leg")
    assert first.concerns == (FRONT, BEHIND)
    assert second.message.startswith(f"{passed_on} closed TCP (FIN)")
    assert second.message.endswith(f"; {began} had ended the other leg")
    assert second.concerns == ()
    assert [each.connections for each in who_cut(findings.values())] == [(cause,)]


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (("client", 9.0), ("server", 9.01)),  # both ends, each its own leg
        (("client", 9.01), ("client", 9.0)),  # what is passed on cannot come first
        (("server", 9.0), ("client", 9.2)),  # not at one time
    ],
)
def test_each_leg_for_itself(front: tuple[str, float], behind: tuple[str, float]) -> None:
    findings = legs(front, behind)
    assert [each.check for each in findings] == ["CLS-08", "CLS-08"]
    assert [each.concerns for each in findings] == [(), ()]
    assert not any("other leg" in each.message for each in findings)


def test_a_leg_alone_says_what_its_packets_say() -> None:
    [finding] = Audit(CHECKS).findings([Facts(leg(FRONT, "server", 9.0))], [])
    assert finding.message.startswith("the server closed TCP (FIN)")
    assert finding.cause == "the server at 198.51.100.2:80 closed TCP (FIN)"


def test_recorded() -> None:
    """The proxy's own time limit ended five sessions: ten legs, and each has its finding."""
    findings = found_in(cut_without_close, "nginx-60s.pcapng")
    assert len(findings) == 10


def test_what_the_proxy_took_out_is_seen_in_front_of_it() -> None:
    """The request to nginx asks for the upgrade, the one behind it does not: both are there."""
    first, second = found_in(upgrade_stripped_on_the_way, "nginx-proxy.pcapng")
    assert "; the request to the proxy at 127.0.0.1:9114, in packet 46, has it;" in first.message
    assert "; the request to the proxy at 127.0.0.1:9114, in packet 66, has it;" in second.message
    assert [each.concerns[1] for each in (first, second)] == [first.connection, second.connection]

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
from wsanalyze.layers.tls_connection import TlsConnection
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


@pytest.mark.parametrize("by", [("client", "client"), ("server", "client")])
def test_a_client_that_sends_one_key_to_two_servers_is_no_proxy(by: tuple[str, str]) -> None:
    first, second = leg(FRONT, by[0], 9.0), leg(BEHIND, by[1], 9.01, server_port=9060)
    # The first request was answered long before the second one was sent.
    first.requested, first.responded = 1000, 3000
    second.requested, second.responded = SECOND, SECOND + 500
    second.client_port = 50_001
    findings = Audit(CHECKS).findings([Facts(first), Facts(second)], [])
    assert [(each.check, each.concerns) for each in findings] == [("CLS-08", ()), ("CLS-08", ())]
    assert not any("proxy" in each.message or "legs" in each.message for each in findings)


def test_clients_that_all_send_the_same_key_each_have_their_legs() -> None:
    facts = []
    for place in range(3):
        front = leg(2 * place, "server", 9.0 + place, client_port=50_000 + place)
        front.requested, front.responded = place * SECOND + 1000, place * SECOND + 3000
        behind = leg(2 * place + 1, "client", 9.01 + place, server_port=9060)
        behind.client_ip, behind.client_port = "203.0.113.5", 50_000 + place
        behind.requested, behind.responded = place * SECOND + 2000, place * SECOND + 2500
        facts += [Facts(front), Facts(behind)]
    findings = Audit(CHECKS).findings(facts, [])
    told = [each.concerns for each in findings if each.check == "PRX-13"]
    assert told == [(0, 1), (2, 3), (4, 5)]


@pytest.mark.parametrize("checks", [["CLS-08"], ["CLS-08", "PRX-13"]])
def test_a_cut_of_both_legs_is_one_whichever_checks_are_run(checks: list[str]) -> None:
    findings = [each for each in legs(("server", 9.0), ("client", 9.01)) if each.check in checks]
    assert [each.connections for each in who_cut(findings)] == [(FRONT,)]


def test_of_several_proxies_in_a_row_the_one_that_cut_is_told() -> None:
    """The last of three cut, the two in front of it passed it on."""
    by = ("server", "server", "server", "client")
    every = []
    for place, end in enumerate(by):
        # The first leg waits the longest for its answer.
        each = leg(
            place,
            end,
            9.03 - place / 100 if end == "server" else 9.02,
            server_port=9060 + place,
            client_ip=f"203.0.113.{place}",
        )
        each.requested, each.responded = 1000 + place, 9000 - place
        every.append(Facts(each))
    findings = Audit(CHECKS).findings(every, [])
    [both] = [each for each in findings if each.check == "PRX-13"]
    assert (both.connection, both.concerns) == (2, (0, 1, 2, 3))
    assert both.message.startswith("the proxy at 198.51.100.2:9062 ended both its legs")
    assert [each.connections for each in who_cut(findings)] == [(2,)]


def test_who_is_told_by_tls_may_close_tcp_first() -> None:
    """The proxy ends TLS of its front leg, and waits; the client closes TCP."""
    first = leg(FRONT, "client", 9.0)
    first.requested, first.responded = 1000, 3000
    first.tls = TlsConnection(0, 0, "192.0.2.1", 50000, "198.51.100.2", 443, 0, decrypted=True)
    first.tls.closed_by, first.tls.closed_at = "server", (int(8.99 * SECOND), 29)
    second = leg(BEHIND, "client", 9.01, server_port=9060, client_ip="203.0.113.5")
    second.requested, second.responded = 2000, 2500
    findings = Audit(CHECKS).findings([Facts(first), Facts(second)], [])
    assert said(findings, "CLS-08") == [
        (FRONT, "the client closed TCP (FIN)"),
        (BEHIND, f"{ITS_CLIENT} closed TCP (FIN)"),
    ]
    assert "; the server had ended TLS before (close_notify in packet 29)" in findings[0].message
    [both] = [each for each in findings if each.check == "PRX-13"]
    assert both.message.startswith(f"{PROXY} ended both its legs (close_notify, FIN) within ")
    assert both.concerns == (FRONT, BEHIND)


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

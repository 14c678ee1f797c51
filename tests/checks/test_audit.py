"""An audit: which checks are asked, what is filled in, what is folded, and that nothing ends it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chance import chance

from checks.given import REQUEST, connection, event, handshake, observed, with_fields
from wsanalyze.checks.audit import KEPT_FINDINGS, Audit
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import Check, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.errors import WsAnalyzeError
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants

CAPTURES = sorted((Path(__file__).resolve().parents[2] / "captures").glob("*.pcap*"))


def asked(**when: object) -> Check:
    """Return a check that always finds one thing, and waits for something."""

    @check(
        "TST-01",
        "test-check",
        "A test",
        severity="warning",
        tags=("test",),
        references=("RFC 6455 §5.1", "RFC 6455 §5.2"),
        explanation="It is one.",
        advice="None.",
        **when,  # type: ignore[arg-type]
    )
    def declared(_facts: Facts) -> Iterator[Finding]:
        yield Finding("it was asked")

    return declared


def is_asked(each: Check, facts: Facts) -> bool:
    return bool(Audit([each]).findings([facts], []))


class TestWhoIsAsked:
    def test_one_that_waits_for_nothing_always_is(self) -> None:
        assert is_asked(asked(), Facts(connection()))

    def test_one_that_waits_for_an_event(self) -> None:
        each = asked(events=("unmasked", "rsv"))
        assert not is_asked(each, Facts(connection()))
        assert not is_asked(each, Facts(connection(observation=None)))
        assert is_asked(each, Facts(connection(observation=observed(event("rsv")))))

    def test_one_that_waits_for_a_header_field_of_either_head(self) -> None:
        each = asked(fields=("cookie", "server"))
        assert not is_asked(each, Facts(connection()))
        shake = handshake(with_fields(REQUEST, "COOKIE: a=b"))
        assert is_asked(each, Facts(connection(shake)))

    def test_one_that_waits_for_a_parameter_in_the_address(self) -> None:
        each = asked(fields=("?",))
        assert not is_asked(each, Facts(connection()))
        shake = handshake(REQUEST.replace(b"/chat", b"/chat?a=b"))
        assert is_asked(each, Facts(connection(shake)))

    def test_one_that_waits_for_a_fault(self) -> None:
        shake = handshake(REQUEST.replace(b"Version: 13", b"Version: 14"))
        assert is_asked(asked(faults=("HSQ-09",)), Facts(connection(shake)))
        assert not is_asked(asked(faults=("HSQ-09",)), Facts(connection()))
        assert not is_asked(asked(faults=True), Facts(connection(shake)))


class TestWhatIsFilledIn:
    def test_from_the_declaration_and_the_connection(self) -> None:
        record = connection(client_lost_bytes=3)
        record.serial = 7
        (finding,) = Audit([asked()]).findings([Facts(record)], [])
        assert finding == Finding(
            "it was asked",
            severity="warning",
            reference="RFC 6455 §5.1; RFC 6455 §5.2",
            coverage="gap",
            check="TST-01",
            connection=7,
        )

    @pytest.mark.parametrize(
        ("facts", "coverage"),
        [
            ({"server_lost_bytes": 1}, "gap"),
            ({"client_unread_bytes": 1}, "gap"),
            ({"outcome": "unseen"}, "midstream"),
            ({}, "truncated"),
        ],
    )
    def test_what_the_capture_has_of_it(self, facts: dict[str, object], coverage: str) -> None:
        (finding,) = Audit([asked()]).findings([Facts(connection(**facts))], [])
        assert finding.coverage == coverage


def test_repeats_are_folded_and_counted() -> None:
    @check(
        "TST-02",
        "many",
        "Many",
        severity="info",
        tags=("test",),
        references=(),
        explanation="It is one.",
        advice="None.",
    )
    def many(_facts: Facts) -> Iterator[Finding]:
        for number in range(20):
            yield Finding(f"number {number}", sender="client", packet=number)
        yield Finding("one", sender="server")

    found = Audit([many]).findings([Facts(connection())], [])
    client = [finding for finding in found if finding.sender == "client"]
    assert [finding.packet for finding in client] == list(range(KEPT_FINDINGS))
    assert [finding.count for finding in client] == [1, 1, 1, 1, 16]
    assert sum(finding.count for finding in found) == 21


def test_a_check_of_all_connections_says_which_one_it_is_about() -> None:
    @check(
        "TST-03",
        "all",
        "All",
        severity="info",
        tags=("test",),
        references=(),
        explanation="It is one.",
        advice="None.",
        scope="capture",
    )
    def everything(facts: CaptureFacts) -> Iterator[Finding]:
        yield facts.about(facts.connections[1], Finding("the second"))
        yield Finding("none in particular")

    records = [connection(), connection()]
    records[1].serial = 1
    found = Audit([everything]).findings([Facts(record) for record in records], [])
    assert [(finding.message, finding.connection) for finding in found] == [
        ("the second", 1),
        ("none in particular", None),
    ]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_nothing_ends_an_audit(capture: Path) -> None:
    """Changed, cut and spliced captures: each finding is one line, its evidence short."""
    source, data = chance(capture.name), capture.read_bytes()[:60_000]
    wants = Wants(frames=False, messages=False, hashes=False, payloads="none", observe=True)
    for _ in range(12):
        changed = bytearray(data)
        for _ in range(source.choice((1, 5, 40))):
            place = source.randrange(24, len(changed) - 8)
            if source.random() < 0.7:
                changed[place] = source.randrange(256)
            else:
                start = source.randrange(len(data))
                changed[place : place + source.randrange(60)] = data[start : start + 60]
        try:
            recording = read([io.BytesIO(bytes(changed))], wants=wants, limits=Limits())
        except WsAnalyzeError:
            continue
        for finding in audit(recording):
            assert finding.message.isprintable()
            assert len(finding.evidence or "") <= 260

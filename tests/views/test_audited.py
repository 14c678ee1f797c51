"""Findings put together with what they are about."""

from __future__ import annotations

from tables.recordings import connection

from views.audits import ACCEPT, CHECKS, MASK, ORIGINS, SERVER, audit_of, declared, finding
from wsanalyze.checks.headline import HEADLINES, is_headline
from wsanalyze.tables.capture_summary import CaptureSummary

# Recognised in this order, asked for in the other one.
BOTH = [
    connection(0, requested_ordinal=9, capture="b.pcap"),
    connection(1, requested_ordinal=5, capture="a.pcap"),
]
TWO = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("b.pcap", format="pcap")]
OF_ALL = finding(ORIGINS, connection=None)


def test_serials_become_numbers() -> None:
    audited = audit_of([finding(connection=0), finding(connection=1), OF_ALL], BOTH)
    assert [each.connection for each in audited.findings] == [1, 0, None]
    assert audited.connection(audited.findings[0]) is BOTH[0]
    assert audited.connection(audited.findings[2]) is None


def test_of_chosen_connections_nothing_else_is_left() -> None:
    audited = audit_of([finding(connection=0), finding(connection=1), OF_ALL], BOTH, chosen={0})
    assert [each.connection for each in audited.findings] == [0]
    assert audited.looked_at == [BOTH[1]]
    assert audit_of([], BOTH).looked_at == [BOTH[1], BOTH[0]]


def test_a_limit_is_told_of_each_connection_that_it_cut() -> None:
    """At the first of those that are looked at, and without a place that is another one's."""
    limit = declared("PRX-14")
    cut = finding(limit, connection=1, concerns=(0, 1), cause="2 were closed after 60 s")
    checks = (*CHECKS, limit)
    (told,) = audit_of([cut], BOTH, chosen={1}, checks=checks).findings
    assert (told.connection, told.packet, told.time) == (1, None, None)
    assert (told.message, told.evidence) == (cut.message, cut.evidence)
    for chosen in (0, 1):
        (group,) = audit_of([cut], BOTH, chosen={chosen}, checks=checks).cuts
        assert group.connections == (chosen,)
    (group,) = audit_of([cut], BOTH, checks=checks).cuts
    assert group.connections == (0, 1)
    other = finding(MASK, connection=1, concerns=(0, 1))
    assert audit_of([other], BOTH, chosen={1}).findings == []


def test_the_capture_of_a_finding() -> None:
    audited = audit_of([finding(connection=0), OF_ALL], BOTH, TWO)
    assert [audited.capture(each) for each in audited.findings] == ["b.pcap", None]
    assert audit_of([OF_ALL]).capture(OF_ALL) == "chat.pcap"


def test_folded_findings_count_for_all_they_stand_for() -> None:
    audited = audit_of([finding(count=7), finding(MASK), finding(SERVER)])
    assert audited.counts == {"error": 8, "warning": 0, "info": 1}
    assert list(audited.counts) == ["error", "warning", "info"]


def test_read_to_the_end_or_not() -> None:
    assert audit_of([]).complete
    assert not audit_of([], interrupted=True).complete
    assert not audit_of([], captures=[CaptureSummary("a.pcap", problem="cut")]).complete


def test_headlines_tell_absent_from_not_looked_for() -> None:
    extension = declared("EXT-01")
    audited = audit_of(
        [finding(connection=1), finding(connection=0), finding(connection=0)],
        BOTH,
        checks=(*CHECKS, extension),
    )
    assert audited.headlines == {
        "invalid Upgrade header": None,
        "invalid Sec-WebSocket-Key": None,
        "invalid Sec-WebSocket-Accept": [0, 1],
        "invalid subprotocol": None,
        "invalid extension": [],
    }


def test_a_remark_is_no_headline() -> None:
    assert ACCEPT.id in HEADLINES["invalid Sec-WebSocket-Accept"]
    audited = audit_of([finding(severity="info")])
    assert audited.headlines["invalid Sec-WebSocket-Accept"] == []


def test_a_repeated_field_is_the_headline_of_that_field() -> None:
    repeated = declared("HSR-05")
    for field, name in (
        ("Sec-WebSocket-Accept", "invalid Sec-WebSocket-Accept"),
        ("Sec-WebSocket-Protocol", "invalid subprotocol"),
        ("Sec-WebSocket-Extensions", "invalid extension"),
    ):
        found = finding(repeated, evidence=f"{field}: a, b")
        assert [each for each in HEADLINES if is_headline(each, found)] == [name]

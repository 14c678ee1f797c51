"""Findings of a session: told when they are known, once each, and the same as those of a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.played import Played, drained, events_of, session_of

import wsanalyze
from monitoring.test_session import CAPTURES, SAME, kinds, read
from wsanalyze.limits import Limits
from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import Ended, Established, Found
from wsanalyze.monitoring.judging import OF_CERTIFICATES

# Of one leg of a proxy these say more where they see the other one, as they do in a file.
OF_LEGS = frozenset(("CLS-08", "PRX-01", "HSR-18"))


@pytest.fixture(autouse=True)
def _looked_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)


@pytest.mark.parametrize("name", SAME)
def test_every_finding_is_told_once_and_is_one_that_check_finds(name: str) -> None:
    told = Counter(map(finding_of, found_in(events_of(CAPTURES / name))))
    rows = Counter(map(finding_of, wsanalyze.analyze(CAPTURES / name).findings.to_dict("records")))
    # With the first connection that has a certificate, and with their number at the end.
    twice = [each for each in told - rows if each[1] in OF_CERTIFICATES]
    assert told - Counter(twice) == rows


@pytest.mark.parametrize("name", SAME)
def test_findings_that_are_kept_are_those_that_check_finds(name: str, tmp_path: Path) -> None:
    drained(session_of(Played(CAPTURES / name), folder=tmp_path / "tables"))
    parts = list((tmp_path / "tables" / "findings").iterdir())
    kept = read(tmp_path / "tables", "findings").to_dict("records") if parts else []
    rows = wsanalyze.analyze(CAPTURES / name).findings.to_dict("records")
    assert Counter(map(finding_of, kept)) == Counter(map(finding_of, rows))


def found_in(events: list[Any]) -> list[dict[str, Any]]:
    names = Found.__dataclass_fields__
    return [
        {name: getattr(event, name) for name in names}
        for event in events
        if isinstance(event, Found)
    ]


def finding_of(row: dict[str, Any]) -> tuple[object, ...]:
    """Return what a finding says; how much was seen of its connection is said as of then."""
    names = ["connection", "check", "severity", "sender", "packet", "frame", "expected"]
    if row["check"] not in OF_LEGS:
        names += ["message", "evidence"]
    return tuple(None if pd.isna(row[name]) else row[name] for name in names)


def test_findings_of_a_handshake_come_before_the_connection_ends() -> None:
    events = events_of(CAPTURES / "bad-accept.pcapng")
    wrong = next(
        place
        for place, each in enumerate(events)
        if isinstance(each, Found) and each.check == "HSR-04"
    )
    ended = next(place for place, each in enumerate(events) if isinstance(each, Ended))
    assert wrong < ended


def place_of(events: list[Any], check: str) -> int:
    """Return where the first finding of a check is among events."""
    return next(
        at for at, each in enumerate(events) if isinstance(each, Found) and each.check == check
    )


def test_a_certificate_is_told_of_with_the_first_connection_that_has_it() -> None:
    events = events_of(CAPTURES / "chat-wss.pcapng")
    at = place_of(events, "TLS-04")
    assert kinds(events)[:at] == ["requested"]
    assert kinds(events).count("finding") == len({finding_of(each) for each in found_in(events)})


def test_and_once_more_with_how_many_have_it() -> None:
    events = events_of(CAPTURES / "wss-implementations.pcapng")
    told = [each for each in events if isinstance(each, Found) and each.check == "TLS-04"]
    rows = wsanalyze.analyze(CAPTURES / "wss-implementations.pcapng").findings
    rows = rows[rows.check == "TLS-04"]
    assert [each.count for each in told] == [1] * len(rows) + [n for n in rows["count"] if n > 1]
    assert max(rows["count"]) > 1
    ended = kinds(events).index("ended")
    assert events.index(told[0]) < ended < events.index(told[-1])


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("wss-suites.pcapng", "TLS-01"),
        ("wss-rsa.pcapng", "TLS-02"),
        ("wss-opened.pcapng", "PRX-19"),
        ("wss-out-of-date.pcapng", "TLS-03"),
    ],
)
def test_what_tls_agreed_on_is_told_when_the_connection_is_established(
    name: str, check: str
) -> None:
    events = events_of(CAPTURES / name)
    at = place_of(events, check)
    whose = [each for each in events if getattr(each, "connection", None) == events[at].connection]
    assert kinds(whose)[0] == "requested"
    assert set(kinds(whose[1 : whose.index(events[at])])) <= {"finding", "established"}


@pytest.mark.parametrize("name", ["cross-site.pcapng", "refused-upgrades.pcapng"])
def test_what_goes_on_is_not_cut(name: str) -> None:
    events = events_of(CAPTURES / name)
    early = [each for each in events if isinstance(each, Found) and each.check == "SEC-01"]
    (rows,) = [wsanalyze.analyze(CAPTURES / name).findings]
    assert (
        {each.coverage for each in early} == {"full"} == set(rows.coverage[rows.check == "SEC-01"])
    )


def test_what_begins_in_the_middle_is_said_to() -> None:
    events = events_of(CAPTURES / "from-the-middle.pcapng")
    unseen = {
        each.connection
        for each in events
        if isinstance(each, Established) and each.facts.outcome == "unseen"
    }
    told = [each for each in events if isinstance(each, Found) and each.connection in unseen]
    assert {each.coverage for each in told} == {"midstream"}


def test_what_proxies_refused_is_told_once_and_kept() -> None:
    capture = CAPTURES / "connect-tunnels.pcapng"
    session = session_of(Played(capture), keep=True, limits=Limits(recent=1))
    told = [each for each in found_in(drained(session)) if each["check"] == "PRX-21"]
    assert len(told) > 1
    assert len({(each["connection"], each["message"]) for each in told}) == len(told)
    assert session.memory is not None
    kept = session.memory.tables(wsanalyze.findings.audit)
    pd.testing.assert_frame_equal(kept.findings, wsanalyze.analyze(capture).findings)

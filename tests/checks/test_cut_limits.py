"""PRX-14, 15, 22: time limits that several connections share, and Pings that are too rare."""

from __future__ import annotations

from checks.given import SECOND, found, found_in, messages, recorded
from checks.test_cuts import cut
from wsanalyze.checks import cut_limits
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.time_limits import MOST
from wsanalyze.observation import Spread


class TestIdleLimit:
    def test_the_same_time_twice(self) -> None:
        records = [cut(0, 60.02), cut(1, 60.4, begun=7)]
        (finding,) = found(cut_limits.idle_time_limit, *records)
        assert "2 connections were closed after 60.2 s idle" in finding.message
        assert "nginx" in finding.message
        assert finding.connection == 0

    def test_it_is_said_where_the_first_one_was_cut(self) -> None:
        """Of many the first ones are shown."""
        (finding,) = found(cut_limits.idle_time_limit, cut(0, 60.02), cut(1, 60.4, begun=7))
        assert finding.connection == 0

    def test_different_times(self) -> None:
        assert found(cut_limits.idle_time_limit, cut(0, 60), cut(1, 75)) == []

    def test_once_is_not_enough(self) -> None:
        assert found(cut_limits.idle_time_limit, cut(0, 60)) == []

    def test_no_pings_would_have_helped(self) -> None:
        assert messages(found(cut_limits.keepalive_too_rare, cut(0, 60), cut(1, 60, begun=9))) == [
            "none of the 2 connections had Pings"
        ]

    def test_pings_that_are_too_rare(self) -> None:
        records = [cut(0, 60), cut(1, 60, begun=9)]
        for record in records:
            assert record.observation is not None
            record.observation.server.ping_ns = Spread(2, 180 * SECOND, 0.0, 90, 90)
        assert messages(found(cut_limits.keepalive_too_rare, *records)) == [
            "Pings came every 90.0 s, the limit is 60.0 s"
        ]

    def test_pings_that_are_frequent_enough(self) -> None:
        records = [cut(0, 60), cut(1, 60, begun=9)]
        for record in records:
            assert record.observation is not None
            record.observation.server.ping_ns = Spread(2, 40 * SECOND, 0.0, 20, 20)
        assert found(cut_limits.keepalive_too_rare, *records) == []

    def test_of_more_limits_than_anybody_has_the_first_are_told(self) -> None:
        times = [60 * 1.11 ** (number // 4) for number in range(4 * (MOST + 5))]
        records = [cut(number, idle, begun=7 * number) for number, idle in enumerate(times)]
        assert len(found(cut_limits.idle_time_limit, *records)) == MOST

    def test_all_at_once_is_one_event(self) -> None:
        assert found(cut_limits.idle_time_limit, *(cut(number, 60) for number in range(9))) == []


class TestLifetime:
    def test_the_same_age_in_spite_of_traffic(self) -> None:
        records = [cut(0, 0.5), cut(1, 0.5, begun=50)]
        for record in records:
            record.started -= 100 * SECOND
        (finding,) = found(cut_limits.lifetime_limit, *records)
        assert "2 connections were cut at an age of 105.5 s" in finding.message

    def test_other_ages(self) -> None:
        records = [cut(0, 0.5), cut(1, 0.5, begun=50)]
        records[0].started -= 100 * SECOND
        assert found(cut_limits.lifetime_limit, *records) == []


def test_who_is_behind_it_is_said_as_far_as_it_is_known() -> None:
    """Both legs there: the proxy; one leg: the field in which it names itself."""
    (finding,) = found_in(cut_limits.idle_time_limit, "nginx-60s.pcapng")
    assert ", by the proxy at 127.0.0.1:9163; that is the default of nginx" in finding.message
    assert finding.concerns[0] == finding.connection
    front = [each for each in recorded("nginx-60s.pcapng").connections if is_front(each)]
    (finding,) = Audit([cut_limits.idle_time_limit]).findings(front, [])
    assert ", by the server's side, whose answers have 'Server: nginx/1.22.1'" in finding.message


def is_front(facts: Facts) -> bool:
    return facts.connection.server_port == 9163

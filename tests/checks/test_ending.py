"""Who cut a connection: the facts, the sentence, and time limits that several share."""

from __future__ import annotations

from random import Random

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    event,
    handshake,
    recorded,
    seen_from_the_middle,
    with_fields,
)
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.ending import (
    both_ends,
    intermediary_signs,
    keepalive_s,
    known_limit,
    maybe_cut,
    sentence,
)
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.time_limits import idle_time_limits, lifetime_limits
from wsanalyze.observation import Ending, Observation, Side, Spread

# A text frame of the server, the last one of each connection here.
LAST = event("last", "server", head=0x81, second=5, header_length=2, length=5)


def ending(sender: str = "client", how: str = "fin", at: float = 62, **facts: object) -> Ending:
    given = {"ttl": 64, "usual_ttl": 64, "ip_id": 1, "behind": 0, "window": 500, "packet": 18}
    given |= {"has_ack": True, "bare": True}
    return Ending(sender, how, time=int(at * SECOND), **(given | facts))  # type: ignore[arg-type]


def cut(
    *endings: Ending, idle: float | None = 60, key: str | None = None, **facts: object
) -> Facts:
    """An established connection whose last frame was so long before the first end of TCP."""
    observation = Observation(
        endings=list(endings) or [ending()],
        silence_ns=None if idle is None else int(idle * SECOND),
        server=Side(last=LAST),
    )
    for name in [name for name in facts if hasattr(observation, name)]:
        setattr(observation, name, facts.pop(name))
    request = REQUEST if key is None else REQUEST.replace(b"7WvwZHi1", key.encode())
    return Facts(connection(handshake(request, RESPONSE), observation=observation, **facts))


def test_the_last_frame_is_http_in_truth() -> None:
    written = event("http", "server", frame=None, length=44, payload=b"HTTP/1.1 200 OK")
    last = event("last", "server", time=SECOND, frame=3, head=0x81, second=3, length=3)
    observation = {"events": [written], "counts": {("http", "server"): 1}}
    facts = cut(ending(), idle=60, server=Side(last=last), **observation)
    found = maybe_cut(facts)
    assert found is not None
    assert sentence(facts, found).startswith(
        "the client closed TCP (FIN) without a Close frame, 60.000 s after the last frame, HTTP "
        "that the server wrote in the place of one (FRM-13)"
    )


def together(*connections: Facts) -> CaptureFacts:
    return CaptureFacts(connections, [])


class TestMaybeCut:
    def test_what_is_known_of_it(self) -> None:
        found = maybe_cut(cut(ending("server", "rst"), ending("client", at=62.5)))
        assert found is not None
        assert (found.by, found.how, found.packet, found.time) == ("server", "rst", 18, 62 * SECOND)
        assert (found.idle_s, found.age_s, found.after, found.signs) == (60.0, 62.0, LAST, ())

    def test_the_capture_ended_first(self) -> None:
        assert maybe_cut(Facts(connection(observation=Observation(silence_ns=60 * SECOND)))) is None

    @pytest.mark.parametrize("name", ["client", "server"])
    def test_a_close_came_before(self, name: str) -> None:
        side = Side(close=event("close", name, time=61 * SECOND))
        assert maybe_cut(cut(**{name: side})) is None

    def test_a_close_to_who_had_gone_already(self) -> None:
        late = Side(close=event("close", "server", time=63 * SECOND))
        assert maybe_cut(cut(ending("client"), server=late)) is not None

    def test_packets_of_one_end_may_be_out_of_order(self) -> None:
        late = Side(close=event("close", "client", time=63 * SECOND))
        assert maybe_cut(cut(ending("client"), client=late)) is None

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "server_unread_bytes"])
    def test_a_close_may_be_among_what_is_missing(self, missing: str) -> None:
        assert maybe_cut(cut(**{missing: 1})) is None

    def test_bytes_before_the_end_that_nobody_acknowledged_may_be_the_close(self) -> None:
        assert maybe_cut(cut(ending("client"), client_end_missing=True)) is None
        assert maybe_cut(cut(ending("client"), server_end_missing=True)) is not None

    def test_nothing_is_known_of_the_beginning(self) -> None:
        observation = Observation(endings=[ending()])
        assert maybe_cut(Facts(seen_from_the_middle(observation=observation))) is None

    @pytest.mark.parametrize("outcome", ["invalid", "refused", "unanswered"])
    def test_there_was_no_session(self, outcome: str) -> None:
        assert maybe_cut(cut(outcome=outcome)) is None

    def test_hixie_connections_have_no_close_frames(self) -> None:
        facts = recorded("hixie-76.pcapng").connections
        assert any(each.ended for each in facts)
        assert [maybe_cut(each) for each in facts] == [None] * len(facts)


class TestSigns:
    def of(self, *endings: Ending, **facts: object) -> list[str]:
        return intermediary_signs(cut(*endings, **facts))

    def test_a_reset_from_elsewhere(self) -> None:
        assert self.of(ending("server", "rst", ttl=61)) == [
            "the RST in the server's name has a TTL of 61, its other packets 64"
        ]

    def test_a_route_that_is_two_hops_longer(self) -> None:
        assert self.of(ending("server", "rst", ttl=62)) == []

    def test_no_other_packet_to_compare_with(self) -> None:
        assert self.of(ending("server", "rst", ttl=10, usual_ttl=None)) == []

    def test_a_fin_has_the_ttl_that_it_has(self) -> None:
        assert self.of(ending("server", "fin", ttl=10)) == []

    def test_the_sender_of_the_reset_goes_on(self) -> None:
        assert self.of(ending("server", "rst"), server_after_own_reset=40) == [
            "the server sent 40 more bytes after a RST in its name"
        ]

        assert self.of(ending("server", "rst"), server_after_own_reset=1) == [
            "the server sent 1 more byte after a RST in its name"
        ]

    def test_the_other_end_goes_on_since_it_does_not_know_yet(self) -> None:
        assert self.of(ending("server", "rst"), client_after_end=40) == []

    def test_a_close_that_was_said_behind_somebody_elses_reset(self) -> None:
        """Who is named in a RST that is not its own does not know of it, and goes on."""
        late = Side(close=event("close", "server", time=63 * SECOND))
        found = maybe_cut(cut(ending("server", "rst", ttl=47), server=late))
        assert found is not None
        assert found.signs == (
            "the RST in the server's name has a TTL of 47, its other packets 64",
        )
        # Its own RST ends what it has to say: what stands behind was captured late.
        assert maybe_cut(cut(ending("server", "rst"), server=late)) is None

    def test_an_answer_to_what_still_came_is_not_what_both_were_told(self) -> None:
        resets = (
            ending("server", "rst", ttl=47),
            ending("client", "rst", at=62.001, packet=19),
            ending("client", "rst", at=62.02, ttl=47, packet=20),
        )
        assert self.of(*resets)[-1] == "both ends were told within 20.0 ms of each other"

    def test_resets_to_both_ends_at_once(self) -> None:
        both = ending("server", "rst"), ending("client", "rst", at=62.05)
        assert self.of(*both) == ["both ends were told within 50.0 ms of each other"]
        assert both_ends(cut(*both)) == 50_000_000

    def test_one_reset_after_the_other(self) -> None:
        assert both_ends(cut(ending("server", "rst"), ending("client", "rst", at=62.06))) is None

    def test_two_resets_of_one_end(self) -> None:
        assert both_ends(cut(ending("server", "rst"), ending("server", "rst"))) is None

    def test_a_fin_that_answers_a_fin(self) -> None:
        assert both_ends(cut(ending("server"), ending("client", at=62.001))) is None


class TestKnownLimits:
    facts = cut()

    @pytest.mark.parametrize("seconds", [59.0, 60.0, 61.1])
    def test_within_a_second_or_two_percent(self, seconds: float) -> None:
        limit = known_limit(seconds, self.facts)
        assert limit == "the default of nginx (proxy_read_timeout), Apache's proxy and AWS ALB"

    @pytest.mark.parametrize("seconds", [0.0, 30.0, 57.0, 61.3, 120.0, 1800.0])
    def test_nobodys(self, seconds: float) -> None:
        assert known_limit(seconds, self.facts) is None

    @pytest.mark.parametrize("seconds", [55, 100, 240, 300, 350, 600, 900, 3600])
    def test_others(self, seconds: float) -> None:
        assert known_limit(seconds, self.facts) is not None


class TestSentence:
    def of(self, facts: Facts) -> str:
        found = maybe_cut(facts)
        assert found is not None
        return sentence(facts, found)

    def test_an_idle_time_that_is_nobodys(self) -> None:
        assert self.of(cut(idle=12.5)) == (
            "the client closed TCP (FIN) without a Close frame, 12.500 s after the last frame, "
            "a text frame of the server"
        )

    def test_a_known_limit_and_no_pings(self) -> None:
        assert self.of(cut(ending("server"), idle=240)) == (
            "the server closed TCP (FIN) without a Close frame, 240.000 s after the last frame, "
            "a text frame of the server; that fits the default of "
            "Azure Load Balancer: Pings more often than that keep it open, and none came"
        )

    def test_a_limit_that_a_client_of_its_own_keeps_is_nobodys(self) -> None:
        assert "fits" not in self.of(cut(ending("client"), idle=60))
        # One that somebody asks for is a proxy.
        facts = cut(ending("client"), idle=60)
        request = with_fields(REQUEST, "X-Forwarded-For: 192.0.2.7")
        facts.handshake = handshake(request, RESPONSE)
        assert "that fits the default of nginx" in self.of(facts)
        told = cut(ending("client"), idle=60, tunnel="PROXY 192.0.2.7:40000")
        assert "that fits the default of nginx" in self.of(told)

    def test_pings_that_came_too_rarely(self) -> None:
        pings = Side(ping_ns=Spread(1, 90 * SECOND, 0.0, 90 * SECOND, 90 * SECOND))
        text = self.of(cut(ending("server"), idle=60, client=pings))
        assert text.endswith("more often than that keep it open, and they had come every 90 s")

    def test_signs_are_given_as_reasons(self) -> None:
        text = self.of(cut(ending("server", "rst", ttl=50), idle=1))
        assert text.startswith("TCP was reset in the server's name (RST) without a Close frame, ")
        assert text.endswith(
            "; it looks like the doing of a middlebox: "
            "the RST in the server's name has a TTL of 50, its other packets 64"
        )

    def test_right_after_a_frame(self) -> None:
        assert self.of(cut(ending(at=2.002), idle=0.002)) == (
            "the client closed TCP (FIN) without a Close frame, right after the last "
            "frame, a text frame of the server"
        )

    def test_frames_that_still_came(self) -> None:
        assert self.of(cut(ending(at=1.5), idle=12.5)) == (
            "the client closed TCP (FIN) without a Close frame, 12.500 s after a frame; "
            "frames still came, the last one a text frame of the server"
        )

    def test_no_frame_at_all(self) -> None:
        assert self.of(cut(idle=None, server=Side())) == (
            "the client closed TCP (FIN) without a Close frame, before any frame"
        )


def test_a_keep_alive_is_the_shorter_one() -> None:
    pings = Spread(1, 30 * SECOND, 0.0, 30 * SECOND, 30 * SECOND)
    pongs = Spread(1, 20 * SECOND, 0.0, 20 * SECOND, 20 * SECOND)
    assert keepalive_s(cut(client=Side(ping_ns=pings), server=Side(pong_only_ns=pongs))) == 20.0
    assert keepalive_s(cut()) is None


class TestTimeLimits:
    def idle(self, *seconds: float, how: str = "fin") -> list[tuple[float, int]]:
        cuts = [
            cut(ending(how=how, at=62 + 10 * n), idle=each, key=f"KEY{n:05}")
            for n, each in enumerate(seconds)
        ]
        return [(each.seconds, len(each.cuts)) for each in idle_time_limits(together(*cuts))]

    @pytest.mark.parametrize("how", ["fin", "rst"])
    def test_the_same_idle_time_twice(self, how: str) -> None:
        assert self.idle(60.0, 61.0, how=how) == [(60.5, 2)]

    def test_nearly_the_same(self) -> None:
        assert self.idle(60.0, 62.1) == []

    def test_the_most_frequent_first(self) -> None:
        assert self.idle(60.0, 300.0, 60.0, 300.0, 300.0) == [(300.0, 3), (60.0, 2)]

    def test_no_idle_time_to_speak_of(self) -> None:
        assert self.idle(0.9, 0.9) == []

    def test_one_alone(self) -> None:
        assert self.idle(60.0) == []

    def test_two_legs_of_one_session_are_one_cut(self) -> None:
        assert idle_time_limits(together(cut(key="SAMEKEY0"), cut(key="SAMEKEY0"))) == []

    def test_the_same_age_without_being_idle(self) -> None:
        busy = [
            cut(ending(at=300 + 7 * n), idle=1, key=f"KEY{n:05}", started=7 * n * SECOND)
            for n in range(2)
        ]
        idle = [cut(ending(at=300), idle=60, key=f"IDL{n:05}") for n in range(2)]
        found = lifetime_limits(together(*busy, *idle))
        assert [(each.seconds, [facts for facts, _ in each.cuts]) for each in found] == [
            (300.0, busy)
        ]

    @pytest.mark.parametrize("apart", [0, 0.05])
    def test_a_server_that_stops_ends_all_at_once(self, apart: float) -> None:
        """Whose last message was for all of them, or which began together."""
        stopped = [
            cut(ending(at=300 + apart * n), idle=20, key=f"KEY{n:05}", started=apart * n * SECOND)
            for n in range(3)
        ]
        busy = [
            cut(ending(at=300 + apart * n), idle=1, key=f"KEY{n:05}", started=apart * n * SECOND)
            for n in range(3)
        ]
        assert idle_time_limits(together(*stopped)) == lifetime_limits(together(*busy)) == []

    def test_a_restart_would_have_ended_the_others_as_well(self) -> None:
        """Connections that began together and were silent together, and one that was not."""
        stopped = [cut(ending(at=300), idle=20, key=f"KEY{n:05}") for n in range(3)]
        open_since = {"started": 0, "observation": Observation()}
        stayed = Facts(connection(ended=320 * SECOND, **open_since))
        assert len(idle_time_limits(together(*stopped, stayed))) == 1
        # One that ended with them, came later, or was of another endpoint, says nothing.
        for facts in ({"ended": 300 * SECOND}, {"started": 300 * SECOND}, {"server_port": 81}):
            other = Facts(connection(**({"ended": 320 * SECOND} | open_since | facts)))
            assert idle_time_limits(together(*stopped, other)) == []

    def test_of_many_times_some_are_close_to_each_other(self) -> None:
        """The times after which people leave: nobody's limit."""
        left = Random(1).sample(range(20, 3000), 40)  # noqa: S311 - any numbers will do
        assert self.idle(*left) == []

    def test_a_limit_among_the_times_at_which_people_leave(self) -> None:
        assert self.idle(*range(31, 60, 3), 60.0, 60.1, 60.0, 60.1) == [(60.05, 4)]

    def test_others_went_on_after_a_longer_silence(self) -> None:
        both = [cut(ending(at=62 + 9 * n), key=f"KEY{n:05}") for n in range(2)]
        longer = [Facts(connection(observation=Observation(longest_silence_ns=70 * SECOND)))] * 3
        assert len(idle_time_limits(together(*both, *longer[:2]))) == 1
        assert idle_time_limits(together(*both, *longer)) == []

    def test_connections_that_were_closed_are_no_cuts(self) -> None:
        closed = Side(close=event("close", time=SECOND))
        both = [cut(ending(at=62 + n), key=f"KEY{n:05}", client=closed) for n in range(2)]
        assert idle_time_limits(together(*both)) == []


def test_the_cut_is_the_one_that_the_tables_name() -> None:
    """Firewall: the client goes on after a RST in its name, and none follows the server's."""
    [facts] = recorded("firewall.pcap").connections
    found = maybe_cut(facts)
    assert found is not None
    assert facts.connection.ended_by == f"{found.by}-{found.how}" == "server-rst"
    assert found.packet == 80

"""Who reads a conversation until when: holes that are given up, and conversations that leave."""

from __future__ import annotations

import pytest
from support.layers import Tap, watch
from support.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, Packet, segment
from support.segments import C0, FINISH, OPEN, S0, client, cut, server

from wsanalyze.limits import Limits


class TestClosedConversations:
    """The ones that closed longest ago leave while the capture goes on; only a name is kept."""

    def closed(self, port: int) -> list[Packet]:
        """Return a whole conversation from this port."""
        end = (CLIENT[0], port)
        return [
            segment(end, SERVER, 1, flags=SYN),
            segment(SERVER, end, 1, 2, flags=SYN | ACK),
            segment(end, SERVER, 2, 2, flags=FIN | ACK, data=b"ab"),
            segment(SERVER, end, 2, 5, flags=FIN | ACK),
        ]

    def many(self, count: int) -> Tap:
        tap = Tap()
        for port in range(count):
            tap.feed(self.closed(1000 + port))
        return tap

    def test_they_leave_before_the_end(self) -> None:
        tap = self.many(600)
        assert 250 <= len(tap.left) < 600
        ports = [each.endpoint(0)[1] for each in tap.left]
        assert ports == list(range(1000, 1000 + len(ports)))
        said = [("data", 0, b"ab"), ("end", 0, 0), ("end", 1, 0)]
        for witness in tap.witnesses[: len(ports)]:
            assert [call[:3] for call in witness.calls[:-1]] == said
            assert witness.calls[-1] == FINISH
        tap.finish()
        assert len(tap.left) == len(tap.witnesses) == 600
        assert all(witness.calls[-1] == FINISH for witness in tap.witnesses)

    def test_what_comes_late_is_no_new_conversation(self) -> None:
        tap = self.many(600)
        late = self.closed(1000)
        tap.feed([*late[1:], *late[2:]]).finish()
        assert tap.counts.conversations == 600
        assert len(tap.left) == 600

    @pytest.mark.parametrize("isn", [1, 77])
    def test_a_syn_begins_another(self, isn: int) -> None:
        end = (CLIENT[0], 1000)
        tap = self.many(600)
        tap.feed([segment(end, SERVER, isn, flags=SYN), segment(end, SERVER, isn + 1, data=b"x")])
        tap.finish()
        assert tap.counts.conversations == 601
        assert tap.witnesses[-1].calls[0][:3] == ("data", 0, b"x")

    def test_one_that_goes_on_behind_a_reset_stays(self) -> None:
        """Somebody else had sent the reset: the ends take no notice of it."""
        tap = Tap().feed([*OPEN, client(0, b"ab"), server(0, flags=RST), client(2, b"cd")])
        for port in range(600):
            tap.feed(self.closed(1000 + port))
        tap.feed([client(4, b"ef")]).finish()
        assert tap.witnesses[0].stream(0) == [b"abcdef"]

    def test_one_that_was_reset_leaves(self) -> None:
        tap = Tap().feed([*OPEN, client(0, b"ab"), server(0, flags=RST)])
        for port in range(600):
            tap.feed(self.closed(1000 + port))
        assert tap.left[0].endpoint(0) == CLIENT

    def test_one_end_is_not_enough(self) -> None:
        tap = Tap().feed([*OPEN, client(0, b"ab", flags=FIN | ACK)])
        for port in range(600):
            tap.feed(self.closed(1000 + port))
        tap.feed([server(0, b"much later")]).finish()
        assert tap.witnesses[0].stream(1) == [b"much later"]


class TestLettingGo:
    """A layer that returned 1 is not called again, whatever comes."""

    @pytest.mark.parametrize("kind", ["data", "gap", "end"])
    def test_no_more_calls(self, kind: str) -> None:
        packets = [
            *OPEN,
            client(2, b"cd"),
            client(4, b"ef"),
            client(9, b"j"),
            client(0, b"ab"),
            server(0, b"X", ack=6),
            client(6, flags=RST),
            server(1, b"Y"),
        ]
        tap = watch(packets, enough=lambda calls: calls[-1][0] == kind)
        kinds = [call[0] for call in tap.calls]
        assert kinds.index(kind) == len(kinds) - 1
        assert tap.conversations[0].let_go != 0
        assert tap.conversations[0].layer is None
        assert tap.conversations[0].low.pending == []

    def test_between_chunks_that_waited(self) -> None:
        packets = [*OPEN, client(2, b"cd"), client(4, b"ef"), client(0, b"ab")]
        tap = watch(packets, enough=lambda calls: len(calls) == 2)
        assert tap.calls == [("data", 0, b"ab", 6), ("data", 0, b"cd", 4)]


class TestLimits:
    """What waits is bounded for each direction and in all; a hole is given up, and counted."""

    def test_a_hole_is_given_up_when_too_much_waits_behind_it(self) -> None:
        packets = [*OPEN, *(client(10 + i * 1000, bytes(1000)) for i in range(8))]
        tap = Tap(Limits(out_of_order=5000)).feed(packets)
        # 1000 bytes and the overhead of a chunk, four times: the fifth is too much.
        assert tap.calls[0] == ("gap", 0, 10, 4)
        assert tap.calls[1:5] == [("data", 0, bytes(1000), 4 + i) for i in range(4)]
        assert tap.transport.readers.reached_pending == 1
        tap.finish()
        assert tap.witnesses[0].stream(0) == [10, bytes(8000)]

    def test_what_waits_never_exceeds_the_limit_by_more_than_one_segment(self) -> None:
        tap = Tap(Limits(out_of_order=5000)).feed(OPEN)
        worst = 0
        for i in range(500):
            tap.feed([client(10 + i * 1500, bytes(1000))])
            worst = max([worst, *(each.low.pending_bytes for each in tap.conversations)])
        assert worst <= 5000
        assert tap.transport.readers.reached_pending > 0

    def test_conversations_that_are_read_are_bounded(self) -> None:
        """The longest idle are read no more; what comes of them later is no new conversation."""
        tap = Tap(Limits(followed=8))
        ends = [(CLIENT[0], 41000 + port) for port in range(20)]
        for end in ends:
            tap.feed([segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 2, data=b"a")])
        assert tap.transport.readers.reached_followed == 12
        tap.feed([segment(ends[0], SERVER, 3, data=b"b")])
        assert tap.transport.conversations == 20
        tap.finish()
        assert sum(witness.stream(0) == [b"a"] for witness in tap.witnesses) == 20

    def test_the_limit_for_all_directions(self) -> None:
        tap = Tap(Limits(out_of_order_total=5000))
        for port in range(50):
            end = (CLIENT[0], 41000 + port)
            tap.feed(
                [segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 100, data=bytes(900))]
            )
        assert tap.transport.readers.reached_pending_all > 0
        tap.finish()
        assert [witness.stream(0) for witness in tap.witnesses] == [[98, bytes(900)]] * 50

    def test_what_is_remembered_for_all_directions(self) -> None:
        """Beyond the limit a direction begins anew, and what leaves takes its own with it."""
        tap = Tap(Limits(remembered=5000), segments=True)
        readers = tap.transport.readers
        ends = [(CLIENT[0], 41000 + port) for port in range(10)]
        for end in ends:
            tap.feed([segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 2, data=bytes(900))])
            # 900 bytes, and 192 for the segment.
            assert readers.remembered <= 5000
        assert readers.remembered == 4 * 1092
        assert readers.reached_remembered == 6
        tap.finish()
        assert readers.remembered == 0

    def test_nothing_is_remembered_where_no_segments_are_wanted(self) -> None:
        tap = Tap(Limits(remembered=0)).feed([*OPEN, client(0, b"abc")])
        assert tap.transport.readers.remembered == tap.transport.readers.reached_remembered == 0

    def test_an_acknowledged_hole_is_given_up_after_some_patience(self) -> None:
        tap = Tap().feed([*OPEN, client(0, b"a"), client(3, b"d"), server(0, ack=4)])
        patience = 0
        for i in range(200):
            tap.feed([client(4 + i, b"e")])
            patience += len(tap.witnesses[0].calls) == 1
        # Told with the packet behind it, which had come long before.
        assert tap.witnesses[0].calls[1] == ("gap", 0, 2, 5)
        assert 64 <= patience <= 66
        tap.finish()
        assert tap.witnesses[0].stream(0) == [b"a", 2, b"d" + b"e" * 200]

    def test_a_hole_that_is_filled_within_patience_is_none(self) -> None:
        tap = Tap().feed([*OPEN, client(0, b"a"), client(3, b"d"), server(0, ack=4)])
        tap.feed([client(4 + i, b"e") for i in range(30)])
        tap.feed([client(1, b"bc")]).finish()
        assert tap.witnesses[0].stream(0) == [b"abcd" + b"e" * 30]
        assert tap.left[0].low.lost == 0

    def test_cut_packets_that_nobody_has_whole_are_gaps_at_once(self) -> None:
        tap = Tap().feed([*OPEN, cut(client(0, b"abcd"), 2), client(4, b"ef")])
        assert [call[:3] for call in tap.calls] == [
            ("data", 0, b"ab"),
            ("gap", 0, 2),
            ("data", 0, b"ef"),
        ]

    def test_a_late_segment_of_an_earlier_connection_acknowledges_nothing(self) -> None:
        late = segment(SERVER, CLIENT, S0 + (1 << 30), C0 + (1 << 30))
        tap = watch([*OPEN, client(0, b"abc"), server(0, ack=3), late, late, client(3, b"d")])
        assert tap.witnesses[0].stream(0) == [b"abcd"]
        assert tap.left[0].low.lost == 0

    def test_what_was_not_captured_may_be_acknowledged(self) -> None:
        tap = watch([*OPEN, client(0, b"abc"), server(0, b"x", ack=90), server(1, ack=1000)])
        assert tap.witnesses[0].stream(0) == [b"abc", 997]
        assert tap.left[0].low.lost == 997

    def test_a_hole_that_nobody_acknowledged_is_waited_for(self) -> None:
        tap = Tap().feed([*OPEN, client(0, b"a"), client(3, b"d")])
        tap.feed([client(4 + i, b"e") for i in range(300)])
        assert [call[0] for call in tap.calls] == ["data"]

    def test_conversations_leave_when_there_are_too_many(self) -> None:
        tap = Tap(Limits(flows=16))
        for port in range(100):
            end = (CLIENT[0], 41000 + port)
            tap.feed([segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 2, data=b"ab")])
        assert len(tap.left) >= 84
        assert tap.transport.readers.reached_flows == len(tap.left)
        tap.finish()
        assert len(tap.left) == tap.counts.conversations == 100
        ended = [witness.calls[-1] for witness in tap.witnesses]
        assert ended.count(("finish", 1)) == tap.transport.readers.reached_flows
        assert ended.count(FINISH) == 100 - tap.transport.readers.reached_flows

    def test_closed_conversations_leave_first(self) -> None:
        tap = Tap(Limits(flows=16))
        ends = [(CLIENT[0], 41000 + i) for i in range(17)]
        for i, end in enumerate(ends[:16]):
            tap.feed([segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 2, data=b"ab")])
            if i in (9, 14):
                tap.feed([segment(SERVER, end, 1, 4, flags=RST)])
        tap.feed([segment(ends[16], SERVER, 1, flags=SYN)])
        assert sorted(each.endpoint(0)[1] for each in tap.left) == [41009, 41014]
        assert [tap.witnesses[i].calls[-1] for i in (9, 14)] == [FINISH] * 2

    def test_idle_conversations_leave_next(self) -> None:
        tap = Tap(Limits(flows=8))
        ends = [(CLIENT[0], 41000 + i) for i in range(9)]
        for end in ends[:8]:
            tap.feed([segment(end, SERVER, 1, flags=SYN), segment(end, SERVER, 2, data=b"ab")])
        tap.feed([segment(ends[0], SERVER, 4, data=b"c")])
        tap.feed([segment(ends[8], SERVER, 1, flags=SYN)])
        assert [each.endpoint(0)[1] for each in tap.left] == [41001]

    @pytest.mark.parametrize("flows", [0, 1, 2])
    def test_hardly_any_conversations(self, flows: int) -> None:
        tap = Tap(Limits(flows=flows))
        for port in range(5):
            tap.feed([segment((CLIENT[0], 41000 + port), SERVER, 2, data=b"ab")])
        tap.finish()
        assert len(tap.left) == tap.counts.conversations == 5


def test_who_was_not_heard_shares_nothing_with_others_that_were_not() -> None:
    """Half-open conversations have one direction, until the other side says something."""
    others = [("10.0.0.9", port) for port in range(5000, 5003)]
    floods = [segment(source=other, seq=7, flags=SYN) for other in others]
    answer = segment(source=SERVER, target=others[0], seq=99, ack=8, flags=SYN | ACK)
    said = [segment(source=other, seq=8, ack=100, data=b"GET") for other in others]
    tap = watch([*floods, answer, *floods, *said])
    told = sorted(
        sorted((each.syn, each.segments, each.acked) for each in (found.low, found.high))
        for found in tap.conversations
    )
    unheard, asked = (0, 0, 0), (1, 3, 0)
    assert told == [[unheard, asked], [unheard, asked], [(1, 1, 0), asked]]

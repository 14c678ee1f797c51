"""SEC-18: masking keys of one connection on another; what is one session in two places."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import pytest
from support.chance import chance

from checks.given import SECOND, found, found_in, messages, seen_from_the_middle
from checks.test_pieces import client
from wsanalyze.checks import key_reuse
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.key_reuse import LOOKED_AT, TRIED, keys_in_a_row, reused_masking_keys
from wsanalyze.layers.connection import Connection

SOURCE = chance(7)
KEYS = [SOURCE.getrandbits(32) | 1 for _ in range(200)]
OTHERS = [SOURCE.getrandbits(32) | 1 for _ in range(200)]
FIRST = "those of the connection whose first frame is in packet"


def session(
    number: int, keys: Sequence[int], nonce: int | None = None, **facts: object
) -> Connection:
    """Return a connection of ten seconds that begins 20 seconds after the one before it."""
    record = client(keys, b64encode((nonce or number).to_bytes(16, "big")).decode())
    start = 20 * number * SECOND
    record.serial = record.conversation = number
    record.client_port += number
    record.started, record.requested = start, start + SECOND
    record.responded, record.ended = start + SECOND + 1000, start + 10 * SECOND
    for name, value in facts.items():
        assert hasattr(record, name), name
        setattr(record, name, value)
    return record


def of(*records: Connection) -> list[Finding]:
    return found(reused_masking_keys, *records)


class TestReused:
    def test_the_same_from_the_beginning(self) -> None:
        [finding] = of(session(1, KEYS[:9]), session(2, KEYS[:5]))
        assert finding.message == f"the first 5 masking keys are {FIRST} 8"
        keys = " ".join(f"{key:08x}" for key in KEYS[:5])
        assert finding.evidence == f"{keys}, as of 192.0.2.1:50001"
        assert (finding.connection, finding.severity) == (2, "warning")

    def test_a_piece_of_another(self) -> None:
        [finding] = of(session(1, KEYS[:9]), session(2, KEYS[4:7]))
        assert finding.message == f"the first 3 masking keys are {FIRST} 8, from its number 5 on"
        # Whichever comes first.
        [finding] = of(session(1, KEYS[4:7]), session(2, KEYS[:9]))
        assert finding.connection == 1

    def test_two_are_enough_and_one_is_not(self) -> None:
        two = [*KEYS[:2], *OTHERS[:5]]
        assert len(of(session(1, KEYS[:9]), session(2, two))) == 1
        assert of(session(1, KEYS[:9]), session(2, [KEYS[0], *OTHERS[:5]])) == []
        assert of(session(1, KEYS[:9]), session(2, [KEYS[3], *OTHERS[:5]])) == []
        assert of(session(1, KEYS[:1]), session(2, KEYS[:1])) == []

    def test_of_many_keys_the_first_are_counted(self) -> None:
        [finding] = of(session(1, KEYS), session(2, KEYS))
        assert finding.message.startswith(f"the first {LOOKED_AT} or more masking keys")

    def test_one_finding_for_each_connection_but_the_first(self) -> None:
        records = [session(number, KEYS[:5]) for number in range(1, 60)]
        assert [each.connection for each in of(*records)] == list(range(2, 60))

    def test_other_captures_are_named(self) -> None:
        [finding] = of(session(1, KEYS[:5], capture="a.pcap"), session(2, KEYS[:5]))
        assert finding.message.endswith("packet 8 of a.pcap")

    def test_keys_that_are_bad_by_themselves_are_told_of_elsewhere(self) -> None:
        """SEC-07: zero, the same each time, counting from 0."""
        for keys in ([0, *KEYS[:5]], [7] * 5, [7, 7, *KEYS[:4]], list(range(5))):
            assert of(session(1, keys), session(2, keys)) == []

    def test_many_that_nearly_do_are_let_go(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each begins with what all others have inside, too: each is laid beside few of them."""
        compared = []
        known = key_reuse._are_the_same

        def counted(other: Facts, place: int, each: Facts, needed: int) -> bool:
            compared.append(place)
            return known(other, place, each, needed)

        monkeypatch.setattr(key_reuse, "_are_the_same", counted)
        records = [
            session(number, [KEYS[0], OTHERS[number], KEYS[0], OTHERS[-number]])
            for number in range(1, 90)
        ]
        assert of(*records) == []
        assert len(compared) <= 90 * (2 * TRIED + 1)

    @pytest.mark.parametrize("count", [0, 1, 5, TRIED, TRIED + 1, 50])
    def test_what_the_next_one_is_laid_beside(self, count: int) -> None:
        beside = [number for number in range(count) if number == 0 or number >= count - TRIED]
        assert key_reuse._laid_beside(range(count)) == beside

    @pytest.mark.parametrize(
        ("connections", "row"), [(2, 2), (1000, 2), (70_000, 2), (80_000, 3), (524_288, 3)]
    )
    def test_chance(self, connections: int, row: int) -> None:
        assert keys_in_a_row(connections) == row

    def test_recorded(self) -> None:
        """Three processes that were forked; not the legs behind nginx, nor one started anew."""
        findings = found_in(reused_masking_keys, "forked-clients.pcapng")
        said = [each.partition(" are ")[0] for each in messages(findings)]
        assert [each.connection for each in findings] == [2, 4, 6]
        assert said == [f"the first {count} masking keys" for count in (5, 7, 3)]

    @pytest.mark.parametrize(
        "name", ["nginx-proxy.pcapng", "apache-proxy.pcapng", "proxy-protocol-tls.pcapng"]
    )
    def test_recorded_legs(self, name: str) -> None:
        assert found_in(reused_masking_keys, name) == []


def behind(record: Connection, **facts: object) -> Connection:
    """Return the leg behind a proxy that passes frames on as they are."""
    keys = record.observation.client.masking_keys if record.observation else []
    leg = session(record.serial + 10, keys, record.serial)
    leg.client_ip, leg.server_ip = record.server_ip, "10.0.0.9"
    for name in ("started", "requested", "responded", "ended"):
        setattr(leg, name, getattr(record, name))
    for name, value in facts.items():
        setattr(leg, name, value)
    return leg


class TestOneSession:
    def test_legs_with_one_key(self) -> None:
        front = session(1, KEYS[:5])
        assert of(front, behind(front)) == []

    def test_legs_of_a_gateway_that_makes_its_own_key(self) -> None:
        front = session(1, KEYS[:5])
        assert of(front, behind(front, handshake=session(99, KEYS).handshake)) == []

    def test_a_connection_that_was_captured_twice(self) -> None:
        """Before and behind a NAT, the clocks of both places being one or not."""
        one = session(1, KEYS[:5])
        assert of(one, behind(one, server_ip=one.server_ip, client_ip="203.0.113.1")) == []
        later = session(2, KEYS[:5], 1, client_ip="203.0.113.1")
        assert of(one, later) == []
        assert of(one, session(2, KEYS[:5], 1, capture="other.pcap")) == []

    def test_one_that_stands_twice_in_a_capture(self) -> None:
        """As of a file that was replayed, hours later: ports and key are the same."""
        one = session(1, KEYS[:5])
        again = session(2, KEYS[:5], 1, client_port=one.client_port, conversation=1)
        assert of(one, again) == []
        # Who begins with the same state has the same key, and another port.
        assert len(of(one, session(2, KEYS[:5], 1))) == 1

    def test_legs_of_a_gateway_that_answers_before_it_asks(self) -> None:
        front = session(1, KEYS[:5])
        leg = behind(front, handshake=session(99, KEYS).handshake)
        leg.requested = (front.responded or 0) + SECOND
        assert of(front, leg) == []
        assert of(leg, front) == []
        # Somebody else who asks then is no leg.
        leg.client_ip = "192.0.2.77"
        assert len(of(front, leg)) == 1
        # Of a host that speaks to itself the addresses say nothing.
        for each in (front, leg):
            each.client_ip = each.server_ip = "127.0.0.1"
        assert len(of(front, leg)) == 1

    @pytest.mark.parametrize("apart", [-2, 0, 2])
    def test_legs_of_a_gateway_in_two_captures(self, apart: int) -> None:
        """The clocks of the two differ by some seconds."""
        front = session(1, KEYS[:5])
        leg = behind(front, handshake=session(99, KEYS).handshake, capture="behind.pcap")
        # It asks its backend from another address than that it was asked at.
        leg.client_ip = "10.0.0.1"
        for name in ("started", "requested", "responded", "ended"):
            setattr(leg, name, getattr(front, name) + apart * SECOND)
        assert of(front, leg) == []
        # Two that ask the same server are no legs of one session.
        same = (front.client_ip, front.server_ip, front.server_port)
        leg.client_ip, leg.server_ip, leg.server_port = same
        assert len(of(front, leg)) == 1

    def test_captures_of_other_times(self) -> None:
        front = session(1, KEYS[:5])
        leg = behind(front, handshake=session(99, KEYS).handshake, capture="behind.pcap")
        for name in ("started", "requested", "responded", "ended"):
            setattr(leg, name, getattr(front, name) + 60 * SECOND)
        assert len(of(front, leg)) == 1

    def test_legs_of_a_second_one_are_told_once(self) -> None:
        first, second = session(1, KEYS[:5]), session(2, KEYS[:5])
        findings = of(first, second, behind(first), behind(second))
        assert [each.connection for each in findings] == [2]
        inside = session(3, KEYS[2:5])
        findings = of(first, behind(first), inside, behind(inside))
        assert [each.connection for each in findings] == [3]

    def test_at_the_same_time_with_other_keys(self) -> None:
        """Asked for one after the other: no leg is, while the other waits."""
        first, second = session(1, KEYS[:5]), session(2, KEYS[:5])
        first.ended = second.ended + SECOND
        assert len(of(first, second)) == 1

    def test_streams_of_one_connection(self) -> None:
        first, second = session(1, KEYS[:5]), session(2, KEYS[:5], conversation=1)
        for number, record in enumerate((first, second)):
            record.handshake, record.http_stream = None, 2 * number + 1
            record.ended = second.ended
        assert len(of(first, second)) == 1

    def test_where_it_cannot_be_told(self) -> None:
        """Bytes are missing, or the beginning is; not all frames are masked, or what they seem."""
        for facts in (
            {"client_lost_bytes": 4},
            {"client_unread_bytes": 4},
            {"client_unmasked_frames": 1},
            {"outcome": "unseen"},
        ):
            assert of(session(1, KEYS[:5], **facts), session(2, KEYS[:5])) == []
            assert of(session(1, KEYS[:5]), session(2, KEYS[:5], **facts)) == []
        middle = seen_from_the_middle()
        assert of(middle, middle) == []

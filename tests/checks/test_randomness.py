"""SEC-06 to SEC-09: keys that come again, count, or are few; keys that are random."""

from __future__ import annotations

from array import array
from base64 import b64encode
from hashlib import shake_128

import pytest
from support.chance import chance

from checks.given import (
    REQUEST,
    SECOND,
    connection,
    event,
    found,
    found_in,
    handshake,
    messages,
    observed,
    seen_from_the_middle,
)
from checks.test_pieces import client
from wsanalyze.checks import randomness
from wsanalyze.checks.randomness import weakness
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Side


def key(nonce: bytes) -> str:
    return b64encode(nonce).decode()


def asking(nonce: bytes, **facts: object) -> Connection:
    request = REQUEST.replace(b"7WvwZHi1pBVFuuG3NFA/hg==", b64encode(nonce))
    return connection(handshake(request), **facts)


class TestWeakness:
    @pytest.mark.parametrize(
        ("nonce", "why"),
        [
            (b"the sample nonce", "is the example of RFC 6455"),
            (bytes(16), "is one byte, 16 times"),
            (b"\x00\xff" * 8, "has 2 different bytes"),
            (bytes(range(7, 23)), "is a sequence of bytes that count"),
            (bytes(range(250, 0, -7))[:16], "is a sequence of bytes that count"),
            (bytes(12) + b"\x01\x02\x03\x04", "is a number, most of its bytes are 0"),
            (b"\x18\x19\x0a\x7b" + bytes(12), "is a number, most of its bytes are 0"),
            (b"0123456789012345", "is text"),
            (b"mojolicious rock", "is text"),
        ],
    )
    def test_weak(self, nonce: bytes, why: str) -> None:
        assert weakness(key(nonce)) == why

    @pytest.mark.parametrize(
        "nonce",
        [
            # Four different bytes, nine zeros, a sequence with one step more, a sign in text.
            b"\x00\x01\x02\x03" * 4,
            bytes(9) + b"\x01\x20\x03\x40\x05\x60\x07",
            bytes(range(7, 22)) + b"\x17",
            b"012345678901234!",
        ],
    )
    def test_what_comes_closest(self, nonce: bytes) -> None:
        assert weakness(key(nonce)) is None

    @pytest.mark.parametrize("sent", ["", "=", "AAAA", "not base64 at all!!!", "\xff" * 24])
    def test_what_is_no_key_is_another_checks(self, sent: str) -> None:
        assert weakness(sent) is None

    def test_random_keys(self) -> None:
        drawn = shake_128(b"ten thousand handshake keys").digest(16 * 10_000)
        for start in range(0, len(drawn), 16):
            assert weakness(key(drawn[start : start + 16])) is None


class TestHandshakeKey:
    """SEC-06."""

    def of(self, *records: Connection) -> list[str]:
        return messages(found(randomness.weak_handshake_key, *records))

    def test_one_that_is_used_by_many(self) -> None:
        records = [asking(bytes(16), serial=number, conversation=number) for number in range(3)]
        assert self.of(*records) == [
            "the key 'AAAAAAAAAAAAAAAAAAAAAA==' is one byte, 16 times; 3 requests use it"
        ]

    def test_one_that_comes_again(self) -> None:
        records = connection(), connection(serial=1, conversation=1, client_port=50001)
        [finding] = found(randomness.weak_handshake_key, *records)
        assert finding.message.endswith("was used before, in packet 4")
        assert (finding.connection, finding.packet) == (1, 4)

    def test_legs_of_a_proxied_session(self) -> None:
        """The proxy passes the key on, to another server, while the first request waits."""
        inner = connection(serial=1, conversation=1, client_ip="198.51.100.2", server_ip="10.0.0.5")
        assert self.of(connection(), inner) == []

    def test_attempts_on_one_connection(self) -> None:
        """401, and the same request with credentials."""
        refused = connection(handshake(response=b"HTTP/1.1 401 No\r\n\r\n"))
        assert self.of(refused, connection(serial=1)) == []

    def test_captures_of_both_ends(self) -> None:
        """The clocks differ by an hour, so that they were not read as one."""
        later = 3600 * SECOND
        other = connection(
            capture="server.pcap", serial=1, conversation=9, requested=later, ended=later
        )
        assert self.of(connection(), other) == []
        assert self.of(other, connection(serial=1)) == []

    def test_captures_of_both_legs(self) -> None:
        inner = connection(
            capture="server.pcap",
            serial=1,
            conversation=9,
            client_ip="10.0.0.1",
            server_ip="10.0.0.5",
            requested=3600 * SECOND,
        )
        assert self.of(connection(), inner) == []

    def test_one_client_in_two_captures(self) -> None:
        again = connection(capture="next.pcap", serial=1, conversation=9, client_port=50001)
        assert len(self.of(connection(), again)) == 1

    def test_without_a_handshake(self) -> None:
        assert self.of(seen_from_the_middle(), seen_from_the_middle()) == []

    def test_recorded(self) -> None:
        findings = found_in(randomness.weak_handshake_key, "mixed-keys.pcapng")
        assert [(finding.connection, finding.severity) for finding in findings] == [(1, "warning")]


class TestMaskingKeys:
    """SEC-07."""

    def of(self, record: Connection) -> list[str]:
        return messages(found(randomness.weak_masking_keys, record))

    def test_zeros(self) -> None:
        assert self.of(client([0] * 5)) == ["5 of 5 masking keys are 00000000"]
        assert self.of(client([0, 0x12345678])) == ["1 of 2 masking keys is 00000000"]

    def test_the_same_each_time(self) -> None:
        assert self.of(client([0x12345678] * 5)) == [
            "the masking key is that of the frame before in 4 of 5 frames"
        ]

    @pytest.mark.parametrize("step", [1, 5, 0x01010101, 0xFFFFFFFF])
    def test_keys_that_count(self, step: int) -> None:
        keys = [(0xFFFFFFF0 + number * step) % 2**32 for number in range(8)]
        assert self.of(client(keys)) == [f"the masking keys count in steps of {step}"]

    def test_two_keys_count_nothing(self) -> None:
        assert self.of(client([7, 8])) == []

    def test_keys_that_come_again(self) -> None:
        source = chance(3)
        keys = [source.getrandbits(32) for _ in range(100)]
        assert self.of(client(keys)) == []
        keys[50] = keys[10]
        assert self.of(client(keys)) == []
        keys[60] = keys[20]
        assert self.of(client(keys)) == ["2 of the first 100 masking keys had been used before"]

    def test_a_generator_that_begins_anew(self) -> None:
        """Boost.Beast 1.74 draws from sixteen keys."""
        source = chance(3)
        keys = [source.getrandbits(32) for _ in range(16)]
        assert self.of(client(keys + keys[:6])) == [
            "6 of the first 22 masking keys had been used before: 16 keys come again and again, in "
            "the same order"
        ]

    def test_no_masked_frame_is_no_weak_key(self) -> None:
        assert self.of(connection(observation=observed())) == []


class TestBias:
    """SEC-09."""

    def of(self, keys: list[int]) -> list[str]:
        return messages(found(randomness.biased_masking_keys, client(keys)))

    def test_a_bit_that_is_set_three_times_in_four(self) -> None:
        source = chance(11)
        keys = [source.getrandbits(32) | source.getrandbits(1) << 7 for _ in range(256)]
        [message] = self.of(keys)
        assert message.startswith("of 256 masking keys, 1 of 32 bits is set too often or too ")
        assert "; bit 7 in " in message
        assert self.of(keys[:255]) == []

    def test_keys_that_are_missing(self) -> None:
        side = Side(masking_keys=array("I", [1] * 300))
        assert (
            found(randomness.biased_masking_keys, connection(observation=observed(client=side)))
            == []
        )

    def test_recorded(self) -> None:
        findings = found_in(randomness.biased_masking_keys, "weak-masks.pcapng")
        assert [finding.connection for finding in findings] == [5]
        findings = found_in(randomness.predictable_masking_keys, "weak-masks.pcapng")
        assert [finding.connection for finding in findings] == [4]


def test_a_side_whose_first_frame_is_not_known() -> None:
    side = Side(masking_keys=array("I", [0] * 9), zero_keys=9, first=None)
    record = connection(observation=observed(event("unmasked"), client=side), client_frames=9)
    assert found(randomness.weak_masking_keys, record) == []

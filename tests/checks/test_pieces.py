"""Weak generators of which a masking key shows only pieces, and what SEC-06 to SEC-09 say of them.

The first numbers of each generator are those of its real implementation: OpenJDK 17, glibc 2.36,
Go 1.19 (`rand.Seed(1)`), .NET (`new Random(0)`); the others are made by what is written here.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterator
from hashlib import shake_128
from itertools import islice, pairwise
from random import SystemRandom

import pytest
from support.chance import chance

from checks.given import REQUEST, SECOND, connection, event, found, handshake, messages, observed
from wsanalyze.checks import pieces, randomness
from wsanalyze.checks.pieces import CONGRUENTIAL, UNSEEDED_GO, generator_of_pieces, turned
from wsanalyze.checks.prediction import generator_of, java_numbers
from wsanalyze.layers.connection import Connection

# new java.util.Random(42): 48 times nextInt(256).
JAVA_BYTES = bytes.fromhex(
    "ba0dae0c4ff146b5aa17e7735e6146b076c3c8ffeb266f70bfee62cc2d269856"
    "3540d35d2c289646c0a492149417c0cc"
)
# new java.util.Random(42): nextBytes() of 16 bytes, and four times of 4.
JAVA_NONCE = "NZ1BuveK/g3hu+euKMBFDA=="
JAVA_KEYS = [0xE43C084F, 0x4BBB2BF1, 0x839DEE46, 0x6D852CB5]
# srand(1): 48 times rand() & 255.
GLIBC_BYTES = bytes.fromhex(
    "67c6697351ff4aec29cdbaabf2fbe3467cc254f81be8e78d765a2e63339fc99a"
    "66320db73158a35a255d051758e95ed4"
)
DOTNET = (1559595546, 1755192844, 1649316166, 1198642031, 442452829, 1200195957)
# rand.Seed(1): Int63(), of which Uint32() shows all but the lowest 31 bits.
GO_NUMBERS = (5577006791947779410, 8674665223082153551, 6129484611666145821, 4037200794235010051)


def keys_of(drawn: bytes) -> array[int]:
    """Masking keys whose bytes are these, in the order of the wire."""
    places = range(0, len(drawn) - 3, 4)
    return array("I", [int.from_bytes(drawn[place : place + 4], "big") for place in places])


def congruential(factor: int, step: int, shift: int, seed: int) -> Iterator[int]:
    """Bytes of the states of a linear congruential generator."""
    while True:
        seed = (seed * factor + step) % 2**64
        yield seed >> shift & 0xFF


def dotnet(seed: int) -> Iterator[int]:
    """System.Random of .NET Framework: Knuth's subtractive generator, with its lag of 34."""
    state = [0] * 56
    last, made = 161803398 - seed, 1
    state[55] = last
    for place in range(1, 55):
        state[21 * place % 55] = made
        last, made = made, (last - made) % (2**31 - 1)
    for _ in range(4):
        for place in range(1, 56):
            state[place] = (state[place] - state[1 + (place + 30) % 55]) % (2**31 - 1)
    numbers = state[1:]
    while True:
        numbers.append((numbers[-55] - numbers[-34]) % (2**31 - 1))
        yield numbers[-1]


def go(seed: int) -> Iterator[int]:
    """Uint32() of Go's math/rand, but for how a seed becomes a state."""
    numbers = [chance(seed + place).getrandbits(64) for place in range(607)]
    while True:
        numbers.append((numbers[-607] + numbers[-273]) % 2**64)
        yield numbers[-1] >> 31 & 0xFFFFFFFF


def client(keys: object, nonce: str | None = None) -> Connection:
    """A connection of a client with these masking keys, and a handshake key."""
    masks = array("I", keys)  # type: ignore[call-overload]
    observation = observed()
    side = observation.client
    side.masking_keys = masks
    side.zero_keys = sum(key == 0 for key in masks)
    side.same_keys = sum(one == two for one, two in pairwise(masks))
    side.first = event("first", header_length=6, masking_key=masks[0])
    request = REQUEST
    if nonce is not None:
        request = request.replace(b"7WvwZHi1pBVFuuG3NFA/hg==", nonce.encode())
    return connection(handshake(request), observation=observation, client_frames=len(masks))


class TestBytes:
    def test_java(self) -> None:
        assert generator_of_pieces(keys_of(JAVA_BYTES)) == "java.util.Random (nextInt(256))"

    def test_glibc(self) -> None:
        name = "glibc's rand(), a byte of each number"
        assert generator_of_pieces(keys_of(GLIBC_BYTES)) == name
        assert generator_of_pieces(keys_of(GLIBC_BYTES[:44])) == name
        assert generator_of_pieces(keys_of(GLIBC_BYTES[:40])) is None

    def test_dotnet(self) -> None:
        assert tuple(islice(dotnet(0), 6)) == DOTNET
        for seed in range(200):
            keys = keys_of(bytes(number & 0xFF for number in islice(dotnet(seed), 68)))
            assert generator_of_pieces(keys) == "System.Random of .NET, a byte of each number"
            assert generator_of_pieces(keys[:16]) is None

    @pytest.mark.parametrize(
        ("factor", "step", "shift", "name"),
        [
            (214013, 2531011, 16, "Microsoft's rand(), a byte of each number"),
            (1103515245, 12345, 16, "the C standard's example of rand(), a byte of each number"),
            (6364136223846793005, 1, 32, "newlib's rand(), a byte of each number"),
            (6364136223846793005, 1, 33, "musl's rand(), a byte of each number"),
            (0x5DEECE66D, 0xB, 40, "java.util.Random (nextInt(256))"),
        ],
    )
    def test_congruential(self, factor: int, step: int, shift: int, name: str) -> None:
        for seed in range(500):
            drawn = bytes(islice(congruential(factor, step, shift, seed), 44))
            assert generator_of_pieces(keys_of(drawn)) == name

    def test_a_lost_key_hides_it(self) -> None:
        keys = keys_of(JAVA_BYTES)
        del keys[5]
        assert generator_of_pieces(keys) is None

    def test_relations_are_of_every_state(self) -> None:
        """The sum of products is the same for all states, but for what is not shown of them."""
        for each in CONGRUENTIAL:
            assert each.room < 32
            assert list(each.factors)[-1] != 0


class TestGo:
    def test_without_a_seed(self) -> None:
        """Until Go 1.19 every program drew the same numbers: gorilla/websocket took them."""
        assert tuple(number >> 31 for number in GO_NUMBERS) == UNSEEDED_GO[:4]
        name = "Go's math/rand without a seed"
        for keys in (UNSEEDED_GO, turned(UNSEEDED_GO)):
            assert generator_of_pieces(keys[:2]) == name
            assert generator_of_pieces(keys[4:6]) == name
            assert generator_of_pieces(keys[:1]) is None
            assert generator_of_pieces([keys[0], keys[2]]) is None

    def test_with_any_seed(self) -> None:
        keys = array("I", islice(go(5), 700))
        assert generator_of_pieces(keys) == "Go's math/rand"
        assert generator_of_pieces(turned(keys)) == "Go's math/rand, bytes turned over"
        assert generator_of_pieces(keys[:619]) == "Go's math/rand"
        assert generator_of_pieces(keys[:618]) is None


class TestMersenne:
    def test_31_bits_of_it(self) -> None:
        """As mt_rand() of PHP 7.1 gives them, and getrandbits(31) of Python."""
        source = chance(8)
        keys = [source.getrandbits(32) >> 1 for _ in range(640)]
        name = "the Mersenne Twister MT19937, 31 bits of each number"
        assert generator_of(keys) is None
        assert generator_of_pieces(keys) == name
        assert generator_of_pieces(keys[13:]) == name
        assert generator_of_pieces(turned(keys)) == f"{name}, bytes turned over"
        assert pieces.is_halved_mersenne(keys[:627])
        assert not pieces.is_halved_mersenne(keys[:626])

    def test_31_random_bits_are_not(self) -> None:
        source = SystemRandom()
        assert not pieces.is_halved_mersenne([source.getrandbits(31) for _ in range(1024)])


def test_random_keys_are_nobodys() -> None:
    """10,000 connections of 1 to 1,024 keys, from SHAKE: no generator, no bias, no sequence."""

    drawn = shake_128(b"keys of ten thousand connections").digest(4 * 1_200_000)
    source = chance(1)
    for _ in range(10_000):
        # Most connections are short.
        count = min(1024, int(2 ** source.uniform(0, 10.2)))
        start = 4 * source.randrange(1_200_000 - count)
        record = client(keys_of(drawn[start : start + 4 * count]))
        for check in (
            randomness.weak_masking_keys,
            randomness.predictable_masking_keys,
            randomness.biased_masking_keys,
        ):
            assert found(check, record) == []


class TestPredictable:
    def check(self, keys: object, nonce: str | None = None) -> list[str]:
        return messages(found(randomness.predictable_masking_keys, client(keys, nonce)))

    def test_bytes_of_rand(self) -> None:
        assert self.check(keys_of(GLIBC_BYTES)) == [
            "the masking keys are those of glibc's rand(), a byte of each number: "
            "each tells the next"
        ]

    def test_the_handshake_tells_the_first_one(self) -> None:
        """OkHttp draws Sec-WebSocket-Key and masking keys from one `new Random()`."""
        told = [
            "the masking keys are those of java.util.Random (nextBytes), as is "
            "Sec-WebSocket-Key: each tells the next"
        ]
        assert self.check(JAVA_KEYS[:1], JAVA_NONCE) == told
        assert self.check(JAVA_KEYS[:2], JAVA_NONCE) == told
        assert self.check(JAVA_KEYS[1:2], JAVA_NONCE) == []
        assert self.check(JAVA_KEYS[:1]) == []

    def test_java_whose_hidden_bits_are_zero(self) -> None:
        """One in 2^16 states: the sum that two numbers leave open is just below a multiple."""
        source = chance(9)
        for _ in range(100):
            state = source.getrandbits(32) << 16
            keys = [state >> 16, *islice(java_numbers(state), 2)]
            assert generator_of(keys) == "java.util.Random (nextInt)"

    def test_in_the_middle_of_a_connection(self) -> None:
        record = client(JAVA_KEYS)
        record.handshake, record.outcome = None, "unseen"
        [finding] = found(randomness.predictable_masking_keys, record)
        assert finding.coverage == "midstream"


class TestHandshakeKey:
    def check(self, *records: Connection) -> list[str]:
        return messages(found(randomness.weak_handshake_key, *records))

    def test_of_java(self) -> None:
        assert self.check(client([1], JAVA_NONCE)) == [
            f"the key '{JAVA_NONCE}' comes from java.util.Random: "
            "it tells what the client draws next"
        ]

    def test_one_bit_less_of_java(self) -> None:
        nonce = bytes.fromhex("359d41baf78afe0de1bbe7ae28c0450d")
        assert self.check(client([1], b64encode(nonce).decode())) == []

    def test_on_both_sides_of_a_nat(self) -> None:
        inside = connection(client_ip="10.0.0.2")
        outside = connection(
            client_ip="203.0.113.5", serial=1, conversation=1, requested=SECOND + 300_000
        )
        assert self.check(inside, outside) == []
        outside.requested = 3 * SECOND
        assert self.check(inside, outside) == [
            "the key '7WvwZHi1pBVFuuG3NFA/hg==' was used before, in packet 4"
        ]

    def test_of_one_client_at_the_same_time(self) -> None:
        again = connection(serial=1, conversation=1, client_port=50001)
        assert len(self.check(connection(), again)) == 1


class TestWeak:
    def check(self, record: Connection) -> list[str]:
        return messages(found(randomness.weak_masking_keys, record))

    def test_counter_whose_lowest_byte_is_first(self) -> None:
        keys = [int.from_bytes(number.to_bytes(4, "little"), "big") for number in range(250, 290)]
        assert self.check(client(keys)) == ["the masking keys count in steps of 1"]
        del keys[7]
        assert self.check(client(keys)) == []

    def test_what_chance_does_in_many_frames(self) -> None:
        """Among random keys, one in 2^32 is zero, and one is equal to the one before."""
        keys = keys_of(JAVA_BYTES)
        for attribute in ("zero_keys", "same_keys"):
            for count, frames, weak in (
                (1, 12, True),
                (1, 1000, False),
                (2, 100_000, True),
                (2, 20_000_000, False),
                (20, 20_000_000, True),
                (100_000, 20_000_000, True),
            ):
                record = client(keys)
                record.client_frames = frames
                assert record.observation is not None
                setattr(record.observation.client, attribute, count)
                assert bool(self.check(record)) is weak, (attribute, count, frames)


class TestFixedBits:
    def check(self, keys: object) -> list[str]:
        return messages(found(randomness.biased_masking_keys, client(keys)))

    def test_printable_bytes(self) -> None:
        """As Ratchet draws them: rand(32, 126)."""
        source = chance(4)
        letters = keys_of(bytes(source.randint(32, 126) for _ in range(4 * 16)))
        assert self.check(letters) == [
            "in 16 masking keys, 4 of 32 bits never change (mask 80808080)"
        ]
        assert self.check(letters[:12]) == []

    def test_fifteen_bits(self) -> None:
        source = chance(5)
        keys = [source.getrandbits(15) for _ in range(6)]
        [message] = self.check(keys)
        assert message.startswith("in 6 masking keys, ")
        assert self.check(keys[:3]) == []

    def test_one_bit(self) -> None:
        source = chance(6)
        keys = [source.getrandbits(32) & 0xFFFFFFFE for _ in range(40)]
        assert self.check(keys) == [
            "in 40 masking keys, 1 of 32 bits never changes (mask 00000001)"
        ]
        assert self.check(keys[:39]) == []

    def test_what_is_known_of_the_generator_says_more(self) -> None:
        source = chance(8)
        assert self.check([source.getrandbits(32) >> 1 for _ in range(640)]) == []
        assert self.check(range(1, 60)) == []


class TestBytesThatCount:
    """Keys each byte of which goes on by a step: of whole numbers only where nothing is carried."""

    def made(self, keys: int, steps: tuple[int, ...], start: bytes = bytes(4)) -> array[int]:
        drawn = (
            (start[place] + number * steps[place]) & 255
            for number in range(keys)
            for place in range(4)
        )
        return keys_of(bytes(drawn))

    @pytest.mark.parametrize("keys", [70, 256, 300])
    def test_bytes_that_go_on_from_key_to_key(self, keys: int) -> None:
        """00010203 04050607 …, and after fcfdfeff 00010203 again."""
        counted = keys_of(bytes(place & 255 for place in range(4 * keys)))
        assert generator_of_pieces(counted) == "a counter in each byte"

    @pytest.mark.parametrize("steps", [(1, 200, 1, 255), (7, 0, 200, 3), (9, 99, 99, 2)])
    def test_each_byte_has_a_step_of_its_own(self, steps: tuple[int, ...]) -> None:
        made = self.made(40, steps, b"\xf0\x80\x7f\xfe")
        assert generator_of_pieces(made) == "a counter in each byte"

    def test_whole_numbers_that_count_are_told_as_such(self) -> None:
        plain = self.made(12, (1, 1, 1, 1), b"\x01\x02\x03\x04")
        assert generator_of_pieces(plain) is None
        (finding,) = found(randomness.weak_masking_keys, client(plain))
        assert finding.message == "the masking keys count in steps of 16843009"

    def test_one_bit_off_and_too_few(self) -> None:
        made = self.made(12, (7, 0, 200, 3), b"\xf0\x80\x7f\xfe")
        assert generator_of_pieces(made[:3]) is None
        for place in range(len(made)):
            changed = array("I", made)
            changed[place] ^= 1 << place
            assert generator_of_pieces(changed) is None

    def test_it_is_told(self) -> None:
        keys = self.made(9, (9, 99, 99, 2), b"\x01\x02\x03\x04")
        (finding,) = found(randomness.predictable_masking_keys, client(keys))
        assert finding.message == (
            "the masking keys are those of a counter in each byte: each tells the next"
        )

"""Randomness (SEC-06 to SEC-09): handshake keys and masking keys that can be predicted."""

from __future__ import annotations

import itertools
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator, Sequence
from math import comb, factorial, sqrt
from struct import unpack

from wsanalyze.checks.bits import FIXED_IN, Bits, are_ordinary
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.pieces import turned
from wsanalyze.checks.prediction import is_odd, java_numbers, maybe_java_state
from wsanalyze.checks.spans import are
from wsanalyze.websocket.faults import shown

# The nonce of RFC 6455 §1.3.
SAMPLE = "dGhlIHNhbXBsZSBub25jZQ=="
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_WORDS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-")

# Masking keys from which their distribution says something.
ENOUGH = 256
# Standard deviations of a bit's count from a half: by chance one in 10^11 bits is beyond.
DEVIATIONS = 7.0
# The chance of bits that never change which is none.
FIXED_CHANCE = 2.0**-33
# The chance of keys that are zero or come again which is none.
NO_CHANCE = 2e-8
# Time within which two requests with one key, from two addresses, may be one seen twice.
SEEN_TWICE_NS = 1_000_000_000


@check(
    "SEC-06",
    "weak-handshake-key",
    "A Sec-WebSocket-Key was used twice, or is not random",
    severity="warning",
    tags=("security", "randomness", "handshake"),
    references=("RFC 6455 §4.1 item 7", "RFC 6455 §10.3"),
    explanation=(
        "The key is to be chosen at random for each connection, so that no cache can have the "
        "answer ready. A fixed one, text, a counter, or one that comes again gives that away; and "
        "a client that is careless here often is with its masking keys."
    ),
    advice="Take 16 bytes of the operating system's random numbers for each connection.",
    scope=CAPTURE,
    example="oddities.pcapng",
)
def weak_handshake_key(facts: CaptureFacts) -> Iterator[Finding]:
    """SEC-06: one finding for each key that came again, one for each that is not random."""
    for key, connections in facts.by_key.items():
        why = weakness(key)
        if why is None and len(connections) == 1:
            continue
        evidence = f"Sec-WebSocket-Key: {key}"[:200]
        if why is not None:
            first = connections[0]
            message = f"the key {shown(key)} {why}"
            if len(connections) > 1:
                message += f"; {len(connections)} requests use it"
            yield facts.about(first, first.once("client", message, evidence=evidence))
        else:
            again = _used_again(connections)
            if again is not None:
                first, second = again
                packet, capture = first.connection.request_packet, first.connection.capture
                message = f"the key {shown(key)} was used before, in packet {packet}"
                if capture != second.connection.capture:
                    message += f" of {capture}"
                yield facts.about(second, second.once("client", message, evidence=evidence))


def weakness(key: str) -> str | None:
    """Say why a key is not random; None where it may be (false in fewer than one in 10^9 cases)."""
    if key == SAMPLE:
        return "is the example of RFC 6455"
    nonce = _nonce(key)
    if nonce is None or not is_odd(nonce):
        return None
    if len(set(nonce)) == 1:
        return f"is one byte, {len(nonce)} times"
    if len(set(nonce)) <= 3:
        return f"has {len(set(nonce))} different bytes"
    step = nonce[1] - nonce[0]
    if (nonce[2] - nonce[1] - step) & 255 == 0 and all(
        (two - one - step) & 255 == 0 for one, two in itertools.pairwise(nonce)
    ):
        return "is a sequence of bytes that count"
    if nonce.count(0) >= 10:
        return "is a number, most of its bytes are 0"
    if java_state_behind(nonce) is not None:
        return "comes from java.util.Random: it tells what the client draws next"
    return "is text" if _WORDS.issuperset(nonce) else None


def _nonce(key: str) -> bytes | None:
    """Return the 16 bytes of a key; None where it is not a key."""
    # What b64decode does with validate, without looking its pattern up each time.
    if _BASE64.fullmatch(key) is None:
        return None
    try:
        nonce = a2b_base64(key)
    except Base64Error:
        return None
    return nonce if len(nonce) == 16 else None


def java_state_behind(nonce: bytes) -> int | None:
    """Return the state of java.util.Random behind nextBytes() of 16 bytes; None if it was not it.

    OkHttp draws keys and masking keys from one such generator. Chance does that in 2^-80.
    """
    return maybe_java_state(unpack("<4I", nonce))


def _used_again(connections: Sequence[Facts]) -> tuple[Facts, Facts] | None:
    """Return two connections of which the later one took over the earlier one's key.

    A proxy passes a key on: its two legs have the same one at the same time, to other endpoints.
    Attempts on one TCP connection (401, then again) are one connection. What is captured on both
    sides of a NAT is there twice at the same time, from two addresses; what is captured at both
    ends, in two captures with clocks of their own, with the same ports.
    """
    for place, second in enumerate(connections):
        for first in connections[max(0, place - 8) : place]:
            one, two = first.connection, second.connection
            if (one.capture, one.conversation) == (two.capture, two.conversation):
                continue
            same = (one.server_ip, one.server_port) == (two.server_ip, two.server_port)
            if one.capture != two.capture:
                # Two clocks: neither "before" nor "at the same time" means anything.
                if same and one.client_ip == two.client_ip and one.client_port != two.client_port:
                    return first, second
                continue
            requested = two.requested if two.requested is not None else two.started
            if requested > one.ended or (same and not _may_be_one(first, second)):
                return first, second
    return None


def _may_be_one(first: Facts, second: Facts) -> bool:
    """Tell whether two requests may be one, before and behind a NAT."""
    one, two = first.connection, second.connection
    if one.client_ip == two.client_ip or one.requested is None or two.requested is None:
        return False
    return abs(two.requested - one.requested) < SEEN_TWICE_NS


def may_be_weak(facts: Facts) -> bool:
    """Tell whether SEC-07, SEC-08 or SEC-09 may have something to say of the masking keys."""
    side, few = facts.observation.client, len(facts.observation.client.masking_keys) < 3
    if few or side.zero_keys or side.same_keys:
        return bool(side.masking_keys)
    if facts.key_generator is not None:
        return True
    if are_ordinary(side.masking_keys):
        return False
    bits = facts.key_bits
    if bits.again >= 2 or bits.steady or bits.steady_turned:
        return True
    return (_fixed(bits) or _biased(bits)) is not None


@check(
    "SEC-07",
    "weak-masking-keys",
    "Masking keys are zero, repeated, or count",
    severity="warning",
    tags=("security", "randomness", "masking"),
    references=("RFC 6455 §5.3", "RFC 6455 §10.3"),
    explanation=(
        "Each frame of a client needs a masking key that nobody can foresee. With zero the payload "
        "is on the wire as it is; with a key that comes again or counts, whoever controls the "
        "payload controls the bytes on the wire."
    ),
    advice="Take four fresh bytes of the operating system's random numbers for each frame.",
    circumstances=("odd-keys",),
)
def weak_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-07."""
    side = facts.side("client")
    keys = side.masking_keys
    if not keys or not facts.has_standard_frames:
        return
    masked = facts.connection.client_frames - facts.connection.client_unmasked_frames
    what = None
    if side.zero_keys and _is_no_chance(side.zero_keys, masked):
        what = f"{side.zero_keys} of {masked} masking keys {are(side.zero_keys)} 00000000"
    elif side.same_keys and _is_no_chance(side.same_keys, masked):
        what = f"the masking key is that of the frame before in {side.same_keys} of {masked} frames"
    elif len(keys) >= 3:
        what = _counts(keys, facts.key_bits) or _repetition(keys, facts.key_bits)
    if what is not None and side.first is not None:
        evidence = " ".join(f"{key:08x}" for key in keys[:6])
        yield facts.at(side.first, what, evidence=evidence, expected="random keys")


def _is_no_chance(count: int, frames: int) -> bool:
    """Tell whether so many of random keys are not zero, or not equal to the one before.

    Each is in one of 2^32 cases; `count` or more of them by chance are as frequent as computed
    here, or less (the tail of a Poisson distribution).
    """
    expected = max(frames, count) / 2**32
    # Beyond, the factorial alone makes it less than any chance: 64 of even 2^32 frames.
    few = min(count, 64)
    return expected**few / factorial(few) < NO_CHANCE


def _counts(keys: Sequence[int], bits: Bits) -> str | None:
    """Say that keys count, the highest byte first or the lowest."""
    told = _sequence(keys) if bits.steady else None
    return told or (_sequence(turned(keys)) if bits.steady_turned else None)


def _sequence(keys: Sequence[int]) -> str | None:
    step = keys[1] - keys[0] & 0xFFFFFFFF
    for one, two in itertools.pairwise(keys):
        if two - one & 0xFFFFFFFF != step:
            return None
    return f"the masking keys count in steps of {step}"


def _repetition(keys: Sequence[int], bits: Bits) -> str | None:
    """Say how often keys come again, where that is no chance: one pair may be."""
    if bits.again < 2:
        return None
    message = f"{bits.again} of the first {bits.looked_at} masking keys had been used before"
    period = _period(keys)
    if period is not None:
        message += f": {period} keys come again and again, in the same order"
    return message


def _period(keys: Sequence[int]) -> int | None:
    """Return how many keys of a generator come before it begins anew; None where it does not."""
    first = keys[0]
    period = next((place for place in range(1, len(keys)) if keys[place] == first), None)
    if period is None or keys[period:] != keys[: len(keys) - period]:
        return None
    return period


@check(
    "SEC-08",
    "predictable-masking-keys",
    "Masking keys come from a generator that can be predicted",
    severity="warning",
    tags=("security", "randomness", "masking"),
    references=("RFC 6455 §5.3", "RFC 6455 §10.3"),
    explanation=(
        "The keys are those of a generator that is made for simulations, or of a counter: from a "
        "few of them its state is known, and every further key. The RFC asks for a strong source "
        "of entropy, so that nobody can choose a payload that becomes a request of HTTP on the "
        "wire. Each generator that is known here is computed from some keys and confirmed on "
        "others, which random ones pass in fewer than one in 2^30 cases. Of keys for which nothing "
        "is told that does not prove that they are random: no other generator is looked for."
    ),
    advice="Use the operating system's random numbers (Java: SecureRandom; C: getrandom).",
    circumstances=("odd-keys",),
)
def predictable_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-08: computed from some keys and confirmed on others."""
    side = facts.side("client")
    keys = side.masking_keys
    if not keys or side.zero_keys > 1 or side.same_keys > 1 or side.first is None:
        return
    if not facts.has_standard_frames:
        return
    name = facts.key_generator
    if name is None and len(keys) < 3:
        name = _told_by_handshake(facts, keys[0])
    if name is not None:
        evidence = " ".join(f"{key:08x}" for key in keys[:6])
        message = f"the masking keys are those of {name}: each tells the next"
        yield facts.at(side.first, message, evidence=evidence, expected="random keys")


def _told_by_handshake(facts: Facts, first: int) -> str | None:
    """Name the generator whose numbers are the handshake's key and, next, the first masking key.

    Three masking keys tell without the handshake.
    """
    handshake = facts.handshake
    if handshake is None or handshake.is_hixie or not handshake.key:
        return None
    nonce = _nonce(handshake.key)
    state = java_state_behind(nonce) if nonce is not None else None
    if state is None or [next(java_numbers(state))] != list(turned([first])):
        return None
    return "java.util.Random (nextBytes), as is Sec-WebSocket-Key"


@check(
    "SEC-09",
    "biased-masking-keys",
    "Masking keys are not evenly distributed",
    severity="warning",
    tags=("security", "randomness", "masking"),
    references=("RFC 6455 §5.3",),
    explanation=(
        "Of many random keys each bit is set in half of them. Here bits never change, or are set "
        "far more or less often; by chance that happens once in more than 10^9 connections. A few "
        "keys tell that bytes are only letters and signs; a single bit needs 40."
    ),
    advice="Look at how the keys are made: 31 or 15 bits of rand(), or text.",
    circumstances=("odd-keys",),
)
def biased_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-09: bits that never change in the first keys; others from ENOUGH keys on."""
    side = facts.side("client")
    keys, bits = side.masking_keys, facts.key_bits
    if len(keys) < 3 or side.zero_keys > 1 or side.same_keys > 1 or side.first is None:
        return
    if not facts.has_standard_frames:
        return
    what = _fixed(bits) or _biased(bits)
    if what is None or _counts(keys, bits) or facts.key_generator is not None:
        # SEC-07 or SEC-08 says more.
        return
    evidence = " ".join(f"{key:08x}" for key in keys[:6])
    yield facts.at(side.first, what, evidence=evidence, expected="random keys")


def _fixed(bits: Bits) -> str | None:
    """Say which bits are the same in the first keys, where that is no chance."""
    if not bits.fixed:
        return None
    count = bits.fixed.bit_count()
    keys = min(bits.looked_at, FIXED_IN)
    if comb(32, count) * 2.0 ** -(count * (keys - 1)) >= FIXED_CHANCE:
        return None
    change = "changes" if count == 1 else "change"
    return f"in {keys} masking keys, {count} of 32 bits never {change} (mask {bits.fixed:08x})"


def _biased(bits: Bits) -> str | None:
    """Say how many bits are set too often or too rarely, and which one the most."""
    keys, half = bits.looked_at, bits.looked_at / 2
    room = DEVIATIONS * sqrt(keys) / 2
    if keys < ENOUGH or bits.oddest <= 2 * room:
        return None
    found = {bit: n for bit, n in enumerate(bits.counts) if abs(n - half) > room}
    most = max(found, key=lambda bit: abs(found[bit] - half))
    return (
        f"of {keys} masking keys, {len(found)} of 32 bits {are(len(found))} set too often or "
        f"too rarely; "
        f"bit {most} in {found[most]} of them"
    )

"""Randomness (SEC-06 to SEC-09): handshake keys and masking keys that can be predicted."""

from __future__ import annotations

import itertools
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from math import sqrt
from struct import pack

from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import CaptureFacts, Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.prediction import generator_of
from wsanalyze.websocket.faults import shown

# The nonce of RFC 6455 §1.3.
SAMPLE = "dGhlIHNhbXBsZSBub25jZQ=="
_WORDS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-")

# Masking keys from which their distribution says something.
ENOUGH = 256
# Of more than these the rest is not looked at: it would cost more than it tells.
SAMPLED = 256
# Standard deviations of a bit's count from a half: by chance one in 10^11 bits is beyond.
DEVIATIONS = 7.0


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
    used: dict[str, list[Facts]] = {}
    for each in facts.connections:
        handshake = each.handshake
        if handshake is None or handshake.is_hixie or not handshake.key:
            continue
        used.setdefault(handshake.key, []).append(each)
    for key, connections in used.items():
        why = weakness(key)
        evidence = f"Sec-WebSocket-Key: {key}"[:200]
        if why is not None:
            first = connections[0]
            message = f"the key {shown(key)} {why}"
            if len(connections) > 1:
                message += f"; {len(connections)} requests use it"
            yield facts.about(first, first.once("client", message, evidence=evidence))
        elif len(connections) > 1:
            again = _used_again(connections)
            if again is not None:
                first, second = again
                message = (
                    f"the key {shown(key)} was used before, in packet "
                    f"{first.connection.request_packet} of {first.connection.capture}"
                )
                yield facts.about(second, second.once("client", message, evidence=evidence))


def weakness(key: str) -> str | None:
    """Say why a key is not random; None where it may be (false in fewer than one in 10^9 cases)."""
    if key == SAMPLE:
        return "is the example of RFC 6455"
    try:
        nonce = b64decode(key, validate=True)
    except (Base64Error, ValueError):
        return None
    if len(nonce) != 16:
        return None
    if len(set(nonce)) <= 3:
        return f"has {len(set(nonce))} different bytes"
    steps = {(two - one) & 255 for one, two in itertools.pairwise(nonce)}
    if len(steps) == 1:
        return "is a sequence of bytes that count"
    if nonce.count(0) >= 10:
        return "is a number, most of its bytes are 0"
    return "is text" if _WORDS.issuperset(nonce) else None


def _used_again(connections: Sequence[Facts]) -> tuple[Facts, Facts] | None:
    """Return two connections of which the later one took over the earlier one's key.

    A proxy passes a key on: its two legs have the same one at the same time, to other endpoints.
    Attempts on one TCP connection (401, then again) are one connection.
    """
    for place, second in enumerate(connections):
        for first in connections[max(0, place - 8) : place]:
            one, two = first.connection, second.connection
            if (one.capture, one.conversation) == (two.capture, two.conversation):
                continue
            same = (one.server_ip, one.server_port) == (two.server_ip, two.server_port)
            requested = two.requested if two.requested is not None else two.started
            if same or requested > one.ended:
                return first, second
    return None


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
)
def weak_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-07."""
    side = facts.side("client")
    keys = side.masking_keys
    if not keys or not facts.has_standard_frames:
        return
    masked = facts.connection.client_frames - facts.connection.client_unmasked_frames
    what = None
    if side.zero_keys and (side.zero_keys > 1 or masked <= 1000):
        what = f"{side.zero_keys} of {masked} masking keys are 00000000"
    elif side.same_keys and (side.same_keys > 1 or masked <= 64):
        what = f"{side.same_keys} of {masked} frames have the masking key of the frame before"
    elif len(keys) >= 3:
        what = _sequence(keys) or _repetition(keys[:SAMPLED])
    if what is not None and side.first is not None:
        evidence = " ".join(f"{key:08x}" for key in keys[:6])
        yield facts.at(side.first, what, evidence=evidence, expected="random keys")


def _sequence(keys: Sequence[int]) -> str | None:
    step = keys[1] - keys[0] & 0xFFFFFFFF
    for one, two in itertools.pairwise(keys):
        if two - one & 0xFFFFFFFF != step:
            return None
    return f"the masking keys count in steps of {step}"


def _repetition(keys: Sequence[int]) -> str | None:
    """Say how often keys come again, where that is no chance: one pair may be."""
    again = len(keys) - len(set(keys))
    if again < 2:
        return None
    return f"{again} of the first {len(keys)} masking keys had been used before"


@check(
    "SEC-08",
    "predictable-masking-keys",
    "Masking keys come from a generator that can be predicted",
    severity="warning",
    tags=("security", "randomness", "masking"),
    references=("RFC 6455 §5.3", "RFC 6455 §10.3"),
    explanation=(
        "The keys are those of a generator that is made for simulations: from a few of them its "
        "state is known, and every further key. The RFC asks for a strong source of entropy, so "
        "that nobody can choose a payload that becomes a request of HTTP on the wire."
    ),
    advice="Use the operating system's random numbers (Java: SecureRandom; C: getrandom).",
)
def predictable_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-08: computed from some keys and confirmed on others."""
    side = facts.side("client")
    keys = side.masking_keys
    if len(keys) < 3 or side.zero_keys > 1 or side.same_keys > 1 or side.first is None:
        return
    if not facts.whole("client") or not facts.has_standard_frames:
        return
    name = generator_of(keys)
    if name is not None:
        evidence = " ".join(f"{key:08x}" for key in keys[:6])
        message = f"the masking keys are those of {name}: each tells the next"
        yield facts.at(side.first, message, evidence=evidence, expected="random keys")


@check(
    "SEC-09",
    "biased-masking-keys",
    "Masking keys are not evenly distributed",
    severity="warning",
    tags=("security", "randomness", "masking"),
    references=("RFC 6455 §5.3",),
    explanation=(
        "Of many random keys each bit is set in half of them. Here a byte never changes, or bits "
        "are set far more or less often; by chance that happens once in more than 10^9 "
        "connections."
    ),
    advice="Look at how the keys are made: 31 or 15 bits of rand(), or text.",
)
def biased_masking_keys(facts: Facts) -> Iterator[Finding]:
    """SEC-09: from ENOUGH keys on, by the first ones."""
    side = facts.side("client")
    keys = side.masking_keys[:SAMPLED]
    if len(keys) < ENOUGH or side.zero_keys > 1 or side.same_keys > 1 or side.first is None:
        return
    bits = biased_bits(keys)
    if bits and generator_of(side.masking_keys) is None:
        most = max(bits, key=lambda bit: abs(bits[bit] - len(keys) / 2))
        message = (
            f"of {len(keys)} masking keys, {len(bits)} of 32 bits are set too often or too rarely; "
            f"bit {most} in {bits[most]} of them"
        )
        evidence = " ".join(f"{key:08x}" for key in keys[:6])
        yield facts.at(side.first, message, evidence=evidence, expected="random keys")


def biased_bits(keys: Sequence[int]) -> dict[int, int]:
    """Return the bits (0 the lowest) that are set too often or rarely, with how often."""
    joined = int.from_bytes(pack(f"<{len(keys)}I", *keys), "little")
    lowest = int.from_bytes(b"\x01\x00\x00\x00" * len(keys), "little")
    room = DEVIATIONS * sqrt(len(keys)) / 2
    found = {}
    for bit in range(32):
        count = (joined >> bit & lowest).bit_count()
        if abs(count - len(keys) / 2) > room:
            found[bit] = count
    return found

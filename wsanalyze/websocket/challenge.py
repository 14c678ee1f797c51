"""The challenge of Hixie-76 and the HyBi drafts 0 to 3, and the steps that lead to its answer.

The client sends two keys as header fields and eight bytes behind its head; the server sends
sixteen bytes behind its own. Source: draft-hixie-thewebsocketprotocol-76 §1.3, §4.1 and §5.2, the
same text as draft-ietf-hybi-thewebsocketprotocol-00.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5

# §4.1: what the client sends behind its head; §5.2 item 13: what the server answers.
BODY_LENGTH = 8
ANSWER_LENGTH = 16

_DIGITS = frozenset("0123456789")
_LARGEST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """What a server makes of Sec-WebSocket-Key1 or -Key2 (§5.2 items 4 to 7).

    `number` are the digits of `key` read as one number (None where there are none), `spaces` how
    many U+0020 it has, `part` the quotient. `part` is None where the server must abort, `mistake`
    then says why.
    """

    key: str
    number: int | None
    spaces: int
    part: int | None
    mistake: str | None


@dataclass(frozen=True, slots=True)
class ChallengeSteps:
    """How the answer to a challenge comes about, for a reader who wants to follow it.

    `challenge` is both parts as four bytes each, in network order, and the eight bytes `body`;
    `answer` its MD5. Both are None where a key is faulty or `body` has not eight bytes.
    """

    first: KeyNumber
    second: KeyNumber
    body: bytes
    challenge: bytes | None
    answer: bytes | None


def key_number(key: str) -> KeyNumber:
    """Return what a key stands for; `key` is the field value as sent. Source: §5.2 items 4 to 7."""
    digits = "".join(character for character in key if character in _DIGITS)
    spaces = key.count(" ")
    # A number of more digits than this is out of range; Python refuses to read very long ones.
    number = int(digits) if digits and len(digits) <= 400 else None
    if not digits:
        mistake = "has no digits"
    elif spaces == 0:
        mistake = "has no spaces, as a client of another protocol would send it"
    elif number is None:
        mistake = "is out of range"
    elif number % spaces:
        mistake = f"is the number {number}, which its {spaces} spaces do not divide"
    elif number // spaces > _LARGEST:
        mistake = "is out of range"
    else:
        return KeyNumber(key, number, spaces, number // spaces, None)
    return KeyNumber(key, number, spaces, None, mistake)


def challenge_steps(key1: str, key2: str, body: bytes) -> ChallengeSteps:
    """Return every step from two keys and the eight bytes behind the head to the answer (§5.2)."""
    first, second = key_number(key1), key_number(key2)
    if first.part is None or second.part is None or len(body) != BODY_LENGTH:
        return ChallengeSteps(first, second, body, None, None)
    challenge = first.part.to_bytes(4, "big") + second.part.to_bytes(4, "big") + body
    return ChallengeSteps(first, second, body, challenge, _md5(challenge))


def challenge_answer(key1: str, key2: str, body: bytes) -> bytes | None:
    """Return the sixteen bytes that answer a challenge; None where a server must abort."""
    return challenge_steps(key1, key2, body).answer


def answer_mistake(steps: ChallengeSteps, answer: bytes) -> str | None:
    """Name the way in which `answer` fails, None where it is right.

    One of `no-body` (MD5 of the two parts alone, as if the eight bytes had not come), `hex` (the
    digest's hex digits, cut), `little-endian` (the parts in the wrong order of bytes), `frame`
    (no answer at all, a text frame stands there), and `other`.
    """
    if steps.answer is None or steps.challenge is None:
        return "other"
    if answer == steps.answer:
        return None
    parts = steps.challenge[:8]
    turned = parts[3::-1] + parts[:3:-1] + steps.body
    if answer == _md5(parts):
        return "no-body"
    if answer == steps.answer.hex().encode("ascii")[: len(answer)]:
        return "hex"
    if answer == _md5(turned):
        return "little-endian"
    if answer[:1] == b"\x00":
        return "frame"
    return "other"


def _md5(data: bytes) -> bytes:
    # MD5 is what the protocol asks for; nothing secret depends on it.
    return md5(data, usedforsecurity=False).digest()

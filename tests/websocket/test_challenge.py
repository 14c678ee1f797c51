"""The challenge of Hixie-76, against the drafts' own examples."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.challenge import (
    answer_mistake,
    challenge_answer,
    challenge_steps,
    key_number,
)

# draft-hixie-thewebsocketprotocol-76 §1.2 and §1.3
KEY1, KEY2, BODY = "4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", b"^n:ds[4U"
ANSWER = b"8jKS'y:G*Co,Wxa-"


def test_the_example_of_the_draft() -> None:
    assert challenge_answer(KEY1, KEY2, BODY) == ANSWER


def test_its_steps() -> None:
    steps = challenge_steps(KEY1, KEY2, BODY)
    assert (steps.first.number, steps.first.spaces, steps.first.part) == (4146546015, 5, 829309203)
    assert (steps.second.number, steps.second.spaces, steps.second.part) == (
        1299853100,
        5,
        259970620,
    )
    assert steps.challenge == bytes.fromhex("316e4113 0f7ed63c") + BODY
    assert steps.answer == ANSWER


def test_the_example_with_bytes_that_are_no_text() -> None:
    # draft-hixie-thewebsocketprotocol-76 §1.3, its second example
    answer = challenge_answer(
        "18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nf  334J702) 7]o}` 0", b"Tm[K T2u"
    )
    assert answer == b"fQJ,fN/4F4!~K~MH"


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        ("", "has no digits"),
        ("abc def", "has no digits"),
        ("123", "has no spaces, as a client of another protocol would send it"),
        ("1 0 1", "is the number 101, which its 2 spaces do not divide"),
        ("4294967296 ", "is out of range"),
        ("9" * 401 + " ", "is out of range"),
        ("9" * 60_000 + " ", "is out of range"),
    ],
)
def test_keys_that_stand_for_nothing(key: str, mistake: str) -> None:
    number = key_number(key)
    assert (number.part, number.mistake) == (None, mistake)
    assert challenge_answer(key, KEY2, BODY) is None
    assert challenge_answer(KEY1, key, BODY) is None


def test_the_largest_number() -> None:
    assert key_number("4294967295 ").part == 0xFFFFFFFF
    assert key_number("0 ").part == 0


@pytest.mark.parametrize("body", [b"", BODY[:7], BODY + b"x"])
def test_not_eight_bytes(body: bytes) -> None:
    assert challenge_answer(KEY1, KEY2, body) is None


def test_mistakes_have_names() -> None:
    steps = challenge_steps(KEY1, KEY2, BODY)
    assert steps.challenge is not None
    turned = bytes.fromhex("13416e31 3cd67e0f") + BODY
    named = {
        "no-body": hashlib.md5(steps.challenge[:8], usedforsecurity=False).digest(),
        "hex": ANSWER.hex().encode()[:16],
        "little-endian": hashlib.md5(turned, usedforsecurity=False).digest(),
        "frame": b"\x00hello\xff\x00again\xff\x00",
        "other": bytes(range(1, 17)),
    }
    assert {answer_mistake(steps, answer): answer for answer in named.values()} == named
    assert answer_mistake(steps, ANSWER) is None
    assert answer_mistake(challenge_steps("1", KEY2, BODY), ANSWER) == "other"


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=12))
def test_no_text_raises(key1: str, key2: str, body: bytes) -> None:
    steps = challenge_steps(key1, key2, body)
    assert (steps.answer is None) == (steps.challenge is None)
    answer_mistake(steps, body)

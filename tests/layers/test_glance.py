"""The quick look is never blind to what the closer one finds."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.checks.contents import inspect
from wsanalyze.layers.glance import glance

SECRETS = (
    b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl",
    b"-----BEGIN EC PRIVATE KEY-----",
    b"AKIAIOSFODNN7EXAMPLE",
    b"ASIAIOSFODNN7EXAMPLE",
    b"4111111111111111",
    b"4111 1111 1111 1111",
    b"5500-0000-0000-0004",
    b"378282246310005",
    b"6011000990139424",
    b'"password": "secret1"',
    b"PASSWORD=secret1",
    b"Passwd: secret1",
)


def seen(payload: bytes) -> bool:
    return bool(glance(Buffer(b"xx" + payload + b"yy"), 2, 2 + len(payload)))


@given(st.sampled_from(SECRETS), st.binary(max_size=40), st.binary(max_size=40))
def test_a_secret_wherever_it_stands(secret: bytes, before: bytes, after: bytes) -> None:
    payload = before + secret + after
    if any(kind == "secret" for kind, _, _ in inspect(payload, 1, True)):
        assert seen(payload)


@given(st.text(alphabet="0123456789 -x.", min_size=13, max_size=60))
def test_whatever_is_a_card_number_is_seen(text: str) -> None:
    payload = text.encode()
    if any(kind == "secret" for kind, _, _ in inspect(payload, 1, True)):
        assert seen(payload)


def test_ordinary_text_is_passed_over() -> None:
    for payload in (
        b'{"type":"message","time":1700000000123,"text":"the answer is 42, or two"}',
        b"an eye for an eye, and -- dashes -- BE that as it may",
        b"abc",
        b"",
    ):
        assert not seen(payload), payload


def test_a_check_digit_is_looked_at_where_kernels_are_compiled() -> None:
    compiled = not str(sys.modules[glance.__module__].__file__).endswith(".py")
    assert seen(b"4111 1111 1111 1112") != compiled


def test_a_place_outside_the_buffer_is_nothing() -> None:
    assert not glance(Buffer(b"eyJhbGciOi"), -1, 8)
    assert not glance(Buffer(b"eyJhbGciOi"), 0, 11)

"""The quick look is never blind to what the closer one finds, compiled or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.checks.contents import inspect, is_luhn
from wsanalyze.layers import glance as kernel

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
    b"passphrase=secret1",
)

Seen = Callable[[bytes], bool]


def of(glance: Callable[[Buffer, int, int], object]) -> Seen:
    """Return a look at a payload that stands within a buffer, its neighbours being none of it."""
    return lambda payload: bool(glance(Buffer(b"41" + payload + b"11"), 2, 2 + len(payload)))


def uncompiled() -> Seen:
    """Return what the source file does where nothing is compiled."""
    source = Path(kernel.__file__).parent / "glance.py"
    spec = spec_from_file_location("uncompiled_glance", source)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    # Cython's own stand-in says that it is not compiled, as that of the package does.
    assert not module.cython.compiled
    # A buffer that is compiled shows its view to compiled code alone.
    return lambda payload: bool(
        module.glance(SimpleNamespace(view=b"41" + payload + b"11"), 2, 2 + len(payload))
    )


BUILDS = {"as installed": of(kernel.glance), "uncompiled": uncompiled()}
both = pytest.mark.parametrize("seen", BUILDS.values(), ids=BUILDS)


def holds_secret(payload: bytes) -> bool:
    return any(kind == "secret" for kind, _, _ in inspect(payload, 1, True))


def with_check_digit(digits: str) -> str:
    """Return digits and the one that ISO/IEC 7812-1 puts behind them."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


@st.composite
def cards(draw: st.DrawFn) -> bytes:
    """A number with a right check digit, in groups of all kinds, among other numbers."""
    digits = draw(st.text("0123456789", min_size=10, max_size=19))
    number = with_check_digit(draw(st.sampled_from("3456")) + digits)
    between = st.sampled_from(["", "", " ", "-", "x"])
    same = draw(between)
    spelt = ""
    for place, digit in enumerate(number):
        if place and place % 4 == 0:
            spelt += same if draw(st.integers(0, 9)) else draw(between)
        spelt += digit
    beside = st.text("0123456789 -/.:,x", max_size=6)
    return (draw(beside) + spelt + draw(beside)).encode()


@both
@given(secret=st.sampled_from(SECRETS), before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_a_secret_wherever_it_stands(
    seen: Seen, secret: bytes, before: bytes, after: bytes
) -> None:
    payload = before + secret + after
    assert seen(payload) or not holds_secret(payload)


@both
@given(text=st.text(alphabet="0123456789 -x.", min_size=13, max_size=60))
def test_whatever_is_a_card_number_is_seen(seen: Seen, text: str) -> None:
    payload = text.encode()
    assert seen(payload) or not holds_secret(payload)


@both
@given(payload=cards())
def test_a_card_number_among_numbers(seen: Seen, payload: bytes) -> None:
    assert seen(payload) or not holds_secret(payload)


@given(payload=cards())
@example(payload=b"3000 3243 3000 0000 0000 7")
def test_compiled_it_sees_no_number_without_the_check_digit(payload: bytes) -> None:
    """Whose network a number is of, and that its digits are not all the same, is not its matter."""
    if not str(kernel.__file__).endswith(".py") and BUILDS["as installed"](payload):
        begins = [at for at in range(len(payload)) if not payload[max(at - 1, 0) : at].isalnum()]
        assert any(begins_with_number(payload[at:]) for at in begins)


NUMBER = re.compile(rb"[3-6][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}(?![0-9A-Za-z])")


def begins_with_number(payload: bytes) -> bool:
    number = NUMBER.match(payload)
    return number is not None and is_luhn(re.sub(rb"[^0-9]", b"", number[0]))


@both
@pytest.mark.parametrize(
    "payload",
    [
        b"4111111111111111 12/27",
        b"4111 1111 1111 1111 123",
        b"order 12 4111 1111 1111 1111",
        b"2024-11-28 4111111111111111",
        b"4222222222222",
        b"4222 2222 2222 2",
    ],
)
def test_numbers_beside_a_card_number(seen: Seen, payload: bytes) -> None:
    """Its month and year, its code, an order's number."""
    assert seen(payload)


@both
@pytest.mark.parametrize(
    "payload",
    [
        b'{"type":"message","time":1700000000123,"text":"the answer is 42, or two"}',
        b"an eye for an eye, and -- dashes -- BE that as it may",
        b"abc",
        b"",
    ],
)
def test_ordinary_text_is_passed_over(seen: Seen, payload: bytes) -> None:
    assert not seen(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"4111 1111 1111 1112",
        b"4111 1111-1111 1111",
        b"0.4111111111111111",
        b"x4111111111111111",
        b"41111111111111111111",
        b"4111111111111111x",
    ],
)
def test_numbers_that_are_no_cards(payload: bytes) -> None:
    """Compiled, it looks at the check digit and at what stands beside."""
    assert not holds_secret(payload)
    if not str(kernel.__file__).endswith(".py"):
        assert not BUILDS["as installed"](payload)


def test_a_place_outside_the_buffer_is_nothing() -> None:
    assert not kernel.glance(Buffer(b"eyJhbGciOi"), -1, 8)
    assert not kernel.glance(Buffer(b"eyJhbGciOi"), 0, 11)


@given(payload=st.binary(max_size=200) | cards())
def test_what_is_kept_of_a_message_is_looked_at_alike(payload: bytes) -> None:
    kept = bytearray(payload + b"11")
    assert bool(kernel.glance_at(kept, len(payload))) == BUILDS["as installed"](payload)


TELLING = (
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"GET / HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"\x05\x01\x00",
    b"RFB 003.008\n",
    b'{"a": [1, 2]}',
    b"[1, 2, 3, 4]",
    b"aGVsbG8gd29ybGQ1" * 4,
    bytes(range(256)) * 16,
)


@pytest.mark.parametrize("opcode", [1, 2])
@given(
    payload=st.sampled_from(TELLING)
    | st.binary(max_size=80)
    | st.text("Aa1+/=", min_size=64, max_size=72).map(str.encode)
)
def test_what_tells_nothing_holds_nothing_but_secrets(opcode: int, payload: bytes) -> None:
    assert kernel.is_telling(bytearray(payload), opcode) or not inspect(payload, opcode, False)


@pytest.mark.parametrize(
    ("payload", "opcode"), [(b"hello", 1), (b"{}", 1), (b"", 2), (b"a" * 65, 1)]
)
def test_most_messages_tell_nothing(payload: bytes, opcode: int) -> None:
    assert not kernel.is_telling(bytearray(payload), opcode)

"""Accept values (RFC 6455 §1.3, §4.2.2 item 5.4)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.utils import accept_key
from wsproto.utilities import generate_accept_token

from wsanalyze.websocket.accept import accept_mistake, accept_steps, accept_value

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_example_of_rfc_6455() -> None:
    assert accept_value(KEY) == ACCEPT
    assert accept_value(KEY.encode()) == ACCEPT


def test_steps_of_the_example() -> None:
    steps = accept_steps(KEY)
    assert steps.key == KEY
    assert steps.concatenation == "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    assert steps.digest == "b37a4f2cc0624f1690f64606cf385945b2bec4ea"
    assert steps.accept == ACCEPT


def test_whitespace_around_the_key_is_ignored() -> None:
    assert accept_value(f" \t{KEY}\r\n ") == ACCEPT


@given(st.binary(min_size=16, max_size=16))
def test_wsproto_and_websockets_agree(nonce: bytes) -> None:
    key = b64encode(nonce)
    assert accept_value(key) == generate_accept_token(key).decode()
    assert accept_value(key) == accept_key(key.decode())


@given(st.text() | st.binary())
def test_anything_has_an_accept_value(key: str | bytes) -> None:
    assert accept_steps(key).accept == accept_value(key)
    assert len(accept_value(key)) == 28


@pytest.mark.parametrize(
    ("accept", "mistake"),
    [
        (ACCEPT, None),
        (f" {ACCEPT}\t", None),
        ("", "empty"),
        ("s3pPLMBiTxaQ 9kYGzzhZRbK+xOo=", "whitespace"),
        (ACCEPT.lower(), "case"),
        ("s3pPLMBiTxaQ9kYG", "truncated"),
        (ACCEPT[:-1], "unpadded"),
        ("s3pPLMBiTxaQ9kYGzzhZRbK-xOo=", "url-safe"),
        ("B37A4F2CC0624F1690F64606CF385945B2BEC4EA", "hex"),
        (b64encode(b"b37a4f2cc0624f1690f64606cf385945b2bec4ea").decode(), "hex-base64"),
        (KEY, "key"),
        ("Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", "no-key"),
        ("XG26r/B7mXZNsLTxNxX4ekXPvSg=", "other"),
    ],
)
def test_mistakes_have_names(accept: str, mistake: str | None) -> None:
    assert accept_mistake(KEY, accept) == mistake


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(key: str, accept: str) -> None:
    accept_mistake(key, accept)

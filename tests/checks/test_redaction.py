"""Secrets in evidence: enough to find them again, too little to use them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.checks.redaction import SHOWN, address, cleared, concealed, quoting, redacted, sent


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", "… (0 characters)"),
        # Of what people choose: no digest that a list of passwords could be held against.
        ("hunter2", "… (7 characters)"),
        ("correct horse 1", "cor… (15 characters)"),
        ("tok_live_123456789", "tok_… (18 characters)"),
        # bob:s3cret, and a user and a password that are longer.
        ("Basic Ym9iOnMzY3JldA==", "Basi… (22 characters)"),
        ("YWRtaW5pc3RyYXRvcjpzdW1tZXIyMDI2", "YWRt… (32 characters)"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA… (20 characters, SHA-256 1a5d44a2…)"),
        ("4111 1111 1111 1111", "4111… (19 characters)"),
        ("4" * 30, "4444… (30 characters)"),
    ],
)
def test_what_is_shown(secret: str, shown: str) -> None:
    assert redacted(secret) == shown


@given(st.text(min_size=1))
def test_at_most_a_quarter_is_shown(secret: str) -> None:
    shown, _, rest = redacted(secret).rpartition("… (")
    assert secret.startswith(shown)
    assert len(shown) <= min(SHOWN, len(secret) // 4)
    assert f"{len(secret)} characters" in rest


drawn = st.text("abcdef0123456789", min_size=20, max_size=60).filter(
    lambda text: not text.isdigit() and not text.isalpha()
)


@given(drawn, drawn)
def test_two_secrets_that_were_drawn_can_be_told_apart(one: str, other: str) -> None:
    if one != other:
        assert redacted(one) != redacted(other)


def test_bytes_that_are_no_text() -> None:
    assert redacted("\udcff\udc80" * 6) == "\udcff\udc80\udcff… (12 characters)"
    assert redacted("\udcff" + "a1" * 10).startswith("\udcffa1a… (21 characters, SHA-256 ")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/chat", "/chat"),
        ("/chat?", "/chat?..."),
        ("/chat?a=1&token=x", "/chat?..."),
        ("/chat#access_token=x", "/chat#..."),
        ("https://example.com:8443/a?b", "https://example.com:8443/a?..."),
        ("https://ann:secret@example.com/a", "https://example.com/a"),
        ("//ann@example.com/a", "//example.com/a"),
        ("/chat;jsessionid=x", "/chat;..."),
        ("GET /a;jsessionid=x?y HTTP/1.1", "GET /a;... HTTP/1.1"),
        ("GET ws:ann:x@a/b HTTP/1.1", "GET ws:a/b HTTP/1.1"),
        ("https:\\/ann:x@a", "https:\\/a"),
        ("/room:1/ann@example.com", "/room:1/ann@example.com"),
        ("https://example.com/@ann/a", "https://example.com/@ann/a"),
        ("GET /a?token=x HTTP/1.1", "GET /a?... HTTP/1.1"),
        ("GET http://ann:x@a/b?c HTTP/1.0", "GET http://a/b?... HTTP/1.0"),
        ("", ""),
    ],
)
def test_addresses(text: str, left: str) -> None:
    assert address(text) == left
    assert address(text, show=True) == text


@pytest.mark.parametrize(
    ("text", "secrets", "left"),
    [
        ("GET /a?key=0123456789 HTTP/1.1", ["?key=0123456789"], "GET /a?ke… "),
        ("the path is '/a?key=0123456...'", ["?key=0123456789"], "the path is '/a?ke… "),
        ("Host: me:hunter2@a.example", ["me:hunter2@"], "Host: me:h… "),
        ('begins \'{"t":"eyJhbGciOiJIUzI1NiJ9.eyJNQVJL...\'', [], 'begins \'{"t":"eyJh… '),
    ],
)
def test_secrets_within_words(text: str, secrets: list[str], left: str) -> None:
    """A text that is cut may hold the beginning of a secret only."""
    assert concealed(text, secrets).startswith(left + "(")


def test_a_text_with_thousands_of_one_handshakes_secrets() -> None:
    secrets = [f"{number:05d}-is-a-secret" for number in range(20_000)]
    assert concealed(" ".join(secrets[:2000]), secrets) == " ".join(map(redacted, secrets[:2000]))


def test_a_secret_with_a_blank_is_left_out_whole() -> None:
    assert concealed("Host 'me:pass word@a'", ["me:pass word@"]) == "Host 'me:… (14 characters)'"


FOLDED = "x, Cookie: sid=s3cret"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            f"the Origin '{FOLDED}' was accepted",
            "the Origin 'x, Cookie: … (10 characters)' was acc",
        ),
        (f'of "{FOLDED}"', 'of "x, Cookie: … (10 characters)"'),
        ("the client's secret: a password field", "the client's secret: a password field"),
        ("a cookie: it is the client's", "a cookie: it is the client's"),
    ],
)
def test_fields_that_are_folded_into_what_a_message_quotes(text: str, left: str) -> None:
    assert quoting(text).startswith(left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Via: {FOLDED}", "Via: x, Cookie: … (10 characters)"),
        ("Set-Cookie: sid=s3cr… (24 characters)", "Set-Cookie: sid=s3cr… (24 characters)"),
        ("Proxy-Authorization: Basic", "Proxy-Authorization: Basic"),
        ("81 0c", "81 0c"),
    ],
)
def test_fields_that_are_folded_into_what_was_found(text: str, left: str) -> None:
    assert sent(text) == left


@pytest.mark.parametrize(
    "text", ["/x?token=a1b2c3d4e5f6a1b2c3d4e5f6", "https://a:s3cret@h", FOLDED]
)
def test_what_was_left_out_once_stays_as_it_is(text: str) -> None:
    assert cleared(cleared(text)) == cleared(text)


@pytest.mark.parametrize("text", ["GET /chat HTTP/1.1", "eye of the x=1", ""])
def test_words_without_secrets_stay_as_they_are(text: str) -> None:
    assert concealed(text, ["?x=1", "a@"]) == text


def test_a_text_with_thousands_of_secrets_is_read_once() -> None:
    """Each stands where it stood; a stranger's field of 64 kB may have so many."""
    assert cleared(" a:secret@b" * 20_000) == " … (8 characters)@b" * 20_000

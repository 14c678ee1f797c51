"""Which fields carry credentials, and which values cannot be any."""

from __future__ import annotations

import pytest

from wsanalyze.websocket.credentials import (
    folded_at,
    is_credential,
    is_harmless,
    logins,
    name_alone,
)


@pytest.mark.parametrize(
    "name",
    [
        *("Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "X-Proxy-Authorization"),
        *("X-Api-Key", "apikey", "X-CSRF-Token", "X-XSRF-TOKEN", "X-Auth", "X-Auth-Token"),
        *("X-Amz-Security-Token", "X-Client-Secret", "X-Session-Id", "Ocp-Apim-Subscription-Key"),
        *("Proxy-Authorization\0", "author isation", "X-Password", "X_Access_Key"),
    ],
)
def test_fields_that_carry_credentials(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Key1", "Sec-WebSocket-Accept"),
        *("WWW-Authenticate", "Proxy-Authenticate", "Access-Control-Allow-Credentials", "Origin"),
        *("Author", "X-Author", "Cache-Control", "Idempotency-Key", ":authority", "Via", ""),
    ],
)
def test_fields_that_carry_none(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("13 Proxy-Authorization: Basic x", "13 Proxy-Authorization: "),
        ("13\tX-Api-Key:x", "13\tX-Api-Key:"),
        (r"the version is '13\r\nCookie: a=b'", r"the version is '13\r\nCookie: "),
        ("y\0authorization\0: Bearer x", "y\0authorization\0: "),
        ("Set-Cookie: a", "Set-Cookie: "),
        (r"'13 Cookie\t: a=b'", r"'13 Cookie\t: "),
        ("13 Cookie\xc3\xa9\x01: a=b", "13 Cookie\xc3\xa9\x01: "),
        (r"'13 X-Auth\xc3\xa9\x00: a'", r"'13 X-Auth\xc3\xa9\x00: "),
    ],
)
def test_a_field_within_a_text(text: str, left: str) -> None:
    place = folded_at(text)
    assert place is not None
    assert text[:place] == left


@pytest.mark.parametrize(
    "text", ["13", "", "a cookie is there", "Cookie:", "Host: a", "Sec-WebSocket-Key: abc"]
)
def test_a_text_without_one(text: str) -> None:
    assert folded_at(text) is None


@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("Cookie", "Cookie"),
        ("Cookie=s3cret", "Cookie=…"),
        ("Authorization: s3cret", "Authorization: …"),
        ("x-api-key ", "x-api-key "),
        ("Proxy-Authorization\0", "Proxy-Authorization\0"),
        ("a b", "a b"),
    ],
)
def test_a_name_with_a_value_in_it(name: str, alone: str) -> None:
    assert name_alone(name) == alone


def test_a_name_behind_which_nothing_but_blanks_follow_is_looked_at_once() -> None:
    name = "Cookie" + "\0" * 60_000
    assert name_alone(name) == name


@pytest.mark.parametrize(
    "value",
    ["gzip", "gzip, deflate;q=0.5", "keep-alive", "timeout=5, max=10", "h2c", "", "2x0"],
)
def test_values_that_documents_define(value: str) -> None:
    assert is_harmless(value)


@pytest.mark.parametrize(
    "value", ["s3cret", "gzip s3cret", "1234567", "123456123456", "gzipgzip", "a, b", "gzip," * 30]
)
def test_values_that_may_be_anything(value: str) -> None:
    assert not is_harmless(value)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("see https://anna:s3cret@h/x", "anna:s3cret"),
        ("'https://s3cret@h/x'", "s3cret"),
        ("anna:s3@cret@h", "anna:s3@cret"),
        ("'anna:s3'cret@h' is asked for", "anna:s3'cret"),
        ("/x?next=https%3A%2F%2Fanna%3As3cret%40h%2F", "anna%3As3cret"),
    ],
)
def test_who_logs_in_to_an_address(text: str, login: str) -> None:
    assert [text[start:end] for start, end in logins(text)] == [login]


@pytest.mark.parametrize(
    "text", ["anna@h", "https://h:80/x, anna@h", "wss://h:443 anna@h", "'http://h' 'anna@h'", ""]
)
def test_addresses_that_nobody_logs_in_to(text: str) -> None:
    assert logins(text) == []

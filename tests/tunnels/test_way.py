"""The column `tunnel`: how the way through proxies is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tunnels.way import (
    JOINER,
    LONGEST,
    address_and_port,
    asked_in,
    authority_written,
    depth,
    destination,
    endpoint,
    host_and_port,
    joined,
    sources,
    steps,
    written,
)


def test_the_outer_tunnel_is_named_first() -> None:
    way = joined(joined(None, "SOCKS5 proxy.example:3128"), "CONNECT chat.example:80")
    assert way == "SOCKS5 proxy.example:3128, CONNECT chat.example:80"
    assert depth(way) == 2
    assert steps(way) == [("SOCKS5", "proxy.example:3128"), ("CONNECT", "chat.example:80")]


def test_none() -> None:
    assert depth(None) == 0
    assert steps(None) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"chat.example:80", "chat.example:80"),
        (b"[2001:db8::1]:443", "[2001:db8::1]:443"),
        (b"a_b-c~d", "a_b-c~d"),
        (b"a, CONNECT b:80", "a%2C%20CONNECT%20b:80"),
        (b"\x1b[31m", "%1B[31m"),
        ("bücher.example".encode(), "b%C3%BCcher.example"),
        (b"100%", "100%25"),
        (b"user:secret@proxy.example:80", "proxy.example:80"),
        (b"", ""),
    ],
)
def test_a_name_is_written_so_that_nothing_in_it_can_be_mistaken(name: bytes, text: str) -> None:
    assert written(name) == text


def test_a_name_is_bounded() -> None:
    assert written(b"a" * LONGEST) == "a" * LONGEST
    assert written(b"a" * 70_000) == "a" * LONGEST + "…"


@given(st.lists(st.binary(), min_size=1, max_size=5))
def test_whatever_names_there_are_the_steps_can_be_told_apart(names: list[bytes]) -> None:
    way = None
    for name in names:
        way = joined(way, f"SOCKS5 {written(name)}:80")
    assert depth(way) == len(names)
    assert [where for _, where in steps(way)] == [f"{written(name)}:80" for name in names]
    assert way is not None
    assert way.count(JOINER) == len(names) - 1


@pytest.mark.parametrize(
    ("tunnel", "asked", "told"),
    [
        (None, None, ()),
        ("PROXY 192.0.2.1:5000", None, ("192.0.2.1",)),
        ("PROXY LOCAL", None, ("",)),
        ("CONNECT a.example:80", "a.example:80", ()),
        ("SOCKS5 a.example:1080, CONNECT b.example:80", "b.example:80", ()),
        ("CONNECT a.example:80, PROXY [2001:db8::1]:5", "a.example:80", ("[2001:db8::1]",)),
    ],
)
def test_where_it_leads_and_for_whom(
    tunnel: str | None, asked: str | None, told: tuple[str, ...]
) -> None:
    assert destination(tunnel) == asked
    assert sources(tunnel) == told


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("a.example:80", ("a.example", 80)),
        ("[::1]:443", ("[::1]", 443)),
        ("a.example", ("", None)),
        ("a.example:", ("a.example", None)),
        ("a.example:999999", ("a.example", None)),
        ("a.example:-1", ("a.example", None)),
    ],
)
def test_host_and_port(where: str, parts: tuple[str, int | None]) -> None:
    assert host_and_port(where) == parts


def test_addresses() -> None:
    assert endpoint(bytes((192, 0, 2, 1)), 80) == "192.0.2.1:80"
    assert endpoint(bytes(15) + b"\x01", 443) == "[::1]:443"


def test_addresses_with_ports() -> None:
    assert address_and_port("192.0.2.1", 80) == "192.0.2.1:80"
    assert address_and_port("2001:db8::1", 80) == "[2001:db8::1]:80"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"anna:s3cret@chat.example:80", "chat.example:80"),
        (b"anna:s3 cret@chat.example:80", "chat.example:80"),
        (b"chat.example:80/?token=s3cret", "chat.example:80%2F…"),
        (b"chat.example:80;s3cret", "chat.example:80%3B…"),
    ],
)
def test_who_logs_in_and_with_what_is_written_nowhere(name: bytes, text: str) -> None:
    assert authority_written(name) == text


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("CONNECT a:80 HTTP/1.1", "a:80"),
        ("CONNECT anna:s3 cret@a:80 HTTP/1.1", "anna:s3 cret@a:80"),
        ("CONNECT a:80", "a:80"),
        ("CONNECT a:80 X", "a:80 X"),
        ("CONNECT", ""),
    ],
)
def test_what_a_connect_asks_for(line: str, target: str) -> None:
    assert asked_in(line) == target

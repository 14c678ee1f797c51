"""Zeek's websocket.log: exact bytes and Zeek's escapes."""

from __future__ import annotations

import pytest

from tables.formats.samples import connections, written
from tables.recordings import REQUEST, RESPONSE, connection, handshake, recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.formats.zeek import FIELDS

HEAD = (
    "#separator \\x09\n"
    "#set_separator\t,\n"
    "#empty_field\t(empty)\n"
    "#unset_field\t-\n"
    "#path\twebsocket\n"
    "#open\t2026-01-02-03-04-05\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\thost\turi\tuser_agent\t"
    "subprotocol\tclient_protocols\tserver_extensions\tclient_extensions\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tstring\t"
    "vector[string]\tvector[string]\tvector[string]\n"
)


def line(request: bytes = REQUEST, response: bytes = RESPONSE) -> dict[str, str]:
    """Return the fields of the log's one line."""
    rows = connections(handshake=handshake(request, response))
    text = written("zeek", "connections", rows).decode()
    (found,) = [line for line in text.split("\n")[:-1] if not line.startswith("#")]
    return dict(zip((name for name, _ in FIELDS), found.split("\t"), strict=True))


def test_exact_log() -> None:
    assert written("zeek", "connections", connections()).decode() == (
        HEAD + "1767323045.003500\tCyuc1BRdORHoXRr7AE\t192.0.2.1\t50000\t198.51.100.2\t8080\t"
        "example.com\t/chat?x=1\ttest/1.0\tchat\tchat,superchat\t-\t"
        "permessage-deflate; client_max_window_bits\n"
        "#close\t2026-01-02-03-04-07\n"
    )


def test_without_rows() -> None:
    text = written("zeek", "connections", Tables(recording()).connections).decode()
    assert text.count("\n") == 9
    assert "#open\t-\n" in text


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (b"/a%20b", "/a b"),
        (b"/%00%1b[2J", "/\\x00\\x1b[2J"),
        (b"/a\\b", "/a\\\\b"),
        (b"/%09x", "/\\x09x"),
        ("/é".encode(), "/é"),
        (b"/\xff", "/\\xff"),
        (b"-", "\\x2d"),
        (b"(empty)", "\\x28empty)"),
        (b"/%zz", "/%zz"),
        (b"/%c2%85", "/\\xc2\\x85"),
    ],
)
def test_escapes(path: bytes, uri: str) -> None:
    assert line(REQUEST.replace(b"/chat?x=1", path))["uri"] == uri


def test_commas_within_an_element_are_escaped() -> None:
    offer = REQUEST.replace(b"client_max_window_bits", b'x="1,2"')
    assert line(offer)["client_extensions"] == 'permessage-deflate; x="1\\x2c2"'


def test_an_empty_field_is_not_an_unset_one() -> None:
    assert line(REQUEST.replace(b"test/1.0", b""))["user_agent"] == "(empty)"
    assert line(REQUEST.replace(b"User-Agent: test/1.0\r\n", b""))["user_agent"] == "-"


@pytest.mark.parametrize(
    ("outcome", "response", "logged"),
    [
        ("established", RESPONSE, True),
        ("invalid", RESPONSE, True),
        ("invalid", b"HTTP/1.1 200 OK\r\n\r\n", False),
        ("refused", b"HTTP/1.1 403 Forbidden\r\n\r\n", False),
        ("unanswered", None, False),
    ],
)
def test_only_upgraded_connections(outcome: str, response: bytes | None, logged: bool) -> None:
    rows = connections(handshake=handshake(response=response), outcome=outcome)
    lines = written("zeek", "connections", rows).decode().splitlines()
    assert len(lines) == 9 + logged


def test_uid_is_of_the_tcp_connection() -> None:
    rows = Tables(
        recording([connection(0), connection(1, client_port=50000), connection(2)])
    ).connections
    lines = written("zeek", "connections", rows).decode().splitlines()[8:-1]
    uids = [line.split("\t")[1] for line in lines]
    assert uids[0] == uids[1] != uids[2]
    assert all(len(uid) == 18 and uid.isalnum() and uid[0] == "C" for uid in uids)

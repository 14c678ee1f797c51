"""The table for people: exact at 80 columns, safe at any."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tables.recordings import REQUEST, connection, handshake, recording

from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.views.escape import cells
from wsanalyze.views.summary import FIRST, MANY, print_summary


def printed(
    connections: list[Connection], width: int = 80, color: bool = False, **options: object
) -> str:
    """Return what is printed about connections."""
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=color, markup=False, highlight=False)
    print_summary(recording(connections), console, **options)  # type: ignore[arg-type]
    return sink.getvalue()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_exact_at_80_columns() -> None:
    seen = connection(
        client_frames=12, client_bytes=1234, ended_by="client-close", client_close_code=1000
    )
    assert lines(printed([seen]))[4:] == [
        "#  client → server          resource                      frames            time",
        "0  192.0.2.1:50000          ws://example.com:8080/chat?x  ↑ 12, 1.2 kB    2.00 s",
        "   → 198.51.100.2:8080      =1                            ↓ 0, 0 B",
        "                            subprotocol chat",
        "                            established 101,",
        "                            client-close 1000",
    ]


def test_the_url_of_a_request_to_a_proxy_is_its_target() -> None:
    absolute = handshake(REQUEST.replace(b"/chat?x=1", b"http://example.com:8080/chat?x=1"))
    text = printed([connection(handshake=absolute)], width=200)
    assert " http://example.com:8080/chat?x=1 " in text
    assert "ws://" not in text


def test_one_line_at_200_columns() -> None:
    text = printed([connection(handshake=None, outcome="unseen")], width=200)
    row = " ".join(lines(text)[5].split())
    assert row == (
        "0 192.0.2.1:50000 → 198.51.100.2:8080 ws, handshake not seen from the middle, capture-end "
        "↑ 0, 0 B ↓ 0, 0 B 2.00 s"
    )


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    odd = handshake(REQUEST.replace(b"chat?x=1", b"\xe6" * 500))
    long = connection(1, client_ip="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", handshake=odd)
    text = printed([connection(), long], width)
    assert max(sum(map(cells, line)) for line in text.splitlines()) <= width


@pytest.mark.parametrize("color", [False, True])
def test_nothing_from_the_wire_reaches_the_terminal_raw(color: bool) -> None:
    evil = b"\x1b]0;owned\x07\x9b2J[bold]x[/bold]"
    request = REQUEST.replace(b"chat?x=1", evil).replace(b"example.com:8080", b"\x0dh")
    response = b"HTTP/1.1 101 \x1bc\r\nSec-WebSocket-Protocol: \x1b[5m\r\n\r\n"
    odd = connection(handshake=handshake(request, response), tunnel="CONNECT \u202e:1")
    text = printed([odd], 200, color)
    assert "\x1b]" not in text
    assert "\x9b" not in text
    assert "\\x1b]0;owned\\x07\\x9b2J[bold]x[/bold]" in text
    assert "\\u202e" in text
    if not color:
        assert "\x1b" not in text


def test_beyond_the_first_the_rest_is_counted() -> None:
    many = [connection(serial) for serial in range(FIRST + 7)]
    assert "… and 7 more: --all shows them" in printed(many)
    assert "more:" not in printed(many, show_all=True)
    assert "more:" not in printed(many[:FIRST])


def test_chosen_connections_keep_their_numbers() -> None:
    text = printed([connection(serial) for serial in range(3)], chosen={2})
    assert "192.0.2.1:50002" in text
    assert "192.0.2.1:50000" not in text
    assert lines(text)[5].startswith("2  ")


def test_none_at_all() -> None:
    assert lines(printed([]))[-1] == "No WebSocket connections."
    assert lines(printed([connection()], chosen=set()))[-1] == "No WebSocket connections match."


@pytest.mark.parametrize(
    ("ended_by", "code", "text"),
    [
        ("client-close", 1001, "client-close 1001"),
        ("client-close", None, "client-close without code"),
        ("server-rst", None, "server-rst"),
        (None, 3000, "first Close not known"),
    ],
)
def test_endings(ended_by: str | None, code: int | None, text: str) -> None:
    seen = connection(ended_by=ended_by, client_close_code=code, server_close_code=4000)
    assert f"established 101, {text}" in printed([seen], 200)


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_close_whose_code_is_missing_is_none_without_one(side: str) -> None:
    missing = {f"{side}_close_code_missing": True}
    seen = connection(ended_by=f"{side}-close", **missing)
    assert f"established 101, {side}-close, its code missing" in printed([seen], 200)
    assert "first Close not known" in printed([connection(ended_by=None, **missing)], 200)


def test_an_end_without_a_close() -> None:
    seen = connection(ended_by=None, client_close_code=None, server_close_code=None)
    assert "established 101, end not seen" in printed([seen], 200)


@pytest.mark.parametrize(
    ("outcome", "ended_by", "text"),
    [
        ("established", "server-rst", "established 101, server-rst PROTOCOL_ERROR"),
        ("established", "client-close", "established 101, client-close 1000"),
        ("unanswered", "server-rst", "unanswered, server-rst PROTOCOL_ERROR"),
        ("unanswered", "client-fin", "unanswered, PROTOCOL_ERROR"),
    ],
)
def test_the_error_code_of_a_stream(outcome: str, ended_by: str, text: str) -> None:
    shake = handshake() if outcome == "established" else handshake(response=None)
    seen = connection(handshake=shake, ended_by=ended_by, client_close_code=1000)
    seen.outcome, seen.stream_error = outcome, "PROTOCOL_ERROR"
    assert text in printed([seen], 200)


def test_an_answer_that_is_sealed_may_be_there() -> None:
    seen = connection(handshake=handshake(response=None), ended_by="client-fin")
    seen.outcome, seen.response_packet = "unanswered", None
    ends = (seen.client_ip, seen.client_port, seen.server_ip, seen.server_port)
    seen.tls = TlsConnection(0, 0, *ends, 0, server_sealed=438, hello_at=(0, 6))
    assert "unanswered, as far as could be read" in printed([seen], 200)
    # Of a connection whose hellos are not there, the answer may be missing as they are.
    seen.tls.hello_at = None
    assert "as far as" not in printed([seen], 200)


def test_very_many_take_two_lines_each() -> None:
    many = [connection(serial) for serial in range(MANY)]
    text = lines(printed(many, show_all=True))
    assert len(text) == 4 + 2 * (MANY + 1)
    assert text[-2].startswith(f"{MANY - 1}  192.0.2.1:")
    assert text[-1].endswith("established 101, capture-end")

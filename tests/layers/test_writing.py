"""How HTTP is told from a frame by its bytes, and what is kept of it."""

from __future__ import annotations

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.layers.writing import KEPT, LONGEST, Writing, maybe_http

CLIENT, SERVER = 0, 1


@pytest.mark.parametrize("status", [b"HTTP/1.1 200 OK", b"HTTP/1.0 404 X"])
def test_a_response_is_one_from_its_version_on(status: bytes) -> None:
    verdicts = [maybe_http(SERVER, status[:length]) for length in range(1, 9)]
    assert verdicts == [None] * 6 + [True] * 2


@pytest.mark.parametrize(
    "line", [b"GET /", b"POST http://a", b"OPTIONS *", b"CONNECT a:80", b"TRACE /", b"PATCH /"]
)
def test_a_request_is_one_from_its_target_on(line: bytes) -> None:
    decided = line.index(b" ") + 2
    verdicts = [maybe_http(CLIENT, line[:length]) for length in range(1, decided + 1)]
    assert verdicts == [None] * (decided - 1) + [True]


def test_the_preface_of_http_2_is_http() -> None:
    preface = b"PRI * HTTP/2.0\r\n"
    verdicts = [maybe_http(CLIENT, preface[:length]) for length in range(1, LONGEST + 1)]
    assert verdicts == [None] * (LONGEST - 1) + [True]


@pytest.mark.parametrize(
    ("role", "begun"),
    [
        (SERVER, b"HT\x03\xe8"),
        (SERVER, b"HTTP/2"),
        (SERVER, b"HTTPS"),
        (SERVER, b"GET /"),
        (CLIENT, b"HTTP/1.1"),
        (CLIENT, b"GE\x00"),
        (CLIENT, b"GET  "),
        (CLIENT, b"GET \r\n"),
        (CLIENT, b"GETS /"),
        (CLIENT, b"PRI * HTTP/1.1"),
        (CLIENT, b"\x81\x80"),
    ],
)
def test_what_is_no_http(role: int, begun: bytes) -> None:
    assert maybe_http(role, begun) is False


def test_its_beginning_is_kept_and_all_of_it_is_counted() -> None:
    writing = Writing("server", 7, 3)
    for _ in range(3):
        writing.take(Buffer(b"..." + b"x" * 500 + b"..."), 3, 503)
    event = writing.event()
    assert (event.kind, event.sender, event.time, event.packet) == ("http", "server", 7, 3)
    assert (event.payload, event.length, event.frame) == (b"x" * KEPT, 1500, None)

"""What is held counts until somebody else reads on: all connections share a limit."""

from __future__ import annotations

from support.http2 import Connection
from support.sessions import Stage, http
from support.tls import stage_of
from support.tls_crafted import client_hello, record


def test_http2_that_is_found_behind_other_bytes() -> None:
    stage = Connection(opened=False)
    stage.server(bytes(3) + b"\x01\x01\x02\x03\x04\x00P").client(b"\x05\x01\x00")
    assert stage.recorder.held > 0
    stage.server(b"\x00\x00\x05\x01\x04\x00\x00\x00\x01\x3f\xff\xff\xff\xff")
    assert stage.recorder.held == 0


def test_what_is_in_a_tunnel_lets_the_connection_go() -> None:
    """Behind the answer to a CONNECT that is not there: its head counts no more."""
    stage = stage_of(None, opened=False)
    stage.server(http("HTTP/1.1 200 Connection established")).client(record(22, client_hello()))
    for _ in range(8):
        stage.client(b"no record of TLS")
    assert (stage.gone, stage.recorder.held) == (True, 0)


def test_an_ordinary_upgrade_holds_nothing() -> None:
    stage = Stage().client(http("GET / HTTP/1.1", "Host: a", "Upgrade: websocket"))
    stage.server(http("HTTP/1.1 200 OK", "Content-Length: 0")).finish()
    assert stage.recorder.held == 0

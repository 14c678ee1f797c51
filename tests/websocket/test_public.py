"""What `from wsanalyze.websocket import …` offers, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from wsanalyze import websocket

# Nothing that reads or writes, and nothing that takes long to load.
ABSENT = {
    "asyncio",
    "click",
    "logging",
    "numpy",
    "pandas",
    "pyarrow",
    "rich",
    "scapy",
    "socket",
    "wsanalyze.analysis",
    "wsanalyze.capture",
    "wsanalyze.layers",
    "wsanalyze.limits",
    "wsanalyze.pipeline",
    "wsanalyze.tables",
    "wsanalyze.transport",
}


def test_it_loads_nothing_but_the_protocol() -> None:
    program = "import sys, wsanalyze.websocket; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not ABSENT & set(done.stdout.split())


@pytest.mark.parametrize("name", websocket.__all__)
def test_public_names_are_there_and_say_what_they_are(name: str) -> None:
    assert getattr(websocket, name).__doc__


def test_names_are_sorted_once_each() -> None:
    assert websocket.__all__ == sorted(set(websocket.__all__))


def test_the_docstring_names_what_exists() -> None:
    named = re.findall(r"`(\w+)`", websocket.__doc__ or "")
    properties = {"outcome", "faults"}
    assert set(named) <= set(websocket.__all__) | properties
    assert {"accept_value", "read_head", "Handshake", "scan_frames", "assemble"} <= set(named)


def test_from_handshake_to_messages() -> None:
    request = websocket.read_head(
        b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    stream = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05Hello"
    )
    end = websocket.head_end(stream)
    handshake = websocket.Handshake(request, websocket.read_head(stream[:end]))
    assert handshake.outcome == "established"
    (message,) = websocket.assemble(websocket.scan_frames(stream[end:]), handshake.deflate)
    assert (message.type, message.payload) == ("text", b"Hello")

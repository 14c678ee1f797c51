"""A session behind the messages that open a tunnel, and what is to be read of it."""

from __future__ import annotations

from support.dialogues import Script
from support.sessions import BINARY, Stage, brief, frame, http, masked, request, response

WEBSOCKET = 1

CONNECT: Script = [
    ("client", http("CONNECT chat.example:80 HTTP/1.1", "Host: chat.example:80")),
    ("server", http("HTTP/1.1 200 Connection established")),
]
SESSION: Script = [
    ("client", request()),
    ("server", response()),
    ("client", masked(b"hello")),
    ("server", frame(b"world", BINARY)),
]


def said(script: Script, sender: str) -> bytes:
    """Return all that one side says."""
    return b"".join(message for each, message in script if each == sender)


def played(script: Script, stage: Stage | None = None) -> Stage:
    """Send the messages of a script, each in a packet of its own."""
    stage = Stage() if stage is None else stage
    for sender, message in script:
        stage.data(0 if sender == "client" else 1, message)
    return stage


def whole(stage: Stage, way: str | None, *scripts: Script) -> None:
    """Check that the session was read in full behind the scripts."""
    stage.finish()
    row = stage.connection
    assert (row.outcome, row.tunnel, row.scheme) == ("established", way, "ws")
    assert (row.client_ip, row.server_ip) == ("192.0.2.1", "198.51.100.2")
    assert (row.client_port, row.server_port) == (40000, 8080)
    before = [sum(len(said(script, side)) for script in scripts) for side in ("client", "server")]
    assert brief(stage.frames, "sender", "offset", "length") == [
        (0, before[0] + len(request()), 5),
        (1, before[1] + len(response()), 5),
    ]
    assert [row["payload"] for row in stage.messages] == [b"hello", b"world"]
    assert stage.conversation.spoke == WEBSOCKET
    assert stage.recorder.held == 0

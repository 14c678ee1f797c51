"""The first byte of a conversation: who reads on, and when it is let go."""

from __future__ import annotations

import pytest
from support.sessions import Stage, frame, masked, request, response

NOTHING, WEBSOCKET, HTTP, TLS, OTHER = range(5)

# What may begin a tunnel, as far as it goes: SOCKS 4 and 5, `PROXY`, the signature of version 2.
WAITED_FOR = {(4, None), (5, None), (5, 3), (5, 32), (ord("P"), None), (13, None)}
# And what may answer something that the capture has behind it.
ANSWERS = {(0, None), (5, None), (5, 0), (5, 3), (5, 32), (ord("H"), None)}


@pytest.mark.parametrize("second", [None, 0x00, 0x03, 0x20])
@pytest.mark.parametrize("side", [0, 1])
def test_every_first_byte(second: int | None, side: int) -> None:
    for first in range(256):
        data = bytes((first,)) if second is None else bytes((first, second))
        stage = Stage().data(side, data)
        found = (stage.gone, stage.conversation.spoke)
        if (first, second) in (WAITED_FOR if side == 0 else ANSWERS):
            assert found == (False, NOTHING), first
        elif 20 <= first <= 24:
            assert found == (True, TLS if second in (None, 3) else OTHER), first
        elif first in (10, 13):
            # Empty lines come before a head now and then: what follows them decides.
            follows = second in (None, 10, 13)
            assert found == ((False, HTTP) if follows else (True, OTHER)), first
        elif 33 <= first <= 126:
            begins = second in (None, 0x20)
            assert found == ((False, HTTP) if begins else (True, OTHER)), first
        else:
            assert found == (True, OTHER), first


def test_it_steps_aside() -> None:
    """Once somebody else reads, the conversation's layer is that one."""
    stage = Stage()
    probe = stage.layer
    assert stage.conversation.layer is probe
    stage.client(request())
    assert stage.conversation.layer is not probe
    # Whoever still holds the probe reaches the same reader.
    stage.server(response()).client(masked(b"a")).server(frame(b"b")).end(0)
    stage.finish()
    assert (stage.connection.client_frames, stage.connection.server_frames) == (1, 1)
    assert stage.connection.ended_by == "client-fin"


@pytest.mark.parametrize("evicted", [0, 1])
def test_nothing_was_said(evicted: int) -> None:
    stage = Stage().end(0).end(1, 1)
    stage.finish(evicted)
    assert stage.connections == []
    assert stage.conversation.spoke == NOTHING

"""Tunnels on streams of HTTP/2: a CONNECT without :protocol, ws or wss inside (RFC 9113 §8.5)."""

from __future__ import annotations

import pytest
from support.http2 import (
    CANCEL,
    END_HEADERS,
    END_STREAM,
    REQUEST,
    RST_STREAM,
    Connection,
    Fields,
    h2,
)
from support.sessions import frame, masked, request, response
from support.tls import TLS_1_3, Pair, contexts, secrets_of

from wsanalyze.limits import Limits
from wsanalyze.recording import Wants

ASKED: Fields = [(":method", "CONNECT"), (":authority", "chat.example:80")]
OK: Fields = [(":status", "200")]


def tunnelled(stage: Connection, stream: int = 1) -> Connection:
    """Open a tunnel, and a WebSocket in it."""
    stage.headers(0, stream, ASKED).headers(1, stream, OK)
    stage.body(0, stream, request()).body(1, stream, response() + frame(b"with the 101"))
    return stage.body(0, stream, masked(b"question")).body(1, stream, frame(b"answer"))


def said(stage: Connection) -> list[bytes]:
    return [row["payload"] for row in stage.messages]


def test_a_websocket_inside() -> None:
    stage = tunnelled(Connection().begin())
    stage.body(0, 1, b"", END_STREAM).body(1, 1, b"", END_STREAM)
    stage.finish()
    row = stage.connection
    assert (row.tunnel, row.outcome, row.scheme) == (
        "CONNECT chat.example:80",
        "established",
        "ws",
    )
    assert (row.http_version, row.http_stream, row.ended_by) == ("1.1", None, "client-fin")
    assert said(stage) == [b"question", b"with the 101", b"answer"]
    assert stage.recorder.held == 0


def test_beside_websockets_of_the_connection_itself() -> None:
    stage = Connection().begin().open(1)
    tunnelled(stage, 3)
    stage.talk(1, b"beside")
    tunnelled(stage, 5)
    stage.finish()
    assert [each.tunnel for each in stage.connections] == [
        None,
        "CONNECT chat.example:80",
        "CONNECT chat.example:80",
    ]
    assert [each.client_frames for each in stage.connections] == [1, 1, 1]


def test_wss_inside() -> None:
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    pair.send(0, request()).send(1, response()).send(1, frame(b"secret"))
    wants = Wants(payloads="full", tls=True)
    stage = Connection(secrets=secrets_of(pair.keylog), wants=wants).begin()
    stage.headers(0, 1, ASKED).headers(1, 1, OK)
    for side, data in pair.flights:
        for at in range(0, len(data), 500):
            stage.body(side, 1, data[at : at + 500])
    stage.finish()
    row = stage.connection
    assert (row.tunnel, row.scheme, row.sni) == ("CONNECT chat.example:80", "wss", "chat.example")
    assert said(stage) == [b"secret"]


def test_refused() -> None:
    stage = Connection(wants=Wants(observe=True, payloads="full")).begin()
    stage.headers(0, 1, ASKED)
    stage.headers(1, 1, [(":status", "407")], END_HEADERS | END_STREAM)
    stage.headers(0, 3, ASKED).headers(1, 3, OK).body(0, 3, request()).body(1, 3, response())
    stage.finish()
    (refusal,) = stage.recording.refusals
    assert (refusal.way, refusal.code) == ("CONNECT chat.example:80", 407)
    assert stage.connection.tunnel == "CONNECT chat.example:80"


def test_what_is_sent_before_the_answer() -> None:
    stage = Connection().begin().headers(0, 1, ASKED).body(0, 1, request())
    stage.headers(1, 1, [(":status", "100")]).headers(1, 1, OK)
    stage.body(1, 1, response() + frame(b"answered"))
    stage.finish()
    assert said(stage) == [b"answered"]
    assert stage.recorder.held == 0


def test_packets_in_the_wrong_order() -> None:
    """The answer, and what is in the tunnel, before the CONNECT."""
    stage = Connection().begin()
    asked = h2(1, END_HEADERS, 1, stage.block(0, ASKED))
    stage.headers(1, 1, OK).body(1, 1, response() + frame(b"early"))
    stage.data(0, asked).body(0, 1, request()).body(1, 1, frame(b"later"))
    stage.finish()
    assert stage.connection.tunnel == "CONNECT chat.example:80"
    assert said(stage) == [b"early", b"later"]


def test_no_more_than_the_limit_is_held_before_it() -> None:
    stage = Connection(limits=Limits(held=1000)).begin().headers(0, 1, ASKED)
    stage.body(0, 1, bytes(2000)).headers(1, 1, OK)
    stage.body(0, 1, request()).body(1, 1, response())
    stage.finish()
    assert (stage.connections, stage.recorder.held) == ([], 0)


def test_reset() -> None:
    stage = tunnelled(Connection().begin())
    stage.data(1, h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
    stage.body(1, 1, frame(b"too late"))
    stage.finish()
    assert stage.connection.ended_by == "server-rst"
    assert said(stage) == [b"question", b"with the 101", b"answer"]


def test_a_hole_within_data() -> None:
    """How long it is, is known: frames behind it are found."""
    stage = Connection().begin().headers(0, 1, ASKED).headers(1, 1, OK)
    stage.body(0, 1, request()).body(1, 1, response())
    whole = h2(0, 0, 1, frame(bytes(600), 2))
    stage.data(1, whole[:100])
    stage.gap(1, 300)
    stage.data(1, whole[400:])
    for number in range(4):
        stage.body(1, 1, frame(b"behind %d" % number))
    stage.finish()
    assert said(stage)[-4:] == [b"behind %d" % number for number in range(4)]


def test_frames_of_unknown_number_are_lost() -> None:
    """What was of the tunnel's TLS is missing in it, and was changed by nobody."""
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    for side, text in ((0, request()), (1, response())):
        pair.send(side, text)
    before = len(pair.flights)
    for number in range(12):
        pair.send(1, frame(b"number %d" % number))
    wants = Wants(payloads="full", tls=True)
    stage = Connection(secrets=secrets_of(pair.keylog), wants=wants).begin()
    stage.headers(0, 1, ASKED).headers(1, 1, OK)
    for place, (side, data) in enumerate(pair.flights):
        if before + 2 <= place < before + 5:
            stage.gap(side, len(data) + 9)
        else:
            stage.body(side, 1, data)
    stage.finish()
    (tls,) = stage.recording.tls
    assert (tls.forged, tls.reason) == (0, None)
    assert said(stage)[:2] == [b"number 0", b"number 1"]
    assert said(stage)[-1] == b"number 11"


def test_what_was_sent_before_the_answer_may_be_lost() -> None:
    stage = Connection().begin().headers(0, 1, ASKED)
    stage.gap(0, 100).body(0, 1, request()).headers(1, 1, OK)
    stage.body(1, 1, response() + frame(b"answered")).finish()
    assert (stage.connections, stage.recorder.held) == ([], 0)


def test_an_ordinary_request_is_none() -> None:
    stage = Connection().begin().headers(0, 1, REQUEST).headers(1, 1, OK)
    stage.headers(0, 3, [(":method", "CONNECT")]).headers(1, 3, OK)
    stage.finish()
    assert [each.tunnel for each in stage.connections] == [None]


@pytest.mark.parametrize("pieces", [1, 7])
def test_cut_anywhere(pieces: int) -> None:
    stage = tunnelled(Connection(pieces=pieces).begin())
    stage.finish()
    assert said(stage) == [b"question", b"with the 101", b"answer"]

"""TLS 1.3 of which a secret is missing: what no key opens is nobody's fault, and is counted."""

from __future__ import annotations

import ssl

import pytest
from support.sessions import Stage, frame, masked, request, response
from support.tls import TLS_1_2, TLS_1_3, Flight, Pair, contexts, play, secrets_of, stage_of

from wsanalyze.layers.tls_connection import TlsConnection

HANDSHAKE = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
CLIENT, SERVER = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
WEBSOCKET, TLS, NOTHING_WITHIN = 1, 3, 5
FIN = 0
SAID: list[Flight] = [
    (0, request()),
    (1, response() + frame(b"hello")),
    (0, masked(b"question")),
    (1, frame(b"answer")),
    (0, masked(b"\x0f\xa1bye", 8)),
    (1, frame(b"\x0f\xa1bye", 8)),
]


def conversation(said: list[Flight], version: ssl.TLSVersion = TLS_1_3) -> Pair:
    pair = Pair(contexts(version)).shake_hands()
    for side, data in said:
        pair.send(side, data)
    return pair.close(1).close(0)


PAIR = conversation(SAID)
SILENT = conversation([])
OLDER = conversation(SAID, TLS_1_2)
CUT = conversation(SAID[:4])
ASKED = conversation([SAID[0], (1, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")])


def seen(*labels: str, pair: Pair = PAIR, wrong: str = "") -> Stage:
    """Return a stage that has seen it all, with the secrets of these labels."""
    lines = [each for each in pair.keylog.splitlines() if each.split()[0].decode() in labels]
    log = b"\n".join(
        each[:-4] + b"c5c5" if wrong and each.startswith(wrong.encode()) else each for each in lines
    )
    stage = play(stage_of(secrets_of(log)), pair.flights)
    stage.end(1, FIN).end(0, FIN)
    stage.finish()
    return stage


def tls_of(stage: Stage) -> TlsConnection:
    (only,) = stage.recording.tls
    return only


@pytest.mark.parametrize("handshake", [HANDSHAKE, ()], ids=["handshake", "application-only"])
def test_the_client_cannot_be_read(handshake: tuple[str, ...]) -> None:
    stage = seen(*handshake, SERVER)
    tls, connection = tls_of(stage), stage.connection
    assert (tls.decrypted, tls.forged) == (True, 0)
    assert tls.reason == "no secret for what the client sent"
    assert [row["payload"] for row in stage.messages] == [b"hello", b"answer"]
    assert connection.outcome == "unseen"
    # What the client sent may hold a Close that came first.
    assert connection.ended_by is None
    assert (connection.sealed, connection.sealed_head) == (("client",), "request")
    assert connection.client_unread_bytes == tls.client_sealed > 0
    assert connection.server_unread_bytes == 0
    assert stage.conversation.spoke == WEBSOCKET
    summary = stage.recorder.summaries[0]
    assert (summary.tls_decrypted, summary.tls_without_secret) == (1, 1)


@pytest.mark.parametrize("handshake", [HANDSHAKE, ()], ids=["handshake", "application-only"])
def test_the_server_cannot_be_read(handshake: tuple[str, ...]) -> None:
    stage = seen(*handshake, CLIENT)
    tls, connection = tls_of(stage), stage.connection
    assert (tls.decrypted, tls.forged) == (True, 0)
    assert tls.reason == "no secret for what the server sent"
    assert [row["payload"] for row in stage.messages] == [b"question"]
    assert connection.outcome == "unseen"
    assert connection.ended_by is None
    assert (connection.sealed, connection.sealed_head) == (("server",), "answer")
    assert connection.server_unread_bytes == tls.server_sealed > 0
    assert connection.client_unread_bytes == 0


def test_without_a_close_the_end_is_that_of_tcp() -> None:
    assert seen(*HANDSHAKE, SERVER, pair=CUT).connection.ended_by == "server-fin"


def test_where_both_can_be_read_it_is_known_who_was_first() -> None:
    connection = seen(*HANDSHAKE, CLIENT, SERVER).connection
    assert connection.ended_by == "client-close"
    assert (connection.sealed, connection.sealed_head) == ((), None)


def test_an_answer_that_may_be_sealed() -> None:
    connection = seen(*HANDSHAKE, CLIENT, pair=ASKED).connection
    assert (connection.outcome, connection.sealed_head) == ("unanswered", "answer")


def test_one_label_of_the_client_alone() -> None:
    assert tls_of(seen("CLIENT_HANDSHAKE_TRAFFIC_SECRET", SERVER)).reason == (
        "no secret for what the client sent"
    )


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (HANDSHAKE[:1], "the client's handshake secret is known, and no other of either end"),
        (HANDSHAKE[1:], "the server's handshake secret is known, and no other of either end"),
        ((HANDSHAKE[0], CLIENT), "no secret for what the server sent"),
        ((HANDSHAKE[1], CLIENT), "no secret for what the server sent"),
        ((HANDSHAKE[0], SERVER), "no secret for what the client sent"),
        ((HANDSHAKE[1], SERVER), "no secret for what the client sent"),
    ],
)
def test_all_that_is_missing_is_named(labels: tuple[str, ...], reason: str) -> None:
    assert tls_of(seen(*labels)).reason == reason


def test_the_handshake_alone_can_be_read() -> None:
    stage = seen(*HANDSHAKE)
    tls = tls_of(stage)
    assert (tls.decrypted, tls.forged, tls.bad_records) == (False, 0, 0)
    assert tls.reason == (
        "the secrets of its handshake are known, and no traffic secret for what both ends sent"
    )
    assert tls.certificate_subject == "O=Owls\\, Ltd,CN=chat.example"
    assert stage.conversation.spoke == TLS
    summary = stage.recorder.summaries[0]
    assert (summary.tls_decrypted, summary.tls_reasons) == (0, {tls.reason: 1})
    assert summary.tls_without_secret == 0
    assert not stage.recording.connections


def test_a_key_that_is_wrong_is_not_one_that_is_missing() -> None:
    tls = tls_of(seen(*HANDSHAKE, CLIENT, SERVER, wrong=CLIENT))
    assert tls.forged == 0
    assert tls.reason == "no record of the client opens with its secret"


@pytest.mark.parametrize("wrong_last", [False, True])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_wrong_line_hides_no_right_one(version: ssl.TLSVersion, wrong_last: bool) -> None:
    """Whichever log comes last: the tag decides, of each secret by itself."""
    pair = PAIR if version == TLS_1_3 else OLDER
    lines = pair.keylog.splitlines()
    wrong = b"\n".join(each[:-4] + b"c5c5" for each in lines)
    logs = [pair.keylog, wrong] if wrong_last else [wrong, pair.keylog]
    stage = play(stage_of(secrets_of(*logs)), pair.flights)
    stage.end(1, FIN).end(0, FIN)
    stage.finish()
    assert (tls_of(stage).reason, tls_of(stage).forged) == (None, 0)
    assert {row["payload"] for row in stage.messages} == {b"hello", b"question", b"answer"}


def test_what_is_within_hears_of_a_wrong_key_with_the_first_record() -> None:
    stage = seen(*HANDSHAKE, CLIENT, SERVER, wrong=SERVER)
    tls, connection = tls_of(stage), stage.connection
    assert tls.reason == "no record of the server opens with its secret"
    assert (connection.outcome, connection.ended_by) == ("unseen", None)
    assert [row["payload"] for row in stage.messages] == [b"question"]
    assert connection.server_unread_bytes == tls.server_sealed > 0


@pytest.mark.parametrize("length", [40, 400])
def test_a_foreign_record_before_the_first_one_that_opens(length: int) -> None:
    flights = list(PAIR.flights)
    place = next(n for n, (side, data) in enumerate(flights) if n > 1 and side == 1)
    flights.insert(place, (1, b"\x17\x03\x03" + length.to_bytes(2, "big") + bytes(length)))
    stage = play(stage_of(secrets_of(PAIR.keylog)), flights)
    stage.end(1, FIN).end(0, FIN)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"question", b"hello", b"answer"]
    assert (stage.connection.outcome, stage.connection.server_unread_bytes) == ("established", 0)
    assert tls_of(stage).server_sealed == 0


def test_a_changed_record_is_told_where_there_is_a_key() -> None:
    pair = PAIR
    lines = pair.keylog
    flights = list(pair.flights)
    place = max(n for n, (side, data) in enumerate(flights) if side == 0 and len(data) > 30)
    side, data = flights[place]
    flights[place] = side, data[:-1] + bytes((data[-1] ^ 1,))
    stage = play(stage_of(secrets_of(lines)), flights)
    stage.finish()
    tls = tls_of(stage)
    assert tls.forged == 1
    assert tls.client_sealed > 0


def test_a_handshake_with_nothing_within() -> None:
    stage = seen(*HANDSHAKE, CLIENT, SERVER, pair=SILENT)
    assert (tls_of(stage).decrypted, tls_of(stage).reason) == (True, None)
    assert stage.conversation.spoke == NOTHING_WITHIN
    assert stage.recorder.summaries[0].tls_decrypted == 1


def test_nothing_is_kept_of_what_cannot_be_read() -> None:
    lines = [each for each in PAIR.keylog.splitlines() if CLIENT.encode() not in each]
    stage = stage_of(secrets_of(b"\n".join(lines)))
    play(stage, PAIR.flights[:-4])
    record = b"\x17\x03\x03\x40\x00" + bytes(16_384)
    for _ in range(300):
        stage.client(record[:8000]).client(record[8000:])
    assert stage.recorder.held == 0
    stage.gap(0, 100).client(record)
    stage.finish()
    assert tls_of(stage).forged == 0
    assert tls_of(stage).client_sealed > 300 * 16_384


def test_tls_1_2_has_one_secret_for_both() -> None:
    pair = Pair(contexts(TLS_1_2)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    stage = play(stage_of(pair.secrets), pair.flights)
    stage.finish()
    assert tls_of(stage).reason is None

"""TLS whose secrets come late: records wait for them, so far and no further."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest
from support.sessions import Stage, frame, masked, request, response
from support.tls import TLS_1_2, TLS_1_3, Flight, Pair, contexts, play, secrets_of, stage_of

from wsanalyze.limits import Limits
from wsanalyze.tls.keylog import Secrets

SAID: list[Flight] = [
    (0, request()),
    (1, response() + frame(b"hello")),
    (0, masked(b"question")),
    (1, frame(b"answer")),
]
MESSAGES = [b"question", b"hello", b"answer"]


def conversation(version: ssl.TLSVersion) -> Pair:
    pair = Pair(contexts(version)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    return pair.close(1).close(0)


PAIRS = {version: conversation(version) for version in (TLS_1_2, TLS_1_3)}
versions = pytest.mark.parametrize("version", PAIRS, ids=lambda each: each.name)


def messages(stage: Stage) -> list[bytes]:
    return [row["payload"] for row in stage.messages]


def late(secrets: Secrets, log: bytes, calls: int = 1) -> Callable[[], bool]:
    """Return what finds the lines of a log when it is asked for the so-manieth time."""
    asked = 0

    def more() -> bool:
        nonlocal asked
        asked += 1
        if asked == calls:
            secrets.append(log.splitlines())
        return asked == calls

    return more


@versions
def test_what_was_appended_meanwhile_is_looked_for(version: ssl.TLSVersion) -> None:
    pair, secrets = PAIRS[version], secrets_of()
    secrets.more = late(secrets, pair.keylog)
    stage = play(stage_of(secrets), pair.flights)
    stage.finish()
    assert messages(stage) == MESSAGES


@versions
def test_records_wait_where_secrets_are_expected(version: ssl.TLSVersion) -> None:
    """As from a pipe: the secrets come when all was said, and the connection is not over."""
    pair, secrets = PAIRS[version], secrets_of()
    secrets.expects = True
    stage = play(stage_of(secrets), pair.flights)
    assert not stage.gone
    assert stage.recorder.held > 0
    secrets.append(pair.keylog.splitlines())
    stage.finish()
    (tls,) = stage.recording.tls
    assert (tls.decrypted, tls.reason, tls.resumed) == (True, None, False)
    assert messages(stage) == MESSAGES
    assert stage.recorder.held == 0
    # Time and packet are those that completed the record, whenever its secret came.
    known = play(stage_of(pair.secrets), pair.flights)
    known.finish()
    assert stage.frames == known.frames


@versions
@pytest.mark.parametrize("how", [0, 1], ids=["FIN", "RST"])
def test_what_tcp_ended_meanwhile_ends_what_is_inside(version: ssl.TLSVersion, how: int) -> None:
    pair = Pair(contexts(version)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    found = []
    for secrets in (pair.secrets, secrets_of()):
        secrets.expects = True
        stage = play(stage_of(secrets), pair.flights).end(1, how).end(0, how)
        secrets.append(pair.keylog.splitlines())
        stage.finish()
        found.append((stage.connection.ended_by, stage.connection.ended))
    assert found[0] == found[1]


@versions
def test_they_do_not_wait_for_ever(version: ssl.TLSVersion) -> None:
    pair, secrets = Pair(contexts(version)).shake_hands(), secrets_of(b"# nothing")
    secrets.expects = True
    for _ in range(Limits().held // 10_000 + 1):
        pair.send(1, bytes(10_000))
    stage = play(stage_of(secrets), pair.flights)
    assert stage.gone
    (tls,) = stage.recording.tls
    assert tls.reason == "the key logs hold no secrets: 1 file, 0 lines"
    assert (tls.version is not None, tls.resumed) == (True, False)
    assert stage.recorder.held == 0
    # It is asked for with the first record, the second, the fourth and so on.
    assert not any(stage.recorder.reached.values())


@versions
def test_nothing_came_until_the_end(version: ssl.TLSVersion) -> None:
    pair, secrets = PAIRS[version], secrets_of(b"# nothing")
    secrets.expects = True
    stage = play(stage_of(secrets), pair.flights)
    stage.finish()
    (tls,) = stage.recording.tls
    assert tls.reason == "the key logs hold no secrets: 1 file, 0 lines"
    assert tls.certificate_subject is not None if version is TLS_1_2 else tls.sni == "chat.example"
    assert stage.recorder.held == 0


def test_the_secrets_of_application_data_are_logged_later() -> None:
    """TLS 1.3: programs log them when the server has finished, its handshake's before."""
    pair = PAIRS[TLS_1_3]
    lines = pair.keylog.splitlines()
    first = b"\n".join(line for line in lines if b"HANDSHAKE" in line)
    secrets = secrets_of(first)
    secrets.more = late(secrets, pair.keylog)
    stage = play(stage_of(secrets), pair.flights)
    stage.finish()
    assert messages(stage) == MESSAGES


@pytest.mark.parametrize("pieces", [None, 7, 1000])
@pytest.mark.parametrize("side", ["CLIENT", "SERVER"])
def test_a_secret_that_never_comes_closes_its_side_alone(side: str, pieces: int | None) -> None:
    """However what waited for it was cut: as where nothing waits."""
    pair, seen = PAIRS[TLS_1_3], []
    lacks = f"{side}_TRAFFIC".encode()
    log = b"\n".join(line for line in pair.keylog.splitlines() if not line.startswith(lacks))
    for expects in (False, True):
        secrets = secrets_of(log)
        secrets.expects = expects
        stage = play(stage_of(secrets), pair.flights, pieces)
        stage.finish()
        (tls,), connection = stage.recording.tls, stage.connection
        assert tls.keyless == (side.lower(),)
        assert connection.outcome == "unseen"
        seen.append((messages(stage), tls.client_sealed, tls.server_sealed))
    assert seen[0] == seen[1]
    assert seen[0][0] == ([b"question"] if side == "SERVER" else [b"hello", b"answer"])

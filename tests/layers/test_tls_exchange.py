"""TLS that a premaster secret in a key log opens, sealed with RSA or by the client's random."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable

import pytest
from support.sessions import Stage, frame, masked, request, response
from support.tls import TLS_1_2, Flight, Pair, certificate, contexts, play, secrets_of, stage_of

from wsanalyze.layers.tls_exchange import HASHES, KeyExchange
from wsanalyze.limits import Limits
from wsanalyze.tls.hellos import maybe_client_hello, maybe_server_hello
from wsanalyze.tls.messages import CERTIFICATE, CLIENT_HELLO, CLIENT_KEY_EXCHANGE

SAID: list[Flight] = [(0, request()), (1, response() + frame(b"hello")), (0, masked(b"question"))]
MESSAGES = [b"question", b"hello"]
# <openssl/ssl.h>
NO_EXTENDED_MASTER_SECRET = 1


def conversation(suite: str, options: int = 0, session: ssl.SSLSession | None = None) -> Pair:
    shared = contexts(TLS_1_2, suite, "rsa")
    for each in shared:
        each.options |= options
    pair = Pair(shared, session).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    return pair


PAIR = conversation("AES128-GCM-SHA256")


def sealed_lines(pair: Pair) -> bytes:
    """Return the line that OpenSSL logs of a secret sealed with RSA."""
    (line,) = (each for each in pair.keylog.splitlines() if each.startswith(b"RSA "))
    return line


def random_lines(pair: Pair) -> bytes:
    """Return the same secret as Wireshark takes it by the client's random."""
    master = re.search(rb"^CLIENT_RANDOM (\S+) ", pair.keylog, re.MULTILINE)
    assert master is not None
    return b"PMS_CLIENT_RANDOM %s %s" % (master[1], sealed_lines(pair).split()[2])


def reason(stage: Stage) -> str | None:
    (tls,) = stage.recording.tls
    return tls.reason


def messages(stage: Stage) -> list[bytes]:
    return [row["payload"] for row in stage.messages]


lines = pytest.mark.parametrize("line", [sealed_lines, random_lines])


@lines
@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET])
@pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA"])
def test_a_premaster_secret(suite: str, options: int, line: Callable[[Pair], bytes]) -> None:
    pair = conversation(suite, options)
    stage = play(stage_of(secrets_of(line(pair))), pair.flights)
    assert stage.recorder.held == 0
    stage.finish()
    assert (messages(stage), reason(stage)) == (MESSAGES, None)


def test_of_another_connection() -> None:
    stage = play(stage_of(secrets_of(sealed_lines(PAIR))), conversation("AES128-SHA").flights)
    assert stage.gone
    assert reason(stage) == (
        "no secret for this client random, or for its key exchange, in 1 file, 1 line"
    )


def test_with_a_key_of_another_server() -> None:
    other = certificate("ec")[1]
    secrets = secrets_of(other, sealed_lines(PAIR))
    assert messages(play(stage_of(secrets), PAIR.flights)) == MESSAGES
    stage = play(stage_of(secrets), conversation("AES128-SHA").flights)
    assert reason(stage) == "no private key fits its key exchange"


def test_one_that_is_wrong_opens_nothing() -> None:
    line = sealed_lines(PAIR)
    wrong = line[:-2] + (b"00" if line[-2:] != b"00" else b"11")
    stage = play(stage_of(secrets_of(wrong)), PAIR.flights)
    stage.finish()
    assert (stage.connections, reason(stage)) == (
        [],
        "the secret of its client random opens none of its records",
    )


@lines
@pytest.mark.parametrize("wrong_last", [False, True])
def test_one_that_is_wrong_hides_no_right_one(
    line: Callable[[Pair], bytes], *, wrong_last: bool
) -> None:
    right = line(PAIR)
    wrong = right[:-2] + (b"00" if right[-2:] != b"00" else b"11")
    log = (right, wrong) if wrong_last else (wrong, right)
    stage = play(stage_of(secrets_of(b"\n".join(log))), PAIR.flights)
    stage.finish()
    assert (messages(stage), reason(stage)) == (MESSAGES, None)


def test_it_says_nothing_where_the_secret_is_not_sealed() -> None:
    pair = conversation("ECDHE-RSA-AES128-GCM-SHA256")
    stage = play(stage_of(secrets_of(sealed_lines(PAIR))), pair.flights)
    assert reason(stage) == "no secret for this client random in 1 file, 1 line"


@pytest.mark.parametrize("line", [sealed_lines, random_lines])
def test_a_session_that_is_resumed(line: Callable[[Pair], bytes]) -> None:
    shared = contexts(TLS_1_2, "AES128-GCM-SHA256", "rsa")
    first = Pair(shared).shake_hands()
    again = Pair(shared, first.ends[0].session).shake_hands()
    for side, data in SAID:
        again.send(side, data)
    secrets = secrets_of(line(first))
    play(stage_of(secrets), first.flights)
    stage = play(stage_of(secrets), again.flights)
    assert messages(stage) == MESSAGES
    assert [each.resumed for each in stage.recording.tls] == [True]


@lines
def test_records_wait_for_it(line: Callable[[Pair], bytes]) -> None:
    """Live, a key log is written behind the packets; here when all was said."""
    secrets = secrets_of(b"# nothing")
    secrets.expects = True
    stage = play(stage_of(secrets), PAIR.flights)
    assert not stage.gone
    assert stage.recorder.held > 0
    secrets.append([line(PAIR)])
    stage.finish()
    assert (messages(stage), reason(stage), stage.recorder.held) == (MESSAGES, None, 0)


def test_those_of_others_do_not_end_the_waiting_for_a_master_secret() -> None:
    secrets = secrets_of(sealed_lines(conversation("AES128-SHA")))
    secrets.expects = True
    stage = play(stage_of(secrets), PAIR.flights)
    assert not stage.gone
    secrets.append(each for each in PAIR.keylog.splitlines() if each.startswith(b"CLIENT_RANDOM"))
    stage.finish()
    assert (messages(stage), reason(stage)) == (MESSAGES, None)


def test_it_does_not_come() -> None:
    secrets = secrets_of(b"# nothing")
    secrets.expects = True
    stage = play(stage_of(secrets), PAIR.flights)
    stage.finish()
    assert reason(stage) == "the key logs hold no secrets: 1 file, 0 lines"
    assert stage.recorder.held == 0


def test_what_is_kept_of_a_handshake_is_a_hash() -> None:
    exchange = KeyExchange(secrets_of(sealed_lines(PAIR)))
    exchange.hear(CLIENT_HELLO, bytes(100))
    for _ in range(100):
        exchange.hear(CERTIFICATE, bytes(10_000))
    assert exchange.held == HASHES
    exchange.take(bytes(50))
    assert exchange.held == HASHES + 50
    exchange.forget()
    assert exchange.held == 0


def test_nothing_is_kept_where_nothing_is_known() -> None:
    exchange = KeyExchange(secrets_of())
    exchange.hear(CLIENT_HELLO, bytes(100))
    assert exchange.held == 0


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x00" + bytes(255), b"\x00\x03abc"])
def test_an_exchange_that_is_malformed(body: bytes) -> None:
    (hello,) = (data for side, data in PAIR.flights[:1])
    (server, *_) = (data for side, data in PAIR.flights if side == 1)
    client_hello = maybe_client_hello(hello[9:])
    server_hello = maybe_server_hello(server[9 : 9 + int.from_bytes(server[6:9], "big")])
    assert client_hello is not None
    assert server_hello is not None
    exchange = KeyExchange(secrets_of(sealed_lines(PAIR), certificate("rsa")[1]))
    exchange.hear(CLIENT_HELLO, hello[9:])
    exchange.hear(CLIENT_KEY_EXCHANGE, body)
    exchange.take(body)
    assert list(exchange.masters(exchange.known.reader, client_hello, server_hello)) == []
    assert not exchange.tells(client_hello, server_hello)


def test_limits_hold_for_all_that_wait() -> None:
    secrets = secrets_of(b"# nothing")
    secrets.expects = True
    stage = play(stage_of(secrets, limits=Limits(held_total=500)), PAIR.flights)
    assert stage.recorder.held == 0
    assert stage.recorder.reached["held_total"] == 1

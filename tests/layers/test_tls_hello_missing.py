"""TLS where a hello is not in the capture: what is opened, and why the rest stays closed."""

from __future__ import annotations

import ssl

import pytest
from support.sessions import Stage, frame, masked, request, response
from support.tls import (
    TLS_1_2,
    TLS_1_3,
    Flight,
    Pair,
    certificate,
    contexts,
    play,
    secrets_of,
    stage_of,
)

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.tls.keylog import Secrets

SAID: list[Flight] = [
    (0, request()),
    (1, response() + frame(b"hello")),
    (0, masked(b"question")),
    (1, frame(b"answer")),
]
SUITES = {
    "AES-GCM": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ChaCha20": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "AES-CBC": "ECDHE-ECDSA-AES128-SHA",
    "AES-CCM": "ECDHE-ECDSA-AES128-CCM",
}
RSA = "AES128-GCM-SHA256"


def conversation(
    version: ssl.TLSVersion, suites: str = "", key: str = "ec", **more: ssl.SSLSession
) -> Pair:
    pair = Pair(contexts(version, suites, key), **more).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    return pair.close(1).close(0)


def messages(stage: Stage) -> list[bytes]:
    return [row["payload"] for row in stage.messages if row["complete"]]


def tls_of(stage: Stage) -> TlsConnection:
    (only,) = stage.recording.tls
    return only


def without_first(pair: Pair, side: int, secrets: Secrets, *, lost: bool) -> Stage:
    """Play a connection without the first flight of a side, known to be lost or before it began."""
    first = next(number for number, flight in enumerate(pair.flights) if flight[0] == side)
    stage = stage_of(secrets, opened=lost)
    play(stage, pair.flights[:first])
    if lost:
        stage.gap(side, len(pair.flights[first][1]))
    return ended(play(stage, pair.flights[first + 1 :]))


def ended(stage: Stage) -> Stage:
    stage.finish()
    return stage


def many(*logs: bytes) -> Secrets:
    """Return secrets among those of thirty other connections."""
    others = "\n".join(f"CLIENT_RANDOM {n:064x} {n:096x}" for n in range(30))
    return secrets_of(others.encode(), *logs)


class TestClientHelloMissing:
    """TLS 1.2: the client random stands in the key log, the tag decides which one it is."""

    @pytest.mark.parametrize("lost", [True, False], ids=["lost", "before"])
    @pytest.mark.parametrize("suite", SUITES)
    def test_it_is_decrypted(self, suite: str, lost: bool) -> None:
        pair = conversation(TLS_1_2, SUITES[suite])
        stage = without_first(pair, 0, many(pair.keylog), lost=lost)
        tls = tls_of(stage)
        assert (tls.decrypted, tls.reason, tls.version) == (True, None, "TLS 1.2")
        assert tls.client_random is not None
        assert tls.client_random.encode() in pair.keylog
        assert (tls.server_random is not None, tls.sni) == (True, None)
        assert tls.certificate_subject == "O=Owls\\, Ltd,CN=chat.example"
        assert messages(stage) == [b"question", b"hello", b"answer"]
        assert (tls.client_port, tls.server_port) == (40_000, 8080)
        assert stage.connection.outcome == "established"

    def test_of_a_session_that_is_resumed(self) -> None:
        shared = contexts(TLS_1_2)
        first = Pair(shared).shake_hands()
        first.send(1, b"x")
        again = Pair(shared, session=first.ends[0].session).shake_hands()
        for side, data in SAID:
            again.send(side, data)
        stage = without_first(again, 0, many(again.keylog), lost=True)
        assert (tls_of(stage).decrypted, tls_of(stage).resumed) == (True, True)
        assert messages(stage) == [b"question", b"hello", b"answer"]

    def test_no_secret_fits(self) -> None:
        stage = without_first(conversation(TLS_1_2), 0, many(), lost=True)
        tls = tls_of(stage)
        assert (tls.decrypted, stage.connections) == (False, [])
        assert tls.reason == (
            "the ClientHello is not in the capture, and no unused secret of 1 file, 30 lines "
            "opens the records that were tried"
        )
        assert tls.cipher is not None

    def test_what_is_tried_in_all_is_limited(self) -> None:
        pair = conversation(TLS_1_2)
        secrets = many(pair.keylog)
        secrets.reader.tries_left = 100
        stage = without_first(pair, 0, secrets, lost=True)
        assert secrets.reader.tries_left == 0
        assert tls_of(stage).reason == (
            "the ClientHello is not in the capture, and no unused secret of 2 files, 31 lines "
            "opens the records that were tried (not with all of them)"
        )

    def test_secrets_that_fit_nothing_are_not_walked_over_again_and_again(self) -> None:
        """Those of other versions do not count, nor those of connections that were seen."""
        pair = conversation(TLS_1_2)
        others = "\n".join(f"CLIENT_TRAFFIC_SECRET_0 {n:064x} {n:064x}" for n in range(300))
        seen = "\n".join(f"CLIENT_RANDOM {n:064x} {n:096x}" for n in range(5000, 5300))
        secrets = secrets_of(others.encode(), seen.encode(), pair.keylog)
        for number in range(5000, 5300):
            secrets.of(number.to_bytes(32, "big"))
        left = secrets.reader.tries_left
        assert tls_of(without_first(pair, 0, secrets, lost=True)).decrypted
        assert left - secrets.reader.tries_left < 100

    def test_secrets_too_short_cost_tries(self) -> None:
        pair = conversation(TLS_1_2)
        short = "\n".join(f"CLIENT_RANDOM {n:064x} {n:064x}" for n in range(500))
        secrets = secrets_of(short.encode())
        left = secrets.reader.tries_left
        assert not tls_of(without_first(pair, 0, secrets, lost=True)).decrypted
        assert left - secrets.reader.tries_left >= 500

    def test_an_rsa_key_does_not_help(self) -> None:
        pair = conversation(TLS_1_2, RSA, "rsa")
        stage = without_first(pair, 0, secrets_of(certificate("rsa")[1]), lost=True)
        assert tls_of(stage).reason == (
            "the ClientHello is not in the capture: without its random a private key opens nothing"
        )


class TestServerHelloMissing:
    """TLS 1.2 makes its keys of the server's random, which stands nowhere else."""

    def test_it_stays_closed_and_says_why(self) -> None:
        pair = conversation(TLS_1_2)
        stage = without_first(pair, 1, pair.secrets, lost=True)
        tls = tls_of(stage)
        assert (tls.decrypted, tls.sni) == (False, "chat.example")
        assert tls.reason == (
            "the ServerHello is not in the capture: before TLS 1.3 its random is part of the keys"
        )

    def test_without_a_secret(self) -> None:
        stage = without_first(conversation(TLS_1_2), 1, many(), lost=True)
        assert tls_of(stage).reason == (
            "the ServerHello is not in the capture, and no secret for this client random is in "
            "1 file, 30 lines"
        )

    @pytest.mark.parametrize("last", [0, 1, None], ids=["client", "server", "neither"])
    def test_tls_1_3_is_decrypted(self, last: int | None) -> None:
        """Whole, from the client's Finished on, whichever side is read last.

        A side with a hole is read when it is known that nobody will fill it, often behind all that
        the other said.
        """
        pair = conversation(TLS_1_3)
        if last is not None:
            hellos, others = pair.flights[:2], pair.flights[2:]
            pair.flights[:] = hellos + sorted(others, key=lambda flight: flight[0] == last)
        stage = without_first(pair, 1, many(pair.keylog), lost=True)
        tls = tls_of(stage)
        assert (tls.decrypted, tls.reason) == (True, None)
        assert sorted(messages(stage)) == [b"answer", b"hello", b"question"]
        assert stage.connection.client_unread_bytes == 0
        assert stage.connection.outcome == "established"


class TestNoHello:
    """A capture that begins later: of TLS 1.2 nothing says the randoms."""

    @pytest.mark.parametrize("first", [2, 3, 4, 5])
    def test_tls_1_2(self, first: int) -> None:
        pair = conversation(TLS_1_2)
        stage = ended(play(stage_of(pair.secrets, opened=False), pair.flights[first:]))
        tls = tls_of(stage)
        assert (tls.decrypted, stage.connections) == (False, [])
        assert tls.reason == (
            "the handshake is not in the capture: no unused secret of 1 file, 1 line opens the "
            "records that were tried as TLS 1.3, and before it keys need the randoms of both hellos"
        )

    def test_without_secrets(self) -> None:
        pair = conversation(TLS_1_2)
        stage = ended(play(stage_of(None, opened=False), pair.flights[4:]))
        assert tls_of(stage).reason == "the handshake is not in the capture"


class TestSessionsKnown:
    """TLS 1.2: what a private key opened once opens the sessions that are resumed, too."""

    @pytest.mark.parametrize("tickets", [True, False], ids=["tickets", "session IDs"])
    def test_resumed_with_an_rsa_key(self, tickets: bool) -> None:
        shared = contexts(TLS_1_2, RSA, "rsa")
        if not tickets:
            for each in shared:
                each.options |= ssl.OP_NO_TICKET
        secrets = secrets_of(certificate("rsa")[1])
        first = Pair(shared).shake_hands()
        again = Pair(shared, session=first.ends[0].session).shake_hands()
        assert again.ends[0].session_reused
        for side, data in SAID:
            again.send(side, data)
        assert tls_of(ended(play(stage_of(secrets), first.flights))).decrypted
        stage = ended(play(stage_of(secrets), again.flights))
        tls = tls_of(stage)
        assert (tls.decrypted, tls.resumed, tls.reason) == (True, True, None)
        assert messages(stage) == [b"question", b"hello", b"answer"]

    def test_an_offer_that_the_server_does_not_take(self) -> None:
        """The session is known, but the server begins a new one: its key opens that."""
        shared, others = contexts(TLS_1_2, RSA, "rsa"), contexts(TLS_1_2, RSA, "rsa")
        secrets = secrets_of(certificate("rsa")[1])
        first = Pair(shared).shake_hands()
        again = Pair((shared[0], others[1]), session=first.ends[0].session).shake_hands()
        assert not again.ends[0].session_reused
        for side, data in SAID:
            again.send(side, data)
        play(stage_of(secrets), first.flights).finish()
        stage = ended(play(stage_of(secrets), again.flights))
        assert (tls_of(stage).decrypted, tls_of(stage).resumed) == (True, False)
        assert messages(stage) == [b"question", b"hello", b"answer"]

    def test_without_the_connection_that_began_it(self) -> None:
        shared = contexts(TLS_1_2, RSA, "rsa")
        first = Pair(shared).shake_hands()
        again = Pair(shared, session=first.ends[0].session).shake_hands()
        for side, data in SAID:
            again.send(side, data)
        stage = ended(play(stage_of(secrets_of(certificate("rsa")[1])), again.flights))
        assert tls_of(stage).reason == (
            "it resumes a session that no secret is known of, and exchanges no key that a private "
            "key opens"
        )

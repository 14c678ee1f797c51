"""Handshakes that did not become a connection: what is said is who left, not which secret lacks."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest
from support.sessions import Stage
from support.tls import TLS_1_2, TLS_1_3, Pair, contexts, play, records_of, secrets_of, stage_of
from support.tls_crafted import (
    TLS_1_3_CHOSEN,
    TLS_1_3_OFFERED,
    client_hello,
    record,
    server_hello,
)

from wsanalyze.tls.hellos import RETRY
from wsanalyze.tls.keylog import Secrets

PAIRS = {version: Pair(contexts(version)).shake_hands() for version in (TLS_1_2, TLS_1_3)}
FIN, RST = 0, 1
OTHERS = b"CLIENT_RANDOM %s %s" % (b"0f" * 32, b"a5" * 48)
ECH = (0xFE0D, b"\0" * 40)
IN_2026 = 1_790_000_000 * 10**9
SIGNED = "; the server signed it itself"


def why(stage: Stage) -> str | None:
    stage.finish()
    (tls,) = stage.recording.tls
    return tls.reason


def begun(version: ssl.TLSVersion, flights: int, *, known: bool = False) -> Stage:
    """Return a stage that has seen the first flights of a handshake."""
    pair = PAIRS[version]
    secrets = pair.secrets if known else secrets_of(OTHERS)
    stage = stage_of(secrets)
    stage.conversation.first_time = IN_2026
    return play(stage, pair.flights[:flights])


@pytest.mark.parametrize(("how", "said"), [(FIN, "FIN"), (RST, "RST")])
@pytest.mark.parametrize(("side", "who"), [(0, "client"), (1, "server")])
def test_before_the_server_hello(side: int, who: str, how: int, said: str) -> None:
    stage = stage_of(secrets_of(OTHERS))
    stage.client(record(22, client_hello(TLS_1_3_OFFERED, ECH))).end(side, how)
    assert why(stage.end(1 - side, how)) == f"the {who} left before the ServerHello ({said})"


@pytest.mark.parametrize("version", PAIRS)
@pytest.mark.parametrize(("how", "said"), [(FIN, "FIN"), (RST, "RST")])
def test_a_server_hello_that_came_too_late(version: ssl.TLSVersion, how: int, said: str) -> None:
    """What a client did not wait for it cannot have refused."""
    stage = play(begun(version, 1).end(0, how), PAIRS[version].flights[1:2])
    assert why(stage.end(1, RST)) == f"the client left before the ServerHello ({said})"


def test_a_client_that_sent_early_data() -> None:
    stage = stage_of(secrets_of(OTHERS)).client(record(22, client_hello(TLS_1_3_OFFERED)))
    assert why(stage.client(record(23, bytes(50))).end(0, RST)) == (
        "the client left before the ServerHello (RST)"
    )


def test_behind_a_retry() -> None:
    stage = stage_of(secrets_of(OTHERS)).client(record(22, client_hello(TLS_1_3_OFFERED)))
    stage.server(record(22, server_hello(TLS_1_3_CHOSEN, random=RETRY))).end(0, FIN)
    assert why(stage) == "the client left after a HelloRetryRequest (FIN)"


def test_a_server_hello_that_came_too_late_behind_a_retry() -> None:
    stage = stage_of(secrets_of(OTHERS)).client(record(22, client_hello(TLS_1_3_OFFERED)))
    stage.server(record(22, server_hello(TLS_1_3_CHOSEN, random=RETRY))).end(0, FIN)
    stage.server(record(22, server_hello(TLS_1_3_CHOSEN)))
    assert why(stage) == "the client left after a HelloRetryRequest (FIN)"


@pytest.mark.parametrize("known", [False, True])
def test_behind_the_certificate(known: bool) -> None:
    stage = begun(TLS_1_2, 2, known=known).end(0, FIN)
    assert why(stage) == (
        "the client left after the server's certificate (FIN), without an alert: "
        "it may have refused it" + SIGNED
    )


def test_what_a_client_refuses_a_certificate_for() -> None:
    for time, objection in (
        (0, "; it is valid from 20454 days later on"),
        (2_100_000_000 * 10**9, "; it had expired 199 days before"),
    ):
        stage = begun(TLS_1_2, 1)
        (tls,) = stage.recording.tls
        tls.started = time
        play(stage, PAIRS[TLS_1_2].flights[1:2]).end(0, FIN)
        assert (why(stage) or "").endswith("it may have refused it" + objection + SIGNED)


def test_behind_the_first_messages_of_tls_1_3() -> None:
    """What they are is encrypted; where the secrets are known, the certificate is seen."""
    assert why(begun(TLS_1_3, 2).end(0, RST)) == (
        "the client left after the server's first messages (RST), without an alert: "
        "it may have refused them"
    )
    assert why(begun(TLS_1_3, 2, known=True).end(0, RST)) == (
        "the client left after the server's certificate (RST), without an alert: "
        "it may have refused it" + SIGNED
    )


def test_with_what_may_be_an_alert() -> None:
    stage = begun(TLS_1_3, 2).client(record(20, b"\x01") + record(23, bytes(19))).end(0, FIN)
    assert why(stage) == "the client left with what is as long as an alert (FIN)"


@pytest.mark.parametrize("known", [False, True])
def test_with_an_alert(known: bool) -> None:
    stage = begun(TLS_1_2, 2, known=known).client(record(21, b"\x02\x2a")).end(0, FIN)
    assert why(stage) == (
        "the handshake ended with alert bad_certificate (42) of the client" + SIGNED
    )


def test_with_an_alert_that_was_opened() -> None:
    """A key log shows what was wrong, and takes no reason away."""
    client, server = contexts(TLS_1_3)
    client.verify_mode = ssl.CERT_REQUIRED
    pair = Pair((client, server))
    for end in (0, 1):
        with suppress(ssl.SSLWantReadError):
            pair.ends[end].do_handshake()
        pair.carry()
    with pytest.raises(ssl.SSLCertVerificationError):
        pair.ends[0].do_handshake()
    pair.carry()
    stage = stage_of(pair.secrets)
    stage.conversation.first_time = IN_2026
    said = "the handshake ended with alert unknown_ca (48) of the client" + SIGNED
    assert why(play(stage, pair.flights).end(0, FIN)) == said
    assert stage.recorder.summaries[0].tls_left == {said: 1}


def test_an_alert_behind_the_handshake_is_none_of_it() -> None:
    pair = Pair(contexts(TLS_1_3)).shake_hands().close(0)
    stage = play(stage_of(pair.secrets), pair.flights).end(0, FIN)
    assert why(stage) is None
    assert stage.recorder.summaries[0].tls_left == {}


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (40, "handshake_failure (40)"),
        (46, "certificate_unknown (46)" + " of the client" + SIGNED),
        (48, "unknown_ca (48)" + " of the client" + SIGNED),
        (90, "user_canceled (90)"),
        (120, "no_application_protocol (120)"),
        (200, "200"),
    ],
)
def test_alerts_are_named(number: int, name: str) -> None:
    stage = begun(TLS_1_2, 2).client(record(21, bytes((2, number)))).end(0, FIN)
    assert why(stage) == (
        f"the handshake ended with alert {name}" + ("" if "client" in name else " of the client")
    )


@pytest.mark.parametrize("known", [False, True])
def test_a_server_that_refuses_what_the_client_said(known: bool) -> None:
    """As one does that wanted a certificate: its alert stands where its ChangeCipherSpec should."""
    stage = begun(TLS_1_2, 3, known=known).server(record(21, b"\x01\x70"))
    stage.server(record(21, b"\x02\x28")).end(1, RST)
    assert why(stage) == (
        "the handshake ended with alert handshake_failure (40) of the server, after the "
        "client had answered"
    )


def test_a_warning_before_the_server_went_on_refuses_nothing() -> None:
    stage = begun(TLS_1_2, 3).server(record(21, b"\x01\x70"))
    assert why(play(stage, PAIRS[TLS_1_2].flights[3:])) == (
        "no secret for this client random in 1 file, 1 line"
    )


@pytest.mark.parametrize("version", PAIRS)
def test_the_server_left(version: ssl.TLSVersion) -> None:
    assert why(begun(version, 2).end(1, RST)) == "the server left within the handshake (RST)"


@pytest.mark.parametrize("version", PAIRS)
def test_a_handshake_that_went_on_lacks_its_secret(version: ssl.TLSVersion) -> None:
    stage = begun(version, 99)
    assert stage.gone
    assert why(stage) == "no secret for this client random in 1 file, 1 line"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("flights", [2, 99])
def test_a_wrong_secret_is_no_sign_that_somebody_left(flights: int, side: int) -> None:
    pair = PAIRS[TLS_1_3]
    lines = [line.rsplit(b" ", 1) for line in pair.keylog.splitlines() if line.count(b" ") == 2]
    wrong = b"\n".join(b"%s %s" % (start, b"0" * len(secret)) for start, secret in lines)
    stage = play(stage_of(secrets_of(wrong)), pair.flights[:flights])
    assert why(stage.end(side, FIN)) == "the secret of its client random opens none of its records"


def with_secrets(right: bytes, wrong: bytes) -> Secrets:
    """Return the secret of one label of a handshake of TLS 1.3, and a wrong one for another."""
    lines = PAIRS[TLS_1_3].keylog.splitlines()
    (known,) = (line for line in lines if line.startswith(right))
    (changed,) = (line[:-4] + b"c5c5" for line in lines if line.startswith(wrong))
    return secrets_of(known + b"\n" + changed)


def test_a_client_that_answered_with_what_does_not_open_has_not_left() -> None:
    secrets = with_secrets(b"SERVER_HANDSHAKE", b"CLIENT_TRAFFIC")
    stage = play(stage_of(secrets), PAIRS[TLS_1_3].flights)
    assert why(stage.end(1, FIN)) == "no secret for what the server sent"


def test_a_client_that_answered_with_what_may_be_an_alert_has_left() -> None:
    secrets = with_secrets(b"SERVER_HANDSHAKE", b"CLIENT_HANDSHAKE")
    stage = play(stage_of(secrets), PAIRS[TLS_1_3].flights[:2])
    stage.client(record(23, bytes(19))).end(0, FIN)
    assert (why(stage) or "").startswith("the client left after the server's certificate (FIN)")


@pytest.mark.parametrize("version", PAIRS)
def test_one_that_does_not_end_lacks_its_secret(version: ssl.TLSVersion) -> None:
    assert why(begun(version, 2)) == "no secret for this client random in 1 file, 1 line"


def test_the_server_alone_is_not_read_for_ever() -> None:
    stage = begun(TLS_1_3, 2)
    for _ in range(20):
        stage.server(record(23, bytes(100)))
    assert stage.gone
    assert why(stage) == "no secret for this client random in 1 file, 1 line"


def test_where_bytes_are_missing_nobody_is_said_to_have_left() -> None:
    stage = begun(TLS_1_2, 1)
    stage.gap(1, 3000)
    assert why(stage.end(0, FIN)) == (
        "the ServerHello is not in the capture, and no secret for this client random is in "
        "1 file, 1 line"
    )
    stage = begun(TLS_1_2, 2)
    stage.gap(0, 300)
    assert why(stage.end(0, FIN)) == "no secret for this client random in 1 file, 1 line"


def test_a_connection_that_was_opened_ends_as_ever() -> None:
    for version, pair in PAIRS.items():
        stage = begun(version, 99, known=True)
        assert pair.flights[-1][0] in (0, 1)
        assert why(stage.end(0, FIN)) is None


def test_a_record_of_a_handshake_that_is_cut() -> None:
    (hello, *_) = records_of(PAIRS[TLS_1_3].flights[0][1])
    stage = stage_of(secrets_of(OTHERS)).client(hello[:50]).end(0, FIN)
    assert why(stage) == "the client left within its ClientHello (FIN)"
    stage = stage_of(secrets_of(OTHERS)).client(record(22, hello[5:60])).end(0, RST)
    assert why(stage) == "the client left within its ClientHello (RST)"

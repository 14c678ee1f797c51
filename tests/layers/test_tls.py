"""TLS as a layer: the same tables inside as without, however records and segments lie."""

from __future__ import annotations

import ssl
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import Stage, facts, frame, http, masked, request, response, without
from support.tls import (
    TLS_1_2,
    TLS_1_3,
    Flight,
    Pair,
    certificate,
    contexts,
    play,
    records_of,
    secrets_of,
    stage_of,
)
from support.tls_crafted import (
    CLIENT_RANDOM,
    KEY_UPDATE,
    SERVER_RANDOM,
    TLS_1_3_CHOSEN,
    TLS_1_3_OFFERED,
    Crafted13,
    client_hello,
    crafted_secrets,
    extensions,
    message,
    record,
    server_hello,
    vector,
)

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.layers.tls_secrets import NO_CRYPTOGRAPHY
from wsanalyze.limits import Limits
from wsanalyze.tls.hellos import NOT_OFFERED, RETRY

NOTHING, WEBSOCKET, HTTP, TLS, OTHER = range(5)
# What both ends say, one write each.
SAID: list[Flight] = [
    (0, request()),
    # Frames with the 101, then frames alone.
    (1, response() + frame(b"with the 101")),
    (1, frame(b"next record")),
    (0, masked(b"a" * 3000)),
    (0, masked(b"one") + masked(b"two")),
    (1, frame(b"b" * 40_000)),
    (0, masked(b"\x0f\xa0bye", 8)),
    (1, frame(b"\x0f\xa0bye", 8)),
]


def conversation(version: ssl.TLSVersion, said: list[Flight] = SAID) -> Pair:
    pair = Pair(contexts(version)).shake_hands()
    for side, data in said:
        pair.send(side, data)
    return pair.close(1).close(0)


PAIRS = {version: conversation(version) for version in (TLS_1_2, TLS_1_3)}
versions = pytest.mark.parametrize("version", PAIRS, ids=lambda each: each.name)


def tls_of(stage: Stage) -> TlsConnection:
    (only,) = stage.recording.tls
    return only


def plain_facts(stage: Stage) -> dict[str, object]:
    """Return what has nothing to do with TLS and TCP."""
    found = facts(stage.finish())
    found["connections"] = [
        without(row, ("scheme", "tls", "client_lost_bytes", "server_lost_bytes"))
        for row in found["connections"]
    ]
    return found


def in_the_clear(said: list[Flight] = SAID) -> dict[str, object]:
    return plain_facts(play(Stage(), said))


@versions
@pytest.mark.parametrize("pieces", [None, 1, 2, 5, 7, 1448, 16_384])
def test_the_same_tables_as_in_the_clear(version: ssl.TLSVersion, pieces: int | None) -> None:
    pair = PAIRS[version]
    stage = play(stage_of(pair.secrets), pair.flights, pieces)
    assert plain_facts(stage) == in_the_clear()
    assert stage.connection.scheme == "wss"
    assert stage.conversation.spoke == WEBSOCKET
    assert stage.recorder.held == 0


@versions
def test_facts_of_the_handshake(version: ssl.TLSVersion) -> None:
    pair = PAIRS[version]
    stage = play(stage_of(pair.secrets), pair.flights)
    stage.finish()
    tls = tls_of(stage)
    assert (tls.version, tls.sni, tls.alpn, tls.resumed) == (
        "TLS 1.2" if version is TLS_1_2 else "TLS 1.3",
        "chat.example",
        "http/1.1",
        False,
    )
    assert (tls.decrypted, tls.reason, tls.closed_by) == (True, None, "server")
    assert tls.certificate_subject == "O=Owls\\, Ltd,CN=chat.example"
    assert tls.certificate_issuer == tls.certificate_subject
    assert tls.not_before == 1_767_225_600 * 10**9
    assert pair.keylog.count(bytes(tls.client_random or "", "ascii")) >= 1
    connection = stage.connection
    assert (connection.tls_version, connection.tls_cipher) == (tls.version, tls.cipher)
    assert (connection.sni, connection.alpn) == ("chat.example", "http/1.1")
    assert stage.recorder.summaries[0].tls_decrypted == 1


@versions
def test_time_and_packet_are_those_that_completed_the_record(version: ssl.TLSVersion) -> None:
    pair = PAIRS[version]
    stage = stage_of(pair.secrets)
    place = {}
    for number, (side, data) in enumerate(pair.flights):
        half = len(data) // 2
        stage.data(side, data[:half]).data(side, data[half:])
        place[number] = stage.packet
    stage.finish()
    # Each flight is one record or more; its last one is whole with its second packet.
    packets = [row["packet_end"] for row in stage.frames]
    assert set(packets) <= set(place.values())


@versions
def test_frames_are_numbered_in_the_decrypted_stream(version: ssl.TLSVersion) -> None:
    stage = play(stage_of(PAIRS[version].secrets), PAIRS[version].flights)
    stage.finish()
    assert stage.frames[0]["offset"] == len(request())


@versions
def test_without_secrets_only_the_handshake_is_read(version: ssl.TLSVersion) -> None:
    pair = PAIRS[version]
    stage = play(stage_of(None), pair.flights)
    assert stage.gone
    assert stage.conversation.spoke == TLS
    tls = tls_of(stage)
    assert tls.reason == "no secrets are known"
    assert (tls.decrypted, tls.sni) == (False, "chat.example")
    assert (tls.certificate_subject is None) == (version is TLS_1_3)
    assert (tls.resumed, stage.connections) == (False, [])
    assert stage.recorder.held == 0


def test_nobody_asked() -> None:
    stage = play(Stage(), PAIRS[TLS_1_3].flights)
    assert (stage.gone, stage.conversation.spoke) == (True, TLS)
    assert stage.recording.tls == []


@versions
def test_secrets_of_another_connection(version: ssl.TLSVersion) -> None:
    other = Pair(contexts(version)).shake_hands()
    stage = play(stage_of(other.secrets), PAIRS[version].flights)
    lines = "1 line" if version is TLS_1_2 else "5 lines"
    assert tls_of(stage).reason == f"no secret for this client random in 1 file, {lines}"


@versions
def test_a_wrong_secret(version: ssl.TLSVersion) -> None:
    """Lines for this client random, but with secrets that are not its own."""
    pair = PAIRS[version]
    lines = [line.split() for line in pair.keylog.splitlines() if not line.startswith(b"#")]
    wrong = b"\n".join(
        b" ".join((label, name, name[::-1] + key[64:])) for label, name, key in lines
    )
    stage = play(stage_of(secrets_of(wrong)), pair.flights)
    stage.finish()
    tls = tls_of(stage)
    assert (tls.decrypted, stage.connections) == (False, [])
    expected = "no traffic secret for this client random that fits its cipher suite"
    assert tls.reason in (expected, "the secret of its client random opens none of its records")


@versions
def test_the_hellos_in_the_wrong_order(version: ssl.TLSVersion) -> None:
    pair = PAIRS[version]
    first, second, *others = pair.flights
    stage = play(stage_of(pair.secrets), [second, first, *others])
    assert plain_facts(stage) == in_the_clear()


@versions
def test_a_session_resumed(version: ssl.TLSVersion) -> None:
    shared = contexts(version)
    first = Pair(shared).shake_hands()
    first.send(1, b"tickets come with what is read")
    again = Pair(shared, session=first.ends[0].session).shake_hands()
    for side, data in SAID:
        again.send(side, data)
    stage = play(stage_of(again.secrets), again.flights)
    assert again.ends[0].session_reused
    assert tls_of(stage).resumed is True
    assert tls_of(stage).certificate_subject is None
    stage.finish()
    assert stage.connection.client_messages == 3


def test_a_session_id_resumed() -> None:
    """Without tickets, the server keeps the session; without a secret it is seen all the same."""
    shared = contexts(TLS_1_2)
    for each in shared:
        each.options |= ssl.OP_NO_TICKET
    first = Pair(shared).shake_hands()
    again = Pair(shared, session=first.ends[0].session).shake_hands()
    assert again.ends[0].session_reused
    stage = play(stage_of(None), again.flights)
    assert (stage.gone, tls_of(stage).resumed) == (True, True)


def test_a_master_secret_by_session_id() -> None:
    """The line that NSS wrote before it knew client randoms."""
    shared = contexts(TLS_1_2)
    for each in shared:
        each.options |= ssl.OP_NO_TICKET
    pair = Pair(shared).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    session = pair.ends[0].session
    assert session is not None
    master = pair.keylog.split()[-1]
    line = b"RSA Session-ID:%s Master-Key:%s" % (session.id.hex().encode(), master)
    assert plain_facts(play(stage_of(secrets_of(line)), pair.flights)) == in_the_clear()


def test_a_hello_retry_request() -> None:
    client, server = contexts(TLS_1_3)
    server.set_ecdh_curve("secp384r1")
    pair = Pair((client, server)).shake_hands()
    assert RETRY in pair.flights[1][1]
    for side, data in SAID:
        pair.send(side, data)
    assert (
        plain_facts(play(stage_of(pair.secrets), pair.flights))["messages"]
        == (in_the_clear()["messages"])
    )


@pytest.mark.parametrize("accepted", [True, False])
def test_early_data(accepted: bool) -> None:
    crafted = Crafted13()
    flights = crafted.handshake(request(), accepted=accepted)
    if not accepted:
        # The server did not take it: the client asks once more.
        flights.append((0, crafted.client(request())))
    flights.append((1, crafted.server(response() + frame(b"early bird"))))
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"early bird"]
    tls = tls_of(stage)
    assert (tls.resumed, tls.alpn, tls.reason) == (True, "http/1.1", None)
    assert stage.connection.handshake is not None


def test_key_updates() -> None:
    crafted = Crafted13()
    flights = crafted.handshake()
    flights.append((0, crafted.client(request())))
    flights.append((1, crafted.server(response())))
    for number in range(3):
        for side, sealer in enumerate((crafted.client, crafted.server)):
            flights.append((side, sealer(KEY_UPDATE, 22)))
            sealer.update()
            payload = b"generation %d" % (number + 1)
            flights.append((side, sealer(frame(payload) if side else masked(payload))))
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"][-1:] for row in stage.messages] == [b"1", b"2", b"3"] * 2


def test_hellos_once_more_do_not_begin_anew() -> None:
    """TLS 1.3 has no renegotiation: records that come again must not open again."""
    crafted = Crafted13()
    handshake = crafted.handshake()
    said = crafted.server(response() + frame(b"once"))
    flights = [*handshake, (0, crafted.client(request())), (1, said)]
    flights += [*handshake[:1], (1, records_of(handshake[1][1])[0]), (1, said)]
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"once"]
    assert tls_of(stage).bad_records == 3
    assert tls_of(stage).reason == "3 records do not authenticate: changed or forged"


def test_what_is_not_protected_is_nobodys() -> None:
    """Anybody on the way can send it: it changes no keys, closes nothing, and is said."""
    crafted = Crafted13()
    flights = [
        *crafted.handshake(),
        (0, crafted.client(request())),
        (1, crafted.server(response())),
        (1, record(22, KEY_UPDATE)),
        (1, record(21, b"\x01\x00")),
        (1, record(22, message(11, b"\0" + vector(3, vector(3, b"no certificate") + b"\0\0")))),
        (1, record(20, b"\x01")),
        (1, crafted.server(frame(b"the keys are the same"))),
    ]
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"the keys are the same"]
    found = tls_of(stage)
    assert (found.closed_by, found.notified, found.forged) == (None, (), 3)
    assert found.first_forged is not None
    assert found.first_forged[0::2] == ("server", 6)


def test_behind_a_close_notify_nothing_is_forged() -> None:
    """Somebody may go on in another way on the same TCP connection."""
    crafted = Crafted13()
    flights = [*crafted.handshake(), (0, crafted.client(b"\x01\x00", 21))]
    flights.append((0, record(22, client_hello(random=bytes(32)))))
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert (tls_of(stage).bad_records, tls_of(stage).forged) == (1, 0)


def test_a_server_hello_of_the_client_is_none() -> None:
    crafted = Crafted13()
    hello, answer, *others = crafted.handshake()
    flights = [hello, (0, record(22, server_hello(random=bytes(32)))), answer, *others]
    flights += [(0, crafted.client(request())), (1, crafted.server(response() + frame(b"a")))]
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"a"]
    assert tls_of(stage).server_random == SERVER_RANDOM.hex()


def test_a_key_update_is_the_last_message_of_its_record() -> None:
    """RFC 8446 §5.1: a record with thousands of them would cost thousands of new keys."""
    crafted = Crafted13()
    flights = [
        *crafted.handshake(),
        (0, crafted.client(request())),
        (1, crafted.server(response())),
        (1, crafted.server(KEY_UPDATE * 3000, 22)),
    ]
    crafted.server.update()
    flights.append((1, crafted.server(frame(b"one update"))))
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"one update"]


def test_padding_empty_records_tickets_and_alerts() -> None:
    crafted = Crafted13()
    server = crafted.server
    ticket = message(4, bytes(50))
    flights = [
        *crafted.handshake(),
        (0, crafted.client(request(), padding=300)),
        (1, server(ticket[:10], 22) + server(ticket[10:] + ticket, 22)),
        (1, server(b"") + server(response(), padding=1) + server(b"", padding=16_000)),
        (1, server(frame(b"after"))),
        (1, server(b"\x01\x5a", 21)),  # a warning: user_canceled
        (1, server(frame(b"still there")) + server(b"\x01\x00", 21)),
    ]
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"after", b"still there"]
    assert (tls_of(stage).alert, tls_of(stage).closed_by) == (0x5A, "server")
    assert tls_of(stage).notified == ("server",)


@pytest.mark.parametrize("side", [0, 1])
def test_secrets_of_one_side_only(side: int) -> None:
    """What the other side sends stays closed; what it says is in the summary of the row."""
    crafted = Crafted13()
    end = ("CLIENT", "SERVER")[1 - side]
    secrets = crafted_secrets(f"{end}_TRAFFIC_SECRET_0", f"{end}_HANDSHAKE_TRAFFIC_SECRET")
    flights = [
        *crafted.handshake(),
        (0, crafted.client(request())),
        (1, crafted.server(response())),
        (0, crafted.client(masked(b"question"))),
        (1, crafted.server(frame(b"answer"))),
    ]
    stage = play(stage_of(secrets), flights)
    stage.finish()
    assert tls_of(stage).decrypted
    assert tls_of(stage).reason == f"no secret for what the {end.lower()} sent"
    assert tls_of(stage).forged == 0
    assert [row["payload"] for row in stage.messages] == [b"answer" if side else b"question"]


def test_application_secrets_alone() -> None:
    """What the handshake says in secret is passed over; the tag tells where it ends."""
    crafted = Crafted13()
    secrets = crafted_secrets("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
    flights = [
        *crafted.handshake(),
        (0, crafted.client(request())),
        (1, crafted.server(response() + frame(b"found"))),
    ]
    stage = play(stage_of(secrets), flights)
    stage.finish()
    assert [row["payload"] for row in stage.messages] == [b"found"]
    assert (tls_of(stage).reason, tls_of(stage).forged) == (None, 0)


def test_what_was_not_offered_is_kept_once() -> None:
    """Who repeats it for each few bytes would make a longer and longer list of it."""
    crafted, secrets = Crafted13(), crafted_secrets()
    flights = crafted.handshake(alpn=b"mqtt")
    again = message(8, extensions((16, vector(2, vector(1, b"mqtt")))))
    flights += [(1, crafted.server(again * 500, 22)) for _ in range(3)]
    stage = play(stage_of(secrets), flights)
    assert tls_of(stage).disagreements == (NOT_OFFERED,)


# <openssl/ssl.h>
NO_EXTENDED_MASTER_SECRET = 1
RSA_SUITES = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA")


def with_rsa(suite: str, options: int = 0) -> Pair:
    """A session whose secret the client encrypts with the server's RSA key."""
    shared = contexts(TLS_1_2, suite, "rsa")
    for each in shared:
        each.options |= options
    pair = Pair(shared).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    return pair


@pytest.mark.parametrize("suite", ["DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-SHA256"])
def test_diffie_hellman_in_a_group_of_numbers(suite: str) -> None:
    pair = with_rsa(suite)
    stage = play(stage_of(pair.secrets), pair.flights)
    assert plain_facts(stage) == in_the_clear()
    assert (tls_of(stage).cipher or "").startswith("TLS_DHE_RSA_WITH_AES_")


@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET])
@pytest.mark.parametrize("suite", RSA_SUITES)
def test_a_private_key_of_the_server(suite: str, options: int) -> None:
    pair = with_rsa(suite, options)
    # In one file with a key of another kind, and something that is not a key at all.
    keys = certificate("ec")[1] + certificate("rsa")[1] + b"and more"
    stage = play(stage_of(secrets_of(keys)), pair.flights)
    assert plain_facts(stage) == in_the_clear()
    assert (tls_of(stage).resumed, tls_of(stage).reason) == (False, None)
    assert stage.recorder.held == 0


def test_a_private_key_of_another_server() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65_537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    stage = play(stage_of(secrets_of(pem)), with_rsa(RSA_SUITES[0]).flights)
    assert (stage.gone, stage.messages) == (True, [])
    assert tls_of(stage).reason == "no private key fits its key exchange"


@versions
def test_a_private_key_does_not_open_what_has_forward_secrecy(version: ssl.TLSVersion) -> None:
    stage = play(stage_of(secrets_of(certificate("ec")[1])), PAIRS[version].flights)
    what = "TLS 1.3" if version is TLS_1_3 else "connection with this cipher suite"
    assert tls_of(stage).reason == (
        f"no secret for this client random in 1 file, 0 lines; a private key opens no {what}"
    )


@versions
def test_a_damaged_record_is_a_hole_in_what_is_inside(version: ssl.TLSVersion) -> None:
    said = [(0, request()), (1, response())]
    said += [(1, frame(b"number %d" % number)) for number in range(10)]
    pair = conversation(version, said)
    flights = list(pair.flights)
    numbers = [place for place, (side, data) in enumerate(flights) if side and data[0] == 23]
    place = numbers[-7]
    side, data = flights[place]
    flights[place] = (side, data[:-1] + bytes([data[-1] ^ 1]))
    stage = play(stage_of(pair.secrets), flights)
    stage.finish()
    found = [row["payload"] for row in stage.messages if row["complete"]]
    whole = [b"number %d" % number for number in range(10)]
    assert len(found) >= 8
    assert [each for each in whole if each in found] == found
    assert tls_of(stage).bad_records == tls_of(stage).forged == 1
    assert tls_of(stage).reason == "1 record does not authenticate: changed or forged"
    assert tls_of(stage).first_forged is not None


def test_what_is_no_record_ends_it() -> None:
    pair = PAIRS[TLS_1_3]
    stage = play(stage_of(pair.secrets), pair.flights[:1])
    stage.data(1, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert stage.gone
    assert tls_of(stage).reason == "bytes that are no TLS record"


def test_a_message_that_is_too_long() -> None:
    stage = stage_of(crafted_secrets())
    stage.data(0, record(22, b"\x01\xff\xff\xff" + bytes(100)))
    assert stage.gone
    assert tls_of(stage).reason == "a handshake message that is longer than any"


def test_what_waits_is_limited() -> None:
    stage = stage_of(crafted_secrets(), limits=Limits(held=10_000))
    stage.data(0, record(22, client_hello(TLS_1_3_OFFERED)))
    for _ in range(4):
        stage.data(0, record(23, bytes(4000)))
    assert stage.gone
    assert stage.recorder.reached == {"held": 1}
    assert stage.recorder.held == 0


def test_all_together_hold_no_more_than_the_limit() -> None:
    stage = stage_of(crafted_secrets(), limits=Limits(held_total=2000))
    stage.data(0, record(22, client_hello()))
    stage.data(1, record(22, bytes(5000))[:4000])
    assert stage.gone
    assert stage.recorder.reached == {"held_total": 1}


def test_the_server_did_not_answer() -> None:
    stage = stage_of(crafted_secrets()).data(0, record(22, client_hello(TLS_1_3_OFFERED)))
    stage.finish()
    assert tls_of(stage).reason == "the server did not answer"


def test_a_handshake_that_failed() -> None:
    stage = stage_of(crafted_secrets()).data(0, record(22, client_hello(TLS_1_3_OFFERED)))
    stage.data(1, record(21, b"\x02\x28")).finish()
    assert tls_of(stage).reason == (
        "the handshake ended with alert handshake_failure (40) of the server, "
        "before the ServerHello"
    )


LINE = b"CLIENT_RANDOM %s %s\n" % (CLIENT_RANDOM.hex().encode(), b"6d" * 48)


def test_a_suite_that_is_not_decrypted() -> None:
    log = LINE
    stage = stage_of(secrets_of(log)).data(0, record(22, client_hello()))
    stage.data(1, record(22, server_hello(suite=0x000A) + message(14, b"")))
    stage.data(0, record(16, b"") + record(20, b"\x01"))
    assert stage.gone
    assert tls_of(stage).reason == (
        "the cipher suite TLS_RSA_WITH_3DES_EDE_CBC_SHA is not decrypted"
    )


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wsanalyze.tls.ciphers", None)
    stage = play(stage_of(PAIRS[TLS_1_3].secrets), PAIRS[TLS_1_3].flights)
    assert tls_of(stage).reason == NO_CRYPTOGRAPHY
    assert said_to_be_missing(stage)


def test_the_package_is_missing_where_no_hello_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wsanalyze.tls.ciphers", None)
    stage = stage_of(PAIRS[TLS_1_3].secrets).data(0, record(23, b"x" * 40))
    stage.finish()
    assert tls_of(stage).reason == NO_CRYPTOGRAPHY
    assert said_to_be_missing(stage)


def test_the_package_is_missing_and_no_secret_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wsanalyze.tls.ciphers", None)
    log = LINE.replace(LINE.split()[1], b"00" * 32)
    stage = stage_of(secrets_of(log)).data(0, record(22, client_hello()))
    stage.data(1, record(22, server_hello() + message(14, b""))).finish()
    assert tls_of(stage).reason == "no secret for this client random in 1 file, 1 line"
    assert not said_to_be_missing(stage)


def said_to_be_missing(stage: Stage) -> bool:
    """Say whether the capture's row says that cryptography is missing, and how to get it."""
    summary = stage.recorder.summaries[0]
    assert (summary.damage, summary.problem is None) == (None, not summary.missing_packages)
    if summary.problem is not None:
        assert summary.problem.endswith("(pip install cryptography)")
    return summary.missing_packages == ["cryptography"]


def test_why_connections_stayed_closed_is_counted() -> None:
    stage = stage_of(crafted_secrets()).data(0, record(22, client_hello(TLS_1_3_OFFERED)))
    stage.data(1, record(21, b"\x02\x28")).finish()
    assert stage.recorder.summaries[0].tls_reasons == {
        "the handshake ended with alert handshake_failure (40) of the server, "
        "before the ServerHello": 1
    }
    opened = play(stage_of(PAIRS[TLS_1_3].secrets), PAIRS[TLS_1_3].flights)
    opened.finish()
    assert opened.recorder.summaries[0].tls_reasons == {}


def test_plain_http_inside() -> None:
    crafted = Crafted13()
    flights = [
        *crafted.handshake(),
        (0, crafted.client(http("GET / HTTP/1.1", "Host: a"))),
        (1, crafted.server(http("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok"))),
    ]
    stage = play(stage_of(crafted_secrets()), flights)
    stage.finish()
    assert (stage.conversation.spoke, stage.connections) == (HTTP, [])


def test_tls_in_tls_is_followed_so_far() -> None:
    """Nested connections with the same secrets: a stranger can make them as deep as they like."""

    def nested(depth: int) -> list[Flight]:
        crafted = Crafted13()
        if not depth:
            return [(0, request()), (1, response() + frame(b"innermost"))]
        inside = nested(depth - 1)
        return [
            *crafted.handshake(),
            *((side, (crafted.server if side else crafted.client)(data)) for side, data in inside),
        ]

    found = {}
    for depth in (1, 2, 4, 5, 40):
        stage = play(stage_of(crafted_secrets()), nested(depth))
        stage.finish()
        found[depth] = len(stage.messages)
    assert found == {1: 1, 2: 1, 4: 1, 5: 0, 40: 0}


SMALL = conversation(TLS_1_3, [(0, request()), (1, response()), (0, masked(b"hi"))])
SMALL_12 = conversation(TLS_1_2, [(0, request()), (1, response()), (0, masked(b"hi"))])


@pytest.mark.parametrize("pair", [SMALL, SMALL_12], ids=["1.3", "1.2"])
def test_every_prefix(pair: Pair) -> None:
    for number, (side, data) in enumerate(pair.flights):
        for stop in range(len(data)):
            flights = [*pair.flights[:number], (side, data[:stop])]
            stage = play(stage_of(pair.secrets), [each for each in flights if each[1]])
            stage.finish()
            assert stage.recorder.held == 0


@pytest.mark.parametrize("pair", [SMALL, SMALL_12], ids=["1.3", "1.2"])
def test_every_byte_changed(pair: Pair) -> None:
    whole = len(play(stage_of(pair.secrets), pair.flights).messages)
    for number, (side, data) in enumerate(pair.flights):
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= 0x41
            flights = list(pair.flights)
            flights[number] = (side, bytes(changed))
            stage = play(stage_of(pair.secrets), flights)
            stage.finish()
            assert len(stage.messages) <= whole
            assert stage.recorder.held == 0


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=200)), max_size=8))
def test_anything_behind_the_hellos(flights: list[Flight]) -> None:
    stage = play(stage_of(crafted_secrets()), Crafted13().handshake())
    play(stage, flights).finish()
    assert stage.recorder.held == 0
    assert tls_of(stage).decrypted


@given(st.binary(min_size=1, max_size=400), st.integers(1, 50))
def test_anything_as_a_record(data: bytes, pieces: int) -> None:
    for content in (data, b"\x01\x00" + data, b"\x02\x00" + data):
        stage = play(stage_of(crafted_secrets()), [(0, record(22, content[:400]))], pieces)
        stage.finish()
        assert stage.recorder.held == 0


@pytest.mark.parametrize(("low", "high", "client"), [(443, 59618, 59618), (47388, 3128, 47388)])
def test_who_is_the_client_of_what_stays_closed_from_the_middle(
    low: int, high: int, client: int
) -> None:
    """Nobody knows who opened it: servers have the lower port."""
    stage = stage_of(crafted_secrets(), opened=False)
    stage.conversation.low_port, stage.conversation.high_port = low, high
    stage.data(0, record(23, b"x" * 40)).finish()
    assert tls_of(stage).client_port == client


def test_a_server_hello_tells_who_is_the_client() -> None:
    stage = stage_of(crafted_secrets(), opened=False)
    stage.conversation.low_port, stage.conversation.high_port = 443, 1080
    stage.data(1, record(22, server_hello())).finish()
    assert (tls_of(stage).client_port, tls_of(stage).server_port) == (443, 1080)


def test_a_client_hello_that_may_be_encrypted() -> None:
    """Browsers say so where it is not, too (GREASE): the reason names last what may be."""
    hello = client_hello(TLS_1_3_OFFERED, (0xFE0D, bytes(100)), random=bytes(32))

    def reason(chosen: bytes) -> str | None:
        stage = stage_of(crafted_secrets())
        play(stage, [(0, record(22, hello)), (1, record(22, chosen))])
        stage.finish()
        return tls_of(stage).reason

    why = "no secret for this client random in 1 file, 5 lines"
    assert reason(server_hello(TLS_1_3_CHOSEN)) == (
        f"{why}; if a ClientHello was encrypted in it (ECH), which cannot be told, the log has "
        "that one's random"
    )
    # There is none before TLS 1.3.
    assert reason(server_hello()) == why


class TestHellosOfStrangers:
    """What a hello makes wsanalyze keep is bounded, however many there are."""

    def hello(self, protocols: int = 0, suites: int = 2, name: bytes = b"chat.example") -> bytes:
        offered = b"".join(vector(1, b"%02d" % (each % 100)) for each in range(protocols))
        sni = vector(2, b"\0" + vector(2, name))
        return record(
            22, client_hello((0, sni), (16, vector(2, offered)), suites=(0xC02F,) * suites)
        )

    def test_names_and_protocols(self) -> None:
        stage = stage_of(None).client(self.hello(4000, name=b"a" * 2000))
        stage.finish()
        tls = tls_of(stage)
        assert tls.sni == "a" * 1024 + "…"
        assert len(tls.alpn_offered) == 32

    def test_nothing_of_large_hellos_is_held(self) -> None:
        limits = Limits(held_total=10_000)
        stage = stage_of(None, limits=limits).client(self.hello(suites=4000))
        assert (stage.gone, stage.recorder.held) == (False, 0)
        small, large = self.memory(self.hello(1)), self.memory(self.hello(4000, suites=2000))
        assert large - small < 10 * 8000

    def memory(self, hello: bytes) -> int:
        """Return the bytes that ten connections take behind their hellos."""
        tracemalloc.start()
        stages = [stage_of(None).client(hello) for _ in range(10)]
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(stages) == 10
        return size

    def test_rows_are_limited(self) -> None:
        stage = stage_of(None, limits=Limits(tls=0)).client(self.hello())
        stage.finish()
        assert stage.recording.tls == []
        assert stage.recorder.reached == {"tls": 1}

    def test_without_a_row_it_is_decrypted(self) -> None:
        pair = conversation(TLS_1_3)
        stage = play(stage_of(pair.secrets, limits=Limits(tls=0)), pair.flights)
        stage.finish()
        assert stage.recording.tls == []
        assert stage.connection.tls_version == "TLS 1.3"

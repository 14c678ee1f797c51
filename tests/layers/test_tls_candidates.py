"""Whose secrets count: all of the reader's before the capture's, and the tag decides."""

from __future__ import annotations

import itertools
import re
import ssl
from collections.abc import Callable

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
    stage_of,
)

from wsanalyze.tls.keylog import Secrets

SAID: list[Flight] = [(0, request()), (1, response() + frame(b"hello")), (0, masked(b"question"))]
MESSAGES = [b"question", b"hello"]
NO_EXTENDED_MASTER_SECRET = 1


def conversation(
    version: ssl.TLSVersion, suite: str = "", key: str = "ec", options: int = 0
) -> Pair:
    shared = contexts(version, suite, key)
    for each in shared:
        each.options |= options
    pair = Pair(shared).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    return pair


RSA = conversation(TLS_1_2, "AES128-GCM-SHA256", "rsa")
PAIRS = {
    "TLS 1.3": conversation(TLS_1_3),
    "TLS 1.2": conversation(TLS_1_2),
    "RSA": RSA,
    "CBC": conversation(TLS_1_2, "AES128-SHA", "rsa"),
    "no extended master secret": conversation(
        TLS_1_2, "AES128-GCM-SHA256", "rsa", NO_EXTENDED_MASTER_SECRET
    ),
}


def wrong(lines: bytes) -> bytes:
    """Return the same lines with other secrets."""
    return re.sub(rb"[0-9a-fA-F]{2}$", b"c5", lines, flags=re.MULTILINE)


def labelled(pair: Pair) -> bytes:
    return b"\n".join(
        line for line in pair.keylog.splitlines() if b"CLIENT_" in line or b"SERVER_" in line
    )


def sealed(pair: Pair) -> bytes:
    (line,) = (each for each in pair.keylog.splitlines() if each.startswith(b"RSA "))
    return line


def exchanged(pair: Pair) -> bytes:
    master = re.search(rb"^CLIENT_RANDOM (\S+) ", pair.keylog, re.MULTILINE)
    assert master is not None
    return b"PMS_CLIENT_RANDOM %s %s" % (master[1], sealed(pair).split()[2])


def known(reader: bytes, capture: bytes) -> Secrets:
    secrets = Secrets(1000)
    secrets.add(reader.splitlines())
    secrets.add(capture.splitlines(), from_capture=True)
    return secrets


def messages(secrets: Secrets, pair: Pair) -> list[bytes]:
    stage = play(stage_of(secrets), pair.flights)
    stage.finish()
    (tls,) = stage.recording.tls
    assert stage.recorder.held == 0
    assert (tls.decrypted, tls.reason, tls.bad_records) == (True, None, 0)
    return [row["payload"] for row in stage.messages]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("right", ["reader", "capture"])
def test_of_two_that_name_it_the_tag_decides(name: str, right: str) -> None:
    pair = PAIRS[name]
    lines = labelled(pair), wrong(labelled(pair))
    assert messages(known(*(lines if right == "reader" else lines[::-1])), pair) == MESSAGES


@pytest.mark.parametrize("name", ["RSA", "CBC", "no extended master secret"])
@pytest.mark.parametrize("line", [sealed, exchanged, lambda _: certificate("rsa")[1]])
def test_a_captures_line_hides_no_other_kind_of_the_readers(
    name: str, line: Callable[[Pair], bytes]
) -> None:
    """It comes first on the way: the ServerHello is enough for it."""
    pair = PAIRS[name]
    forged = wrong(labelled(pair)) + b"\n" + wrong(sealed(pair)) + b"\n" + wrong(exchanged(pair))
    assert messages(known(line(pair), forged), pair) == MESSAGES


@pytest.mark.parametrize("first", [labelled, sealed, exchanged])
@pytest.mark.parametrize("second", [labelled, sealed, exchanged, lambda _: certificate("rsa")[1]])
@pytest.mark.parametrize("from_reader", [True, False])
def test_a_wrong_one_hides_no_right_one_of_another_kind(
    first: Callable[[Pair], bytes], second: Callable[[Pair], bytes], from_reader: bool
) -> None:
    if first is second or (not from_reader and b"PRIVATE" in second(RSA)):
        return
    lines = wrong(first(RSA)) + b"\n" + second(RSA)
    assert messages(known(lines, b"") if from_reader else known(b"", lines), RSA) == MESSAGES


def test_what_fits_no_suite_hides_nothing() -> None:
    """Lines of TLS 1.3 for a connection of TLS 1.2 made it `no master secret, only others`."""
    random = labelled(RSA).split()[1]
    junk = b"CLIENT_TRAFFIC_SECRET_0 %s %s" % (random, b"00" * 32)
    short = b"CLIENT_RANDOM %s %s" % (random, b"00" * 32)
    for line in (junk, short):
        assert messages(known(certificate("rsa")[1], line), RSA) == MESSAGES


@pytest.mark.parametrize("missing", range(4))
def test_of_tls_1_3_each_secret_is_chosen_alone(missing: int) -> None:
    """A key log may have some of them, and the capture others."""
    pair = PAIRS["TLS 1.3"]
    lines = [line for line in labelled(pair).splitlines() if b"TRAFFIC" in line]
    reader = b"\n".join(lines[:missing] + lines[missing + 1 :])
    capture = b"\n".join(map(wrong, lines[:missing])) + b"\n" + b"\n".join(lines[missing:])
    assert messages(known(reader, capture), pair) == MESSAGES


def test_a_key_update_follows_the_one_that_opened() -> None:
    from support.tls_crafted import CLIENT_RANDOM, KEY_UPDATE, LABELS, Crafted13, secret_of

    crafted = Crafted13()
    flights = crafted.handshake()
    flights += [(0, crafted.client(request())), (1, crafted.server(response()))]
    flights.append((1, crafted.server(KEY_UPDATE, 22)))
    crafted.server.update()
    flights.append((1, crafted.server(frame(b"later"))))
    lines = b"\n".join(
        f"{label} {CLIENT_RANDOM.hex()} {secret_of(label).hex()}".encode() for label in LABELS
    )
    for secrets in (known(wrong(lines), lines), known(lines, wrong(lines))):
        stage = play(stage_of(secrets), flights)
        stage.finish()
        assert [row["payload"] for row in stage.messages] == [b"later"]


@pytest.mark.parametrize("right", ["session", "capture"])
def test_a_session_that_is_resumed(right: str) -> None:
    """What opened the connection that began it, is tried besides a capture's line for this one."""
    shared = contexts(TLS_1_2, "AES128-GCM-SHA256", "rsa")
    first = Pair(shared).shake_hands()
    again = Pair(shared, first.ends[0].session).shake_hands()
    for side, data in SAID:
        again.send(side, data)
    line = labelled(again)
    secrets = known(certificate("rsa")[1], wrong(line) if right == "session" else line)
    if right == "session":
        play(stage_of(secrets), first.flights).finish()
    assert messages(secrets, again) == MESSAGES


def test_a_session_of_the_same_name_hides_none() -> None:
    """Whoever adds packets may begin another session with a ticket that was seen."""
    from wsanalyze.tls.choice import Candidates

    shared = contexts(TLS_1_2, "AES128-GCM-SHA256", "rsa")
    first = Pair(shared).shake_hands()
    again = Pair(shared, first.ends[0].session).shake_hands()
    for side, data in SAID:
        again.send(side, data)
    secrets = known(certificate("rsa")[1], b"")
    play(stage_of(secrets), first.flights).finish()
    for name in list(secrets.sessions.masters):
        for _ in range(3):
            secrets.sessions._learn(name, Candidates([bytes(48)]))
    assert messages(secrets, again) == MESSAGES


@pytest.mark.parametrize("missing", [0, 1], ids=["ClientHello", "both hellos"])
def test_without_hellos_the_readers_are_tried_first(missing: int) -> None:
    """A capture brings thousands of secrets: what is tried for those is counted apart."""
    pair = PAIRS["TLS 1.3"]
    flood = b"\n".join(
        b"CLIENT_TRAFFIC_SECRET_0 %064x %064x" % (number, number) for number in range(5000)
    )
    secrets = known(labelled(pair), flood)
    secrets.capture.tries_left = 0
    flights = [flight for flight in pair.flights[missing + 1 :] if flight[0] == 1]
    stage = stage_of(secrets)
    stage.gap(0, 500)
    stage.gap(1, 500)
    play(stage, flights)
    stage.finish()
    (tls,) = stage.recording.tls
    assert tls.decrypted


def test_the_record_that_tells_is_the_first_of_either_side() -> None:
    """Whichever side is read first settles it for both."""
    pair = PAIRS["TLS 1.2"]
    secrets = known(wrong(labelled(pair)), labelled(pair))
    by_side = [[f for f in pair.flights if f[0] == side] for side in (0, 1)]
    for order in itertools.permutations(by_side):
        stage = stage_of(secrets)
        play(stage, [flight for flights in order for flight in flights])
        stage.finish()
        assert [row["payload"] for row in stage.messages] == MESSAGES


def test_where_the_secret_is_from() -> None:
    from wsanalyze.streams import Streams

    pair = PAIRS["TLS 1.3"]
    lines = labelled(pair)
    for reader, capture, origin in (
        (lines, wrong(lines), "key log"),
        (wrong(lines), lines, "capture"),
    ):
        stage = stage_of(known(reader, capture))
        stage.recorder.streams = Streams({0: ([], [])}, 0)
        play(stage, pair.flights)
        (found,) = stage.recorder.streams.key_origins.values()
        assert found[0] == origin


def stage_with(rsa: int) -> Stage:
    secrets = Secrets(1000, rsa)
    secrets.add(certificate("rsa")[1].splitlines())
    return stage_of(secrets)


def test_private_keys_are_used_so_many_times() -> None:
    """Each time takes half a millisecond, or several: a stranger's capture has many such hellos."""
    stage = stage_with(1)
    play(stage, RSA.flights)
    assert [row["payload"] for row in stage.messages] == MESSAGES
    stage = stage_with(0)
    play(stage, RSA.flights)
    stage.finish()
    (tls,) = stage.recording.tls
    assert tls.reason == "no private key was tried any more: the limit rsa was reached"
    assert stage.recorder.secrets.rsa_refused == 1

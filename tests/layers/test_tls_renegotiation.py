"""TLS 1.2 that agrees on other keys on the way (RFC 5246 §7.4.1.1), whole and with losses.

Both hellos of a renegotiation are encrypted with the keys before. Of the client's only the random
is needed, which stands in the key log: the tag decides which one it is.
"""

from __future__ import annotations

import pytest
from support.sessions import Stage, frame, masked, request, response
from support.tls import Flight, secrets_of, stage_of
from support.tls_crafted import (
    Sealer12,
    client_hello,
    message,
    record,
    server_hello,
)

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.limits import Limits
from wsanalyze.tls.keylog import Secrets

SUITE = 0xC02F
DONE, KEY_EXCHANGE, FINISHED = message(14, b""), message(16, bytes(33)), message(20, bytes(12))
CHANGE = record(20, b"\x01")
# The master secret and the client random of each handshake.
HANDSHAKES = [(bytes([number]) * 48, bytes([number]) * 32) for number in range(1, 6)]


def line(number: int) -> bytes:
    """Return what a key log says of a handshake."""
    master, random = HANDSHAKES[number]
    return f"CLIENT_RANDOM {random.hex()} {master.hex()}\n".encode()


LOG = b"".join(map(line, range(len(HANDSHAKES))))
# Unused secrets of who knows which connections.
OTHERS = "".join(f"CLIENT_RANDOM {n:064x} {n:096x}\n" for n in range(30)).encode()


class Renegotiated:
    """A connection of TLS 1.2; `flights` is what went over the wire, by name."""

    def __init__(self) -> None:
        self.flights: list[tuple[str, Flight]] = []
        self.count = 0
        self._keys()
        self._add("hello", 0, record(22, client_hello(random=HANDSHAKES[0][1])))
        self._add("answer", 1, record(22, server_hello(suite=SUITE) + DONE))
        self._add("keys", 0, record(22, KEY_EXCHANGE) + CHANGE + self.client(FINISHED, 22))
        self._add("finished", 1, CHANGE + self.server(FINISHED, 22))
        self.say(request(), response())

    def _keys(self) -> None:
        master, random = HANDSHAKES[self.count]
        self.client, self.server = (Sealer12(side, master, random) for side in (0, 1))
        self.count += 1

    def _add(self, name: str, side: int, data: bytes) -> None:
        self.flights.append((name, (side, data)))

    def say(self, question: bytes, answer: bytes) -> Renegotiated:
        """Send something in both directions."""
        self._add("question", 0, self.client(question))
        self._add("answered", 1, self.server(answer))
        return self

    def chat(self, number: int) -> Renegotiated:
        """Send a message in both directions."""
        return self.say(masked(b"question %d" % number), frame(b"answer %d" % number))

    def again(self) -> Renegotiated:
        """Agree on other keys."""
        client, server = self.client, self.server
        hello = client_hello(random=HANDSHAKES[self.count][1])
        self._add("hello", 0, client(hello, 22))
        self._add("answer", 1, server(server_hello(suite=SUITE) + DONE, 22))
        self._keys()
        keys = client(KEY_EXCHANGE, 22) + client(b"\x01", 20)
        self._add("keys", 0, keys + self.client(FINISHED, 22))
        self._add("finished", 1, server(b"\x01", 20) + self.server(FINISHED, 22))
        return self


def conversation(times: int = 1, messages: int = 8) -> Renegotiated:
    """Return one that agrees on other keys so many times, with messages in between."""
    made = Renegotiated().chat(0)
    for _ in range(times):
        made.again()
        for number in range(messages):
            made.chat(number)
    return made


def played(
    made: Renegotiated, secrets: Secrets, lost: tuple[str, ...] = (), limits: Limits | None = None
) -> Stage:
    """Play a conversation of which the flights named are lost, but for the first handshake's."""
    stage = stage_of(secrets, limits=limits)
    for place, (name, (side, data)) in enumerate(made.flights):
        if place > 4 and name in lost:
            stage.gap(side, len(data))
        else:
            stage.data(side, data)
    stage.finish()
    return stage


@pytest.mark.parametrize("expects", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("log", [line(0), line(0) + line(2)])
def test_what_no_secret_opens_is_counted_to_the_byte(log: bytes, expects: bool) -> None:
    """Whether records wait for a secret that never comes, or nobody expects one."""
    made, secrets = conversation(), secrets_of(log)
    secrets.expects = expects
    stage = played(made, secrets)
    (tls,) = stage.recording.tls
    assert tls.decrypted
    names = [name for name, _ in made.flights]
    changed = len(names) - 1 - names[::-1].index("keys")
    # Behind what changes keys: a Finished, and all that follows it. A header, a nonce, a tag.
    sealed = [5 + 8 + len(FINISHED) + 16] * 2
    for name, (side, data) in made.flights[changed + 1 :]:
        sealed[side] += 0 if name == "finished" else len(data)
    assert [tls.client_sealed, tls.server_sealed] == sealed
    (connection,) = stage.connections
    unread = connection.client_unread_bytes, connection.server_unread_bytes
    assert list(unread) == sealed


def late(made: Renegotiated, secrets: Secrets, side: int, *, but: tuple[int, ...] = ()) -> Stage:
    """Play a conversation of which a side comes last, as behind a hole; some flights are lost."""
    stage = stage_of(secrets)
    for last in (False, True):
        for place, (_, (sender, data)) in enumerate(made.flights):
            if (sender == side) is not last:
                continue
            if place in but:
                stage.gap(sender, len(data))
            else:
                stage.data(sender, data)
    stage.finish()
    return stage


def tls_of(stage: Stage) -> TlsConnection:
    (only,) = stage.recording.tls
    return only


def said(stage: Stage) -> list[bytes]:
    return sorted(row["payload"] for row in stage.messages if row["complete"])


def all_of(times: int = 1, messages: int = 8) -> list[bytes]:
    numbers = [0, *range(messages)] if times == 1 else [0, *([*range(messages)] * times)]
    return sorted(b"%s %d" % (who, n) for n in numbers for who in (b"question", b"answer"))


class TestWhole:
    def test_it_is_followed(self) -> None:
        stage = played(conversation(3), secrets_of(LOG))
        assert said(stage) == all_of(3)
        assert tls_of(stage).reason is None

    def test_without_its_secret(self) -> None:
        """What is within goes on, closed to us: it is no limit that ends it."""
        stage = played(conversation(), secrets_of(line(0)))
        assert (stage.gone, said(stage)) == (False, [b"answer 0", b"question 0"])
        tls, connection = tls_of(stage), stage.connection
        assert connection.ended_by == "capture-end"
        assert connection.client_unread_bytes == tls.client_sealed > 0
        assert connection.server_unread_bytes == tls.server_sealed > 0
        assert (tls.decrypted, tls.reason) == (
            True,
            "no secret for this client random in 1 file, 1 line",
        )

    def test_facts_are_those_of_the_first_handshake(self) -> None:
        for lost in ((), ("hello",)):
            tls = tls_of(played(conversation(2), secrets_of(LOG), lost))
            assert tls.client_random == HANDSHAKES[0][1].hex()
            assert (tls.version, tls.cipher) == (
                "TLS 1.2",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            )

    @pytest.mark.parametrize("side", [0, 1])
    def test_one_side_comes_late(self, side: int) -> None:
        """Behind a hole that nobody fills a side is read when the other one is over."""
        stage = late(conversation(3), secrets_of(LOG), side)
        assert said(stage) == all_of(3)
        assert tls_of(stage).reason is None
        # The hello that comes late is read as well.
        assert tls_of(stage).ja3 is not None


class TestClientHelloLost:
    def test_it_goes_on(self) -> None:
        stage = played(conversation(), secrets_of(OTHERS, LOG), ("hello",))
        assert said(stage) == all_of()
        assert (tls_of(stage).decrypted, tls_of(stage).reason) == (True, None)
        assert tls_of(stage).forged == 0

    def test_nothing_of_what_was_said_is_missing(self) -> None:
        """The one record that is lost was the hello: no bytes of the stream inside."""
        made = conversation()
        whole, stage = (played(made, secrets_of(LOG), lost) for lost in ((), ("hello",)))
        assert [row["offset"] for row in stage.frames] == [row["offset"] for row in whole.frames]

    def test_three_times(self) -> None:
        stage = played(conversation(3), secrets_of(OTHERS, LOG), ("hello",))
        assert said(stage) == all_of(3)

    def test_no_secret_fits(self) -> None:
        stage = played(conversation(), secrets_of(OTHERS, line(0)), ("hello",))
        assert said(stage) == [b"answer 0", b"question 0"]
        assert tls_of(stage).reason == (
            "behind a renegotiation: the ClientHello is not in the capture, and no unused secret "
            "of 2 files, 31 lines opens the records that were tried"
        )

    def test_what_is_tried_is_limited(self) -> None:
        secrets = secrets_of(OTHERS, LOG)
        secrets.reader.tries_left = 100
        stage = played(conversation(), secrets, ("hello",))
        assert said(stage) == [b"answer 0", b"question 0"]
        assert secrets.reader.tries_left == 0
        reason = tls_of(stage).reason
        assert reason is not None
        assert reason.endswith("opens the records that were tried (not with all of them)")

    def test_a_secret_that_comes_late(self) -> None:
        """A key log that is written meanwhile is read again."""
        secrets = secrets_of(OTHERS, line(0))

        def more() -> bool:
            before = secrets.lines
            if before < 32:
                secrets.append([line(1)])
            return secrets.lines > before

        secrets.more = more
        assert said(played(conversation(), secrets, ("hello",))) == all_of()

    def test_what_waits_is_limited(self) -> None:
        limits = Limits(held=1000)
        stage = played(conversation(), secrets_of(line(0)), ("hello",), limits)
        assert stage.recorder.held == 0
        assert stage.recorder.reached == {"held": 1}
        assert tls_of(stage).client_sealed > 0 < tls_of(stage).server_sealed

    def test_the_client_comes_late(self) -> None:
        made = conversation(3)
        hellos = [place for place, (name, _) in enumerate(made.flights) if name == "hello"]
        stage = late(made, secrets_of(OTHERS, LOG), 0, but=tuple(hellos))
        assert said(stage) == all_of(3)


class TestOtherLosses:
    @pytest.mark.parametrize("lost", [("keys",), ("finished",), ("keys", "finished")])
    def test_where_the_keys_change_is_lost(self, lost: tuple[str, ...]) -> None:
        """What was agreed on is tried where the old keys open nothing."""
        stage = played(conversation(2), secrets_of(LOG), lost)
        assert len(said(stage)) >= 0.8 * len(all_of(2))
        assert not set(said(stage)) - set(all_of(2))
        assert tls_of(stage).reason is None

    def test_the_clients_part_is_lost(self) -> None:
        stage = played(conversation(2), secrets_of(OTHERS, LOG), ("hello", "keys"))
        assert len(said(stage)) >= 0.8 * len(all_of(2))
        assert not set(said(stage)) - set(all_of(2))

    def test_the_server_hello_is_lost(self) -> None:
        """Its random is part of the keys, and stands nowhere else."""
        stage = played(conversation(), secrets_of(LOG), ("answer",))
        assert said(stage) == [b"answer 0", b"question 0"]
        assert tls_of(stage).reason == (
            "behind a renegotiation: the ServerHello is not in the capture: before TLS 1.3 its "
            "random is part of the keys"
        )

    def test_any_flight_is_lost(self) -> None:
        made = conversation(2)
        for lost in range(5, len(made.flights)):
            stage = stage_of(secrets_of(OTHERS, LOG))
            for place, (_, (side, data)) in enumerate(made.flights):
                stage.gap(side, len(data)) if place == lost else stage.data(side, data)
            stage.finish()
            assert not set(said(stage)) - set(all_of(2))
            if made.flights[lost][0] != "answer":
                assert len(said(stage)) >= len(all_of(2)) - 8, lost


def test_a_server_hello_in_the_clear_changes_nothing() -> None:
    """Anybody on the way can send it: hellos of a renegotiation are encrypted."""
    made = Renegotiated()
    made.flights.append(("forged", (1, record(22, server_hello(suite=SUITE, random=bytes(32))))))
    made.chat(1)
    stage = played(made, secrets_of(LOG))
    assert said(stage) == [b"answer 1", b"question 1"]


def test_a_record_put_between_is_no_hole() -> None:
    """The sequence numbers tell that nothing is missing: what was said goes on behind it."""
    made = Renegotiated()
    text = bytes(range(48, 112)) * 10
    whole = frame(text)
    made.say(masked(b"question"), whole[:300])
    made.flights.append(("forged", (1, b"\x17\x03\x03\x00\x40" + bytes(64))))
    made.say(masked(b"another"), whole[300:])
    stage = played(made, secrets_of(LOG))
    assert said(stage) == sorted((b"question", b"another", text))
    assert tls_of(stage).forged == 1


def test_hellos_again_before_keys_were_changed() -> None:
    """Records wait, a key was agreed on, and another hello leaves it open what follows."""
    made = Renegotiated()
    hello, answer = made.flights[0][1], made.flights[1][1]
    early = (0, b"\x17\x03\x03\x00\x20" + bytes(32))
    other = (0, record(22, client_hello(random=HANDSHAKES[1][1])))
    stage = stage_of(secrets_of(LOG))
    for side, data in (early, hello, answer, other, early, other, answer):
        stage.data(side, data)
    stage.finish()
    assert stage.recorder.held == 0


def test_what_was_within_ends_where_secrets_of_another_handshake_never_came() -> None:
    """Records waited for them, and the WebSocket within was never said to be over."""
    secrets = secrets_of(line(0))
    secrets.expects = True
    stage = stage_of(secrets)
    for _, (side, data) in Renegotiated().chat(1).again().chat(2).flights:
        stage.data(side, data)
    stage.finish()
    connection = stage.connection
    assert (connection.over, connection.ended_by) == (True, "capture-end")
    assert (connection.client_messages, stage.recorder.summaries[0].attempts) == (1, 1)
    (tls,) = stage.recording.tls
    assert (tls.decrypted, tls.reason) == (
        True,
        "no secret for this client random in 1 file, 1 line",
    )

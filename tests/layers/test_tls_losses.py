"""TLS with lost segments, and captures that begin later: what is found was said, and most of it.

Measured over 48 sessions of 150 messages: of those whose records are whole 99.3 % are found at
1 % loss, 95.8 % at 5 %; the others stand next to a hole.
"""

from __future__ import annotations

import random
import ssl
from collections import Counter
from collections.abc import Callable

import pytest
from support.sessions import Stage, frame, http, request, response, sha256
from support.tls import TLS_1_2, TLS_1_3, Flight, Pair, contexts, cut, play, stage_of
from support.tls_crafted import KEY_UPDATE, Crafted13, crafted_secrets

from wsanalyze.layers.tls_blind import EXPANSION, TRIES

SIZES = (10, 60, 300, 1200, 3000, 20_000)
SEGMENT = 1448
SUITES = {
    "TLS 1.3": (TLS_1_3, ""),
    "AES-GCM": (TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "ChaCha20": (TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "AES-CBC": (TLS_1_2, "ECDHE-ECDSA-AES128-SHA"),
}


def payload_of(chance: random.Random, number: int) -> bytes:
    return b"%06d-" % number + chance.randbytes(chance.choice(SIZES))


def run(suite: tuple[ssl.TLSVersion, str], loss: float, seed: int) -> Counter[str]:
    """Return how many messages are whole in what is left, were found, and were never said."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    pair = Pair(contexts(*suite)).shake_hands().send(0, request()).send(1, response())
    stage = play(stage_of(pair.secrets), pair.flights)
    said, whole, lengths = set(), set(), set()
    for number in range(150):
        payload, side = payload_of(chance, number), chance.randrange(2)
        before = len(pair.flights)
        pair.send(side, frame(payload, 2, mask=None if side else chance.randbytes(4)))
        said.add(sha256(payload))
        lengths.add((side, len(payload)))
        if lose(stage, pair.flights[before:], chance, loss):
            whole.add(sha256(payload))
    stage.finish()
    found = [row["sha256"] for row in stage.messages if row["complete"]]
    assert stage.recorder.held == 0
    # What the capture does not have was changed by nobody.
    assert stage.recording.tls[0].forged == 0
    assert {(row["sender"], row["length"]) for row in stage.frames} <= lengths
    return Counter(whole=len(whole), found=len(whole & set(found)), invented=len(set(found) - said))


def lose(stage: Stage, flights: list[Flight], chance: random.Random, loss: float) -> bool:
    """Play flights with some segments missing; return whether none was."""
    whole = True
    for side, data in flights:
        for segment in cut(data, SEGMENT):
            if chance.random() < loss:
                stage.gap(side, len(segment))
                whole = False
            else:
                stage.data(side, segment)
    return whole


@pytest.mark.parametrize(("loss", "share"), [(0.01, 0.97), (0.05, 0.9)])
@pytest.mark.parametrize("suite", SUITES)
def test_segments_lost_at_random(suite: str, loss: float, share: float) -> None:
    counts = sum((run(SUITES[suite], loss, seed) for seed in range(3)), Counter())
    assert counts["found"] >= share * counts["whole"]
    assert counts["invented"] == 0


def test_the_hole_inside_is_as_long_as_what_was_said() -> None:
    """The tag tells how many records are missing: offsets behind them are exact."""
    crafted = Crafted13()
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    lost = [crafted.server(frame(bytes(size))) for size in (5, 1000, 77)]
    stage.gap(1, sum(map(len, lost)) - 40).data(1, lost[-1][-40:])
    for _ in range(6):
        stage.data(1, crafted.server(frame(b"a")))
    stage.finish()
    behind = sum(len(frame(bytes(size))) for size in (5, 1000, 77)) + len(response())
    assert [row["offset"] for row in stage.frames] == [behind + 3 * each for each in range(6)]


@pytest.mark.parametrize("ends", [True, False], ids=["FIN", "capture ends"])
def test_a_close_that_is_missing_at_the_end_may_have_been_the_first(ends: bool) -> None:
    """No record comes behind the hole, and still the layer within hears of it."""
    pair = Pair(contexts(TLS_1_3)).shake_hands().send(0, request()).send(1, response())
    play(stage := stage_of(pair.secrets), pair.flights)
    before = len(pair.flights)
    pair.send(0, frame(b"\x03\xe8", 8, mask=b"abcd")).send(1, frame(b"\x03\xe8", 8))
    (_, lost), (_, answer) = pair.flights[before:]
    stage.gap(0, len(lost)).data(1, answer)
    if ends:
        stage.end(0).end(1)
    stage.finish()
    row = stage.connection
    assert (row.client_close_code, row.server_close_code) == (None, 1000)
    assert row.ended_by is None


@pytest.mark.parametrize("padding", [0, 300])
@pytest.mark.parametrize("payload", [b"\0", b"a", b"\x81\x01", b"\x82\x05hello"])
def test_how_much_of_the_hole_is_padding_nobody_knows(payload: bytes, padding: int) -> None:
    """RFC 8446 §5.4: a frame goes on in the next record, of the length that it said it has."""
    crafted, large = Crafted13(), frame((payload * 6000)[:6000], 2)
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    for at in range(0, len(large), 600):
        record = crafted.server(large[at : at + 600], padding=padding)
        if at == 1800:
            stage.gap(1, len(record))
        else:
            stage.data(1, record)
    for _ in range(6):
        stage.data(1, crafted.server(frame(b"behind it")))
    stage.finish()
    assert [(row["head"], row["length"]) for row in stage.frames] == [(0x82, 6000)] + [
        (0x81, 9)
    ] * 6
    assert stage.recording.tls[0].forged == 0


def test_a_key_update_is_lost() -> None:
    crafted = Crafted13()
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    lost = crafted.server(KEY_UPDATE, 22)
    crafted.server.update()
    stage.gap(1, len(lost))
    for number in range(3):
        stage.data(1, crafted.server(frame(b"with new keys %d" % number)))
    stage.finish()
    assert stage.recording.tls[0].reason is None
    assert [row["payload"] for row in stage.messages][-1] == b"with new keys 2"


@pytest.mark.parametrize("place", [0, 3, 20])
def test_a_hole_of_unknown_length(place: int) -> None:
    """TLS within TLS with CBC: how much of the inner one is missing, is not known."""
    crafted = Crafted13()
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    cut_off = crafted.server(frame(b"lost"))
    stage.data(1, cut_off[:place]) if place else None
    stage.layer.gap(1, -60, stage.conversation.last_time, stage.packet, stage.packet)
    for number in range(6):
        stage.data(1, crafted.server(frame(b"found %d" % number)))
    stage.finish()
    assert [row["payload"] for row in stage.messages][-1] == b"found 5"
    assert stage.recording.tls[0].forged == 0


def short_of(pick: Callable[[list[bytes]], bytes]) -> tuple[Stage, list[bytes]]:
    """Play a message in three records, of which TCP brings only what is picked, and no hole.

    Behind them come small messages. Who numbers segments wrongly makes that, or shifts it.
    """
    crafted, large = Crafted13(), frame(bytes(range(250)) * 180)
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    records = [crafted.server(large[at : at + 16_000]) for at in range(0, len(large), 16_000)]
    small = [b"message %d " % number * 150 for number in range(14)]
    stage.data(1, records[0] + pick(records[1:]))
    for payload in small:
        stage.data(1, crafted.server(frame(payload)))
    stage.finish()
    return stage, small


@pytest.mark.parametrize(
    "pick",
    [
        lambda rest: rest[0][:5000],
        lambda rest: rest[0][:5000] + rest[1][100:],
        lambda rest: rest[0][1460:] + rest[1],
        lambda rest: rest[1],
        lambda rest: b"".join(rest[2:]),
    ],
    ids=["cut", "cut at both ends", "shifted", "a record less", "all less"],
)
def test_bytes_that_are_missing_and_that_nobody_misses(
    pick: Callable[[list[bytes]], bytes],
) -> None:
    """How many there are, TCP's numbers do not tell: the next frame is looked for, not counted."""
    stage, small = short_of(pick)
    found = [row["payload"] for row in stage.messages if row["complete"]]
    assert set(found) <= set(small)
    assert found[-1:] == small[-1:]
    assert {row["length"] for row in stage.frames} <= {45_000, *map(len, small)}


SAID: list[Flight] = [(0, request()), (1, response())]
for each in range(12):
    SAID += [(1, frame(b"answer %d" % each)), (0, frame(b"question %d" % each, mask=b"abcd"))]


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=lambda each: each.name)
def test_any_flight_is_lost(version: ssl.TLSVersion) -> None:
    pair = Pair(contexts(version)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    said = {sha256(b"answer %d" % each) for each in range(12)}
    said |= {sha256(b"question %d" % each) for each in range(12)}
    for lost, (side, data) in enumerate(pair.flights):
        stage = stage_of(pair.secrets)
        play(stage, pair.flights[:lost])
        stage.gap(side, len(data))
        play(stage, pair.flights[lost + 1 :]).finish()
        found = {row["sha256"] for row in stage.messages if row["complete"]}
        assert found <= said
        # Of the hellos TLS 1.2 needs both, and a whole flight of the handshake may hold one.
        if version is TLS_1_3 or lost > 3:
            assert len(found) >= 20, lost


@pytest.mark.parametrize("pieces", [None, 13])
def test_a_request_behind_a_hole_waits_for_what_the_server_says(pieces: int | None) -> None:
    """Missing are all that the server says up to its answer, and the client's Finished."""
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    stage = play(stage_of(pair.secrets), pair.flights[:1])
    for side, data in pair.flights[1:4]:
        stage.gap(side, len(data))
    play(stage, pair.flights[4:], pieces).finish()
    row = stage.connection
    assert (row.outcome, row.client_frames, row.server_frames) == ("established", 12, 12)
    assert row.request_packet is not None
    assert row.response_packet is not None
    assert row.request_packet < row.response_packet


def test_a_client_that_offers_no_early_data_has_none_missing() -> None:
    """Both wait behind holes, and the server is read first: its first flight is missing."""
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    stage = play(stage_of(pair.secrets), pair.flights[:1])
    for side in (1, 0):
        stage.gap(side, len(pair.flights[2 - side][1]))
        play(stage, [each for each in pair.flights[3:] if each[0] == side])
    stage.finish()
    row = stage.connection
    assert (row.outcome, row.client_frames, row.server_frames) == ("established", 12, 12)


def test_a_version_that_nobody_has_is_the_one_that_opens_records() -> None:
    """The ClientHello is missing, and the ServerHello chose what there is not."""
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    hello = pair.flights[1][1]
    known, unknown = bytes.fromhex("002b00020304"), bytes.fromhex("002b0002feff")
    assert hello.count(known) == 1
    stage = stage_of(pair.secrets).gap(0, len(pair.flights[0][1]))
    play(stage, [(1, hello.replace(known, unknown)), *pair.flights[2:]]).finish()
    assert stage.recording.tls is not None
    assert [each.version for each in stage.recording.tls] == ["TLS 1.3"]
    assert stage.connection.client_frames == 12


def test_a_capture_that_begins_later() -> None:
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    said = {sha256(b"answer %d" % each) for each in range(12)}
    said |= {sha256(b"question %d" % each) for each in range(12)}
    for first in range(1, len(pair.flights) - 8):
        stage = play(stage_of(pair.secrets, opened=False), pair.flights[first:])
        stage.finish()
        (tls,) = stage.recording.tls
        assert (tls.version, tls.decrypted, tls.reason) == ("TLS 1.3", True, None), first
        found = {row["sha256"] for row in stage.messages}
        assert found <= said
        assert len(found) >= 4


def test_a_capture_that_begins_later_has_no_secrets_of_others() -> None:
    pair, other = (Pair(contexts(TLS_1_3)).shake_hands() for _ in range(2))
    before = len(pair.flights)
    pair.send(0, request()).send(1, response())
    stage = play(stage_of(other.secrets, opened=False), pair.flights[before:])
    stage.finish()
    (tls,) = stage.recording.tls
    assert not tls.decrypted
    assert tls.reason == (
        "the handshake is not in the capture: no unused secret of 1 file, 5 lines opens the "
        "records that were tried as TLS 1.3, and before it keys need the randoms of both hellos"
    )


def test_secrets_of_connections_that_were_seen_are_not_tried() -> None:
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    before = len(pair.flights)
    pair.send(0, request())
    secrets = pair.secrets
    play(stage_of(secrets), pair.flights)
    left = secrets.reader.tries_left
    play(stage_of(secrets, opened=False), pair.flights[before:]).finish()
    assert secrets.reader.tries_left == left


def test_what_is_tried_in_all_is_limited() -> None:
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    secrets = Pair(contexts(TLS_1_3)).shake_hands().secrets
    secrets.reader.tries_left = 100
    before = len(pair.flights)
    for _ in range(20):
        pair.send(0, b"x" * 100)
    play(stage_of(secrets, opened=False), pair.flights[before:]).finish()
    assert secrets.reader.tries_left == 0


def test_keys_that_are_made_to_try_count_with_the_tries() -> None:
    """Of a log with many secrets each is tried once: making keys is what that costs."""
    secrets = Pair(contexts(TLS_1_3)).shake_hands().secrets
    for number in range(20_000):
        secrets.reader.learn(number.to_bytes(32, "big"), "SERVER_TRAFFIC_SECRET_0", bytes(32))
    left = secrets.reader.tries_left
    pair = Pair(contexts(TLS_1_3)).shake_hands()
    before = len(pair.flights)
    pair.send(1, b"x" * 100)
    play(stage_of(secrets, opened=False), pair.flights[before:]).finish()
    assert left - secrets.reader.tries_left == TRIES * (1 + EXPANSION)


def test_what_is_tried_in_vain_is_limited_for_all_connections_together() -> None:
    """Else each connection of a kilobyte could cost what trying eight megabytes does."""
    secrets = crafted_secrets()
    secrets.spare = 1024 * 1024
    told = []
    for _ in range(8):
        crafted = Crafted13()
        play(stage := stage_of(secrets), crafted.handshake())
        for _ in range(400):
            stage.data(1, b"\x17\x03\x03\x00\x11" + bytes(17))
        stage.finish()
        told.append(stage.recording.tls[0].bad_records)
    assert secrets.spare == 0
    assert told[0] > told[-1] > 0
    assert stage.recording.tls[0].reason == "no record of the server opens with its secret"


class TestHolesOfUnknownLength:
    """A negative length, as behind records of AES-CBC: at most so many bytes."""

    def gap(self, stage: Stage, side: int, length: int) -> None:
        stage.packet += 1
        assert stage.layer.gap(side, length, 0, stage.packet, stage.packet) == 0

    def test_within_a_frame_its_end_is_not_known(self) -> None:
        """What would be read as a frame if the hole were as long as it may be, is none."""
        stage = Stage().client(request()).server(response() + frame(bytes(2000))[:500])
        self.gap(stage, 1, -1504 + 2)
        stage.server(frame(b"no frame")[:2] + bytes(40))
        for number in range(8):
            stage.server(frame(b"frame %d" % number))
        stage.finish()
        found = [row["payload"] for row in stage.messages if row["complete"]]
        assert found[-5:] == [b"frame %d" % number for number in range(3, 8)]
        assert b"no frame" not in b"".join(found)

    def test_within_a_body_its_end_is_not_known(self) -> None:
        body = http("HTTP/1.1 200 OK", "Content-Length: 1000", body=bytes(400))
        stage = Stage().client(http("GET / HTTP/1.1", "Host: a")).server(body)
        self.gap(stage, 1, -600)
        stage.client(request()).server(response() + frame(b"behind"))
        stage.finish()
        assert [row["payload"] for row in stage.messages] == [b"behind"]

    def test_before_the_first_byte(self) -> None:
        stage = Stage()
        self.gap(stage, 1, -100)
        stage.client(request()).server(response() + frame(b"a"))
        stage.finish()
        assert [row["offset"] for row in stage.frames] == [100 + len(response())]


@pytest.mark.parametrize("ends", [False, True])
def test_a_close_that_no_record_behind_it_tells_of(ends: bool) -> None:
    """The last record of a side is missing, and there is none that shows how many were."""
    crafted = Crafted13()
    play(stage := stage_of(crafted_secrets()), crafted.handshake())
    stage.data(0, crafted.client(request())).data(1, crafted.server(response()))
    stage.gap(0, len(crafted.client(frame(b"\x03\xe8", 8, mask=b"abcd"))))
    stage.data(1, crafted.server(frame(b"\x03\xe8", 8)))
    if ends:
        stage.end(0)
    stage.finish()
    assert stage.connection.server_close_code == 1000
    assert stage.connection.ended_by is None

"""HTTP/2 from the middle whose WebSockets carry runs: where DATA begins and ends, frames do."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from support.http2 import DATA, Connection, h2
from support.sessions import Stage, frame

RUNS = [b"a", b"\0", b"\x81", b"\x82\x7e", b"\xff"]
# Long ones, short ones, some larger than DATA may be, and all alike.
LENGTHS = (
    [500, 3000, 700, 800, 16_300, 999],
    [1, 5, 17, 120, 125, 126, 2, 9],
    [40_000] * 4,
    [300] * 8,
)
LARGEST = 16_384
KEYS = random.Random(1)  # noqa: S311 - what is fixed can be repeated


def masked(payload: bytes = b"", opcode: int = 1) -> bytes:
    """Return a frame of a client, with a key of its own."""
    return frame(payload, opcode, mask=KEYS.randbytes(4))


def opcode_of(run: bytes) -> int:
    return 1 if run in (b"a", b"\0") else 2


def pieces_of(data: bytes, ways: str) -> Iterator[bytes]:
    """Return a frame as DATA carries it: `whole`, `apart` (its header before it), or as `pairs`."""
    head = 2 + {126: 2, 127: 8}.get(data[1] & 127, 0) + (4 if data[1] & 128 else 0)
    if ways == "apart":
        yield data[:head]
        data = data[head:]
    for at in range(0, len(data), LARGEST):
        yield data[at : at + LARGEST]


def said(stage: Stage, side: int) -> list[bytes]:
    is_server = side != stage.connections[0].client_direction
    return [row["payload"] for row in stage.messages if row["sender"] == int(is_server)]


def from_the_middle() -> Connection:
    return Connection(opened=False)


class TestRuns:
    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("ways", ["whole", "apart"])
    @pytest.mark.parametrize("pieces", [None, 1448])
    @pytest.mark.parametrize("lengths", LENGTHS)
    def test_both_sides(
        self, run: bytes, ways: str, pieces: int | None, lengths: list[int]
    ) -> None:
        stage = from_the_middle()
        payloads = [(run * length)[:length] for length in lengths]
        # Frames of HTTP/2 are found at the beginning of a segment.
        stage.body(0, 3, b"").body(1, 3, b"")
        stage.pieces = pieces
        for payload in payloads:
            for side, made in ((0, masked), (1, frame)):
                for piece in pieces_of(made(payload, opcode_of(run)), ways):
                    stage.body(side, 3, piece)
        stage.finish()
        (connection,) = stage.connections
        assert (connection.outcome, connection.http_stream) == ("unseen", 3)
        assert (connection.client_direction, stage.recorder.held) == (0, 0)
        for side in (0, 1):
            assert said(stage, side) == payloads
        assert connection.client_frames == connection.server_frames == len(payloads)


class TestOneSideAlone:
    """The other one says nothing, or its packets are not in the capture."""

    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("side", [0, 1])
    def test_of_a_client(self, run: bytes, side: int) -> None:
        """Who masks is the client, whichever side it is."""
        stage = from_the_middle()
        payloads = [run * 100] * 6
        for payload in payloads:
            stage.body(side, 3, masked(payload, opcode_of(run)))
        stage.finish()
        (connection,) = stage.connections
        assert (connection.client_direction, connection.server_frames) == (side, 0)
        assert said(stage, side) == payloads

    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("length", [20, 300, 20_000])
    def test_of_a_server(self, run: bytes, length: int) -> None:
        """Two kinds of frames, as everywhere: MQTT in one stream has such types and lengths."""
        stage = from_the_middle()
        payloads = [run * length] * 20
        for number, payload in enumerate(payloads):
            for piece in pieces_of(frame(payload, opcode_of(run)), "whole"):
                stage.body(1, 3, piece)
            if number % 3 == 2:
                stage.body(1, 3, frame(b"", 9))
        stage.finish()
        (connection,) = stage.connections
        assert (connection.client_direction, connection.client_frames) == (0, 0)
        assert said(stage, 1) == payloads


class TestLosses:
    def test_behind_a_hole_they_are_counted_anew(self) -> None:
        stage = from_the_middle()
        for number in range(12):
            for side, made in ((0, masked), (1, frame)):
                if (number, side) == (3, 1):
                    stage.gap(1, 500)
                else:
                    stage.body(side, 3, made(b"a" * 491))
        stage.finish()
        (connection,) = stage.connections
        assert connection.client_messages == 12
        assert 8 <= connection.server_messages <= 11
        assert set(said(stage, 1)) == {b"a" * 491}

    @pytest.mark.parametrize("cut", [1, 100, 490])
    def test_a_capture_that_begins_within_data(self, cut: int) -> None:
        stage = from_the_middle()
        stage.client(h2(DATA, 0, 3, masked(b"a" * 491))[cut:])
        stage.server(h2(DATA, 0, 3, frame(b"a" * 491))[cut:])
        for _ in range(12):
            stage.body(0, 3, masked(b"a" * 491)).body(1, 3, frame(b"a" * 491))
        stage.finish()
        (connection,) = stage.connections
        assert connection.server_messages >= 11
        assert set(said(stage, 0)) == set(said(stage, 1)) == {b"a" * 491}


def mqtt(number: int) -> bytes:
    """Return a SUBSCRIBE: type and flags 0x82, length, packet identifier, topic, QoS."""
    topic = b"sensors/%d" % (number % 10)
    body = number.to_bytes(2, "big") + len(topic).to_bytes(2, "big") + topic + b"\0"
    return bytes((0x82, len(body))) + body


def grpc(number: int) -> bytes:
    body = b"\x0a\x05hello" * (number % 7)
    return b"\0" + len(body).to_bytes(4, "big") + body


def tagged(number: int) -> bytes:
    """Return a value of ASN.1 with a context-specific tag, 1 or 2."""
    return bytes((0x81 + number % 2, 5 + number % 3)) + b"\x00" * (5 + number % 3)


def prefixed(number: int) -> bytes:
    return (30 + number % 5).to_bytes(2, "big") + b"x" * (30 + number % 5)


OTHERS = {
    "MQTT": mqtt,
    "gRPC": grpc,
    "ASN.1": tagged,
    "lengths": prefixed,
    "zeros": lambda _: bytes(64),
    "0x81": lambda _: b"\x81" * 64,
    "0x82": lambda number: b"\x82" * (60 + number % 8),
    "0xff": lambda _: b"\xff" * 64,
    "TLS": lambda _: b"\x17\x03\x03\x00\x20" + bytes(32),
    "text": lambda number: b'{"number": %d}\n' % number,
}


class TestOthers:
    """What is no WebSocket is counted, and nothing of it is taken for a frame."""

    @pytest.mark.parametrize("name", OTHERS)
    @pytest.mark.parametrize("sides", [(0,), (1,), (0, 1)])
    def test_other_protocols(self, name: str, sides: tuple[int, ...]) -> None:
        stage = from_the_middle()
        for number in range(200):
            for side in sides:
                stage.body(side, 3, OTHERS[name](number))
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.held == 0

    @pytest.mark.parametrize("seed", range(12))
    def test_random_bytes(self, seed: int) -> None:
        source = random.Random(seed)  # noqa: S311 - likewise
        stage = from_the_middle()
        few = bytes(source.choices(range(256), k=source.choice([1, 2, 3, 8, 256])))
        for _ in range(400):
            body = bytes(source.choices(few, k=source.choice([2, 3, 8, 64, 200])))
            stage.body(source.randrange(2), 3, body)
        stage.finish()
        assert stage.connections == []


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_invented(seed: int) -> None:
    """Whatever is lost or comes from the middle: what is read was said."""
    source = random.Random(seed)  # noqa: S311 - likewise
    stage = from_the_middle()
    truth: tuple[list[bytes], list[bytes]] = ([], [])
    for _ in range(60):
        side = source.randrange(2)
        payload = source.choice(RUNS[:2]) * source.choice([1, 3, 60, 126, 500, 3000])
        truth[side].append(payload)
        data = (masked, frame)[side](payload)
        cut = source.choice([len(data), 2, len(data) // 2]) if source.random() < 0.3 else len(data)
        for piece in (data[:cut], data[cut:]):
            if not piece:
                continue
            if source.random() < 0.04:
                stage.gap(side, len(piece) + 9)
            else:
                stage.body(side, 3, piece)
    stage.finish()
    for connection in stage.connections:
        assert connection.client_direction == 0
    if stage.connections:
        for side in (0, 1):
            left = iter(truth[side])
            # In their order, each of them said; those that are whole.
            whole = [
                row["payload"]
                for row in stage.messages
                if row["sender"] == side and row["complete"]
            ]
            assert all(any(each == payload for payload in left) for each in whole), (seed, side)

"""One side's stream of frames: a plain parser, websockets and wsproto, and our session agree."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Generator, Hashable, Sequence
from typing import NamedTuple

from support.sessions import Stage, frame, masked, request, response
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame as TheirFrame
from websockets.streams import StreamReader
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from fuzz.mutations import EDGES, mutated
from fuzz.target import Target, magnitude
from wsanalyze.websocket.assemble import Message, assemble
from wsanalyze.websocket.frames import Frame, scan_frames

LARGEST = 5000


class Plain(NamedTuple):
    """A frame as a few lines of Python read it."""

    offset: int
    head: int
    second: int
    key: bytes
    header: int
    length: int
    payload: bytes


def plain_frames(data: bytes) -> list[Plain]:
    """Return the frames of a stream (RFC 6455 §5.2)."""
    found = []
    at = 0
    while at + 2 <= len(data):
        head, second = data[at : at + 2]
        wide = {126: 2, 127: 8}.get(second & 127, 0)
        header = 2 + wide + (4 if second & 128 else 0)
        if at + header > len(data):
            break
        length = int.from_bytes(data[at + 2 : at + 2 + wide], "big") if wide else second & 127
        key = data[at + 2 + wide : at + header]
        raw = data[at + header : at + header + length]
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(raw)) if key else raw
        found.append(Plain(at, head, second, key, header, length, payload))
        at += header + length
    return found


def check(data: bytes) -> Hashable:
    """Read the stream in every way there is."""
    frames = list(scan_frames(data))
    plain = plain_frames(data)
    assert [
        (each.offset, each.masking_key or b"", each.header_length, each.length, each.payload)
        for each in frames
    ] == [(each.offset, each.key, each.header, each.length, each.payload) for each in plain]
    for each, its in zip(frames, plain, strict=True):
        bits = each.fin << 7 | each.rsv1 << 6 | each.rsv2 << 5 | each.rsv3 << 4 | each.opcode
        assert bits == its.head
        assert (each.masking_key is not None) == bool(its.second & 128)
    messages = list(assemble(frames))
    check_as_websockets(data, frames)
    check_as_wsproto(data, frames, messages)
    check_session(data, plain, messages)
    kinds = tuple(sorted({(its.head & 15, its.second >> 7) for its in plain}))[:6]
    ends = {message.complete for message in messages}, {each.utf8_valid for each in messages}
    return kinds, magnitude(len(frames)), str(ends), bool(frames) and frames[-1].complete


def check_as_websockets(data: bytes, frames: list[Frame]) -> None:
    """As far as the websockets library reads on, it reads the same frames."""
    if not frames:
        return
    reader = StreamReader()
    reader.feed_data(data)
    for each in frames:
        parsing: Generator[None, None, TheirFrame] = TheirFrame.parse(
            reader.read_exact, mask=each.masking_key is not None, max_size=None
        )
        try:
            next(parsing)
        except StopIteration as parsed:
            its: TheirFrame = parsed.value
        except (ProtocolError, PayloadTooBig):
            return
        else:
            assert not each.complete, "websockets waits for more of a whole frame"
            return
        assert each.complete
        assert (each.fin, each.rsv1, each.rsv2, each.rsv3) == (
            its.fin,
            its.rsv1,
            its.rsv2,
            its.rsv3,
        )
        assert each.opcode == its.opcode
        assert each.payload == bytes(its.data)


def check_as_wsproto(data: bytes, frames: list[Frame], messages: list[Message]) -> None:
    """Each message that wsproto gives is the next complete one of ours."""
    if not frames:
        return
    from_client = frames[0].masking_key is not None
    kind = ConnectionType.SERVER if from_client else ConnectionType.CLIENT
    connection = Connection(kind)
    whole = iter([each for each in messages if each.complete])
    payload = b""
    connection.receive_data(data)
    try:
        for event in connection.events():
            if isinstance(event, CloseConnection):
                return
            if not isinstance(event, TextMessage | BytesMessage):
                continue
            text = isinstance(event.data, str)
            payload += event.data.encode() if isinstance(event.data, str) else bytes(event.data)
            if event.message_finished:
                mine = next(whole)
                assert (mine.type, mine.payload) == ("text" if text else "binary", payload)
                assert mine.utf8_valid is (True if text else None)
                payload = b""
    except (RemoteProtocolError, LocalProtocolError):
        return


def check_session(data: bytes, plain: list[Plain], messages: list[Message]) -> None:
    """A session that gets the stream behind a handshake, in pieces, has the same rows."""
    for side, pieces in ((0, None), (1, 1 + len(data) % 7)):
        stage = Stage(pieces=pieces)
        stage.client(request())
        stage.server(response())
        before = len(request() if side == 0 else response())
        stage.data(side, data)
        recording = stage.finish()
        del recording
        rows = stage.frames
        names = ("offset", "head", "second", "header_length", "length", "captured")
        assert [tuple(row[name] for name in names) for row in rows] == [
            (before + its.offset, its.head, its.second, its.header, its.length, len(its.payload))
            for its in plain
        ]
        assert [row["masking_key"] for row in rows if row["second"] & 128] == [
            int.from_bytes(its.key, "big") for its in plain if its.key
        ]
        check_messages(stage, messages)


def check_messages(stage: Stage, messages: list[Message]) -> None:
    """The session's messages are those that are assembled from the frames."""
    rows = stage.messages
    assert len(rows) == len(messages)
    for row, message in zip(rows, messages, strict=True):
        assert row["complete"] == message.complete
        assert row["frames"] == len(message.frames)
        assert row["opcode"] == (1 if message.type == "text" else 2)
        if message.complete:
            assert row["length"] == len(message.payload)
            assert row["payload"] == message.payload
            assert row["sha256"] == hashlib.sha256(message.payload).digest()
            assert row["utf8_valid"] == {True: 1, False: 0, None: -1}[message.utf8_valid]


def seeds() -> Sequence[bytes]:
    """Return streams with every kind of frame, masked and not."""
    umlauts = "grüße €".encode()
    found = []
    for make in (frame, masked):
        found += [
            make(b"hello") + make(b"\0\xff", 2) + make(b"", 9) + make(b"", 10),
            make(umlauts[:3], fin=False) + make(b"ping", 9) + make(umlauts[3:], 0),
            make(b"x" * 126) + make(b"y" * 300, 2) + make(b"\x03\xe8bye", 8),
            make(b"a", form=16) + make(b"b", form=64) + make(b"z", 11, rsv=5),
            make(b"", 2, fin=False) + make(b"", 0, fin=False) + make(b"1", 0),
            make(b"huge", 2, length=(1 << 64) - 5, form=64),
            make(b"large", 2, length=1 << 62, form=64),
        ]
    return found


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change frames as frames: lost, moved, repeated, with other header bytes or lengths."""
    if chance.random() < 0.3:
        return mutated(data, seeds, chance)[:LARGEST]
    plain = plain_frames(data) or plain_frames(seeds[0])
    raw = [data[its.offset : its.offset + its.header + len(its.payload)] for its in plain]
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(raw))
        way = chance.randrange(6)
        if way == 0 and len(raw) > 1:
            del raw[at]
        elif way == 1:
            raw.insert(chance.randrange(len(raw) + 1), raw.pop(at))
        elif way == 2:
            raw.insert(at, raw[at])
        elif way == 3 and len(raw[at]) > 1:
            changed = bytearray(raw[at])
            changed[chance.randrange(2)] ^= 1 << chance.randrange(8)
            raw[at] = bytes(changed)
        elif way == 4:
            raw.insert(at, chance.choice(seeds))
        else:
            length = chance.choice(EDGES) % (1 << 64)
            raw[at] = raw[at][:1] + b"\x7f" + struct.pack(">Q", length) + raw[at][2:]
    return b"".join(raw)[:LARGEST]


TARGET = Target(
    "frames",
    "A stream has the frames and messages that websockets, wsproto and a plain parser find in it.",
    seeds,
    mutate,
    check,
)

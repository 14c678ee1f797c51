"""Frames with their bits, messages put together, and compression before and after."""

from __future__ import annotations

import zlib

import pytest

from story.told import analysis, told
from wsanalyze.story.frames import TAIL, Window, ranges
from wsanalyze.story.model import FrameStory


def decoded(frame: FrameStory) -> tuple[int, int, int, bytes | None]:
    """Read a header by hand (RFC 6455 §5.2): FIN, opcode, length and masking key."""
    header = frame.header
    length, at = header[1] & 127, 2
    if length == 126:
        length, at = int.from_bytes(header[2:4], "big"), 4
    elif length == 127:
        length, at = int.from_bytes(header[2:10], "big"), 10
    key = header[at : at + 4] if header[1] & 128 else None
    return header[0] >> 7, header[0] & 15, length, key


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("chat-ws.pcapng", 0),
        ("chat-wss.pcapng", 0),
        ("large-messages.pcap", 0),
        ("fragments.pcapng", 1),
    ],
)
def test_bits_and_unmasking(name: str, number: int) -> None:
    for frame in told(name, number).frames:
        assert decoded(frame) == (frame.fin, frame.opcode, frame.length, frame.masking_key)
        key = frame.masking_key or b"\0\0\0\0"
        plain = bytes(byte ^ key[place % 4] for place, byte in enumerate(frame.masked))
        assert plain == frame.payload


def test_every_form_of_length() -> None:
    forms = {
        frame.header[1] & 127
        for name in ("chat-ws.pcapng", "large-messages.pcap", "from-the-middle.pcapng")
        for frame in told(name).frames
        if frame.header[1] & 127 > 125
    }
    assert forms == {126, 127}


def test_the_text_of_a_frame() -> None:
    frames = told("chat-ws.pcapng").frames
    assert [frames[place].payload for place in (0, 2, 3)] == [
        b"from the server",
        b"Hello",
        b"Hello",
    ]
    assert [frames[place].sender for place in (0, 2, 3)] == ["server", "client", "server"]


def test_hixie_frames_are_as_they_were_sent() -> None:
    frames = told("hixie-76.pcapng").frames
    assert frames[0].header == b"\0"
    assert frames[0].payload == b"an old dialect"
    assert [frame.header for frame in frames[-2:]] == [b"\xff\0", b"\xff\0"]
    assert {frame.dialect for frame in frames} == {"hixie"}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_frames_of_early_drafts_are_unmasked_as_they_were_masked(number: int) -> None:
    frames = told("hybi-early.pcapng", number).frames
    assert frames[0].payload == b"an old dialect"
    assert {frame.dialect for frame in frames} == {"draft"}


def test_fragments_are_put_together() -> None:
    story = told("fragments.pcapng", 0)
    message = story.messages[0]
    parts = [story.frames[number] for number in message.frames]
    assert b"".join(frame.payload for frame in parts) == message.content == b"one, two, three"
    assert [(frame.part, frame.parts) for frame in parts] == [(n, 5) for n in range(1, 6)]
    assert [frame.opcode for frame in parts] == [1, 0, 0, 0, 0]
    assert [frame.fin for frame in parts] == [False, False, False, False, True]


def test_inflating_with_and_without_the_messages_before() -> None:
    story = told("websockets-deflate.pcapng")
    readers = {"client": zlib.decompressobj(-12), "server": zlib.decompressobj(-12)}
    alone = []
    for message in story.messages:
        found = message.compression
        assert found is not None
        assert found.whole
        assert (found.final, found.block) == (bool(found.before[0] & 1), found.before[0] >> 1 & 3)
        inflated = readers[message.sender].decompress(found.before + TAIL)
        assert inflated == message.content == found.after
        assert (len(found.before), len(inflated)) == (found.wire_length, message.length)
        assert (found.takeover, found.window_bits) == (True, 12)
        alone.append(found.alone)
    # The first of each end has nothing to refer to; the third of them says the first again.
    assert alone[:4] == [True, True, False, False]


def test_no_context_takeover_is_told() -> None:
    takeover = {
        (message.sender, message.compression.takeover, message.compression.alone)
        for number in range(14)
        for message in told("deflate-parameters.pcapng", number).messages
        if message.compression is not None and message.compression.whole
    }
    assert ("client", False, True) in takeover
    assert not any(alone is False for _, allowed, alone in takeover if not allowed)


def test_bytes_of_the_window_and_of_control_frames_are_wanted() -> None:
    (connection,) = analysis("chat-ws.pcapng")
    frames = connection.frames
    # Frame 2, the Pong and the Ping before it and behind it, the Close; by end, neighbours as one.
    ends = [(each.offset, each.offset + each.header_length + each.length) for each in frames]
    wanted = ranges(frames, Window(2, 2))
    assert wanted == (
        [(ends[1][0], ends[2][1]), ends[12], ends[18]],
        [ends[0], ends[13], ends[19]],
    )
    assert ends[1][1] == ends[2][0]
    # Of the window alone, and of the first control frame.
    assert ranges(frames, Window(2, 2), 0) == ([ends[2]], [])
    assert ranges(frames, Window(2, 2), 1) == ([ends[2]], [ends[0]])


def test_a_message_in_pieces_is_told_wherever_the_window_begins() -> None:
    (first, *_) = [each for each in analysis("fragments.pcapng") if each.messages]
    frames = list(first.frames)
    pieces: dict[int, list[int]] = {}
    for each in frames:
        if each.message is not None:
            pieces.setdefault(each.message, []).append(each.number)
    message, numbers = next(each for each in pieces.items() if len(each[1]) > 2)
    story = told("fragments.pcapng", first.number, (numbers[1], numbers[1]))
    (frame,) = story.frames
    assert (frame.message, frame.part, frame.parts) == (message, 2, len(numbers))
    assert [each.frames for each in story.messages] == [tuple(numbers)]

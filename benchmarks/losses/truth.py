"""What a full capture holds, and which of its frames are whole in a part of it."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsanalyze.capture.source import open_capture
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

# A conversation of the full capture and a direction in it.
Stream = tuple[int, int]
# Offset in the full stream, then header and length: what tells a frame from every other one.
Identity = tuple[Stream, int, int, int, int, int]
MessageIdentity = tuple[Stream, int, int, bytes]

WANTS = Wants(segments=True, payloads="none")


@dataclass(frozen=True)
class Kept:
    """One packet that is left: its number in the full capture (from 0), and how much of it."""

    number: int
    cut: int = 0


@dataclass
class Capture:
    """Packets of a capture, and everything that is found in all of them.

    `unframed`: conversations whose handshake says that no frames follow; what comes may look like
    some, and that it is none cannot be known without the handshake.
    """

    name: str
    link: int
    packets: list[tuple[int, int, bytes]]
    segments: dict[int, tuple[Stream, int, int]] = field(default_factory=dict)
    frames: dict[Identity, int] = field(default_factory=dict)
    all_frames: set[Identity] = field(default_factory=set)
    messages: set[MessageIdentity] = field(default_factory=set)
    unframed: set[int] = field(default_factory=set)
    by_stream: dict[Stream, list[Identity]] = field(default_factory=dict)

    def written(self, kept: Sequence[Kept]) -> bytes:
        """Return some of the packets as a pcap file."""
        parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, self.link)]
        for each in kept:
            time, wire, data = self.packets[each.number]
            data = data[: len(data) - each.cut]
            seconds, rest = divmod(time, 1_000_000_000)
            parts += [struct.pack("<IIII", seconds, rest, len(data), wire), data]
        return b"".join(parts)

    def whole(self, kept: Sequence[Kept]) -> set[Identity]:
        """Return the frames of which every byte is in some packet that is left."""
        seen: dict[Stream, list[tuple[int, int]]] = {}
        for each in kept:
            if each.number in self.segments:
                stream, offset, length = self.segments[each.number]
                data = max(0, length - each.cut)
                seen.setdefault(stream, []).append((offset, offset + data))
        found: set[Identity] = set()
        for stream, frames in self.by_stream.items():
            runs = merged(seen.get(stream, []))
            place = 0
            for identity in frames:
                start, stop = identity[1], self.frames[identity]
                while place < len(runs) and runs[place][1] < stop:
                    place += 1
                if place < len(runs) and runs[place][0] <= start:
                    found.add(identity)
        return found


def merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches as few as they can be, in order."""
    runs: list[tuple[int, int]] = []
    for start, stop in sorted(pieces):
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(stop, runs[-1][1]))
        else:
            runs.append((start, stop))
    return runs


def load(path: Path) -> Capture:
    """Read a capture and everything in it."""
    packets = []
    link = 1
    with open_capture(path) as reader:
        while (batch := reader.next()) is not None:
            link = batch.packets()[0][2]
            packets += [(each[1], each[3], each[4]) for each in batch.packets()]
    capture = Capture(path.name, link, packets)
    recording = analyzed(capture.written([Kept(number) for number in range(len(packets))]))
    assert recording.segments is not None  # noqa: S101 - WANTS asked for it
    rows = {name: list(view) for name, view in recording.segments.arrays().items()}
    for index, packet in enumerate(rows["packet"]):
        stream = (rows["conversation"][index], rows["direction"][index])
        offset = rows["seq"][index] - 1 + bool(rows["flags"][index] & 2)
        capture.segments[packet - 1] = (stream, offset, rows["length"][index])
    found = identities(recording, {})
    capture.all_frames = set(found)
    assert recording.frames is not None  # noqa: S101 - WANTS asked for it
    columns = {name: list(view) for name, view in recording.frames.arrays().items()}
    for index, identity in enumerate(found):
        # Frames that the full capture does not have whole are nobody's to find.
        if columns["captured"][index] == columns["length"][index]:
            stop = identity[1] + columns["header_length"][index] + columns["length"][index]
            capture.frames[identity] = stop
            capture.by_stream.setdefault(identity[0], []).append(identity)
    for frames in capture.by_stream.values():
        frames.sort(key=lambda identity: identity[1])
    capture.messages = set(complete_messages(recording, {}))
    capture.unframed = {
        each.conversation
        for each in recording.connections
        if each.handshake is not None and each.handshake.framing is None
    }
    return capture


def analyzed(data: bytes) -> Recording:
    """Return everything that is in a capture."""
    return read([io.BytesIO(data)], wants=WANTS, limits=Limits())


def shifts(
    capture: Capture, recording: Recording, kept: Sequence[Kept]
) -> dict[Stream, tuple[Stream, int]]:
    """Return, for each stream of a part, the full stream and how far its offsets are shifted.

    A stream whose SYN is gone begins with the first byte that is left.
    """
    assert recording.segments is not None  # noqa: S101 - WANTS asked for it
    rows = {name: list(view) for name, view in recording.segments.arrays().items()}
    votes: dict[Stream, Counter[tuple[Stream, int]]] = {}
    for index, packet in enumerate(rows["packet"]):
        stream = (rows["conversation"][index], rows["direction"][index])
        known = capture.segments.get(kept[packet - 1].number)
        if known is not None:
            offset = rows["seq"][index] - 1 + bool(rows["flags"][index] & 2)
            votes.setdefault(stream, Counter())[known[0], known[1] - offset] += 1
    return {stream: count.most_common(1)[0][0] for stream, count in votes.items()}


def streams(recording: Recording) -> list[tuple[Stream, Stream]]:
    """Return the streams of client and server of each connection."""
    return [
        ((each.conversation, each.client_direction), (each.conversation, 1 - each.client_direction))
        for each in recording.connections
    ]


def identities(recording: Recording, shifted: dict[Stream, tuple[Stream, int]]) -> list[Identity]:
    """Return what tells the frames apart, in terms of the full capture."""
    assert recording.frames is not None  # noqa: S101 - WANTS asked for it
    sides = streams(recording)
    columns = {name: list(view) for name, view in recording.frames.arrays().items()}
    names = ("connection", "sender", "offset", "head", "second", "masking_key", "length")
    found = []
    for connection, sender, offset, head, second, key, length in zip(
        *(columns[name] for name in names), strict=True
    ):
        stream = sides[connection][sender]
        full, shift = shifted.get(stream, (stream, 0))
        found.append((full, offset + shift, head, second, key, length))
    return found


def complete_messages(
    recording: Recording, shifted: dict[Stream, tuple[Stream, int]]
) -> list[MessageIdentity]:
    """Return the complete messages: where each begins, its opcode and its digest."""
    assert recording.messages is not None  # noqa: S101 - WANTS asked for it
    sides = streams(recording)
    digests = recording.messages.digests
    columns = {name: list(view) for name, view in recording.messages.arrays().items()}
    names = ("connection", "sender", "offset", "opcode", "complete", "digest")
    found = []
    for connection, sender, offset, opcode, complete, digest in zip(
        *(columns[name] for name in names), strict=True
    ):
        if complete:
            stream = sides[connection][sender]
            full, shift = shifted.get(stream, (stream, 0))
            sha256 = bytes(digests[32 * digest : 32 * digest + 32])
            found.append((full, offset + shift, opcode, sha256))
    return found

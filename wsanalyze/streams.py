"""Bytes of chosen conversations, kept as they are read: for who explains them to somebody.

A pass keeps facts of frames, not their bytes. Who wants to show bytes reads the captures once more,
with the places that the first pass told: see `Streams`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer

# Records of TLS that are kept of each side, before and after decryption.
KEPT_RECORDS = 2
# Messages of TLS handshakes that are kept of a conversation, and bytes of each.
KEPT_MESSAGES = 64
MESSAGE_BYTES = 64 * 1024
# Messages by which proxies are asked for a way that are kept of a conversation, and bytes of each.
KEPT_WAY = 64
WAY_BYTES = 16 * 1024
# Packets with sealed bytes that are kept of each side of a TLS connection; the rest is summed up.
KEPT_SEALED = 200
# The content type of handshake messages, and the length of their header (RFC 8446 §4, §5.1).
HANDSHAKE, MESSAGE_HEADER = 22, 4

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of TLS: its header of 5 bytes, what is behind it, and what was inside.

    Of `body` and `content` at most as much as `Streams` was told to keep; `length` is that of the
    content in bytes, with padding and content type where TLS 1.3 has them. `sender`: a direction
    of the conversation, 0 or 1. `depth`: how many TLS connections are around this one.
    """

    depth: int
    sender: int
    time: int
    packet: int
    header: bytes
    body: bytes
    content: bytes
    length: int


@dataclass(frozen=True, slots=True)
class TlsMessage:
    """One message of a TLS handshake, or a ChangeCipherSpec.

    `content_type` is that of its records (RFC 8446 §5.1), `kind` the type of the handshake message
    (§4). `length` is that of the message in bytes, with its header of four; `body` is what is
    behind that header, at most MESSAGE_BYTES. `sealed`: whether it came encrypted. `sender` and
    `depth` as in `Record`; `packet` is the one that completed it.
    """

    depth: int
    sender: int
    time: int
    packet: int
    content_type: int
    kind: int
    length: int
    body: bytes
    sealed: bool


@dataclass(slots=True)
class Sealed:
    """Bytes of records of TLS that one side sent, and that no secret opens.

    `length` bytes in `packets` packets, from `packet` to `last`: in one, or in all that come behind
    the first KEPT_SEALED of a side. `time` and `ordinal` are those of the first.
    """

    sender: int
    time: int
    packet: int
    ordinal: int
    length: int
    packets: int
    last: int


@dataclass(frozen=True, slots=True)
class WayMessage:
    """One message by which a proxy was asked for a way, answered, or said for whom it asks.

    `kind` is its protocol and its step, as in `KINDS` of `tunnels.messages`. `outer` is the way
    that it was sent through, as the column `tunnel` has it, None for the first proxy's. `stream` is
    that of HTTP/2, else 0. `length` is that of the message in bytes, `data` its beginning, at most
    WAY_BYTES, of a login without the password. `sender` and `depth` as in `Record`; `packet` is the
    one that completed it.
    """

    depth: int
    stream: int
    outer: str | None
    sender: int
    time: int
    packet: int
    kind: str
    length: int
    data: bytes


class Streams:
    """Keeps chosen ranges of the byte streams of chosen conversations.

    `wanted` has, by index of a conversation and side (0, 1), the ranges [start, stop) of offsets in
    the sender's stream; they hold for each stream of the conversation: what TCP carries, what TLS
    carries inside, the DATA of each stream of HTTP/2. Conversations that are not in `wanted` are
    not read at all. `most`: bytes that are kept in all; what comes then is `left_out`. `records`:
    how many records of TLS are kept of each side, the first ones.
    """

    def __init__(
        self,
        wanted: Mapping[int, tuple[Iterable[Range], Iterable[Range]]],
        most: int,
        *,
        records: int = KEPT_RECORDS,
    ) -> None:
        self._wanted = {
            index: (_joined(low), _joined(high)) for index, (low, high) in wanted.items()
        }
        self._room = most
        self._most_records = records
        self._chunks: dict[tuple[int, int, int, int], list[tuple[int, bytes]]] = {}
        self._depths: dict[tuple[int, int], set[int]] = {}
        self.records: dict[int, list[Record]] = {}
        self.tls_messages: dict[int, list[TlsMessage]] = {}
        self.way: dict[int, list[WayMessage]] = {}
        # By conversation and client random in hex.
        self.sealed: dict[tuple[int, str | None], tuple[list[Sealed], list[Sealed]]] = {}
        self.left_out = 0
        # By client random in hex: `key log` or `capture`, and the labels of the secrets in it.
        self.key_origins: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.record_bytes = 256

    def wants(self, conversation: int) -> bool:
        """Say whether anything of a conversation is to be kept."""
        return conversation in self._wanted

    def tapped(self, layer: Layer, conversation: int, depth: int) -> Layer:
        """Return a layer that keeps what is wanted of what it hands to `layer`."""
        return Tap(self, layer, conversation, depth)

    def keep(
        self,
        conversation: int,
        depth: int,
        stream: int,
        side: int,
        offset: int,
        buffer: Buffer,
        start: int,
        stop: int,
    ) -> None:
        """Keep what is wanted of `buffer[start:stop]`, which begins at `offset` of its stream."""
        ranges = self._wanted.get(conversation, ([], []))[side]
        end = offset + stop - start
        place = max(bisect_right(ranges, (offset, 1 << 63)) - 1, 0)
        for at in range(place, len(ranges)):
            first, last = ranges[at]
            if first >= end:
                return
            low, high = max(first, offset), min(last, end)
            if low >= high:
                continue
            if high - low > self._room:
                self.left_out += high - low
                continue
            self._room -= high - low
            data = buffer.copy(start + low - offset, start + high - offset)
            key = (conversation, depth, stream, side)
            self._chunks.setdefault(key, []).append((low, data))
            self._depths.setdefault((conversation, stream), set()).add(depth)

    def record(
        self,
        conversation: int,
        depth: int,
        sender: int,
        place: tuple[int, int],
        record: tuple[bytes, bytes | memoryview, bytes],
    ) -> None:
        """Keep the first records of each side; `place` is time and packet."""
        kept = self.records.setdefault(conversation, [])
        if (
            sum(each.sender == sender and each.depth == depth for each in kept)
            >= self._most_records
        ):
            return
        header, body, content = record
        most = self.record_bytes
        kept.append(
            Record(
                depth,
                sender,
                *place,
                bytes(header),
                bytes(body[:most]),
                content[:most],
                len(content),
            )
        )

    def tls_message(
        self,
        conversation: int,
        depth: int,
        sender: int,
        place: tuple[int, int],
        said: tuple[int, int, bytes, bool],
    ) -> None:
        """Keep the first messages of handshakes of a conversation.

        `place` is time and packet; `said` are content type, kind, body, and whether it was sealed.
        """
        kept = self.tls_messages.setdefault(conversation, [])
        content_type, kind, body, sealed = said
        size = min(len(body), MESSAGE_BYTES)
        if len(kept) >= KEPT_MESSAGES or size > self._room:
            return
        self._room -= size
        header = MESSAGE_HEADER if content_type == HANDSHAKE else 0
        length = header + len(body)
        kept.append(
            TlsMessage(
                depth, sender, *place, content_type, kind, length, body[:MESSAGE_BYTES], sealed
            )
        )

    def seal(
        self,
        conversation: int,
        client_random: str | None,
        sender: int,
        place: tuple[int, int, int],
        length: int,
    ) -> None:
        """Keep where bytes of a side came that no secret opens.

        `place` is time, packet and ordinal. What comes in one packet is one.
        """
        sides = self.sealed.setdefault((conversation, client_random), ([], []))
        kept, (time, packet, ordinal) = sides[sender], place
        if not kept or (kept[-1].last != packet and len(kept) <= KEPT_SEALED):
            kept.append(Sealed(sender, time, packet, ordinal, length, 1, packet))
            return
        newest = kept[-1]
        newest.packets += newest.last != packet
        newest.last, newest.length = packet, newest.length + length

    def way_message(
        self,
        conversation: int,
        route: tuple[int, str | None, int],
        sender: int,
        place: tuple[int, int],
        said: tuple[str, int, bytes],
    ) -> None:
        """Keep the first messages to and from proxies of a conversation that is wanted.

        `route` is depth, outer way and stream, `place` time and packet, `said` kind, length, data.
        """
        kept = self.way.setdefault(conversation, [])
        kind, length, data = said
        size = min(len(data), WAY_BYTES)
        if len(kept) >= KEPT_WAY or size > self._room or not self.wants(conversation):
            return
        self._room -= size
        depth, outer, stream = route
        kept.append(
            WayMessage(depth, stream, outer, sender, *place, kind, length, data[:WAY_BYTES])
        )

    def depths(self, conversation: int, stream: int) -> list[int]:
        """Return at which depths bytes of a stream were kept, the innermost first."""
        return sorted(self._depths.get((conversation, stream), ()), reverse=True)

    def bytes_at(
        self, conversation: int, depth: int, stream: int, side: int, start: int, stop: int
    ) -> bytes:
        """Return the bytes from `start` on that were kept, up to `stop` or a missing one."""
        chunks = self._chunks.get((conversation, depth, stream, side), [])
        pieces, at = [], start
        place = max(bisect_right(chunks, (start, b"\xff" * 8)) - 1, 0)
        for index in range(place, len(chunks)):
            offset, data = chunks[index]
            if offset > at or at >= stop:
                break
            if offset + len(data) <= at:
                continue
            piece = data[at - offset : stop - offset]
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)


class Tap(Layer):
    """Hands everything on, and lets `Streams` keep what it wants of it."""

    def __init__(self, streams: Streams, inner: Layer, conversation: int, depth: int) -> None:
        self.streams = streams
        self.inner = inner
        self.conversation = conversation
        self.depth = depth
        self.offsets = [0, 0]

    def data(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Keep and hand on."""
        self.streams.keep(
            self.conversation, self.depth, 0, side, self.offsets[side], buffer, start, stop
        )
        self.offsets[side] += stop - start
        return self.inner.data(side, buffer, start, stop, time, packet, ordinal)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Count and hand on."""
        self.offsets[side] += abs(length)
        return self.inner.gap(side, length, time, packet, ordinal)

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Hand on."""
        return self.inner.end(side, how, time, packet)

    def finish(self, evicted: int) -> int:
        """Hand on."""
        return self.inner.finish(evicted)


class Nobody(Layer):
    """Reads conversations that nobody wants."""

    def data(
        self,
        side: int,  # noqa: ARG002 - the signature of a layer
        buffer: Buffer,  # noqa: ARG002
        start: int,  # noqa: ARG002
        stop: int,  # noqa: ARG002
        time: int,  # noqa: ARG002
        packet: int,  # noqa: ARG002
        ordinal: int,  # noqa: ARG002
    ) -> int:
        """Let go."""
        return 1


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges sorted, those that touch made one."""
    joined: list[Range] = []
    for start, stop in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        elif start < stop:
            joined.append((start, stop))
    return joined

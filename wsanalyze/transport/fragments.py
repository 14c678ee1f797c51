"""IP fragments on their way to whole datagrams (RFC 791 §3.2, RFC 8200 §4.5).

Fragments are rare, so this is plain Python. Every byte of a datagram is that of the fragment that
brought it first, as Wireshark, Linux (for IPv4) and the BSDs have it; what the capture cut from a
fragment stays unknown, and nothing is put in its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from wsanalyze.buffer import Buffer
from wsanalyze.limits import Limits
from wsanalyze.transport.packet import Packet

# An unfinished datagram is given up when so much time has passed since it began: RFC 8200 §4.5 has
# 60 seconds, Linux 30 for IPv4.
MOST_AGE_NS = 60 * 1_000_000_000
# Or so many packets: the next datagram with its 16-bit identification may come 65,536 later.
MOST_AGE_PACKETS = 32_768
# Pieces of one datagram. Ethernet makes 45 of the longest, a link of the smallest MTU (68) 1,366.
MOST_PIECES = 2048
# Whole datagrams that are remembered, to know fragments that were captured twice.
REMEMBERED = 32
# What a piece costs besides its bytes: the object, its place in the list, its packet's counts.
PIECE_OVERHEAD = 200

# A packet that `Fragments.read` has counted; other values are those of `Packet.read`.
COUNTED = -1

# What makes fragments belong together: addresses and identification, for IPv4 the protocol too.
Key = tuple[int, ...]


class Counts(Protocol):
    """Where the packets of one capture are counted.

    `fragments`: those that are part of no whole datagram; `joined`: those that are, or came twice,
    besides the one that completed it; `fragment_conflicts`: those that contradict an earlier one.
    """

    fragments: int
    joined: int
    fragment_conflicts: int


@dataclass(slots=True)
class Fragment:
    """One fragment: `data` is what was captured of its `length` bytes, which begin at `offset`.

    `more` says that it is not the last one; `protocol` is that of the IP header, or of IPv6's
    fragment header.
    """

    offset: int
    length: int
    more: bool
    protocol: int
    data: bytes


@dataclass(slots=True)
class Datagram:
    """What is known of one datagram. `pieces` are in order and do not overlap.

    A piece is `(start, stop, captured)`, and `captured` may be shorter than stop - start. `length`
    is -1 until the last fragment was seen. `held` is what it costs, in bytes.
    """

    time: int
    ordinal: int
    protocol: int = -1
    length: int = -1
    covered: int = 0
    held: int = 0
    pieces: list[tuple[int, int, bytes]] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)

    def add(self, fragment: Fragment) -> bool:
        """Take what is new in a fragment; return whether it contradicts what was there."""
        stop = fragment.offset + fragment.length
        conflict = self._end(stop, fragment.more)
        if self.length >= 0:
            stop = min(stop, self.length)
        if fragment.offset == 0 or self.protocol < 0:
            self.protocol = fragment.protocol
        at = fragment.offset
        index = max(0, bisect_right(self.pieces, at, key=_start) - 1)
        while at < stop:
            piece = self.pieces[index] if index < len(self.pieces) else None
            if piece is not None and piece[1] <= at:
                index += 1
                continue
            until = stop if piece is None else min(stop, piece[0])
            if at < until:
                start = at - fragment.offset
                self.pieces.insert(
                    index, (at, until, fragment.data[start : until - fragment.offset])
                )
                self.covered += until - at
                self.held += until - at + PIECE_OVERHEAD
                at = until
            elif piece is not None:
                until = min(stop, piece[1])
                conflict |= differ(fragment, piece, at, until)
                at = until
            index += 1
        return conflict

    def _end(self, stop: int, more: bool) -> bool:
        """Take note of where the datagram ends; return whether that contradicts what was there."""
        if self.length >= 0:
            return stop > self.length if more else stop != self.length
        if more:
            return False
        self.length = stop
        beyond = [piece for piece in self.pieces if piece[1] > stop]
        if beyond:
            self.pieces = [
                (start, min(end, stop), data[: max(0, stop - start)])
                for start, end, data in self.pieces
                if start < stop
            ]
            self.covered = sum(end - start for start, end, _ in self.pieces)
        return bool(beyond)

    def is_whole(self) -> bool:
        """Say whether no byte is missing on the wire."""
        return self.covered == self.length

    def captured(self) -> bytes:
        """Return the captured bytes of a whole datagram, up to the first that was not."""
        parts = []
        for start, stop, data in self.pieces:
            parts.append(data)
            if len(data) < stop - start:
                break
        return b"".join(parts)

    def repeats(self, fragment: Fragment) -> bool:
        """Say whether a fragment brings nothing but what this whole datagram has."""
        stop = fragment.offset + fragment.length
        if stop > self.length or fragment.more != (stop < self.length):
            return False
        return not any(
            differ(fragment, piece, max(piece[0], fragment.offset), min(piece[1], stop))
            for piece in self.pieces
        )


def _start(piece: tuple[int, int, bytes]) -> int:
    return piece[0]


def differ(fragment: Fragment, piece: tuple[int, int, bytes], start: int, stop: int) -> bool:
    """Say whether two copies of the bytes [start, stop) differ, as far as both were captured."""
    mine = fragment.data[max(0, start - fragment.offset) : max(0, stop - fragment.offset)]
    other = piece[2][max(0, start - piece[0]) : max(0, stop - piece[0])]
    both = min(len(mine), len(other))
    return mine[:both] != other[:both]


class Fragments:
    """The datagrams that are not whole yet, the oldest first.

    At most `limits.fragments` bytes and `limits.datagrams` of them are held: beyond that the oldest
    is given up, and `reached_fragments` or `reached_datagrams` counts it.
    """

    def __init__(self, limits: Limits) -> None:
        self.most_bytes = limits.fragments
        self.most_datagrams = limits.datagrams
        self.reached_fragments = self.reached_datagrams = 0
        self.held = 0
        self.waiting: OrderedDict[Key, Datagram] = OrderedDict()
        # The last whole ones, each with the copy of it that is coming in.
        self.whole: OrderedDict[Key, tuple[Datagram, Datagram]] = OrderedDict()

    def read(
        self, packet: Packet, buffer: Buffer, time: int, ordinal: int, counts: Counts
    ) -> tuple[int, Buffer]:
        """Take the fragment that `packet` describes, and read the datagram that it makes whole.

        Returns what the packet is, as `Packet.read` says it, or COUNTED where it waits for more;
        and the buffer that holds what `packet` then describes.
        """
        kind = 6
        # Each datagram that is whole may be a tunnel's, with a fragment inside: `resume` says
        # NESTED before long.
        while kind == 6 and packet.length:
            key = (
                packet.family,
                packet.fragment_id,
                packet.fragment_protocol if packet.family == 4 else 0,
                packet.source_high,
                packet.source_low,
                packet.target_high,
                packet.target_low,
            )
            piece = Fragment(
                packet.fragment_offset,
                packet.length,
                bool(packet.fragment_more),
                packet.fragment_protocol,
                buffer.copy(packet.payload_start, packet.payload_stop),
            )
            whole = self.add(key, piece, time, ordinal, counts)
            if whole is None:
                return COUNTED, buffer
            buffer = Buffer(whole.captured())
            kind = packet.resume(buffer, whole.length, whole.protocol)
        return kind, buffer

    def add(
        self, key: Key, fragment: Fragment, time: int, ordinal: int, counts: Counts
    ) -> Datagram | None:
        """Take a fragment of packet `ordinal` at `time` (ns); return the datagram it makes whole.

        The packet is counted in `counts`, unless a datagram is returned: then the packets before it
        are moved to `joined`, and it is for the caller to count this one.
        """
        self._expire(time, ordinal)
        remembered = self.whole.get(key)
        if remembered is not None:
            if _is_old(remembered[0], time, ordinal) or not remembered[0].repeats(fragment):
                del self.whole[key]
            else:
                return self._again(key, fragment, time, ordinal, counts)
        datagram = self.waiting.get(key)
        if datagram is not None and _is_old(datagram, time, ordinal):
            self._give_up(key)
            datagram = None
        if datagram is None:
            datagram = self.waiting[key] = Datagram(time, ordinal)
        held = datagram.held
        if datagram.add(fragment):
            counts.fragment_conflicts += 1
        self.held += datagram.held - held
        if datagram.is_whole():
            return self._complete(key, datagram)
        counts.fragments += 1
        datagram.counts.append(counts)
        datagram.held += PIECE_OVERHEAD
        self.held += PIECE_OVERHEAD
        self._bound(key, datagram)
        return None

    def _complete(self, key: Key, datagram: Datagram) -> Datagram:
        del self.waiting[key]
        self.held -= datagram.held
        for counts in datagram.counts:
            counts.fragments -= 1
            counts.joined += 1
        datagram.counts = []
        self.whole[key] = datagram, Datagram(datagram.time, datagram.ordinal)
        if len(self.whole) > REMEMBERED:
            self.whole.popitem(last=False)
        return datagram

    def _again(
        self, key: Key, fragment: Fragment, time: int, ordinal: int, counts: Counts
    ) -> Datagram | None:
        """Take a fragment of a datagram that was whole already: all of it may come again."""
        datagram, copy = self.whole[key]
        copy.add(fragment)
        if not copy.is_whole():
            counts.joined += 1
            return None
        self.whole[key] = datagram, Datagram(time, ordinal)
        return datagram

    def _bound(self, key: Key, datagram: Datagram) -> None:
        """Give up what is too much."""
        if len(datagram.pieces) > MOST_PIECES or len(datagram.counts) > 2 * MOST_PIECES:
            self.reached_fragments += 1
            self._give_up(key)
        while self.held > self.most_bytes:
            self.reached_fragments += 1
            self._give_up(next(iter(self.waiting)))
        while len(self.waiting) > self.most_datagrams:
            self.reached_datagrams += 1
            self._give_up(next(iter(self.waiting)))

    def _expire(self, time: int, ordinal: int) -> None:
        """Give up the oldest datagrams that nothing will complete any more."""
        while self.waiting:
            key = next(iter(self.waiting))
            if not _is_old(self.waiting[key], time, ordinal):
                return
            self._give_up(key)

    def _give_up(self, key: Key) -> None:
        self.held -= self.waiting.pop(key).held


def _is_old(datagram: Datagram, time: int, ordinal: int) -> bool:
    age = abs(time - datagram.time)
    return age > MOST_AGE_NS or ordinal - datagram.ordinal > MOST_AGE_PACKETS

# cython: language_level=3, wraparound=False, initializedcheck=False
"""One TCP conversation: its two ends, its two directions, its times, and who reads it."""

from __future__ import annotations

from ipaddress import IPv6Address

from wsanalyze.layer import Layer
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.reassembly import Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.sequence import distance

RST = 0x04
ACK = 0x10

# Before 1970 times are negative, so that no negative number can say this.
UNSEEN = 0x7FFFFFFFFFFFFFFF

# FINs and RSTs of a conversation that are kept: a middlebox sends a few, a confused peer many.
MOST_ENDINGS = 16

# Side, 1 for a RST, time, packet, TTL, usual TTL of that side or -1, identification or -1, bytes
# ahead of what was received in order, window, whether it has an ACK, payload bytes, and how far
# the streams of side 0 and 1 had come.
EndingFacts = tuple[int, int, int, int, int, int, int, int, int, bool, int, int, int, bool]

# What stands for both directions of a conversation of which only the name is kept.
GONE = Direction()


@cython.final
@cython.cclass
class Conversation:
    """A TCP connection, told from an earlier one on the same ports by its initial SYN.

    The ends are ordered: the *low* end has the smaller (address, port). Side 0 is what the low
    end sends, side 1 what the high end sends.

    - `index`: 0, 1, 2 … in order of the first packet, as Wireshark's `tcp.stream`
    - `capture`: index of the capture in which it began
    - `first_time`, `last_time`: integer ns; `last_ordinal`: place of its last packet in the order
      of reading; `syn_time`, `answer_time`: of the first SYN and SYN/ACK, UNSEEN where
      there was none
    - `opened_by`: the side that sent the SYN, -1 unknown
    - `layer`: who reads it, None before the first payload byte and after being let go
    - `let_go`: 1 when nobody wants to see more of it, 2 when it has left and only its name is kept
    - `last_data`: place in the order of reading of the last packet that brought new bytes;
      `closed_at`: of the packet that closed it, -1 while open
    - `low_base`, `high_base`: where the numbering of each side began, kept when it has left
    - `endings`: its first FINs and RSTs as tuples, see `note_ending`; None before one
      came
    - `spoke`: 0 nothing, 1 WebSocket, 2 HTTP, 3 TLS, 4 something else,
      5 TLS that was decrypted and carried nothing
    """

    def __init__(self) -> None:
        self.family = 0
        self.low_high = self.low_low = self.high_high = self.high_low = 0
        self.low_port = self.high_port = 0
        self.digest = 0
        self.index = self.capture = 0
        self.first_time = self.last_time = self.last_ordinal = self.last_packet = 0
        self.syn_time = self.answer_time = UNSEEN
        self.opened_by = -1
        self.let_go = self.spoke = self.closing = 0
        self.last_data = 0
        self.low_base = self.high_base = -1
        self.closed_at = -1
        self.endings: list[EndingFacts] | None = None
        self.layer: Layer | None = None
        self.low = Direction()
        self.high = Direction()

    def direction(self, side: cython.int) -> Direction:
        """Return what side 0 (low) or 1 (high) sent."""
        return self.high if side else self.low

    def maybe_connect_ns(self) -> int | None:
        """Return the time from SYN to SYN/ACK, None where either was not seen."""
        if self.syn_time == UNSEEN or self.answer_time == UNSEEN:
            return None
        return self.answer_time - self.syn_time

    def reused_by(self, packet: Packet, side: cython.int) -> cython.int:
        """Say whether a SYN begins another connection on the same addresses and ports.

        Returns 0 where it does not, 1 where Wireshark counts a new stream (a SYN with a number
        other than the first of its side), 2 where it does not though the connection is another
        one: its bytes must not be mixed with those of the one before.
        """
        mine: Direction
        base: cython.longlong = self.high_base if side else self.low_base
        same: cython.bint
        if self.let_go != 2:
            mine = self.high if side else self.low
            if not mine.started:
                return 0
            base = mine.base
        same = base >= 0 and distance(packet.sequence + 1, base) == 0
        if packet.control & ACK:
            return 2 if not same and self.closing else 0
        if not same:
            return 1
        return 2 if self.let_go == 2 or self.closing & 3 == 3 else 0

    def note_ending(
        self,
        packet: Packet,
        side: cython.int,
        mine: Direction,
        offset: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Keep the facts of a FIN or RST: do they fit its sender?"""
        endings: list[EndingFacts] | None = self.endings
        if endings is None:
            endings = self.endings = []
        if len(endings) < MOST_ENDINGS:
            endings.append(
                (
                    side,
                    1 if packet.control & RST else 0,
                    time,
                    number,
                    packet.ttl,
                    mine.ttl,
                    packet.identification if packet.family == 4 else -1,
                    offset - mine.next,
                    packet.window,
                    packet.control & ACK != 0,
                    packet.length,
                    self.low.next,
                    self.high.next,
                    mine.fin == offset + packet.length and packet.control & RST == 0,
                )
            )
        return 0

    def forget(self) -> None:
        """Keep only the name of a conversation that has left: some hundred bytes."""
        self.low_base = self.low.base if self.low.started else -1
        self.high_base = self.high.base if self.high.started else -1
        self.low = self.high = GONE
        self.endings = None

    def endpoint(self, side: int) -> tuple[str, int]:
        """Return the address and port of the low (0) or high (1) end."""
        if side:
            return self.address(self.high_high, self.high_low), self.high_port
        return self.address(self.low_high, self.low_low), self.low_port

    def address(self, high: cython.ulonglong, low: cython.ulonglong) -> str:
        """Return an address as text, from its two 64-bit halves."""
        if self.family == 4:
            return f"{low >> 24}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
        return str(IPv6Address(int(high).to_bytes(8, "big") + int(low).to_bytes(8, "big")))

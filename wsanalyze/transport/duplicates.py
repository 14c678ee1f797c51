# cython: language_level=3, wraparound=False, initializedcheck=False
"""The same packet seen twice, told apart from a segment that was sent twice.

Captures of several interfaces (`any`), mirror ports that copy both ways in and out, and captures
that overlap hold a packet more than once. A copy is the same IP packet: same addresses and ports,
same IP identification, same sequence and acknowledgment number and same TCP checksum, which covers
flags, window, options (timestamps among them) and payload. TTL, MAC addresses and VLAN tags may
differ: a router may stand between the copies. NAT changes addresses, so its two sides are two
conversations. A sender that sends a segment again gives it a new identification, mostly a new
timestamp or acknowledgment, and at least a round trip of time.
"""

from __future__ import annotations

from array import array

from wsanalyze.transport.packet import Packet

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Segments looked back at, over all conversations: a network card hands over up to 64 packets of one
# interface before those of the next; captures with clocks of a millisecond mix a few hundred.
DEPTH = 512

# How far apart in time two copies may be (ns). With an identification: less than the shortest time
# after which a common stack sends again without being asked to (Linux TCP_RTO_MIN, 200 ms). Without
# one (IPv6; IPv4 identification 0, RFC 6864 §4.1): what a switch or router takes to forward, and
# less than the round trip that a fast retransmission needs on all but the shortest paths.
WITH_IDENTIFICATION = 199_999_999
WITHOUT_IDENTIFICATION = 1_000_000

# An odd number below 2^31 of good avalanche (MurmurHash2).
FACTOR = 0x5BD1E995
FIN = 0x01
SYN = 0x02


@cython.final
@cython.cclass
class Recent:
    """The last DEPTH segments of all conversations, each as a 64-bit key and its time."""

    def __init__(self) -> None:
        self.keys = array("Q", bytes(8 * DEPTH))
        self.times = array("q", bytes(8 * DEPTH))
        self.count = 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def key(self, packet: Packet, digest: cython.ulonglong) -> cython.ulonglong:
        """Return what two copies of a packet have in common; `digest` is the conversation's."""
        identification: cython.ulonglong = packet.identification
        checksum: cython.ulonglong = packet.checksum
        sequence: cython.ulonglong = packet.sequence
        acknowledgment: cython.ulonglong = packet.acknowledgment
        header: cython.ulonglong = sequence << 32 | identification << 16 | checksum
        # The factor spreads neighbouring acknowledgments over the bits of the sequence number.
        return header ^ acknowledgment * FACTOR ^ digest

    @cython.boundscheck(False)
    def put(
        self,
        packet: Packet,
        digest: cython.ulonglong,
        time: cython.longlong,
    ) -> cython.int:
        """Remember the segment that `packet` describes, seen at `time` (ns)."""
        # DEPTH is a power of two: every place lies within the arrays.
        place: cython.Py_ssize_t = self.count & (DEPTH - 1)
        self.keys[place] = self.key(packet, digest)
        self.times[place] = time
        self.count += 1
        return 0

    @cython.boundscheck(False)
    def has(
        self,
        packet: Packet,
        digest: cython.ulonglong,
        time: cython.longlong,
    ) -> cython.bint:
        """Say whether the same packet was put here a short time before (or, by its clock, after).

        Segments that take up no sequence space (acknowledgments, resets) are sent alike again and
        again: without an identification nobody can tell.
        """
        key: cython.ulonglong = self.key(packet, digest)
        apart: cython.longlong = WITH_IDENTIFICATION
        held: cython.Py_ssize_t = self.count if self.count < DEPTH else DEPTH
        i: cython.Py_ssize_t
        place: cython.Py_ssize_t
        if packet.identification == 0:
            if packet.length == 0 and packet.control & (FIN | SYN) == 0:
                return False
            apart = WITHOUT_IDENTIFICATION
        for i in range(held):
            place = (self.count - 1 - i) & (DEPTH - 1)
            if self.keys[place] == key and self.near(self.times[place], time, apart):
                return True
        return False

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def near(
        self, one: cython.longlong, other: cython.longlong, apart: cython.longlong
    ) -> cython.bint:
        """Say whether two times are at most `apart` from each other, wherever they are."""
        # Compared before anything is subtracted: a pcapng file may hold any time of 64 bits.
        earlier: cython.longlong = one if one < other else other
        later: cython.longlong = other if one < other else one
        if earlier < 0:
            return later <= earlier + apart
        return later - earlier <= apart

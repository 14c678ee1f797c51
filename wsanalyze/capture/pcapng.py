# cython: language_level=3, wraparound=False
"""The packets of a pcapng file, found where they lie in a buffer.

Layout: draft-ietf-opsawg-pcapng. Blocks of `type, total length, body, total length`; each section
has its own byte order and interfaces, each interface its own link type and clock. What is not a
packet goes to blocks.py.
"""

from __future__ import annotations

from array import array

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.blocks import LARGEST_NS, NUMBERED, Blocks, Clock, DamageError
from wsanalyze.capture.info import CaptureInfo, Interface

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Block types, draft-ietf-opsawg-pcapng §4 (C integers: see the .pxd). The first reads the same in
# both byte orders.
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 0xA
BYTE_ORDER_MAGIC = 0x1A2B3C4D
SWAPPED_MAGIC = 0x4D3C2B1A

SMALLEST_BLOCK = 12
NEVER = 0x7FFFFFFFFFFFFFFF
# Facts of an interface, each an item of a row in `interfaces`.
LINK = 0
PACKET_LIMIT = 1
SNAP_LENGTH = 2
UNIT_NS = 3
OFFSET_NS = 4
LAST_UNIT = 5
FACTS = 6


@cython.final
@cython.cclass
class PcapngRecords:
    """Finds the packets of one pcapng file, in as many pieces as the file arrives in.

    `packets` counts those found; `not_packets` the blocks that Wireshark numbers with them;
    `untimed_packets` those of Simple Packet Blocks, which carry no time and get the one before;
    `clamped_times` those whose time no 64-bit number of nanoseconds holds.
    `earliest_ns` and `latest_ns` are the ends of the times that the file holds.
    `problem` says why nothing more can be found, or is None.
    """

    def __init__(self, blocks: Blocks, block_limit: int) -> None:
        """Put what is not a packet into `blocks`; a block above `block_limit` is damage."""
        self.blocks = blocks
        self.block_limit = block_limit
        self.big = False
        self.interface_count = 0
        self.interfaces = array("q", bytes(8 * FACTS))
        self.numbered = 0
        self.time_ns = 0
        self.packets = self.not_packets = self.untimed_packets = self.clamped_times = 0
        self.earliest_ns = NEVER
        self.latest_ns = -NEVER
        self.needed = SMALLEST_BLOCK
        self.problem: str | None = None

    def note(self, info: CaptureInfo) -> None:
        """Bring the counts of `info` up to date."""
        info.packets = self.packets
        info.not_packets = self.not_packets
        info.untimed_packets = self.untimed_packets
        info.clamped_times = self.clamped_times
        if self.packets > self.untimed_packets:
            info.first_time_ns = self.earliest_ns
            info.last_time_ns = self.latest_ns
        info.snap_length = self.blocks.snap_length
        info.dropped = self.blocks.dropped
        info.secrets_skipped = self.blocks.secrets_skipped

    def index(
        self, batch: Batch, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Fill `batch` with the packets of the whole blocks of `batch.buffer` from `start` on.

        Returns where the first block begins that was not taken: the batch is full, or the block
        is not whole (it takes `needed` bytes, as far as is known), or there is a `problem`.
        """
        self.view = batch.buffer.view
        at: cython.Py_ssize_t = start
        length: cython.Py_ssize_t
        batch.count = 0
        while batch.count < batch.capacity:
            length = self.block_length(at, stop)
            if length < 0:
                break
            self.take(batch, at, length)
            if self.problem is not None:
                break
            at += length
        return at

    @cython.cfunc
    @cython.inline
    @cython.exceptval(0xFFFFFFFF, check=True)
    def number(self, at: cython.Py_ssize_t) -> cython.uint:
        """Return the 32-bit number at `at`."""
        a: cython.uint = self.view[at]
        b: cython.uint = self.view[at + 1]
        c: cython.uint = self.view[at + 2]
        d: cython.uint = self.view[at + 3]
        if self.big:
            return a << 24 | b << 16 | c << 8 | d
        return d << 24 | c << 16 | b << 8 | a

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-2, check=False)
    def block_length(
        self,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.Py_ssize_t:
        """Return the length of the block at `at`, -1 where it is not whole or damaged."""
        total: cython.uint
        length: cython.Py_ssize_t
        self.needed = SMALLEST_BLOCK
        if stop - at < SMALLEST_BLOCK:
            return -1
        if self.number(at) == SECTION_HEADER:
            if self.number(at + 8) == SWAPPED_MAGIC:
                self.big = not self.big
            elif self.number(at + 8) != BYTE_ORDER_MAGIC:
                self.problem = "damaged: a section header without its byte-order magic"
                return -1
        total = self.number(at + 4)
        if total < SMALLEST_BLOCK or total > self.block_limit:
            self.problem = f"damaged: a block that claims {total} bytes"
            return -1
        # Some writers leave the padding out of the length; Wireshark puts it back, as we do.
        length = total
        length = (length + 3) & ~3
        self.needed = length
        if stop - at < length:
            return -1
        if self.number(at + length - 4) != total:
            self.problem = f"damaged: the two lengths of a block differ, the first is {total}"
            return -1
        return length

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def take(
        self,
        batch: Batch,
        at: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
    ) -> cython.int:
        """Take the whole block at `at`."""
        kind: cython.uint = self.number(at)
        if kind == ENHANCED_PACKET:
            return self.enhanced(batch, at, length)
        if kind == SIMPLE_PACKET:
            return self.simple(batch, at, length)
        if kind == OBSOLETE_PACKET:
            return self.obsolete(batch, at, length)
        if kind in (
            SECTION_HEADER,
            INTERFACE_DESCRIPTION,
            INTERFACE_STATISTICS,
            DECRYPTION_SECRETS,
        ):
            self.describe(kind, batch.buffer.copy(at + 8, at + length - 4))
        elif kind in NUMBERED:
            self.numbered += 1
            self.not_packets += 1
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def enhanced(
        self,
        batch: Batch,
        at: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
    ) -> cython.int:
        """Take an Enhanced Packet Block (§4.3)."""
        if length < 32:
            return self.damaged("an Enhanced Packet Block that is too short")
        return self.timed(batch, at, length, self.number(at + 8))

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def obsolete(
        self,
        batch: Batch,
        at: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
    ) -> cython.int:
        """Take a Packet Block (appendix A): 16 bits of interface, then 16 of drops."""
        if length < 32:
            return self.damaged("a Packet Block that is too short")
        word: cython.uint = self.number(at + 8)
        return self.timed(batch, at, length, word >> 16 if self.big else word & 0xFFFF)

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def timed(
        self,
        batch: Batch,
        at: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
        interface: cython.Py_ssize_t,
    ) -> cython.int:
        """Take a block with time and lengths from its byte 12 on and data from 28 on."""
        high: cython.longlong = self.number(at + 12)
        units: cython.longlong
        row: cython.Py_ssize_t = interface * FACTS
        if interface >= self.interface_count:
            return self.damaged(f"interface {interface}, of which there is no description")
        # Only the upper half of the 64-bit times needs more than 63 bits.
        units = (high & 0x7FFFFFFF) << 32 | self.number(at + 16)
        if high <= 0x7FFFFFFF and units <= self.interfaces[row + LAST_UNIT]:
            self.time_ns = units * self.interfaces[row + UNIT_NS] + self.interfaces[row + OFFSET_NS]
        else:
            self.time_ns = self.exact_time(high, self.number(at + 16), interface)
        self.put(
            batch,
            at + 28,
            self.number(at + 20),
            length - 32,
            self.number(at + 24),
            interface,
        )
        if self.problem is None:
            self.earliest_ns = min(self.earliest_ns, self.time_ns)
            self.latest_ns = max(self.latest_ns, self.time_ns)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def simple(
        self,
        batch: Batch,
        at: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
    ) -> cython.int:
        """Take a Simple Packet Block (§4.4), which belongs to interface 0 and has no time."""
        wire: cython.longlong
        captured: cython.longlong
        if length < 16:
            return self.damaged("a Simple Packet Block that is too short")
        if self.interface_count == 0:
            return self.damaged("a Simple Packet Block, but no interface description")
        wire = captured = self.number(at + 8)
        if self.interfaces[SNAP_LENGTH]:
            captured = min(wire, self.interfaces[SNAP_LENGTH])
        self.put(batch, at + 12, captured, length - 16, wire, 0)
        if self.problem is None:
            self.untimed_packets += 1
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def put(
        self,
        batch: Batch,
        start: cython.Py_ssize_t,
        captured: cython.Py_ssize_t,
        room: cython.Py_ssize_t,
        wire: cython.longlong,
        interface: cython.Py_ssize_t,
    ) -> cython.int:
        """Append a packet at `start`, in a block that has `room` bytes for it."""
        i: cython.Py_ssize_t = batch.count
        row: cython.Py_ssize_t = interface * FACTS
        link: cython.int = self.interfaces[row + LINK]
        if captured > room:
            return self.damaged(f"packet of {captured} bytes in a block with room for {room}")
        if captured > self.interfaces[row + PACKET_LIMIT]:
            return self.damaged(f"packet of {captured} bytes, above the limit")
        self.packets += 1
        self.numbered += 1
        batch.start[i] = start
        batch.stop[i] = start + captured
        batch.wire_length[i] = max(wire, captured)
        batch.time_ns[i] = self.time_ns
        batch.number[i] = self.numbered
        batch.link[i] = link
        batch.count = i + 1
        return 0

    def damaged(self, what: str) -> int:
        """Note that the block at hand cannot be read."""
        self.problem = f"damaged: {what}"
        return 0

    def exact_time(self, high: int, low: int, interface: int) -> int:
        """Return a time that is not a small sum, put at the end of what 64 bits hold if outside.

        The lowest 64-bit number is no time: numpy and pandas have it for "not a time".
        """
        exact: int = self.blocks.clocks[interface].time_ns(high << 32 | low)
        time = max(-LARGEST_NS, min(exact, LARGEST_NS))
        if time != exact:
            self.clamped_times += 1
        return time

    def describe(self, kind: int, body: bytes) -> None:
        """Take a block that says something about the packets that follow, or came before."""
        try:
            if kind == SECTION_HEADER:
                self.blocks.begin_section(self.big, body)
                self.interface_count = 0
            elif kind == INTERFACE_DESCRIPTION:
                self.add_interface(*self.blocks.add_interface(body))
            elif kind == INTERFACE_STATISTICS:
                self.blocks.add_statistics(body)
            else:
                self.blocks.add_secrets(body)
        except DamageError as error:
            self.damaged(str(error))

    def add_interface(self, interface: Interface, clock: Clock) -> None:
        """Put a row of facts into `interfaces`, which doubles where it is full."""
        row: cython.Py_ssize_t = self.interface_count * FACTS
        if row == len(self.interfaces):
            larger = array("q", bytes(16 * row))
            memoryview(larger)[:row] = memoryview(self.interfaces)
            self.interfaces = larger
        unit_ns, offset_ns, last = clock.fast()
        self.interfaces[row + LINK] = interface.link | interface.fcs_bytes() << 16
        self.interfaces[row + PACKET_LIMIT] = interface.largest_packet(self.block_limit)
        self.interfaces[row + SNAP_LENGTH] = interface.snap_length or 0
        self.interfaces[row + UNIT_NS] = unit_ns
        self.interfaces[row + OFFSET_NS] = offset_ns
        self.interfaces[row + LAST_UNIT] = last
        self.interface_count += 1

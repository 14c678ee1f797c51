# cython: language_level=3, wraparound=False, initializedcheck=False
"""Packets in a ring of blocks that the kernel fills and we read where they lie.

Layout: TPACKET_V3 of <linux/if_packet.h>, in the machine's own byte order. What stands in it comes
from the kernel; bounds are checked all the same.
"""

from __future__ import annotations

import sys

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.loads import little32, load32

    def fence() -> None:
        """Do nothing: between two steps of an interpreter there are fences enough."""


# struct tpacket_block_desc, tpacket_hdr_v1: where things stand in a block.
BLOCK_STATUS = 8
PACKETS = 12
FIRST = 16
BLOCK_HEADER = 48
# struct tpacket3_hdr, and behind it struct sockaddr_ll.
SECONDS, NANOSECONDS, CAPTURED, ON_WIRE, STATUS = 4, 8, 12, 16, 20
MAC, TAG = 24, 32
PACKET_TYPE = 48 + 10
PACKET_HEADER = 68
# tp_status: the kernel took a VLAN tag out of the packet, and says of which kind.
HAS_TAG = 0x10
HAS_KIND = 0x40
TAG_BYTES = 4
ADDRESSES = 12
# Room in front of each packet to put its tag back, and a header's alignment.
ROOM = 16
OUTGOING = 4
NEVER = 0x7FFFFFFFFFFFFFFF
LITTLE = sys.byteorder == "little"


@cython.final
@cython.cclass
class Ring:
    """Reads the blocks of one socket's ring in their order.

    `memory` is the ring, writable: `blocks` blocks of `block_size` bytes. `link` is the link type
    of its packets; with `once` those that go out are left out, since the same ones come in.
    `packets` counts those handed out, `earliest_ns` and `latest_ns` are the ends of their times.
    """

    def __init__(
        self, memory: memoryview, block_size: int, blocks: int, link: int, once: bool
    ) -> None:
        self.memory = memory
        self.buffer = Buffer(memory)
        self.block_size = block_size
        self.blocks = blocks
        self.link = link
        self.once = once
        self.block = 0
        self.at = self.left = 0
        self.held = False
        self.packets = 0
        self.earliest_ns = NEVER
        self.latest_ns = -NEVER

    def is_ready(self) -> bool:
        """Say whether the kernel has finished the block that is next."""
        return self.left > 0 or self.number(self.block * self.block_size + BLOCK_STATUS) & 1 != 0

    def give_back(self) -> None:
        """Let the kernel have the block that was read: what was handed out of it is gone."""
        at: cython.Py_ssize_t = self.block * self.block_size + BLOCK_STATUS
        if self.held and self.left == 0:
            # Some processors would let the kernel write before we have read.
            fence()
            self.memory[at : at + 4] = bytes(4)
            self.block = (self.block + 1) % self.blocks
            self.held = False

    def index(self, batch: Batch, numbered: cython.longlong) -> None:
        """Fill `batch` with packets of one finished block; they are numbered from `numbered` + 1.

        There may be none. The batch holds until `give_back`, which is to be called before.
        """
        base: cython.Py_ssize_t = self.block * self.block_size
        end: cython.Py_ssize_t = base + self.block_size
        step: cython.Py_ssize_t
        batch.buffer = self.buffer
        batch.count = 0
        if not batch.has_room() or len(self.buffer.view) < self.blocks * self.block_size:
            raise IndexError("the batch has no room, or the ring is smaller than its blocks")
        if not self.held:
            if not self.is_ready():
                return
            # Likewise: what is read now is not to be older than that the block is finished.
            fence()
            self.held = True
            self.left = self.number(base + PACKETS)
            self.at = base + self.number(base + FIRST)
        while self.left > 0 and batch.count < batch.capacity:
            if self.at < base or self.at + PACKET_HEADER > end:
                self.left = 0
                return
            self.take(batch, end, numbered)
            self.left -= 1
            step = self.number(self.at)
            self.at += step

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def take(self, batch: Batch, end: cython.Py_ssize_t, numbered: cython.longlong) -> cython.int:
        """Append the packet at `at` to `batch`."""
        i: cython.Py_ssize_t = batch.count
        at: cython.Py_ssize_t = self.at
        word: cython.uint = self.number(at + MAC)
        start: cython.Py_ssize_t = at + (word & 0xFFFF if LITTLE else word >> 16)
        captured: cython.Py_ssize_t = self.number(at + CAPTURED)
        wire: cython.longlong = self.number(at + ON_WIRE)
        seconds: cython.longlong = self.number(at + SECONDS)
        nanoseconds: cython.longlong = self.number(at + NANOSECONDS)
        # 2^32 seconds are 4.3e18 ns: the sum stays below 2^63.
        time: cython.longlong = seconds * 1_000_000_000 + nanoseconds
        if start + captured > end:
            return 0
        if self.once and self.buffer.view[at + PACKET_TYPE] == OUTGOING:
            return 0
        if self.number(at + STATUS) & HAS_TAG and captured >= ADDRESSES and self.link == 1:
            self.put_tag_back(at, start)
            start -= TAG_BYTES
            captured += TAG_BYTES
            wire += TAG_BYTES
        self.packets += 1
        batch.start[i] = start
        batch.stop[i] = start + captured
        batch.wire_length[i] = max(wire, captured)
        batch.time_ns[i] = time
        self.earliest_ns = min(self.earliest_ns, time)
        self.latest_ns = max(self.latest_ns, time)
        batch.number[i] = numbered + i + 1
        batch.link[i] = self.link
        batch.count = i + 1
        return 0

    def put_tag_back(self, at: int, start: int) -> None:
        """Write the VLAN tag between addresses and EtherType, into the room before the packet."""
        tag = self.number(at + TAG) & 0xFFFF
        word = self.number(at + TAG + 4)
        kind = word & 0xFFFF if LITTLE else word >> 16
        if not self.number(at + STATUS) & HAS_KIND:
            kind = 0x8100
        addresses = bytes(self.memory[start : start + ADDRESSES])
        self.memory[start - TAG_BYTES : start + ADDRESSES] = (
            addresses + kind.to_bytes(2, "big") + tag.to_bytes(2, "big")
        )

    @cython.cfunc
    @cython.inline
    @cython.exceptval(0xFFFFFFFF, check=True)
    def number(self, at: cython.Py_ssize_t) -> cython.uint:
        """Return the 32-bit number at `at`. IndexError outside of the ring."""
        if at < 0 or at + 4 > len(self.buffer.view):
            raise IndexError("outside of the ring")
        return little32(self.buffer, at) if LITTLE else load32(self.buffer, at)

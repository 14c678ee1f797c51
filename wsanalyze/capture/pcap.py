# cython: language_level=3, wraparound=False, initializedcheck=False
"""The records of a classic pcap file, found where they lie in a buffer.

Layout: draft-ietf-opsawg-pcap. A 24-byte file header, then records of 16 bytes (24 in the
"modified" format of Alexey Kuznetzov's libpcap patch) followed by the captured bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.loads import little32, load32

FILE_HEADER = 24
# Magic number: (nanoseconds in one unit of a record's fraction, bytes of a record's header).
MAGICS = {
    0xA1B2C3D4: (1000, 16),
    0xA1B23C4D: (1, 16),
    0xA1B2CD34: (1000, 24),
}
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
NEVER = 0x7FFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class PcapHeader:
    """The file header of a classic pcap file.

    `fcs_length` is the length of the frame check sequence at the end of each packet in bytes,
    None where the writer did not say.
    """

    byte_order: Literal["little", "big"]
    fraction_ns: int
    record_header: int
    version: tuple[int, int]
    snap_length: int
    link: int
    fcs_length: int | None


def is_pcap(head: bytes) -> bool:
    """Say whether the first four bytes are those of a pcap file."""
    return len(head) >= 4 and any(int.from_bytes(head[:4], order) in MAGICS for order in ORDERS)


def read_header(data: bytes) -> PcapHeader | None:
    """Read the file header from the first 24 bytes; None where they are not one."""
    if len(data) < FILE_HEADER:
        return None
    for order in ORDERS:
        numbers = [int.from_bytes(data[i : i + 4], order) for i in range(0, FILE_HEADER, 4)]
        if numbers[0] in MAGICS:
            break
    else:
        return None
    major, minor = (int.from_bytes(data[i : i + 2], order) for i in (4, 6))
    network = numbers[5]
    # draft-ietf-opsawg-pcap §4: the f bit says that the top four bits count 16-bit words of FCS.
    fcs_length = (network >> 28) * 2 if network & 0x04000000 else None
    fraction_ns, record_header = MAGICS[numbers[0]]
    return PcapHeader(
        order,
        fraction_ns,
        record_header,
        (major, minor),
        numbers[4],
        network & 0xFFFF,
        fcs_length,
    )


@cython.final
@cython.cclass
class PcapRecords:
    """Finds the records of one pcap file, in as many pieces as the file arrives in.

    `packets` counts those found, `earliest_ns` and `latest_ns` are the ends of their times
    (meaningless while `packets` is 0). `problem` says why nothing more can be found, or is None.
    """

    def __init__(self, header: PcapHeader, packet_limit: int) -> None:
        """Read records as `header` says; a packet above `packet_limit` bytes is damage."""
        self.big = header.byte_order == "big"
        self.link = header.link | (header.fcs_length or 0) << 16
        self.header_length = header.record_header
        self.fraction_ns = header.fraction_ns
        self.packet_limit = packet_limit
        # libpcap before 2.3 wrote the two lengths the other way round, some 2.3 writers too.
        self.lengths_swapped = header.version[0] == 2 and header.version[1] <= 3
        self.packets = 0
        self.earliest_ns = NEVER
        self.latest_ns = 0
        self.needed = header.record_header
        self.problem: str | None = None

    def note(self, info: CaptureInfo) -> None:
        """Bring the counts of `info` up to date."""
        info.packets = self.packets
        if self.packets:
            info.first_time_ns = self.earliest_ns
            info.last_time_ns = self.latest_ns

    @cython.boundscheck(False)
    def index(
        self, batch: Batch, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Fill `batch` with the whole records of `batch.buffer` from `start` on.

        Returns where the first record begins that is not in the batch: the batch is full, or the
        record is not whole (it takes `needed` bytes, as far as is known), or there is a `problem`.
        """
        buffer: Buffer = batch.buffer
        at: cython.Py_ssize_t = start
        captured: cython.Py_ssize_t
        header: cython.Py_ssize_t = self.header_length
        # The checks that stand for the unchecked loads and stores of the loop.
        if start < 0 or stop > len(buffer.view) or not batch.has_room():
            raise IndexError("the records lie outside their buffer, or the batch has no room")
        batch.count = 0
        self.needed = header
        while batch.count < batch.capacity and stop - at >= header:
            captured = self.captured_length(buffer, at)
            if captured > self.packet_limit:
                self.problem = (
                    f"packet {self.packets + 1} claims {captured} bytes, over {self.packet_limit}"
                )
                break
            if stop - at < header + captured:
                self.needed = header + captured
                break
            self.put(batch, buffer, at, captured)
            at += header + captured
        return at

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def number(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.uint:
        """Return the 32-bit number at `at`, which the caller has made sure is there."""
        return load32(buffer, at) if self.big else little32(buffer, at)

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def captured_length(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Return how many bytes follow the record header at `at`."""
        captured: cython.uint = self.number(buffer, at + 8)
        wire: cython.uint
        if self.lengths_swapped:
            wire = self.number(buffer, at + 12)
            return min(captured, wire)
        return captured

    @cython.cfunc
    @cython.inline
    @cython.boundscheck(False)
    @cython.exceptval(check=False)
    def put(
        self,
        batch: Batch,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        captured: cython.Py_ssize_t,
    ) -> cython.int:
        """Append the record at `at` to `batch`."""
        i: cython.Py_ssize_t = batch.count
        seconds: cython.longlong = self.number(buffer, at)
        fraction: cython.longlong = self.number(buffer, at + 4)
        length: cython.longlong = self.number(buffer, at + 8)
        wire: cython.longlong = self.number(buffer, at + 12)
        # 2^32 seconds are 4.3e18 ns: the sum stays below 2^63 whatever the file says.
        time: cython.longlong = seconds * 1_000_000_000 + fraction * self.fraction_ns
        self.packets += 1
        batch.start[i] = at + self.header_length
        batch.stop[i] = at + self.header_length + captured
        batch.wire_length[i] = max(wire, length)
        batch.time_ns[i] = time
        batch.number[i] = self.packets
        batch.link[i] = self.link
        batch.count = i + 1
        self.earliest_ns = min(self.earliest_ns, time)
        self.latest_ns = max(self.latest_ns, time)
        return 0

"""Captures in: any path, pipe or open file becomes a Reader that hands out batches of packets.

What it is, and how it is compressed, is recognised by content, never by name. A capture that is
cut or damaged gives every packet before the damage, then says so in `info.problem`.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol

from wsanalyze.capture import foreign, pcap, pcapng
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.blocks import SECTION_HEADER, Blocks, DamageError, is_pcapng, section_header
from wsanalyze.capture.compression import MAGIC_LENGTH, Decompressed, compression_of
from wsanalyze.capture.info import CaptureInfo, Interface, Problem
from wsanalyze.capture.scapy_packets import FORMAT, PacketStream
from wsanalyze.capture.stored import STANDARD_INPUT, Stored, open_stored, reason
from wsanalyze.capture.window import SIZE, Window
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

# Enough of a file to see its first packet.
GLANCE = 64 * 1024


class Records(Protocol):
    """What the kernels of the capture formats have in common."""

    packets: int
    needed: int
    problem: str | None

    def note(self, info: CaptureInfo) -> None:
        """Bring the counts of `info` up to date."""

    def index(self, batch: Batch, start: int, stop: int) -> int:
        """Fill `batch` from `start` on and return where the rest begins."""


class Reader:
    """Hands out one capture's packets in file order, batch by batch.

    `info` is what is known of the capture; its counts grow with each `next`.
    """

    def __init__(self, stored: Stored, window: Window, records: Records, info: CaptureInfo) -> None:
        """Read what `records` finds in `window`; see `open_capture`."""
        self.info = info
        info.bytes_read, info.total_bytes = stored.bytes_read, stored.total_bytes
        self._stored = stored
        self._window = window
        self._records = records
        self._batch = Batch(window.buffer)
        self._ended = False

    @property
    def infos(self) -> list[CaptureInfo]:
        """The one capture's info, as a merged reader gives several."""
        return [self.info]

    def next(self) -> Batch | None:
        """Return the next packets (at least one), or None at the end.

        It is the same Batch each time, refilled: the one before is gone. Waits only while not one
        whole packet has arrived.
        """
        window, batch, records = self._window, self._batch, self._records
        while not self._ended:
            batch.buffer = window.buffer
            window.start = records.index(batch, window.start, window.stop)
            if batch.count:
                self._note()
                return batch
            if records.problem is not None or not window.fill(records.needed):
                self._end()
        return None

    def _note(self) -> None:
        """Bring `info` up to date."""
        self.info.bytes_read = self._stored.bytes_read
        self._records.note(self.info)

    def _end(self) -> None:
        self._ended = True
        self._note()
        what = problem_of(self._window, self._records)
        if what is not None:
            self.info.problem = Problem(what, self._window.offset)

    def close(self) -> None:
        """Let go of the file (if it was opened here); may be called at any time, and twice."""
        self._ended = True
        self._stored.close()

    def __enter__(self) -> Reader:
        """Return itself; `close` is called at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


def problem_of(window: Window, records: Records) -> str | None:
    """Return why reading ended where the window stands, None where that is the good end."""
    compressed = isinstance(window.stream, Decompressed)
    where = " (the offset is in the decompressed stream)" if compressed else ""
    if records.problem is not None:
        return f"{records.problem}{where}"
    if window.error is not None:
        return f"reading failed: {reason(window.error)}{where}"
    rest = window.stop - window.start
    if isinstance(window.stream, Decompressed) and window.stream.problem is not None:
        return f"{window.stream.problem} after packet {records.packets}{where}"
    if rest:
        needed = max(records.needed, rest + 1)
        return f"cut off after packet {records.packets}: {rest} of {needed} bytes{where}"
    return None


def open_capture(source: object, *, limits: Limits | None = None, window: int = SIZE) -> Reader:
    """Open a capture: a path, "-" for standard input, an open binary file, or a PacketStream.

    `window` is how many bytes are kept in memory. A file that the caller opened is read from where
    it stands and left open.
    Raises CaptureError where not even the beginning of a capture can be read.
    """
    stored = open_stored(source)
    try:
        reader = _recognised(stored, limits or Limits(), window)
    except BaseException:
        stored.close()
        raise
    if isinstance(source, PacketStream):
        reader.info.format = FORMAT
    if isinstance(source, (str, Path)) and source != STANDARD_INPUT:
        reader.info.path = str(source)
    return reader


def is_capture(path: Path) -> bool:
    """Say by its first bytes whether a file is a capture, or may be one that cannot be read."""
    try:
        stored = open_stored(path)
    except CaptureError:
        return True
    try:
        window, _ = _decompressed(stored, GLANCE)
        window.fill_to(pcap.FILE_HEADER)
    except CaptureError:
        return True
    finally:
        stored.close()
    head = window.peek(pcap.FILE_HEADER)
    return pcap.is_pcap(head) or is_pcapng(head)


def _recognised(stored: Stored, limits: Limits, size: int) -> Reader:
    window, compression = _decompressed(stored, size)
    window.fill_to(pcap.FILE_HEADER)
    head = window.peek(foreign.LENGTH)
    if pcap.is_pcap(head):
        return _open_pcap(stored, window, compression, limits)
    if is_pcapng(head):
        return _open_pcapng(stored, window, compression, limits)
    raise _unreadable(stored, window, head, compression)


def _decompressed(stored: Stored, size: int) -> tuple[Window, str | None]:
    """Return a window onto the capture as it was before compression, and the compression."""
    window = Window(stored, size)
    window.fill_to(MAGIC_LENGTH)
    head = window.peek(window.stop)
    compression = compression_of(head)
    if compression is None:
        return window, None
    return Window(Decompressed(stored, compression, head), size), compression


def _unreadable(
    stored: Stored, window: Window, head: bytes, compression: str | None
) -> CaptureError:
    """Return the error for an input that does not begin as a capture does."""
    if window.error is not None:
        return CaptureError(stored.name, f"cannot be read: {reason(window.error)}", offset=0)
    if isinstance(window.stream, Decompressed) and window.stream.problem is not None and not head:
        return CaptureError(
            stored.name, window.stream.problem, offset=0, advice="copy the file again"
        )
    if not head:
        advice = "nothing was captured, or not written yet: dumpcap, or tcpdump -U, write at once"
        return CaptureError(stored.name, "is empty", offset=0, advice=advice)
    what, advice = foreign.looks_like(head, stored.name)
    inside = f"inside {compression}: " if compression else ""
    return CaptureError(stored.name, f"not a capture: {inside}{what}", offset=0, advice=advice)


def _open_pcap(stored: Stored, window: Window, compression: str | None, limits: Limits) -> Reader:
    header = pcap.read_header(window.peek(pcap.FILE_HEADER))
    if header is None:
        raise _cut_header(stored, window)
    window.start += pcap.FILE_HEADER
    interface = Interface(
        "",
        header.link,
        header.snap_length or None,
        1_000_000_000 // header.fraction_ns,
        header.fcs_length,
    )
    info = CaptureInfo(stored.name, "pcap", compression, header.byte_order)
    info.snap_length = interface.snap_length
    info.interfaces = [interface]
    records = pcap.PcapRecords(header, interface.largest_packet(limits.packet))
    return Reader(stored, window, records, info)


def _open_pcapng(stored: Stored, window: Window, compression: str | None, limits: Limits) -> Reader:
    try:
        byte_order, length = section_header(window.peek(SECTION_HEADER))
        if length > limits.packet:
            raise DamageError(f"a section header of {length} bytes")
        if not window.fill_to(length):
            raise _cut_header(stored, window)
        Blocks().begin_section(byte_order == "big", window.peek(length)[8:-4])
    except DamageError as damage:
        advice = "it is damaged: copy it again"
        raise CaptureError(stored.name, str(damage), offset=0, advice=advice) from None
    blocks = Blocks()
    info = CaptureInfo(stored.name, "pcapng", compression, byte_order)
    info.interfaces, info.secrets = blocks.interfaces, blocks.secrets
    return Reader(stored, window, pcapng.PcapngRecords(blocks, limits.packet), info)


def _cut_header(stored: Stored, window: Window) -> CaptureError:
    """Return the error for a capture that ends before its first packet could begin."""
    what = f"ends within its header, after {window.stop - window.start} bytes"
    if window.error is not None:
        what = f"cannot be read: {reason(window.error)}"
    elif isinstance(window.stream, Decompressed) and window.stream.problem is not None:
        what = f"{window.stream.problem} within the capture's header"
    return CaptureError(stored.name, what, offset=window.stop, advice="copy or record it again")

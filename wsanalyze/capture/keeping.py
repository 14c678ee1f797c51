"""Packets kept while they are analysed: pcapng files that rotate and can be read at any moment.

Each call writes whole blocks, unbuffered; where the disk is full, what was written in part is cut
off again. A FIFO takes them, too, as long as somebody reads it. Interfaces are told apart by their
link type: a batch does not say more.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.live import Received
from wsanalyze.capture.stored import reason
from wsanalyze.capture.written import enhanced, interface, section, statistics
from wsanalyze.errors import UsageError

# Number, time_ns, link type with the length of its check sequence, length on the wire, bytes.
Packet = tuple[int, int, int, int, bytes]
PROGRAM = "wsanalyze"
# What the last file ends with, for which there must be room.
STATISTICS = len(statistics(0, 0, 0, 0, 0))
# The longest text of names, and what a description takes with it.
NAMES = 1024
DESCRIPTION = NAMES + 64
# Milliseconds for who reads a FIFO to make room; meanwhile packets wait in the source's buffer.
PATIENCE = 5000


class NoPlaceError(OSError):
    """Packets would go where they do harm: to a terminal, which obeys what strangers sent, or into
    a file that is read meanwhile.
    """


class PacketWriter:
    """Writes packets into FILE, or with rotation into FILE_00001, FILE_00002 and so on.

    - `path`: the file that is being written; `files`: how many were begun
    - `packets`: how many were written, in all files
    - `problem`: why packets are no longer written, one line; None while they are
    """

    def __init__(
        self,
        path: Path,
        info: CaptureInfo,
        *,
        rotate_bytes: int | None = None,
        rotate_seconds: float | None = None,
        apart: Sequence[int | Path] = (),
    ) -> None:
        """Begin the first file; `info` is the source's, for names of interfaces.

        A new file is begun before one would exceed `rotate_bytes`, and when the first packet of
        one came `rotate_seconds` ago and another one comes. `apart`: files, by path or open
        descriptor, that must not be the one that is written, under whatever name. OSError where
        `path` cannot be written, UsageError where it is a terminal or one of those.
        """
        self._given = path
        self._info = info
        self._rotate_bytes = rotate_bytes
        self._rotate_seconds = rotate_seconds
        self._apart = apart
        self.files = 0
        self.packets = 0
        self.problem: str | None = None
        self._descriptor = -1
        self._last_ns = 0
        self.path = path
        try:
            self._begin()
        except NoPlaceError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from None
        except OSError as error:
            self._close()
            raise OSError(error.errno, reason(error), str(self.path)) from None

    def write(self, batch: Batch) -> None:
        """Write every packet of a batch."""
        if self.problem is None:
            self.write_packets(batch.packets())

    def write_packets(self, packets: Iterable[Packet]) -> None:
        """Write packets as `Batch.packet` gives them, in this order."""
        if self.problem is not None:
            return
        try:
            self._write_packets(packets)
        except OSError as error:
            self._give_up(error)

    def close(self, received: Received | None = None) -> None:
        """Write what was lost, and close; may be called twice."""
        if self._descriptor < 0:
            return
        try:
            if received is not None and self.problem is None and self._links:
                self._put(
                    [
                        statistics(
                            0,
                            self._last_ns,
                            received.received,
                            received.dropped_by_interface,
                            received.dropped_by_kernel,
                        )
                    ],
                    0,
                )
            self._close()
        except OSError as error:
            self._give_up(error)

    def _write_packets(self, packets: Iterable[Packet]) -> None:
        blocks: list[bytes] = []
        waiting = 0
        # Written together, up to where the next file begins.
        size = self._size
        for _, time_ns, link, wire_length, data in packets:
            self._last_ns = max(time_ns, 0)
            number = self._links.get(link)
            needed = 48 + len(data) + (0 if number is not None else DESCRIPTION)
            if self._is_full(size + needed):
                self._put(blocks, waiting)
                blocks, waiting = [], 0
                self._begin()
                size, number = self._size, None
            if number is None:
                number = self._links[link] = len(self._links)
                blocks.append(self._description(link))
                size += len(blocks[-1])
            blocks.append(enhanced(number, self._last_ns, data, wire_length))
            waiting += 1
            size += len(blocks[-1])
        self._put(blocks, waiting)

    def _is_full(self, size: int) -> bool:
        """Say whether the next file is to be begun; none has less than a packet."""
        if not self._links:
            # However long it waited for its first one.
            self._begun_at = time.monotonic()
            return False
        if self._rotate_bytes is not None and size + STATISTICS > self._rotate_bytes:
            return True
        return (
            self._rotate_seconds is not None
            and time.monotonic() - self._begun_at >= self._rotate_seconds
        )

    def _begin(self) -> None:
        """Begin the next file."""
        self._close()
        self.files += 1
        self.path = self._given
        if self._rotate_bytes is not None or self._rotate_seconds is not None:
            name = f"{self._given.stem}_{self.files:05}{self._given.suffix}"
            self.path = self._given.with_name(name)
        self._descriptor = _opened(self.path, self._apart)
        self._begun_at = time.monotonic()
        self._size = 0
        self._links: dict[int, int] = {}
        self._put([section(PROGRAM)], 0)

    def _put(self, blocks: list[bytes], packets: int) -> None:
        """Write whole blocks, `packets` of them packets. Raises OSError."""
        left = memoryview(b"".join(blocks))
        whole = len(left)
        while left:
            left = left[_written(self._descriptor, left) :]
        self._size += whole
        self.packets += packets

    def _give_up(self, error: OSError) -> None:
        """Say what happened, and cut off what was written in part."""
        self.problem = (
            f"{self.path}: cannot be written: {reason(error)}; "
            f"packets are kept no longer ({self.packets} were)"
        )
        if self._descriptor < 0 or not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            return
        try:
            os.ftruncate(self._descriptor, self._size)
            if not self._links and self.files > 1:
                # The next file has none: there is none.
                self.path.unlink()
        except OSError as second:
            self.problem += f"; its last packet is cut: {reason(second)}"

    def _description(self, link: int) -> bytes:
        kind, fcs_length = link & 0xFFFF, link >> 16
        names = [each.name for each in self._info.interfaces if each.link == kind and each.name]
        return interface(
            kind,
            name=", ".join(dict.fromkeys(names))[:NAMES],
            snap_length=self._info.snap_length or 0,
            fcs_length=fcs_length or None,
        )

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def _opened(path: Path, apart: Sequence[int | Path]) -> int:
    """Return a descriptor that never waits, of a file that is empty. Raises OSError."""
    # Emptied only when it is known to be none that is needed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO and path.is_fifo():
            raise OSError(errno.ENXIO, "nobody reads it") from None
        raise
    try:
        _check(descriptor, apart)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check(descriptor: int, apart: Sequence[int | Path]) -> None:
    """Raise NoPlaceError where packets must not go; empty what is a file."""
    if os.isatty(descriptor):
        raise NoPlaceError(errno.EINVAL, "it is a terminal, and no place for packets")
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode) or stat.S_ISFIFO(state.st_mode):
        for each in apart:
            if _is_same(state, each):
                advice = "it is read or written by this session already: name another file"
                raise NoPlaceError(errno.EINVAL, advice)
    if stat.S_ISREG(state.st_mode):
        os.ftruncate(descriptor, 0)


def _is_same(state: os.stat_result, other: int | Path) -> bool:
    try:
        return os.path.samestat(state, os.stat(other))  # noqa: PTH116 - of a descriptor, too
    except OSError:
        return False  # it is closed, or not there


def _written(descriptor: int, data: memoryview) -> int:
    """Write what there is room for, and return how much. Raises OSError."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        room = select.poll()
        room.register(descriptor, select.POLLOUT)
        if not room.poll(PATIENCE):
            raise OSError(errno.EAGAIN, "who reads it has stopped reading") from None
        return 0

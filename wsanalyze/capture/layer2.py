"""Packets that the kernel puts into rings, one for each interface: what becomes of them."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence

from wsanalyze.buffer import Buffer
from wsanalyze.capture.arriving import milliseconds
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.links import HAPPENED, Link, LinkWatch, list_links
from wsanalyze.capture.live import Options, Received
from wsanalyze.capture.packet_socket import Tap, find_scapy, open_tap
from wsanalyze.capture.ring import Ring
from wsanalyze.errors import CaptureError, UsageError

# Seconds after `stop` in which packets from before may still come.
GRACE = 0.1


class Layer2:
    """A `LiveSource` over a packet socket for each interface."""

    def __init__(self, interfaces: Sequence[str], options: Options) -> None:
        """Open the interfaces; raises NotPossibleError, CaptureError or UsageError."""
        names = ", ".join(interfaces)
        self.description = (
            f"socket on {names} (ring of {options.buffer_mib} MiB, "
            f"snap length {options.snap_length})"
        )
        info = CaptureInfo(names, "socket", snap_length=options.snap_length)
        self.infos = [info]
        self.problems: list[str] = []
        self.ended = False
        self.failure: str | None = None
        self._options = options
        self._interfaces = tuple(interfaces)
        self._batch = Batch(Buffer(b""))
        self._numbered = 0
        self._turn = 0
        self._past = Received(0, 0, None)
        self._stop_at: float | None = None
        self._stopped_ns = 0
        self._blocks_left = 0
        self._taps: list[Tap] = []
        # Names of interfaces that are gone and not read to the end, and of those that are back.
        self._leaving: set[str] = set()
        self._returned: set[str] = set()
        self._poll = select.poll()
        self._watch = LinkWatch(self._interfaces)
        self._poll.register(self._watch.fileno(), select.POLLIN)
        try:
            links = {link.name: link for link in list_links()}
            for name in interfaces:
                self._open(name, links.get(name))
        except BaseException:
            self.close()
            raise

    def next(self, seconds: float) -> Batch | None:
        """Return the next packets, see `LiveSource`."""
        deadline = time.monotonic() + seconds
        for tap in self._taps:
            tap.ring.give_back()
        # However much comes: what happens to interfaces is seen, too.
        self._serve(self._poll.poll(0))
        while not self.ended:
            self._settle()
            if self.ended:
                break
            if self._take():
                return self._batch
            now = time.monotonic()
            until = deadline
            if self._stop_at is not None:
                if now >= self._stop_at:
                    self._end()
                    return None
                until = min(until, self._stop_at)
            ready = self._poll.poll(milliseconds(until - now))
            self._serve(ready)
            if not ready and time.monotonic() >= deadline:
                return None
        return None

    def _take(self) -> bool:
        """Put packets of the first ring that has some into the batch, taking turns."""
        batch = self._batch
        for _ in range(len(self._taps)):
            self._turn = (self._turn + 1) % len(self._taps)
            ring = self._taps[self._turn].ring
            while ring.is_ready() and not self._is_over():
                ring.index(batch, self._numbered)
                self._blocks_left -= 1
                if batch.count:
                    self._numbered += batch.count
                    self._note(ring)
                    return True
                ring.give_back()
        return False

    def _is_over(self) -> bool:
        """Say whether what came before `stop` must have been read."""
        return self._stop_at is not None and (
            self._blocks_left <= 0 or (self.infos[0].last_time_ns or 0) > self._stopped_ns
        )

    def _note(self, ring: Ring) -> None:
        info = self.infos[0]
        info.packets = self._numbered
        info.first_time_ns = min(info.first_time_ns or ring.earliest_ns, ring.earliest_ns)
        info.last_time_ns = max(info.last_time_ns or ring.latest_ns, ring.latest_ns)

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        for descriptor, events in ready:
            if descriptor == self._watch.fileno():
                self._look_at_links()
            elif events & select.POLLERR:
                self._clear_error(descriptor)

    def _clear_error(self, descriptor: int) -> None:
        """Take the error off a socket (its interface went down), which links.py tells us of."""
        for tap in self._taps:
            if tap.socket.fileno() == descriptor:
                tap.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _look_at_links(self) -> None:
        for name, what in self._watch.changes():
            self.problems.append(f"{name} {HAPPENED[what]}")
            if what == "gone":
                self._leaving.add(name)
            elif what == "back" and self._stop_at is None:
                self._returned.add(name)

    def _settle(self) -> None:
        """Close what was open on interfaces that are gone, once all is read; open those back."""
        if not self._leaving and not self._returned:
            return
        for tap in [tap for tap in self._taps if tap.name in self._leaving]:
            if not tap.ring.is_ready():
                self._drop(tap)
        self._leaving &= {tap.name for tap in self._taps}
        for name in sorted(self._returned - self._leaving):
            self._returned.discard(name)
            if all(tap.name != name for tap in self._taps):
                self._open_again(name)

    def _drop(self, tap: Tap) -> None:
        tap.count()
        past = self._past
        missed = past.dropped_by_interface
        if tap.missed is not None:
            missed = (missed or 0) + tap.missed
        self._past = Received(0, (past.dropped_by_kernel or 0) + tap.dropped, missed)
        self._poll.unregister(tap.socket)
        self._taps.remove(tap)
        self._turn = 0
        self._batch.buffer = Buffer(b"")
        self._batch.count = 0
        tap.close()

    def _open_again(self, name: str) -> None:
        links = {link.name: link for link in list_links()}
        try:
            self._open(name, links.get(name))
        except (CaptureError, UsageError) as error:
            what = error.what if isinstance(error, CaptureError) else str(error)
            self.problems.append(f"{name} cannot be opened again: {what}")
            if not self._taps:
                self._end()
                self.failure = f"{name}: is back, but cannot be opened again: {what}"

    def _open(self, name: str, link: Link | None) -> None:
        if link is None:
            raise CaptureError(name, "no such interface", advice="dumpcap may know it")
        tap = open_tap(link, self._options)
        self._taps.append(tap)
        self._poll.register(tap.socket, select.POLLIN | select.POLLERR)
        tap.listed.snap_length = self._options.snap_length
        interfaces = self.infos[0].interfaces
        for listed in interfaces:
            if listed.name == name:
                tap.list_as(listed)
                return
        interfaces.append(tap.listed)

    def stop(self) -> None:
        """Read what came until now, then end."""
        if self._stop_at is None:
            self._stopped_ns = time.time_ns()
            self._stop_at = time.monotonic() + GRACE
            self._blocks_left = self._options.buffer_mib * len(self._taps) + 1

    def statistics(self) -> Received:
        """Return the counts so far, see `LiveSource`."""
        for tap in self._taps:
            tap.count()
        dropped = (self._past.dropped_by_kernel or 0) + sum(tap.dropped for tap in self._taps)
        missed = [tap.missed for tap in self._taps if tap.missed is not None]
        if self._past.dropped_by_interface is not None:
            missed.append(self._past.dropped_by_interface)
        self.infos[0].dropped = dropped
        return Received(self._numbered, dropped, sum(missed) if missed else None)

    def _end(self) -> None:
        self.statistics()
        for tap in list(self._taps):
            self._drop(tap)
        self.ended = True

    def close(self) -> None:
        """Let go of sockets and rings."""
        if self._watch.fileno() >= 0:
            self._end()
            self._watch.close()


def open_layer2(interfaces: Sequence[str], options: Options, _limits: object) -> Layer2:
    """Open a socket on each interface.

    Raises NotPossibleError where scapy is missing or we may not, CaptureError for an interface
    that cannot be opened, UsageError for a filter that makes no sense.
    """
    find_scapy()
    return Layer2(interfaces, options)

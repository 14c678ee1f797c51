"""A layer-2 socket in our own process: scapy opens it, and the kernel puts packets into a ring.

scapy brings the socket and libpcap's filter compiler. It is imported when a socket is opened, and
its own way of receiving is not used: one system call and one object for each packet are too slow.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import mmap
import re
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from wsanalyze.buffer import Buffer
from wsanalyze.capture.arriving import milliseconds
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo, Interface
from wsanalyze.capture.links import HAPPENED, Link, LinkWatch, list_links, missed_packets
from wsanalyze.capture.live import NotPossibleError, Options, Received
from wsanalyze.capture.ring import ROOM, Ring
from wsanalyze.capture.stored import reason
from wsanalyze.errors import CaptureError, UsageError

# <linux/if_packet.h>, <asm-generic/socket.h>
SOL_PACKET = 263
ADD_MEMBERSHIP, RX_RING, STATISTICS, VERSION, RESERVE, IGNORE_OUTGOING = 1, 5, 6, 10, 12, 23
TPACKET_V3 = 2
MR_PROMISC = 1
SO_ATTACH_FILTER = 26
# <linux/bpf_common.h>: BPF_RET | BPF_K.
RETURN = 0x06
# A block holds many small packets, or three of the largest.
BLOCK = 1 << 20
# Milliseconds after which the kernel hands on a block that is not full.
RETIRE = 20
# Seconds after `stop` in which packets from before may still come.
GRACE = 0.1
# The kernel takes this off packets, so that the filter does not see it; libpcap knows only where
# it opens the interface itself.
VLAN = re.compile(r"\bvlan\b")
RAW, DLT_RAW = 101, 12
EXTRA = "pip install 'wsanalyze[scapy]'"


class Tap:
    """One interface that is open: its socket, its ring, and what the kernel lost."""

    def __init__(self, link: Link, opened: Any, memory: mmap.mmap, ring: Ring) -> None:
        self.name = link.name
        self.opened = opened
        self.socket: socket.socket = opened.ins
        self.memory = memory
        self.ring = ring
        self.dropped = 0
        self.missed_before = missed_packets(link.name)
        self.missed: int | None = None if self.missed_before is None else 0

    def count(self) -> None:
        """Bring the losses up to date; asking the kernel starts its count from 0 again."""
        with suppress(OSError):
            answer = self.socket.getsockopt(SOL_PACKET, STATISTICS, 12)
            self.dropped += struct.unpack("=III", answer)[1]
        now = missed_packets(self.name)
        if now is not None and self.missed_before is not None:
            self.missed = max(now - self.missed_before, self.missed or 0)

    def close(self) -> None:
        """Let go of ring and socket: whoever holds a batch of it must not read it any more."""
        self.ring = NO_RING
        with suppress(BufferError):
            self.memory.close()
        self.opened.close()


class Layer2:
    """A `LiveSource` over a packet socket for each interface."""

    def __init__(self, interfaces: Sequence[str], options: Options) -> None:
        """Open the interfaces; raises NotPossibleError, CaptureError or UsageError."""
        names = ", ".join(interfaces)
        self.description = (
            f"socket on {names} (ring of {options.buffer_mib} MiB, "
            f"snap length {options.snap_length})"
        )
        info = CaptureInfo(names, "packet socket", snap_length=options.snap_length)
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
        while not self.ended:
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
                self._let_go(name)
            elif what == "back" and all(tap.name != name for tap in self._taps):
                self._open_again(name)

    def _let_go(self, name: str) -> None:
        """Close what was open on an interface that is gone; what it brought was read before."""
        for tap in [tap for tap in self._taps if tap.name == name]:
            self._drop(tap)
        self._turn = 0

    def _drop(self, tap: Tap) -> None:
        tap.count()
        past = self._past
        missed = past.dropped_by_interface
        if tap.missed is not None:
            missed = (missed or 0) + tap.missed
        self._past = Received(0, (past.dropped_by_kernel or 0) + tap.dropped, missed)
        self._poll.unregister(tap.socket)
        self._taps.remove(tap)
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
        listed = [each for each in self.infos[0].interfaces if each.name == name]
        if not listed:
            snap_length = self._options.snap_length
            kind = Interface(name, link.link or 0, snap_length, 1_000_000_000)
            self.infos[0].interfaces.append(kind)

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
    if find_spec("scapy") is None:
        raise NotPossibleError(
            ", ".join(interfaces), "a socket of our own needs scapy", advice=EXTRA
        )
    return Layer2(interfaces, options)


def open_tap(link: Link, options: Options) -> Tap:
    """Open one interface: socket, filter, ring."""
    if link.link is None:
        raise CaptureError(link.name, "has a link type that only dumpcap reads for us")
    opened = _socket(link)
    try:
        _attach(opened.ins, _program(link, options))
        memory = _ring(opened.ins, options.buffer_mib)
        if link.loopback:
            # Every packet on loopback goes out and comes in.
            with suppress(OSError):
                opened.ins.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        if options.promiscuous and not link.loopback:
            wanted = struct.pack("=iHH8s", link.index, MR_PROMISC, 0, b"")
            opened.ins.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, wanted)
        opened.ins.getsockopt(SOL_PACKET, STATISTICS, 12)
    except OSError as error:
        opened.close()
        raise CaptureError(link.name, f"cannot be captured on: {reason(error)}") from None
    except BaseException:
        opened.close()
        raise
    ring = Ring(memoryview(memory), BLOCK, options.buffer_mib, link.link, link.loopback)
    return Tap(link, opened, memory, ring)


def _socket(link: Link) -> Any:
    """Return scapy's socket on an interface, without a filter."""
    from scapy.arch.linux import L2ListenSocket
    from scapy.config import conf

    conf.ifaces.reload()
    # It warns of links that it has no dissector for, of which it shall dissect nothing.
    logger = logging.getLogger("scapy.runtime")
    quiet, logger.disabled = logger.disabled, True
    try:
        return L2ListenSocket(iface=link.name, promisc=False, nofilter=1)
    except PermissionError:
        raise NotPossibleError(
            link.name,
            "a socket of our own is not permitted",
            advice="run it with sudo, or give Python the right: setcap cap_net_raw=ep PYTHON",
        ) from None
    except OSError as error:
        if error.errno == errno.ENETDOWN:
            advice = f"ip link set {link.name} up"
            raise CaptureError(link.name, "is down", advice=advice) from None
        raise CaptureError(link.name, f"cannot be opened: {reason(error)}") from None
    finally:
        logger.disabled = quiet


def _program(link: Link, options: Options) -> bytes:
    """Return the socket filter: struct sock_filter, one after another.

    What it returns is how much of a packet is kept.
    """
    if options.capture_filter is None:
        return struct.pack("=HBBI", RETURN, 0, 0, options.snap_length)
    if VLAN.search(options.capture_filter):
        raise UsageError(
            f"filter {options.capture_filter!r}: a socket of our own cannot look at VLAN tags: "
            "use --source dumpcap"
        )
    from scapy.arch.common import compile_filter
    from scapy.error import Scapy_Exception

    kind = DLT_RAW if link.link == RAW else link.link
    try:
        program = compile_filter(options.capture_filter, linktype=kind)
    except ImportError:
        raise NotPossibleError(
            link.name, "scapy cannot find libpcap", advice="sudo apt install libpcap0.8"
        ) from None
    except Scapy_Exception as error:
        what = str(error).rpartition("(")[2].rstrip(")")
        raise UsageError(
            f"filter {options.capture_filter!r}: {what} (see pcap-filter(7))"
        ) from None
    parts = []
    for i in range(program.bf_len):
        each = program.bf_insns[i]
        # Compiled for packets of at most 65,535 bytes, which loopback exceeds.
        kept = options.snap_length if each.code == RETURN and each.k else each.k
        parts.append(struct.pack("=HBBI", each.code, each.jt, each.jf, kept))
    from scapy.libs.winpcapy import pcap_freecode

    pcap_freecode(ctypes.byref(program))
    return b"".join(parts)


def _attach(opened: socket.socket, program: bytes) -> None:
    room = ctypes.create_string_buffer(program, len(program))
    wanted = struct.pack("HL", len(program) // 8, ctypes.addressof(room))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, wanted)


def _ring(opened: socket.socket, mib: int) -> mmap.mmap:
    """Give the socket a ring; what it received before is thrown away with that."""
    opened.setsockopt(SOL_PACKET, VERSION, TPACKET_V3)
    opened.setsockopt(SOL_PACKET, RESERVE, ROOM)
    # struct tpacket_req3: frames have no size in this version, but one is checked.
    frame = 2048
    wanted = struct.pack("=IIIIIII", BLOCK, mib, frame, mib * (BLOCK // frame), RETIRE, 0, 0)
    opened.setsockopt(SOL_PACKET, RX_RING, wanted)
    return mmap.mmap(opened.fileno(), mib * BLOCK, mmap.MAP_SHARED)


NO_RING = Ring(memoryview(bytearray(48)), 48, 1, 1, False)

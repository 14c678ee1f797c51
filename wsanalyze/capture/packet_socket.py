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
import socket
import struct
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from wsanalyze.capture.info import Interface
from wsanalyze.capture.links import Link, missed_packets
from wsanalyze.capture.live import NotPossibleError, Options
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
# The kernel takes this off packets, so that the filter does not see it; libpcap knows only where
# it opens the interface itself.
VLAN = re.compile(r"\bvlan\b")
RAW, DLT_RAW = 101, 12
EXTRA = "pip install scapy"


class Tap:
    """One interface that is open: its socket, its ring, and what the kernel lost."""

    def __init__(self, link: Link, opened: Any, memory: mmap.mmap, ring: Ring) -> None:
        self.name = link.name
        self.opened = opened
        self.socket: socket.socket = opened.ins
        self.memory = memory
        self.ring = ring
        self.dropped = 0
        # What stands in the capture's info, and what stood there before this was opened.
        self.listed = Interface(link.name, link.link or 0, None, 1_000_000_000, None, 0, 0)
        self.before = (0, 0)
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
        self.listed.received = self.before[0] + self.ring.packets
        self.listed.dropped = self.before[1] + self.dropped

    def list_as(self, listed: Interface) -> None:
        """Go on counting in what is there of the same interface, opened before."""
        self.listed = listed
        self.before = (listed.received or 0, listed.dropped or 0)

    def close(self) -> None:
        """Let go of ring and socket: whoever holds a batch of it must not read it any more."""
        self.ring = NO_RING
        with suppress(BufferError):
            self.memory.close()
        self.opened.close()


def check_socket() -> None:
    """Raise NotPossibleError where scapy is missing, or a packet socket is not permitted."""
    find_scapy()
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        raise not_permitted("socket") from None


def not_permitted(name: str) -> NotPossibleError:
    """Return the error of a process that has no right to packet sockets."""
    return NotPossibleError(
        name,
        "a socket of our own is not permitted",
        advice="run it with sudo, or give Python the right: setcap cap_net_raw=ep PYTHON",
    )


def find_scapy() -> None:
    """Raise NotPossibleError where scapy is not installed."""
    if find_spec("scapy") is None:
        raise NotPossibleError("socket", "a socket of our own needs scapy", advice=EXTRA)


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
        raise not_permitted(link.name) from None
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

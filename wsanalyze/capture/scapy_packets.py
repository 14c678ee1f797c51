"""Packets that are scapy's already: a PacketList, a list, a reader, or a generator of them.

They are written, one by one, as the pcapng stream that they could have been read from, so that
all that follows reads them as it reads a file. scapy is never imported here: where a packet is
scapy's, somebody else has done that.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from wsanalyze.capture.stored import reason
from wsanalyze.capture.written import enhanced, interface, section
from wsanalyze.errors import UsageError

FORMAT = "scapy"
# LINKTYPE_USER15: what no decoder knows, for packets of which scapy does not know the link either.
UNKNOWN_LINK = 162
LARGEST_NS = (1 << 63) - 1
# What the interface of times before 1970 counts from, seconds: just before what 64 bits hold.
EARLIEST_S = -9_223_372_037
NS_PER_S = 1_000_000_000


def maybe_packets(source: object) -> PacketStream | None:
    """Return the stream of what holds scapy packets, None for anything else.

    `source`: a packet, a PacketList, a list or tuple of packets, or an iterator (a PcapReader, a
    generator), which is taken at its word: what it gives is looked at when it comes.
    """
    if is_packet(source):
        return PacketStream([source], "<packet>")
    if _is_instance(source, "scapy.plist", "_PacketList"):
        return PacketStream(source, f"<{getattr(source, 'listname', 'packets')}>")  # type: ignore[arg-type]
    if isinstance(source, list | tuple):
        return PacketStream(source, "<packets>") if source and is_packet(source[0]) else None
    if isinstance(source, Iterator) and not callable(getattr(source, "read", None)):
        name = getattr(source, "filename", None)
        return PacketStream(source, name if isinstance(name, str) and name else "<packets>")
    return None


def is_packet(thing: object) -> bool:
    """Say whether something is a scapy packet."""
    return _is_instance(thing, "scapy.packet", "Packet")


def _is_instance(thing: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(thing, kind)


class PacketStream(io.RawIOBase):
    """A pcapng stream of scapy packets, made as it is read: one packet in memory at a time.

    `name` is for people. A packet without a time gets the one before it. Reading raises UsageError
    at what is no packet, OSError where the iterator itself fails.
    """

    def __init__(self, packets: Iterable[Any], name: str) -> None:
        """Write `packets` in the order in which they come."""
        super().__init__()
        self.name = name
        self._packets = iter(packets)
        self._interfaces: dict[tuple[int, bool], int] = {}
        self._waiting = memoryview(section())
        self._number = 0
        self._time_ns = 0

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        """Give what there is of the stream, at most `len(view)` bytes; 0 at the end."""
        if not self._waiting:
            self._waiting = memoryview(self._next())
        count = min(len(view), len(self._waiting))
        view[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _next(self) -> bytes:
        """Return the blocks of the next packet, nothing at the end."""
        try:
            packet = next(self._packets)
        except StopIteration:
            return b""
        except Exception as error:  # a reader of somebody else's, over bytes of a stranger's
            raise OSError(f"{type(error).__name__}: {reason(error)}") from error
        self._number += 1
        if not is_packet(packet):
            raise UsageError(
                f"item {self._number} of {self.name} is {type(packet).__name__}, not a scapy packet"
            )
        return self._blocks(packet)

    def _blocks(self, packet: Any) -> bytes:
        data = self._bytes_of(packet)
        wire = max(getattr(packet, "wirelen", None) or 0, len(data))
        time_ns = _maybe_time_ns(packet.time)
        self._time_ns = self._time_ns if time_ns is None else time_ns
        key = (_link(packet), self._time_ns < 0)
        description = b""
        if key not in self._interfaces:
            self._interfaces[key] = len(self._interfaces)
            description = _interface(*key)
        units = self._time_ns - (EARLIEST_S * NS_PER_S if key[1] else 0)
        return description + enhanced(self._interfaces[key], units, data, wire)

    def _bytes_of(self, packet: Any) -> bytes:
        """Return a packet as it was on the wire, or as scapy builds it where it was changed."""
        original = bytes(getattr(packet, "original", b"") or b"")
        if original and not _is_changed(packet):
            return original
        try:
            return bytes(packet)
        except Exception as error:
            if original:
                return original
            raise UsageError(
                f"packet {self._number} of {self.name} cannot be built: {reason(error)}"
            ) from error


def _is_changed(packet: Any) -> bool:
    """Say whether one of a packet's layers was made by hand, or changed after it was dissected.

    scapy forgets a layer's bytes when a field is set. Layers that dissect in a way of their own
    (HTTP) never keep them: of those nobody can tell, and what was dissected counts.
    """
    packet_class = sys.modules["scapy.packet"].Packet
    layer = packet
    while layer and _is_instance(layer, "scapy.packet", "Packet"):
        if layer.raw_packet_cache is None:
            own_way = type(layer).do_dissect is not packet_class.do_dissect
            if not (own_way and layer.original):
                return True
        layer = layer.payload
    return False


def _link(packet: Any) -> int:
    """Return the LINKTYPE_ number of a packet's first layer, UNKNOWN_LINK where scapy has none."""
    config = sys.modules.get("scapy.config")
    numbers = getattr(getattr(config, "conf", None), "l2types", None)
    for kind in type(packet).__mro__:
        number = getattr(numbers, "layer2num", {}).get(kind)
        if isinstance(number, int):
            return number & 0xFFFF
    return UNKNOWN_LINK


def _maybe_time_ns(time: object) -> int | None:
    """Return scapy's time in nanoseconds since 1970, None where it is none.

    It is an exact decimal where it comes from a file, else a float: of that, the shortest number
    that it stands for.
    """
    try:
        seconds = time if isinstance(time, Decimal) else Decimal(str(time))
        # A Decimal again: EDecimal, scapy's, rounds in comparisons.
        time_ns = int(Decimal(seconds).scaleb(9).to_integral_value())
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return max(EARLIEST_S * NS_PER_S, min(time_ns, 2 * LARGEST_NS))


def _interface(link: int, early: bool) -> bytes:
    """Return the description of an interface with nanoseconds, counted from 1970 or EARLIEST_S."""
    return interface(link, offset_s=EARLIEST_S if early else None)

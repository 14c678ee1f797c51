"""Blocks of pcapng, as bytes, for who writes a capture. Layout: draft-ietf-opsawg-pcapng §4."""

from __future__ import annotations

import struct

# Block types and options.
SECTION_HEADER, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, ENHANCED_PACKET = 0x0A0D0D0A, 1, 5, 6
SHB_USERAPPL, IF_NAME, IF_TSRESOL, IF_FCSLEN, IF_TSOFFSET = 4, 2, 9, 13, 14
ISB_IFRECV, ISB_IFDROP, ISB_OSDROP = 4, 5, 7
# Two pointers, two lengths and a length again, around what an Enhanced Packet Block holds.
ENHANCED_HEAD = struct.Struct("<IIIIIII")
PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def block(kind: int, body: bytes) -> bytes:
    """Return a block of this type around `body`."""
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def option(code: int, value: bytes) -> bytes:
    """Return an option."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(program: str = "") -> bytes:
    """Return a Section Header Block; `program` is who writes."""
    options = option(SHB_USERAPPL, program.encode()) + bytes(4) if program else b""
    return block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(
    link: int,
    *,
    name: str = "",
    snap_length: int = 0,
    fcs_length: int | None = None,
    offset_s: int | None = None,
) -> bytes:
    """Return an Interface Description Block with times in nanoseconds, counted from `offset_s`."""
    options = option(IF_NAME, name.encode()) if name else b""
    options += option(IF_TSRESOL, b"\x09")
    if fcs_length is not None:
        options += option(IF_FCSLEN, bytes([fcs_length]))
    if offset_s is not None:
        options += option(IF_TSOFFSET, struct.pack("<q", offset_s))
    return block(
        INTERFACE_DESCRIPTION, struct.pack("<HHI", link, 0, snap_length) + options + bytes(4)
    )


def enhanced(number: int, units: int, data: bytes, wire_length: int) -> bytes:
    """Return an Enhanced Packet Block of interface `number`, `units` being its time."""
    padding = PADDING[len(data) & 3]
    length = 32 + len(data) + len(padding)
    head = ENHANCED_HEAD.pack(
        ENHANCED_PACKET, length, number, units >> 32, units & 0xFFFFFFFF, len(data), wire_length
    )
    return b"".join((head, data, padding, length.to_bytes(4, "little")))


def statistics(
    number: int,
    units: int,
    received: int,
    dropped_by_interface: int | None,
    dropped_by_system: int | None,
) -> bytes:
    """Return an Interface Statistics Block of interface `number`; None is not known."""
    options = b""
    counts = (
        (ISB_IFRECV, received),
        (ISB_IFDROP, dropped_by_interface),
        (ISB_OSDROP, dropped_by_system),
    )
    for code, count in counts:
        if count is not None:
            options += option(code, struct.pack("<Q", count))
    head = struct.pack("<III", number, units >> 32, units & 0xFFFFFFFF)
    return block(INTERFACE_STATISTICS, head + options + bytes(4))

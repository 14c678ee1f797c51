"""The blocks of a pcapng file that are not packets: sections, interfaces, statistics, secrets.

Layout: draft-ietf-opsawg-pcapng. There are few of them, so this is plain Python; the packets are
found by the kernel in pcapng.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from wsanalyze.capture.info import Interface

NS_PER_S = 1_000_000_000
LARGEST_NS = (1 << 63) - 1

# The smallest Section Header Block, §4.1.
SECTION_HEADER = 28
VERSIONS = ((1, 0), (1, 2))
# Interfaces in one section: each costs 100 bytes here and 20 in the file.
INTERFACES = 65_536
# Interfaces listed in `info`, over all sections.
LISTED = 4096
# Bytes of decryption secrets kept; a TLS 1.3 session writes about 1 KB of them.
SECRETS = 64 * 1024 * 1024
# What a block of them takes besides its bytes.
SECRET_OVERHEAD = 128

# Options: draft-ietf-opsawg-pcapng §3.5, §4.2, §4.6.
END_OF_OPTIONS, IF_NAME, IF_TSRESOL, IF_FCSLEN, IF_TSOFFSET = 0, 2, 9, 13, 14
ISB_IFRECV, ISB_IFDROP, ISB_OSDROP = 4, 5, 7

# What Wireshark 4.0 numbers as a frame although it holds no packet: systemd journal entries,
# sysdig events, custom blocks.
NUMBERED = frozenset({0x9, 0x204, 0x216, 0x221, 0xBAD, 0x40000BAD})


class DamageError(Exception):
    """A block that contradicts itself; caught where the block was read."""


def is_pcapng(head: bytes) -> bool:
    """Say whether the first bytes are those of a Section Header Block."""
    return head[:4] == b"\x0a\x0d\x0d\x0a" and (
        len(head) < 12 or head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")
    )


def section_header(head: bytes) -> tuple[Literal["little", "big"], int]:
    """Return the byte order and length of the Section Header Block that begins with `head`.

    Where `head` is cut, so are they: never less than SECTION_HEADER. Raises DamageError.
    """
    order: Literal["little", "big"] = "big" if head[8:12] == b"\x1a\x2b\x3c\x4d" else "little"
    length = int.from_bytes(head[4:8], order)
    if len(head) >= SECTION_HEADER and length < SECTION_HEADER:
        raise DamageError(f"a section header that claims {length} bytes")
    return order, max(length + -length % 4, SECTION_HEADER)


@dataclass(slots=True)
class Clock:
    """How an interface writes its times: `per_second` units, counted from `offset_s`."""

    per_second: int = 1_000_000
    offset_s: int = 0

    def time_ns(self, units: int) -> int:
        """Return a time in nanoseconds since 1970, of any size."""
        return units * NS_PER_S // self.per_second + self.offset_s * NS_PER_S

    def fast(self) -> tuple[int, int, int]:
        """Return `(unit_ns, offset_ns, last)`: `units * unit_ns + offset_ns` is right up to `last`.

        `last` is -1 where that sum is never right or would leave 64 bits.
        """
        offset_ns = self.offset_s * NS_PER_S
        if NS_PER_S % self.per_second or not -LARGEST_NS <= offset_ns <= LARGEST_NS:
            return 0, 0, -1
        unit_ns = NS_PER_S // self.per_second
        return unit_ns, offset_ns, min(LARGEST_NS, LARGEST_NS - offset_ns) // unit_ns


@dataclass(slots=True)
class Blocks:
    """What the blocks of one file say besides the packets.

    `interfaces` are those of all sections (the first LISTED of them), `section` those of the
    section that is being read, with a `clocks` item for each.
    """

    interfaces: list[Interface] = field(default_factory=list)
    section: list[Interface] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    secrets: list[tuple[int, bytes]] = field(default_factory=list)
    secrets_skipped: int = 0
    dropped: int | None = None
    snap_length: int | None = None
    byte_order: Literal["little", "big"] = "little"
    _secrets_size: int = 0

    def begin_section(self, big: bool, body: bytes) -> None:
        """Start a section: its interfaces are counted from 0 again. Raises DamageError."""
        self.byte_order = "big" if big else "little"
        if len(body) < 16:
            raise DamageError("a section header that is too short")
        version = self._number(body, 4, 2), self._number(body, 6, 2)
        if version not in VERSIONS:
            raise DamageError(f"pcapng version {version[0]}.{version[1]}, which is not known")
        self.section, self.clocks = [], []

    def add_interface(self, body: bytes) -> tuple[Interface, Clock]:
        """Take an Interface Description Block and return it. Raises DamageError."""
        if len(body) < 8:
            raise DamageError("an interface description that is too short")
        if len(self.section) >= INTERFACES:
            raise DamageError(f"more than {INTERFACES} interfaces in a section")
        interface = Interface("", self._number(body, 0, 2), self._number(body, 4) or None, 0)
        clock = Clock()
        for code, value in self._options(body[8:]):
            if code == IF_NAME and not interface.name:
                interface.name = value.rstrip(b"\0").decode("utf-8", "replace")
            elif code == IF_TSRESOL and value:
                clock.per_second = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
            elif code == IF_TSOFFSET and len(value) >= 8:
                clock.offset_s = int.from_bytes(value[:8], self.byte_order, signed=True)
            elif code == IF_FCSLEN and value:
                interface.fcs_length = value[0]
        interface.resolution = clock.per_second
        self._list(interface, clock)
        return interface, clock

    def _list(self, interface: Interface, clock: Clock) -> None:
        if not self.interfaces:
            self.snap_length = interface.snap_length
        elif self.snap_length is not None and interface.snap_length is not None:
            self.snap_length = max(self.snap_length, interface.snap_length)
        else:
            self.snap_length = None
        if len(self.interfaces) < LISTED:
            self.interfaces.append(interface)
        self.section.append(interface)
        self.clocks.append(clock)

    def add_statistics(self, body: bytes) -> None:
        """Take an Interface Statistics Block; its counts run from the start of the capture."""
        number = self._number(body, 0)
        if len(body) < 12 or number >= len(self.section):
            return
        counts: dict[int, int] = {}
        try:
            for code, value in self._options(body[12:]):
                if len(value) == 8:
                    counts[code] = int.from_bytes(value, self.byte_order)
        except DamageError:
            pass  # the counts before it stand
        interface = self.section[number]
        interface.received = counts.get(ISB_IFRECV, interface.received)
        if ISB_IFDROP in counts or ISB_OSDROP in counts:
            dropped = counts.get(ISB_IFDROP, 0) + counts.get(ISB_OSDROP, 0)
            in_all = (self.dropped or 0) + dropped - (interface.dropped or 0)
            # What no 64-bit column can hold is damage: no interface has lost so much.
            if in_all < 1 << 63:
                self.dropped = in_all
                interface.dropped = dropped

    def add_secrets(self, body: bytes) -> None:
        """Keep a Decryption Secrets Block, or count it where it is damaged or over the limit."""
        length = self._number(body, 4)
        size = self._secrets_size + length + SECRET_OVERHEAD
        if len(body) < 8 or length > len(body) - 8 or size > SECRETS:
            self.secrets_skipped += 1
            return
        self._secrets_size = size
        self.secrets.append((self._number(body, 0), body[8 : 8 + length]))

    def _number(self, body: bytes, at: int, length: int = 4) -> int:
        return int.from_bytes(body[at : at + length], self.byte_order)

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield `(code, value)`; raises DamageError at one that is longer than its block."""
        at = 0
        while at + 4 <= len(data):
            code, length = self._number(data, at, 2), self._number(data, at + 2, 2)
            if code == END_OF_OPTIONS:
                return
            at += 4
            if at + length > len(data):
                raise DamageError(f"option {code} of {length} bytes, longer than its block")
            yield code, data[at : at + length]
            at += length + -length % 4

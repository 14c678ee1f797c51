# cython: language_level=3, wraparound=False, initializedcheck=False
"""The packets of a capture, counted by what was found in them."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


@cython.final
@cython.cclass
class PacketCounts:
    """Packets of one capture, counted by what `Packet.read` said of them."""

    def __init__(self) -> None:
        self.packets = self.captured_bytes = self.wire_bytes = self.cut = 0
        self.tcp = self.udp = self.other = 0
        self.unknown_link = self.truncated = self.malformed = self.fragments = 0
        self.joined = self.fragment_conflicts = 0
        self.not_ip = self.esp = self.macsec = self.wifi_protected = self.nested = 0
        self.unknown_links: set[int] = set()
        self.conversations = self.duplicates = 0

    def skipped(self, kind: cython.int) -> cython.int:
        """Count a packet that carries no TCP segment to follow."""
        if kind == 1:
            self.udp += 1
        elif kind == 2:
            self.other += 1
        elif kind == 3:
            self.unknown_link += 1
        elif kind == 4:
            self.truncated += 1
        elif kind == 5:
            self.malformed += 1
        elif kind == 6:
            self.fragments += 1
        elif kind == 7:
            self.other += 1
            self.not_ip += 1
        elif kind == 8:
            self.esp += 1
        elif kind == 9:
            self.macsec += 1
        elif kind == 10:
            self.wifi_protected += 1
        else:
            self.nested += 1
        return 0

"""What a capture says about itself, and how far it could be read."""

from __future__ import annotations

from dataclasses import dataclass, field

# The largest packet that Wireshark and libpcap take for real, unless the file announces more.
USUAL_PACKET = 262_144
# USB and D-Bus captures hold transfers of any size (LINKTYPE_ numbers).
LARGE_PACKET_LINKS = frozenset({186, 189, 220, 231, 249, 266})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why reading a capture ended before its end.

    `offset` is the byte at which the first thing that could not be read begins: in the file, or
    for a compressed one in the decompressed stream (`what` then says so). None where there are no
    bytes, as of a file that cannot be opened.
    """

    what: str
    offset: int | None


@dataclass(slots=True)
class Interface:
    """An interface that packets were captured on.

    `link` is the LINKTYPE_ number, `snap_length` the most bytes kept of a packet (None: all),
    `resolution` the timestamp units in a second, `fcs_length` the bytes of frame check sequence
    at the end of each packet (None: not said). `received` and `dropped` are counts of packets as
    the capturing program reported them (None: it did not). `name` is "" where there is none.
    """

    name: str
    link: int
    snap_length: int | None
    resolution: int
    fcs_length: int | None = None
    received: int | None = None
    dropped: int | None = None

    def fcs_bytes(self) -> int:
        """Return the bytes of frame check sequence at the end of each packet.

        pcapng counts them in bits and shows 4 in its example, which is what programs write.
        """
        length = self.fcs_length or 0
        return length if length < 8 else length // 8

    def largest_packet(self, most: int) -> int:
        """Return the length above which one of its packets is damage, at most `most` bytes."""
        if self.link in LARGE_PACKET_LINKS:
            return most
        return min(max(USUAL_PACKET, self.snap_length or 0), most)


@dataclass(slots=True)
class CaptureInfo:
    """What is known of one capture; counts and times grow while it is read.

    - `format`: `pcap`, `pcapng`, `scapy` or `socket` (live), None where it cannot be read at all
    - `compression`: `gzip`, `zstd`, `xz`, `bzip2`, `lz4` or None
    - `byte_order`: `little` or `big`, of the first section
    - `snap_length`: most bytes kept of any packet; None where there is no bound, or several
    - `bytes_read`, `total_bytes`: of the input as stored; the total is None for a pipe
    - `packets`: read so far; `not_packets`: blocks that Wireshark numbers as frames and that hold
      no packet; `untimed_packets`: those whose time is only borrowed from the one before;
      `clamped_times`: those whose time is before 1677 or after 2262 and was put there
    - `first_time_ns`, `last_time_ns`: the earliest and latest packet's time
    - `dropped`: packets that the capturing program says it lost; None where it does not say
    - `secrets`: decryption secrets blocks as (type, bytes), `secrets_skipped` those over the limit
    - `path`: of the file, where it was opened by its path
    - `problem`: why the end could not be reached, None where it was (so far)
    """

    name: str
    format: str | None = None
    compression: str | None = None
    byte_order: str = "little"
    snap_length: int | None = None
    interfaces: list[Interface] = field(default_factory=list)
    bytes_read: int = 0
    total_bytes: int | None = None
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    not_packets: int = 0
    untimed_packets: int = 0
    clamped_times: int = 0
    dropped: int | None = None
    secrets: list[tuple[int, bytes]] = field(default_factory=list)
    secrets_skipped: int = 0
    path: str | None = None
    problem: Problem | None = None

"""What a file is that is not a capture: a name for it, and what to do about it."""

from __future__ import annotations

# How much of the beginning is looked at.
LENGTH = 4096

TO_PCAPNG = "convert it: editcap FILE out.pcapng"
NO_PACKETS = "give a pcap or pcapng file"

# First bytes: what begins so, and advice.
BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"snoop\0\0\0", "a snoop capture", TO_PCAPNG),
    (b"btsnoop\0", "a Bluetooth snoop log", NO_PACKETS),
    (b"GMBU", "a Microsoft Network Monitor 2 capture", TO_PCAPNG),
    (b"RTSS", "a Microsoft Network Monitor 1 capture", TO_PCAPNG),
    (b"XCP\0", "a NetXRay or Sniffer capture", TO_PCAPNG),
    (b"TRSNIFF data", "a Sniffer capture", TO_PCAPNG),
    (b"ObserverPktBuffer", "a Network Instruments Observer capture", TO_PCAPNG),
    (b"iptrace ", "an AIX iptrace", TO_PCAPNG),
    (b"\x7fver", "an EtherPeek or OmniPeek capture", TO_PCAPNG),
    (b"\xab\x01\x00\x1c", "an Ixia pcap", TO_PCAPNG),
    (b"\xac\x01\x00\x1c", "an Ixia pcap", TO_PCAPNG),
    (b"\x7fELF", "an ELF program", NO_PACKETS),
    (b"MZ", "a Windows program", NO_PACKETS),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x1f\x9d", "compress-ed (.Z) data", "decompress it: uncompress -c FILE | …"),
    (b"\x5d\x00\x00", "data compressed in the old .lzma format", "decompress it: unlzma"),
    (b"SQLite format 3\0", "an SQLite database", NO_PACKETS),
    (b"PAR1", "a Parquet file", NO_PACKETS),
    (b"%PDF", "a PDF document", NO_PACKETS),
    (b"\x89PNG", "a PNG picture", NO_PACKETS),
)
TAR_MAGIC_AT = 257
# FTP in text mode changes the line ends that pcapng's first bytes hold for this purpose.
TEXT_MODE = (b"\x0a\x0a\x0d\x0a", b"\x0a\x0a\x0a", b"\x0d\x0a\x0d\x0d\x0a", b"\x0d\x0d\x0d\x0d")


def looks_like(head: bytes, name: str = "") -> tuple[str, str]:
    """Return `(what, advice)` for a file that begins with `head` and is not a capture.

    `name` is only believed where the content says nothing.
    """
    if len(head) < 4:
        return f"only {len(head)} bytes", NO_PACKETS
    for beginning, what, advice in BEGINNINGS:
        if head.startswith(beginning):
            return what, advice
    if head.startswith(TEXT_MODE):
        return "a pcapng file damaged by a transfer in text mode", "copy it again in binary mode"
    if head[TAR_MAGIC_AT : TAR_MAGIC_AT + 5] == b"ustar":
        return "a tar archive", "unpack it first: tar xf FILE"
    if _is_event_trace(head) or name.lower().endswith(".etl"):
        return "a Windows event trace (.etl)", "convert it: etl2pcapng in.etl out.pcapng"
    if name.lower().endswith(".erf"):
        return "an Endace ERF capture", TO_PCAPNG
    if _is_text(head):
        return _kind_of_text(head)
    if not head.strip(b"\0"):
        return "nothing but zeros", "the disk was full, or the copy is not finished"
    return f"no known format (it begins with {head[:8].hex(' ')})", NO_PACKETS


def _is_event_trace(head: bytes) -> bool:
    """Say whether a WMI_BUFFER_HEADER with a TRACE_LOGFILE_HEADER event begins."""
    if len(head) < 0x70:
        return False
    size = int.from_bytes(head[0:4], "little")
    saved, current = (int.from_bytes(head[i : i + 4], "little") for i in (4, 8))
    logfile_size = int.from_bytes(head[0x68:0x6C], "little")
    return (
        size >= 1024
        and size % 1024 == 0
        and 0x48 <= saved <= size
        and (saved == current or logfile_size == size)
    )


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    return bool(head) and not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)


def _kind_of_text(head: bytes) -> tuple[str, str]:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = start[:512].lower()
    if start.startswith((b"{", b"[")):
        if b'"log"' in start and (b'"entries"' in start or b'"creator"' in start):
            return "an HTTP archive (HAR)", "it holds no packets: capture with tcpdump or dumpcap"
        return "JSON", NO_PACKETS
    if start.startswith((b"CLIENT_", b"SERVER_", b"EXPORTER_", b"# SSL/TLS secrets")):
        return "a TLS key log", "give it with --keylog, and a capture beside it"
    if lower.startswith((b"<!doctype html", b"<html")):
        return "an HTML page", "the download gave a page instead of the file"
    if lower.startswith(b"<?xml"):
        return "XML", NO_PACKETS
    if lower.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer", "fetch the file itself: git lfs pull"
    return "text", "give the capture itself: tcpdump -w FILE writes one"

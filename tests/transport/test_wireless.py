"""802.11 and the headers in front of it: which frames are read, and what their flags do."""

from __future__ import annotations

import struct

import pytest
from support.packets import ipv4, tcp

from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

TCP, UNKNOWN_LINK, TRUNCATED, MALFORMED, FRAGMENT, NOT_IP, PROTECTED = 0, 3, 4, 5, 6, 7, 10
WIFI, PRISM, RADIOTAP, AVS, PPI = 105, 119, 127, 163, 192
DATA = b"hello"
# IP's length is 0 here: the segment reaches to the end of the frame, check sequence or not.
BODY = bytes.fromhex("aaaa030000000800") + ipv4(tcp(data=DATA), total=0)
FCS = b"\xde\xad\xbe\xef"


def frame(control: int = 0x0801, *, more: bytes = b"", sequence: int = 0) -> bytes:
    """Return a frame of which `control` is type and flags, `more` what follows three addresses."""
    return struct.pack(">HH", control, 0) + bytes(18) + struct.pack("<H", sequence) + more + BODY


def read(link: int, data: bytes) -> tuple[int, bytes]:
    """Return what a packet is, and its payload if it is TCP."""
    packet = Packet()
    kind = packet.read(Buffer(data), 0, len(data), len(data), link)
    return kind, data[packet.payload_start : packet.payload_stop] if kind == TCP else b""


FRAMES = {
    "data": (frame(), TCP),
    "from the access point": (frame(0x0802), TCP),
    "four addresses": (frame(0x0803, more=bytes(6)), TCP),
    "QoS": (frame(0x8801, more=bytes(2)), TCP),
    "QoS of four addresses": (frame(0x8803, more=bytes(8)), TCP),
    "QoS with HT control": (frame(0x8881, more=bytes(6)), TCP),
    "sent again": (frame(0x0809), TCP),
    "order without QoS": (frame(0x0881), TCP),
    "protected": (frame(0x0841), PROTECTED),
    "null data": (frame(0x4801), NOT_IP),
    "beacon": (frame(0x8000), NOT_IP),
    "acknowledgment": (b"\xd4\x00" + bytes(8), NOT_IP),
    "version 1": (frame(0x0901), NOT_IP),
    "first fragment": (frame(0x0805), FRAGMENT),
    "last fragment": (frame(0x0801, sequence=1), FRAGMENT),
    "next frame": (frame(0x0801, sequence=16), TCP),
    "no SNAP": (frame()[:24] + b"\x42\x42\x03" + bytes(40), NOT_IP),
    "cut in the header": (frame()[:20], TRUNCATED),
}


@pytest.mark.parametrize(("data", "kind"), FRAMES.values(), ids=FRAMES)
def test_frames(data: bytes, kind: int) -> None:
    assert read(WIFI, data) == (kind, DATA if kind == TCP else b"")


def radiotap(present: list[int], fields: bytes) -> bytes:
    bitmaps = struct.pack(f"<{len(present)}I", *present)
    return struct.pack("<BBH", 0, 0, 4 + len(bitmaps) + len(fields)) + bitmaps + fields


STAMP = 1
FLAGS = 2
EXTENDED = 1 << 31


@pytest.mark.parametrize(
    ("present", "before"),
    [
        ([FLAGS], b""),
        ([STAMP | FLAGS], bytes(8)),
        # The stamp is aligned to 8 bytes from the header's beginning.
        ([STAMP | FLAGS | EXTENDED, 0], bytes(4 + 8)),
        ([STAMP | FLAGS | EXTENDED, EXTENDED, 0], bytes(8)),
    ],
)
def test_radiotap_flags(present: list[int], before: bytes) -> None:
    def header(flags: int) -> bytes:
        return radiotap(present, before + bytes((flags, 0)))

    assert read(RADIOTAP, header(0) + frame()) == (TCP, DATA)
    assert read(RADIOTAP, header(0x10) + frame() + FCS) == (TCP, DATA)
    assert read(RADIOTAP, header(0x20) + frame(0x8801, more=bytes(4))) == (TCP, DATA)
    # The receiver found that the frame is damaged.
    assert read(RADIOTAP, header(0x50) + frame() + FCS)[0] == MALFORMED


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (radiotap([0], b""), TCP),
        (b"\x01" + radiotap([0], b"")[1:], MALFORMED),
        (struct.pack("<BBHI", 0, 0, 7, 0), MALFORMED),
        (struct.pack("<BBHI", 0, 0, 9999, 0), TRUNCATED),
        (radiotap([EXTENDED], b""), MALFORMED),
        (radiotap([FLAGS], b""), MALFORMED),
    ],
)
def test_radiotap_headers(header: bytes, kind: int) -> None:
    assert read(RADIOTAP, header + frame())[0] == kind


@pytest.mark.parametrize("order", ["<", ">"])
def test_prism_in_either_byte_order(order: str) -> None:
    header = struct.pack(f"{order}II", 0x44, 144) + bytes(136)
    assert read(PRISM, header + frame()) == (TCP, DATA)


@pytest.mark.parametrize("link", [AVS, PRISM])
def test_avs_under_its_own_link_type_and_under_prisms(link: int) -> None:
    header = struct.pack(">II", 0x80211002, 28) + bytes(20)
    assert read(link, header + frame()) == (TCP, DATA)


def ppi(fields: bytes, *, flags: int = 0, link: int = 105) -> bytes:
    return struct.pack("<BBHI", 0, flags, 8 + len(fields), link) + fields


@pytest.mark.parametrize(
    ("flags", "end", "kind"), [(0, b"", TCP), (1, FCS, TCP), (5, FCS, MALFORMED)]
)
@pytest.mark.parametrize("aligned", [0, 1])
def test_ppi_fields(flags: int, end: bytes, kind: int, aligned: int) -> None:
    other = struct.pack("<HH", 30_000, 3) + b"abc" + bytes(aligned)
    common = struct.pack("<HHQH", 2, 20, 0, flags) + bytes(10)
    data = ppi(other + common, flags=aligned) + frame() + end
    assert read(PPI, data) == (kind, DATA if kind == TCP else b"")


def test_ppi_of_other_links() -> None:
    packet = ipv4(tcp(data=DATA))
    assert read(PPI, ppi(b"", link=101) + packet) == (TCP, DATA)
    assert read(PPI, ppi(b"", link=1) + bytes(12) + b"\x08\x00" + packet) == (TCP, DATA)
    assert read(PPI, ppi(b"", link=9) + b"\xff\x03\x00\x21" + packet) == (TCP, DATA)
    assert read(PPI, ppi(b"", link=192) + ppi(b"") + frame())[0] == UNKNOWN_LINK
    assert read(PPI, ppi(b"", link=220) + packet)[0] == UNKNOWN_LINK

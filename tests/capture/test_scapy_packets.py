"""scapy's packets give the tables of the file that they were read from; one is held at a time."""

from __future__ import annotations

import gc
import io
import random
import struct
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wsanalyze
from wsanalyze.capture.scapy_packets import PacketStream, maybe_packets
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import UsageError

scapy = pytest.importorskip("scapy.all")

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
PLAIN = CAPTURES / "websockets-plain.pcapng"
RECORDED = (
    "websockets-plain.pcapng",
    "ws-ipv6.pcapng",
    "any-interface.pcap",
    "lossy-path-client.pcapng",
    "keepalive.pcap",
)
TABLES = ("connections", "frames", "messages", "headers", "segments")


def analyzed(source: Any) -> wsanalyze.Analysis:
    return wsanalyze.analyze(source, segments=True)


def check_same(found: wsanalyze.Analysis, wanted: wsanalyze.Analysis) -> None:
    for name in TABLES:
        ours, theirs = getattr(found, name), getattr(wanted, name)
        if name == "connections":
            ours, theirs = ours.drop(columns="capture"), theirs.drop(columns="capture")
        pd.testing.assert_frame_equal(ours, theirs)
    same = ("packets", "captured_bytes", "wire_bytes", "first_time", "last_time", "cut_packets")
    for name in same:
        assert found.summary[name].tolist() == wanted.summary[name].tolist()


def dissected(path: str) -> Iterator[Any]:
    with scapy.PcapReader(path) as reader:
        yield from reader


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize(
    "given",
    [
        scapy.rdpcap,
        lambda path: list(scapy.rdpcap(path)),
        scapy.PcapReader,
        lambda path: dissected(path),
        lambda path: scapy.sniff(offline=path),
    ],
    ids=["PacketList", "list", "PcapReader", "generator", "sniff"],
)
def test_the_tables_of_the_file(given: Any, name: str) -> None:
    path = str(CAPTURES / name)
    source = given(path)
    found = analyzed(source)
    if hasattr(source, "close"):
        source.close()
    check_same(found, analyzed(path))
    assert found.summary["format"].tolist() == ["scapy"]
    assert len(found) > 0


def test_names() -> None:
    listed = analyzed(scapy.rdpcap(str(PLAIN)))
    assert listed.summary["capture"].tolist() == ["<websockets-plain.pcapng>"]
    with scapy.PcapReader(str(PLAIN)) as reader:
        assert analyzed(reader).summary["capture"].tolist() == [str(PLAIN)]
    assert analyzed(iter(scapy.rdpcap(str(PLAIN)))).summary["capture"].tolist() == ["<packets>"]


def test_beside_files() -> None:
    """Packets and files are one stream in time order."""
    packets = scapy.rdpcap(str(PLAIN))
    path = str(CAPTURES / "keepalive.pcap")
    found = analyzed([packets, path])
    assert found.summary["packets"].tolist() == [30, 49]
    assert len(found) == len(analyzed(PLAIN)) + len(analyzed(path))
    halves = analyzed([iter(packets[20:]), packets[:20]])
    assert len(halves.messages) == len(analyzed(PLAIN).messages)


def test_one_packet_is_in_memory_at_a_time() -> None:
    alive: list[int] = []

    def made() -> Iterator[Any]:
        refs = []
        for i in range(2000):
            packet = scapy.Ether() / scapy.IP() / scapy.TCP(seq=i)
            packet.time = i
            refs.append(weakref.ref(packet))
            yield packet
            del packet
            if i % 200 == 0:
                # scapy's packets refer to themselves: the collector takes them.
                gc.collect()
                alive.append(sum(ref() is not None for ref in refs))

    assert analyzed(made()).summary["tcp_packets"].tolist() == [2000]
    assert len(alive) == 10
    assert max(alive) <= 1


def tcp(**fields: Any) -> Any:
    return scapy.TCP(sport=40000, dport=80, **fields)


@pytest.mark.parametrize(
    ("layer", "link"),
    [
        (lambda: scapy.Ether(), 1),
        (lambda: scapy.Dot3(), 1),
        (lambda: scapy.CookedLinux(), 113),
        (lambda: scapy.CookedLinuxV2(), 276),
        (lambda: scapy.Loopback(), 0),
        (lambda: scapy.IP(), 228),
        (lambda: scapy.IPv6(), 229),
        (lambda: scapy.RadioTap(), 127),
        (lambda: scapy.Dot11(), 105),
        (lambda: scapy.Raw(b"x"), 162),
        (lambda: scapy.UDP(), 162),
    ],
)
def test_link_types(layer: Any, link: int) -> None:
    with open_capture(PacketStream([layer()], "x")) as reader:
        batch = reader.next()
        assert batch is not None
        assert batch.packets()[0][2] == link
        assert reader.info.format == "scapy"


def read(packets: list[Any]) -> list[tuple[int, int, int, int, bytes]]:
    found = []
    with open_capture(PacketStream(packets, "x")) as reader:
        while (batch := reader.next()) is not None:
            found += batch.packets()
    return found


def test_links_side_by_side() -> None:
    packets = [scapy.Ether() / scapy.IP() / tcp(), scapy.IP() / tcp(), scapy.Ether() / scapy.ARP()]
    assert [each[2] for each in read(packets)] == [1, 228, 1]
    assert [each[4] for each in read(packets)] == [bytes(each) for each in packets]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0, 0),
        (1.5, 1_500_000_000),
        (1767323045.123456, 1767323045123456000),
        (scapy.EDecimal("1767323045.123456789"), 1767323045123456789),
        (-1.25, -1_250_000_000),
        (scapy.EDecimal("-9223372036.854775807"), -(2**63) + 1),
        (1e30, 2**63 - 1),
        (-1e30, -(2**63) + 1),
        (None, 7),
        (float("nan"), 7),
        (float("inf"), 7),
        ("later", 7),
    ],
)
def test_times(time: Any, expected: int) -> None:
    """Exact where scapy is; one that is none is that of the packet before."""
    first, second = scapy.IP() / tcp(), scapy.IP() / tcp()
    first.time, second.time = scapy.EDecimal("0.000000007"), time
    assert [each[1] for each in read([first, second])] == [7, expected]


def test_bytes_are_those_of_the_wire_unless_they_were_changed() -> None:
    packet = scapy.Ether(bytes(scapy.Ether() / scapy.IP(chksum=1) / tcp(chksum=2) / b"hello"))
    wire = bytes(packet)
    assert read([packet])[0][4] == wire
    changed = packet.copy()
    changed[scapy.TCP].seq = 77
    assert read([changed])[0][4] == bytes(changed) != wire
    other = packet.copy()
    other[scapy.TCP].payload = scapy.Raw(b"other")
    assert read([other])[0][4] == bytes(other) != wire
    made = scapy.IP() / tcp() / b"made"
    assert read([made])[0][4] == bytes(made)


def test_a_packet_that_the_snap_length_cut() -> None:
    packet = scapy.Ether(bytes(60))
    packet.wirelen = 1500
    assert read([packet])[0][3] == 1500


def test_http_that_scapy_dissects_otherwise() -> None:
    """scapy's HTTP layer unfolds what it dissects: the bytes are those that came."""
    program = (
        "import sys, wsanalyze\n"
        "from scapy.all import load_layer, rdpcap\n"
        "load_layer('http')\n"
        "found = wsanalyze.analyze(rdpcap(sys.argv[1]))\n"
        "assert found.headers.equals(wsanalyze.analyze(sys.argv[1]).headers)\n"
        "print(len(found.headers))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(CAPTURES / "nginx-proxy.pcapng")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert int(done.stdout) > 0


def test_what_cannot_be_built() -> None:
    with pytest.raises(UsageError, match=r"packet 2 of x cannot be built"):
        read([scapy.IP(), scapy.IP(ttl="many")])


def test_a_reader_that_fails_has_given_what_came_before() -> None:
    def failing() -> Iterator[Any]:
        yield from scapy.rdpcap(str(PLAIN))[:20]
        raise ValueError("the card\nwas pulled")

    found = analyzed(failing())
    assert found.summary["packets"].tolist() == [20]
    assert "reading failed: ValueError: the card was pulled" in found.summary["problem"][0]


def test_what_is_no_packet() -> None:
    with pytest.raises(UsageError, match="item 2 of <packets> is str, not a scapy packet"):
        analyzed(iter([scapy.IP(), "x"]))
    with pytest.raises(UsageError, match="item 1 of <packets> is int"):
        analyzed(iter([3]))
    with pytest.raises(UsageError, match="is no source"):
        analyzed({"a": 1})


def test_no_packets() -> None:
    assert analyzed(scapy.PacketList([])).summary["packets"].tolist() == [0]
    assert analyzed(iter([])).connections.empty


def test_what_holds_no_packets() -> None:
    for other in ("x", b"x", 3, None, [], ["x"], io.BytesIO(), [1]):
        assert maybe_packets(other) is None


def test_a_stream_cannot_be_read_again() -> None:
    analysis = wsanalyze.analyze(scapy.rdpcap(str(PLAIN)))
    with pytest.raises(UsageError, match="segments=True"):
        analysis.segments  # noqa: B018
    packets = iter(scapy.rdpcap(str(PLAIN)))
    stream = maybe_packets(packets)
    with pytest.raises(UsageError, match="named twice"):
        analyzed([stream, stream])


def test_scapy_is_not_imported_by_us() -> None:
    program = (
        "import sys, wsanalyze\n"
        "wsanalyze.analyze(sys.argv[1])\n"
        "assert not any(name.split('.')[0] == 'scapy' for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(PLAIN)], check=True)


@pytest.mark.parametrize("seed", range(6))
def test_hostile_bytes_through_scapy(seed: int) -> None:
    """Whatever scapy makes of damaged packets: their bytes are taken, and nothing is raised."""
    source = random.Random(seed)  # noqa: S311
    packets = []
    for packet in scapy.rdpcap(str(CAPTURES / source.choice(RECORDED[:3]))):
        data = bytearray(packet.original)
        for _ in range(source.choice([0, 1, 8])):
            data[source.randrange(len(data))] = source.randrange(256)
        data = data[: source.randrange(1, len(data) + 1)]
        try:
            made = type(packet)(bytes(data))
        except struct.error:
            made = scapy.Raw(bytes(data))  # as scapy's own reader does
        made.time = source.choice([packet.time, 0, -5.5, 1e25, float("nan")])
        made.wirelen = source.choice([None, 0, len(data), 1 << 30])
        packets.append((made, bytes(made.original)))
    found = analyzed(packet for packet, _ in packets)
    assert found.summary["packets"].tolist() == [len(packets)]
    assert [each[4] for each in read([packet for packet, _ in packets])] == [
        data for _, data in packets
    ]

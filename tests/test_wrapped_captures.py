"""Recorded captures in tunnels, on other links and in fragments: the tables stay what they were."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.chance import chance as seeded
from support.compare_builds import TIGHT, dump
from support.invariants import check
from support.packets import CLIENT, SERVER, T0, ethernet, ipv4, pcap_of, tcp
from support.tshark import fields, needs_tshark
from support.wrappings import (
    LINKS,
    TUNNELS,
    Wrapped,
    Wrapping,
    apply,
    ethertype,
    fragments_of,
    nested,
    pcapng_of,
)
from test_tshark import ours, theirs

from wsanalyze.capture.source import open_capture
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
NAMES = (
    "websockets-plain.pcapng",
    "ws-ipv6.pcapng",
    "cut-connections.pcapng",
    "fragments.pcapng",
    "mixed-peers.pcapng",
)
ETHERNET, PADDED = TUNNELS[0], TUNNELS[1]
# Bytes in front of the IP header, by link type.
FRONT = {1: 14, 113: 16, 276: 20}
# An IP packet that is longer cannot be wrapped any more.
LONGEST = 60_000


def ip_packets(capture: Path) -> list[tuple[int, bytes]]:
    """Return the times and IP packets of a capture that has nothing else."""
    found = []
    with open_capture(str(capture)) as reader:
        while (batch := reader.next()) is not None:
            for _, time, link, wire, data in batch.packets():
                packet = data[FRONT[link] :]
                assert wire == len(data)
                assert packet[0] >> 4 in (4, 6)
                assert len(packet) < LONGEST
                found.append((time, packet))
    return found


def tables(capture: Path | bytes) -> dict[str, Any]:
    """Return all that was found, but for what is said of the capture itself."""
    recording = recorded(capture)
    found = dump(recording)
    del found["captures"]
    for connection in found["connections"]:
        del connection["capture"]
    return found


def recorded(capture: Path | bytes, limits: Limits | None = None) -> Recording:
    source: Any = io.BytesIO(capture) if isinstance(capture, bytes) else capture
    wants = Wants(payloads="full", segments=True)
    recording = read([source], wants=wants, limits=limits or Limits())
    check(recording)
    return recording


def chain_for(seed: int) -> list[Wrapping]:
    """Return wrappings that keep a packet below what IP can hold."""
    return nested(seed % 4, seeded(seed))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(8))
def test_one_chain_of_wrappings_for_all_packets(name: str, seed: int, tmp_path: Path) -> None:
    chance = seeded(seed)
    chain = chain_for(seed)
    packets = ip_packets(CAPTURES / name)
    wrapped = [apply(packet, chain, chance) for _, packet in packets]
    capture = tmp_path / name
    capture.write_bytes(pcapng_of(wrapped, times=[time for time, _ in packets]))
    assert tables(capture) == tables(CAPTURES / name)


@pytest.mark.parametrize("name", NAMES)
def test_each_packet_wrapped_in_another_way(name: str, tmp_path: Path) -> None:
    """One conversation over many tunnels is one conversation: the innermost addresses decide."""
    chance = seeded(name)
    packets = ip_packets(CAPTURES / name)
    wrapped = [apply(packet, nested(chance.randrange(4), chance), chance) for _, packet in packets]
    capture = tmp_path / name
    capture.write_bytes(pcapng_of(wrapped, times=[time for time, _ in packets]))
    assert tables(capture) == tables(CAPTURES / name)


@needs_tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_finds_the_same_frames_in_tunnels(name: str, tmp_path: Path) -> None:
    chance = seeded(name)
    chosen = [
        each
        for each in TUNNELS
        if each.name in ("vxlan-group-policy", "gre-ethernet", "geneve", "mpls")
    ]
    chains = [
        [ETHERNET, each, ETHERNET, LINKS[0]] if each.takes == "ethernet" else [each, LINKS[0]]
        for each in chosen
    ]
    packets = ip_packets(CAPTURES / name)
    wrapped = [apply(packet, chance.choice(chains), chance) for _, packet in packets]
    capture = tmp_path / name
    capture.write_bytes(pcapng_of(wrapped, times=[time for time, _ in packets]))
    assert ours(capture) == ours(CAPTURES / name)
    # What tshark finds in the tunnels is what it finds without them.
    assert theirs(capture) == theirs(CAPTURES / name)


def fragmented(name: str, chance: random.Random) -> tuple[list[bytes], list[int], dict[int, int]]:
    """Return a capture's packets in fragments, their times, and where each packet ends up."""
    frames, times, numbers = [], [], {}
    for number, (time, packet) in enumerate(ip_packets(CAPTURES / name), 1):
        inner = packet
        if chance.random() < 0.5:
            # A tunnel whose outer packet is cut, and sometimes the inner one as well.
            inner = bytes(
                chance.choice([each for each in TUNNELS if each.name == "gre"]).build(
                    packet, seeded(4)
                )
            )
        parts = fragments_of(
            inner, chance.choice([8, 64, 512, 1400]) if len(inner) < 4000 else 1480, number
        )
        chance.shuffle(parts)
        if len(parts) > 1 and chance.random() < 0.3:
            parts.insert(chance.randrange(len(parts)), chance.choice(parts))
        frames += [ethernet(part, ethertype(part)) for part in parts]
        times += [time] * len(parts)
        numbers[number] = len(frames)
    return frames, times, numbers


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_fragments_of_every_packet(name: str, seed: int) -> None:
    frames, times, numbers = fragmented(name, seeded(f"{name} {seed}"))
    found, wanted = tables(pcap_of(frames, times=times)), tables(CAPTURES / name)
    assert without_places(found) == without_places(wanted)
    segments, original = found["segments"], wanted["segments"]
    # Each segment enters with the packet that completes it, or that in which it came once more.
    for mine, other in zip(segments["packet"], original["packet"], strict=True):
        assert numbers.get(other - 1, 0) < mine <= numbers[other]


def without_places(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out packet numbers and orders of reading, which fragments move."""
    kept: dict[str, Any] = {}
    for table, columns in found.items():
        if isinstance(columns, dict):
            kept[table] = {
                name: column
                for name, column in columns.items()
                if not name.startswith(("packet", "ordinal"))
            }
        elif table == "connections":
            kept[table] = [
                {
                    name: value
                    for name, value in row.items()
                    if "packet" not in name and "ordinal" not in name
                }
                for row in columns
            ]
        else:
            kept[table] = columns
    return kept


@pytest.mark.parametrize("seed", range(30))
def test_damaged_wrappings_and_fragments(seed: int) -> None:
    """Nothing is raised, and each packet is counted once (`recorded` checks that)."""
    chance = seeded(seed)
    packets = []
    for _, packet in ip_packets(CAPTURES / chance.choice(NAMES)):
        parts = [packet] if len(packet) > 4000 else fragments_of(packet, 64, len(packets))
        for part in parts if chance.random() < 0.2 else [packet]:
            wrapped = apply(part, nested(chance.randrange(5), chance), chance)
            data = bytearray(wrapped.data)
            for _ in range(chance.choice([0, 0, 1, 3])):
                data[chance.randrange(min(len(data), 120))] = chance.randrange(256)
            packets.append(replace(wrapped, data=bytes(data)))
    recorded(pcapng_of(packets), chance.choice([Limits(), TIGHT]))


def counted(packets: list[bytes], **limits: int) -> Any:
    capture = pcap_of(packets, times=[T0] * len(packets))
    return recorded(capture, Limits(**limits)).captures[0]


SEGMENT = ipv4(tcp(data=bytes(100)))


def test_fragments_are_counted_with_their_datagram() -> None:
    packets = [ethernet(part) for part in fragments_of(SEGMENT, 40, 7)]
    whole = counted(packets)
    assert (whole.packets, whole.tcp_packets, whole.fragment_packets) == (3, 1, 2)
    assert whole.not_decoded_fragment == 0
    lost = counted(packets[:2])
    assert (lost.tcp_packets, lost.fragment_packets, lost.not_decoded_fragment) == (0, 0, 2)


@pytest.mark.parametrize("cut", [34, 53, 54, 70, None])
def test_a_fragment_that_was_cut_ends_what_is_known(cut: int | None) -> None:
    """Two fragments of 64 and 56 bytes; of the first the capture has `cut` bytes."""
    data = b"GET / HTTP/1.1\r\nHost: " + b"x" * 78
    first, second = (ethernet(each) for each in fragments_of(ipv4(tcp(data=data)), 64, 7))
    capture = pcap_of([(first[:cut], len(first)), second])
    recording = recorded(capture)
    found = recording.captures[0]
    if cut is not None and cut < 54:
        # Not even the TCP header is there.
        assert (found.tcp_packets, found.not_decoded_truncated) == (0, 1)
        return
    assert (found.tcp_packets, found.fragment_packets, found.cut_packets) == (
        1,
        1,
        int(cut is not None),
    )
    assert recording.segments is not None
    assert list(recording.segments.arrays()["length"]) == [100]


def test_fragments_over_the_end_of_a_rotated_file() -> None:
    packets = [ethernet(part) for part in fragments_of(SEGMENT, 40, 7)]
    files: list[Any] = [io.BytesIO(pcap_of([each], times=[i])) for i, each in enumerate(packets)]
    first, second, third = read(files, wants=Wants(), limits=Limits()).captures
    for each in (first, second):
        assert (each.tcp_packets, each.fragment_packets, each.not_decoded_fragment) == (0, 1, 0)
    assert (third.tcp_packets, third.fragment_packets, third.tcp_conversations) == (1, 0, 1)


def test_fragments_of_udp_and_of_something_else() -> None:
    packets = [
        *fragments_of(ipv4(bytes(100), protocol=17), 40, 7),
        *fragments_of(ipv4(bytes(100), protocol=1), 40, 7),
    ]
    found = counted([ethernet(each) for each in packets])
    assert (found.udp_packets, found.other_packets, found.fragment_packets) == (1, 1, 4)


def test_a_fragment_within_fragments_within_fragments() -> None:
    found = counted([ethernet(each) for each in fragments_of_all(SEGMENT, 3)])
    assert (found.tcp_packets, found.not_decoded_fragment) == (1, 0)
    assert found.fragment_packets == found.packets - 1


def fragments_of_all(packet: bytes, levels: int) -> Iterator[bytes]:
    """Yield fragments of tunnelled fragments of tunnelled fragments of a packet."""
    number = [0]

    def cut(inner: bytes, level: int) -> Iterator[bytes]:
        number[0] += 1
        for part in fragments_of(inner, 48, number[0]):
            if level == 0:
                yield part
            else:
                yield from cut(ipv4(part, protocol=4), level - 1)

    yield from cut(packet, levels - 1)


def test_a_bomb_of_fragments_within_fragments_ends() -> None:
    packet = SEGMENT
    for _ in range(30):
        packet = ipv4(packet, protocol=4)
    frames = [ethernet(each) for each in fragments_of(packet, 48, 1)]
    found = counted(frames)
    assert (found.not_decoded_nested, found.fragment_packets) == (1, len(frames) - 1)


def test_a_flood_of_fragments_reaches_the_limits_and_real_ones_go_through() -> None:
    flood = [ethernet(fragments_of(SEGMENT, 40, number)[0]) for number in range(2000)]
    last = [ethernet(part) for part in fragments_of(SEGMENT, 40, 5000)]
    found = counted([*flood, *last], datagrams=100)
    assert (found.tcp_packets, found.not_decoded_fragment) == (1, 2000)
    assert found.limits["datagrams"] > 1800
    found = counted([*flood, *last], fragments=5000)
    assert (found.tcp_packets, found.not_decoded_fragment) == (1, 2000)
    assert found.limits["fragments"] > 1800


def test_reasons_are_precise() -> None:
    chance = seeded(1)
    (wifi,) = [each for each in LINKS if each.name == "802.11"]
    protected = bytearray(apply(SEGMENT, [wifi], chance).data)
    protected[1] |= 0x40
    deep = SEGMENT
    for _ in range(17):
        deep = ipv4(deep, protocol=4)
    packets = [
        Wrapped(105, 0, bytes(protected), ("protected",)),
        Wrapped(1, 0, ethernet(ipv4(bytes(40), protocol=50)), ("esp",)),
        Wrapped(1, 0, ethernet(b"\x0c" + bytes(40), 0x88E5), ("macsec",)),
        Wrapped(1, 0, ethernet(deep), ("nested",)),
        Wrapped(1, 0, ethernet(bytes(28), 0x0806), ("arp",)),
        Wrapped(1, 0, ethernet(ipv4(bytes(8), protocol=1)), ("icmp",)),
        Wrapped(187, 0, b"bluetooth", ("bluetooth",)),
        Wrapped(220, 0, b"usb", ("usb",)),
    ]
    found = recorded(pcapng_of(packets)).captures[0]
    assert found.not_decoded_wifi == 1
    assert found.not_decoded_esp == 1
    assert found.not_decoded_macsec == 1
    assert found.not_decoded_nested == 1
    assert (found.other_packets, found.other_not_ip) == (2, 1)
    assert (found.not_decoded_link, found.unknown_links) == (2, ["187", "220"])


def test_no_frame_check_sequence_enters_the_stream() -> None:
    """With an IP length of 0 (segmentation offload) the rest of the packet is the segment."""
    for data in (b"G", b"GET /" + b"x" * 95):
        frame = ethernet(ipv4(tcp(data=data), total=0)) + b"\xde\xad\xbe\xef"
        for packet in (
            pcapng_of([Wrapped(1, 4, frame, ("fcs",))]),
            with_fcs_bits(pcap_of([frame])),
        ):
            segments = recorded(packet).segments
            assert segments is not None
            assert list(segments.arrays()["length"]) == [len(data)]


def with_fcs_bits(capture: bytes) -> bytes:
    """Let a pcap header say that packets end with two 16-bit words of check sequence."""
    return capture[:20] + (1 | 0x24000000).to_bytes(4, "little") + capture[24:]


@needs_tshark
def test_the_same_addresses_in_two_tunnels_are_one_stream_as_for_wireshark(tmp_path: Path) -> None:
    chance = seeded(3)
    (vxlan,) = [each for each in TUNNELS if each.name == "vxlan-group-policy"]
    (gre,) = [each for each in TUNNELS if each.name == "gre"]
    other = ipv4(tcp(source_port=40001), *(each[0] for each in (CLIENT, SERVER)))
    chains = [[ETHERNET, vxlan, ETHERNET], [gre, ETHERNET], [PADDED], [ETHERNET]]
    wrapped = [
        apply(inner, [*chain, LINKS[0]], chance) for chain in chains for inner in (SEGMENT, other)
    ]
    capture = tmp_path / "same.pcapng"
    capture.write_bytes(pcapng_of(wrapped))
    segments = recorded(capture).segments
    assert segments is not None
    rows = fields(capture, ["tcp.stream"], occurrences="l")
    streams = [int(row[0]) for row in rows]
    assert streams == [0, 1] * 4
    mine = dict(zip(segments.arrays()["packet"], segments.arrays()["conversation"], strict=True))
    assert {number: streams[number - 1] for number in mine} == mine

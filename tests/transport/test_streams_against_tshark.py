"""Conversations are numbered as Wireshark numbers them: tcp.stream, and the Community ID."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, pcap_of, segment
from support.tshark import fields, needs_tshark

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.transport.community_id import community_id

pytestmark = needs_tshark

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SHIPPED = sorted(path for path in CAPTURES.iterdir() if ".pcap" in path.name)


def ours(capture: Path) -> tuple[Recording, dict[int, int]]:
    """Return the recording, and the conversation of each packet that somebody read."""
    wants = Wants(segments=True, frames=False, messages=False)
    recording = read([capture], wants=wants, limits=Limits())
    assert recording.segments is not None
    columns = recording.segments.arrays()
    return recording, dict(zip(columns["packet"], columns["conversation"], strict=True))


def theirs(capture: Path) -> dict[int, int]:
    """Return tshark's tcp.stream of each TCP packet."""
    rows = fields(capture, ["frame.number", "tcp.stream"], where="tcp", occurrences="f")
    return {int(number): int(stream) for number, stream in rows}


@pytest.mark.parametrize("capture", SHIPPED, ids=lambda path: path.name)
def test_shipped_captures(capture: Path) -> None:
    recording, mine = ours(capture)
    streams = theirs(capture)
    assert {number: streams[number] for number in mine} == mine
    assert recording.captures[0].tcp_conversations == max(streams.values()) + 1
    assert recording.captures[0].tcp_packets == len(streams)


@pytest.mark.parametrize("capture", SHIPPED, ids=lambda path: path.name)
def test_community_ids_of_shipped_captures(capture: Path) -> None:
    recording, _ = ours(capture)
    rows = fields(
        capture,
        ["tcp.stream", "communityid"],
        where="tcp",
        occurrences="f",
        more=["--enable-protocol", "communityid"],
    )
    ids = {int(stream): value for stream, value in rows}
    assert recording.connections
    for each in recording.connections:
        assert each.tcp_stream is not None
        assert each.community_id == ids[each.tcp_stream]
        client, server = (each.client_ip, each.client_port), (each.server_ip, each.server_port)
        assert each.community_id == community_id(client, server)


def c(offset: int, flags: int = ACK, data: bytes = b"", isn: int = 1000, ack: int = 0) -> bytes:
    return segment(CLIENT, SERVER, isn + 1 + offset, ack, flags, data)


def s(offset: int, flags: int = ACK, data: bytes = b"", isn: int = 70000, ack: int = 0) -> bytes:
    return segment(SERVER, CLIENT, isn + 1 + offset, ack, flags, data)


OPEN = [c(-1, SYN), s(-1, SYN | ACK, ack=1001), c(0, ack=70001)]
CLOSE = [c(0, FIN | ACK, ack=70001), s(0, FIN | ACK, ack=1002), c(1, ack=70002)]
OTHER = (CLIENT[0], 40001)

CRAFTED: dict[str, list[bytes]] = {
    "one": OPEN,
    "two": [*OPEN, segment(OTHER, SERVER, 1, flags=SYN)],
    "reused with another number": [*OPEN, *CLOSE, c(-1, SYN, isn=9000), c(0, data=b"x", isn=9000)],
    "reused without a close": [*OPEN, c(-1, SYN, isn=9000), s(-1, SYN | ACK, isn=80000, ack=9001)],
    "reused at once, twice": [c(-1, SYN), c(-1, SYN, isn=9000), c(-1, SYN)],
    "SYN again": [OPEN[0], *OPEN],
    "SYN again after data": [*OPEN, c(0, data=b"abc", ack=70001), OPEN[0]],
    "SYN again after a close": [*OPEN, *CLOSE, *OPEN],
    "SYN again after a RST": [c(-1, SYN), s(0, RST | ACK, ack=1001), c(-1, SYN)],
    "SYN/ACK again after a close": [*OPEN, *CLOSE, OPEN[1]],
    "SYN/ACK with another number": [*OPEN, s(-1, SYN | ACK, isn=90000, ack=1001)],
    "reused the other way round": [*OPEN, *CLOSE, s(-1, SYN, isn=90000), c(-1, SYN | ACK, isn=5)],
    "SYN/ACK first": [OPEN[1], OPEN[0], OPEN[2]],
    "mid-stream": [c(500, data=b"abc", ack=70100), s(99, data=b"x", ack=1504)],
    "mid-stream, then reused": [c(500, data=b"abc", ack=70100), c(-1, SYN, isn=9000)],
    "mid-stream, then reused the other way": [c(500, data=b"abc", ack=70100), s(-1, SYN, isn=9)],
    "data before its SYN": [c(0, data=b"abc", ack=70001), *OPEN],
    "data behind a RST": [*OPEN, s(0, RST), c(0, data=b"abc"), c(3, data=b"d")],
    "wrapped": [c(-1, SYN, isn=0xFFFFFFFF), c(0, data=b"a", isn=0xFFFFFFFF), c(-1, SYN, isn=0)],
    "both ends the same": [segment(CLIENT, CLIENT, 5, flags=SYN), segment(CLIENT, CLIENT, 5, 6)],
}


# Connections that are another one for us though they begin with the number of the one before: they
# are counted, and their bytes are not mixed. tshark goes on in the same stream, and so do we.
COUNTED_APART = {"SYN again after a close": 1}


@pytest.mark.parametrize(("name", "packets"), CRAFTED.items(), ids=CRAFTED)
def test_crafted(name: str, packets: list[bytes], tmp_path: Path) -> None:
    capture = tmp_path / "crafted.pcap"
    capture.write_bytes(pcap_of(packets))
    recording, mine = ours(capture)
    streams = theirs(capture)
    assert {number: streams[number] for number in mine} == mine
    counted = recording.captures[0].tcp_conversations - COUNTED_APART.get(name, 0)
    assert counted == max(streams.values()) + 1

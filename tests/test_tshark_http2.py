"""Recorded HTTP/2: streams, methods and statuses as tshark has them, and every byte of DATA.

tshark follows no WebSocket over HTTP/2; what it dissects is HTTP/2 itself. What our frames take up
on a stream must be what it counts of DATA there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from support.sessions import frames_of
from support.tshark import fields, needs_tshark

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
PORTS = {
    "http2-streams.pcapng": 9310,
    "http2-node.pcapng": 9311,
    "http2-upgrade.pcapng": 9314,
    "http2-haproxy.pcapng": 9312,
    "wss-http2.pcapng": 9321,
    "wss-http2-chromium.pcapng": 9322,
}

pytestmark = needs_tshark

# TCP stream, HTTP/2 stream, whether the server sent it.
Direction = tuple[int, int, bool]


def dissected(name: str, *names: str) -> list[list[list[str]]]:
    """Return fields of the frames of HTTP/2, each with its values."""
    port = PORTS[name]
    # Behind an upgrade it goes on in HTTP/2 by itself.
    first = "http" if name == "http2-upgrade.pcapng" else "http2"
    first = "tls" if name.startswith("wss-") else first
    more = ["-d", f"tcp.port=={port},{first}"]
    where = f"http2 && tcp.port=={port}"
    rows = fields(CAPTURES / name, ("tcp.stream", "tcp.srcport", *names), where=where, more=more)
    return [[cell.split("|") if cell else [] for cell in row] for row in rows]


def data_of_tshark(name: str) -> dict[Direction, int]:
    """Return how much DATA each side of each stream sent."""
    found: dict[Direction, int] = defaultdict(int)
    rows = dissected(name, "http2.type", "http2.streamid", "http2.length")
    for (tcp,), (port,), types, streams, lengths in rows:
        for kind, stream, length in zip(types, streams, lengths, strict=True):
            if kind == "0":
                found[int(tcp), int(stream), int(port) == PORTS[name]] += int(length)
    return found


@pytest.mark.parametrize("name", PORTS)
def test_our_frames_are_all_of_its_data(name: str) -> None:
    recording = read([CAPTURES / name], wants=Wants(), limits=Limits())
    ours: dict[Direction, int] = defaultdict(int)
    for row in frames_of(recording):
        record = recording.connections[row["connection"]]
        if record.http_stream is not None:
            place = (record.tcp_stream or 0, record.http_stream, bool(row["sender"]))
            assert row["offset"] == ours[place]
            ours[place] += row["header_length"] + row["length"]
    theirs = data_of_tshark(name)
    assert ours
    assert {place: theirs[place] for place in ours} == ours


@pytest.mark.parametrize("name", PORTS)
def test_requests_and_responses(name: str) -> None:
    names = ("http2.headers.method", "http2.headers.path", "http2.headers.status")
    theirs = []
    statuses = []
    for row in dissected(name, *names):
        methods, paths, answers = row[2:]
        theirs += [path for method, path in zip(methods, paths, strict=True) if method == "CONNECT"]
        statuses += answers
    recording = read([CAPTURES / name], wants=Wants(), limits=Limits())
    rows = [each for each in recording.connections if each.http_stream is not None]
    heads = [each.handshake for each in rows if each.handshake is not None]
    assert [each.target for each in heads] == theirs
    assert Counter(str(each.status) for each in heads) <= Counter(statuses)

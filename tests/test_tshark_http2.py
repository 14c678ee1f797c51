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

from wsanalyze.layers.connection import Connection
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
# Ports of servers that speak HTTP/2, and what tshark is to begin with there: behind an upgrade it
# goes on in HTTP/2 by itself.
PORTS: dict[str, dict[int, str]] = {
    "http2-streams.pcapng": {9310: "http2"},
    "http2-node.pcapng": {9311: "http2"},
    "http2-upgrade.pcapng": {9314: "http"},
    "http2-haproxy.pcapng": {9312: "http2"},
    "http2-requests.pcapng": {9340: "http2", 9341: "http"},
    "http2-translated.pcapng": {9342: "http2", 9344: "http2", 9345: "http2"},
    "http2-unruly.pcapng": {9330: "http2", 9331: "http2"},
    "http2-field-blocks.pcapng": {
        **dict.fromkeys((*range(9350, 9354), *range(9355, 9358)), "http2"),
        9354: "tls",
    },
    "wss-http2.pcapng": {9321: "tls"},
    "wss-firefox.pcapng": {9322: "tls"},
    "wss-http2-chromium.pcapng": {9322: "tls"},
}

pytestmark = needs_tshark

# TCP stream, HTTP/2 stream, whether the server sent it.
Direction = tuple[int, int, bool]


def dissected(name: str, *names: str) -> list[list[list[str]]]:
    """Return fields of the frames of HTTP/2, each with its values."""
    more = [
        part for port, first in PORTS[name].items() for part in ("-d", f"tcp.port=={port},{first}")
    ]
    ports = ", ".join(map(str, PORTS[name]))
    where = f"http2 && tcp.port in {{{ports}}}"
    rows = fields(CAPTURES / name, ("tcp.stream", "tcp.srcport", *names), where=where, more=more)
    return [[cell.split("|") if cell else [] for cell in row] for row in rows]


# Types of frames of which tshark tells how much padding they have: DATA, HEADERS, PUSH_PROMISE, and
# CONTINUATION, of which it is 0. What says that there is padding, is a byte more.
MAY_BE_PADDED, PADDED, END_STREAM = "0159", 0x08, 0x01


def data_of_tshark(name: str) -> dict[Direction, int]:
    """Return how much DATA each side of each stream sent, without padding."""
    found: dict[Direction, int] = defaultdict(int)
    names = ("http2.type", "http2.streamid", "http2.length", "http2.flags", "http2.pad_length")
    for (tcp,), (port,), *frames, paddings in dissected(name, *names):
        padding = iter(paddings)
        for kind, stream, length, flags in zip(*frames, strict=True):
            padded = int(next(padding)) if kind in MAY_BE_PADDED else 0
            if kind == "0":
                extra = padded + 1 if int(flags, 0) & PADDED else 0
                found[int(tcp), int(stream), int(port) in PORTS[name]] += int(length) - extra
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


# One whose requests have two paths, or another method, is in no list of requests.
@pytest.mark.parametrize("name", sorted(PORTS.keys() - {"http2-unruly.pcapng"}))
def test_requests(name: str) -> None:
    theirs = []
    for row in dissected(name, "http2.headers.method", "http2.headers.path"):
        methods, paths = row[2:]
        theirs += [path for method, path in zip(methods, paths, strict=True) if method == "CONNECT"]
    heads = [each.handshake for each in streams_of(name) if each.handshake is not None]
    assert [each.target for each in heads] == theirs


@pytest.mark.parametrize("name", PORTS)
def test_responses(name: str) -> None:
    statuses = [status for row in dissected(name, "http2.headers.status") for status in row[2]]
    heads = [each.handshake for each in streams_of(name) if each.handshake is not None]
    ours = [str(each.status) for each in heads if each.status is not None]
    assert Counter(ours) <= Counter(statuses)


@pytest.mark.parametrize("name", PORTS)
def test_resets_and_goaways(name: str) -> None:
    """Error codes of the streams that we follow, and of the connection."""
    theirs: dict[tuple[int, int], int] = {}
    gone: set[tuple[int, int]] = set()
    ended: set[Direction] = set()
    names = ("http2.type", "http2.streamid", "http2.flags")
    for (tcp,), (port,), kinds, streams, flags, resets, goaways in dissected(
        name, *names, "http2.rst_stream.error", "http2.goaway.error"
    ):
        codes = iter(resets)
        for kind, stream, flag in zip(kinds, streams, flags, strict=True):
            place = (int(tcp), int(stream))
            if kind in "01" and int(flag, 0) & END_STREAM:
                ended.add((*place, int(port) in PORTS[name]))
            elif kind == "3":
                code = int(next(codes))
                # Behind the ends of both sides it means nothing: nghttpx sends one.
                if not {(*place, False), (*place, True)} <= ended:
                    theirs.setdefault(place, code)
        gone |= {(int(tcp), int(code)) for code in goaways}
    for each in streams_of(name):
        tcp, number = each.tcp_stream or 0, each.http_stream or 0
        observation = each.observation
        assert observation is not None
        assert observation.stream is not None
        ours = [code for _, code, _, _ in observation.stream.resets[:1]]
        assert ours == [code for place, code in theirs.items() if place == (tcp, number)]
        goaway = observation.stream.shared.goaway
        assert (goaway is not None and goaway[1] != 0) == any(
            code for stream, code in gone if stream == tcp
        )


def streams_of(name: str) -> list[Connection]:
    recording = read([CAPTURES / name], wants=Wants(observe=True), limits=Limits())
    return [each for each in recording.connections if each.http_stream is not None]

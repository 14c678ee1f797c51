"""Every frame of every shipped capture, as tshark sees it; where it differs, what and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.sessions import frames_of
from support.tshark import fields, needs_tshark

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants

pytestmark = needs_tshark

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
# tshark has RFC 6455's frames alone: it shows none of Hixie's, and others than were sent where the
# opcodes and masks are those of the HyBi drafts 1 to 6.
OLDER = {
    *("hixie-75.pcapng", "hixie-76.pcapng", "hixie-proxies.pcapng", "hybi-early.pcapng"),
    "old-failures.pcapng",
}
# Nor frames without the whole handshake, and others than were sent behind holes; what it shows of
# these is in crosscheck/test_verification.py.
PARTIAL = {"one-direction.pcapng", "from-the-middle.pcapng", "snapped.pcap", "overrun.pcap"}
SHIPPED = sorted(
    path for path in CAPTURES.iterdir() if ".pcap" in path.name and path.name not in OLDER | PARTIAL
)


class Seen(NamedTuple):
    """One frame; `port` is the sender's, `key` None where it is not masked."""

    stream: int
    port: int
    fin: int
    rsv: int
    opcode: int
    key: int | None
    length: int


# A frame that tshark never shows, with the packet of its last byte.
Missing = tuple[int, Seen]
MISSING: dict[str, tuple[str, list[Missing]]] = {
    "cut-connections.pcapng": (
        "a frame whose payload never comes as a whole is shown as unassembled segments",
        [(68, Seen(5, 40413, 1, 0, 1, 0x37FA213D, 1000))],
    ),
    "judged-violations.pcapng": (
        "a frame that came together with the request is not looked for",
        [(214, Seen(17, 40511, 1, 0, 1, 0x7E68A48B, 14))],
    ),
    "unruly-peers.pcapng": (
        "a frame whose payload never comes as a whole is shown as unassembled segments",
        [(175, Seen(8, 40287, 1, 0, 2, 0xC670E761, 2097152))],
    ),
}
# HTTP in the place of frames, of which tshark shows what looks like whole frames.
HTTP: dict[str, list[Missing]] = {
    "http-behind-upgrade.pcapng": [
        (15, Seen(0, 40213, 0, 4, 7, None, 69)),
        (16, Seen(1, 40535, 0, 4, 7, None, 69)),
        (45, Seen(2, 9170, 0, 4, 8, None, 84)),
        (45, Seen(2, 9170, 0, 7, 4, None, 44)),
        (43, Seen(3, 9172, 0, 4, 8, None, 84)),
        (43, Seen(3, 9172, 0, 7, 4, None, 44)),
    ],
}
# What is in the tunnel of a CONNECT, tshark takes for what the port says that it leads to.
TOLD: dict[str, tuple[str, ...]] = {
    "connect-tunnels.pcapng": ("-d", "tcp.port==9060,http"),
    "socks-tunnels.pcapng": ("-d", "tcp.port==9060,http"),
    # Of HTTP in records of some bytes.
    "wss-records.pcapng": tuple(
        part for port in (9452, 9453, 9454) for part in ("-d", f"tls.port=={port},http")
    ),
}
# Streams of which it shows no frame even then: a CONNECT to an address of IPv6, and one to port 80;
# TLS inside of TLS; a tunnel on a stream of HTTP/2.
UNREAD = {
    "connect-tunnels.pcapng": {4, 6},
    "hostile-ways.pcapng": {1},
    "wss-tunnels.pcapng": {6},
    "http2-connect.pcapng": {0},
}
# Captures with holes that were filled late: tshark shows a frame at the packet that filled the
# hole before it (our `ordinal`), we at the packet that its last byte came in.
FILLED_LATE = {
    *("lossy-path-client.pcapng", "lossy-path-server.pcapng", "damaged-segments.pcapng"),
}

FIELDS = (
    "frame.number",
    "tcp.stream",
    "tcp.srcport",
    "websocket.fin",
    "websocket.rsv",
    "websocket.opcode",
    "websocket.mask",
    "websocket.masking_key",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
)


def theirs(capture: Path) -> list[tuple[int, Seen]]:
    """Return tshark's frames with their packets, in its order."""
    found = []
    for row in fields(capture, FIELDS, where="websocket", more=TOLD.get(capture.name, ())):
        number, stream, port, *several = (each.split("|") if each else [] for each in row)
        found += [
            (int(number[0]), Seen(int(stream[0]), int(port[0]), *facts))
            for facts in frames_of_packet(*several)
        ]
    return found


def frames_of_packet(
    fin: list[str],
    rsv: list[str],
    opcode: list[str],
    mask: list[str],
    keys: list[str],
    lengths: list[str],
    medium: list[str],
    long: list[str],
) -> Iterator[tuple[int, int, int, int | None, int]]:
    """Yield the frames of one packet: keys and long lengths are only there where they were sent."""
    next_key, next_medium, next_long = iter(keys), iter(medium), iter(long)
    for i, short in enumerate(lengths):
        length = int(short, 0)
        if length == 126:
            length = int(next(next_medium), 0)
        elif length == 127:
            length = int(next(next_long), 0)
        key = int(next(next_key).replace(":", ""), 16) if int(mask[i], 0) else None
        yield int(fin[i], 0), int(rsv[i], 0), int(opcode[i], 0), key, length


def ours(capture: Path) -> list[tuple[int, int, Seen]]:
    """Return our frames with the packets of their last byte, and of what made them readable."""
    recording = read([capture], wants=Wants(), limits=Limits())
    found = []
    for row in frames_of(recording):
        connection = recording.connections[row["connection"]]
        if connection.http_stream is not None:
            continue  # test_tshark_http2.py
        head = row["head"]
        seen = Seen(
            connection.tcp_stream or 0,
            connection.server_port if row["sender"] else connection.client_port,
            head >> 7,
            head >> 4 & 7,
            head & 15,
            row["masking_key"] if row["second"] & 0x80 else None,
            row["length"],
        )
        found.append((row["packet_end"], row["ordinal"], seen))
    return found


@pytest.mark.parametrize("capture", SHIPPED, ids=lambda path: path.name)
def test_frames(capture: Path) -> None:
    mine, other = ours(capture), theirs(capture)
    for packet, seen in MISSING.get(capture.name, ("", []))[1]:
        (known,) = [each for each in mine if (each[0], each[2]) == (packet, seen)]
        mine.remove(known)
    for packet, seen in HTTP.get(capture.name, ()):
        other.remove((packet, seen))
    mine = [each for each in mine if each[2].stream not in UNREAD.get(capture.name, ())]
    # Each sender's frames, in the order of its stream.
    mine.sort(key=lambda each: each[2][:2])
    other.sort(key=lambda each: each[1][:2])
    assert [seen for _, _, seen in mine] == [seen for _, seen in other]
    if capture.name not in FILLED_LATE:
        assert [packet for packet, _, _ in mine] == [packet for packet, _ in other]
        return
    late = [
        (packet, theirs)
        for (packet, _, _), (theirs, _) in zip(mine, other, strict=True)
        if packet != theirs
    ]
    assert late
    assert all(packet < theirs for packet, theirs in late)

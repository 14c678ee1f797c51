"""Segments of one conversation, by their place in the sender's stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment

# Initial sequence numbers: the client's wraps within the first bytes.
C0, S0 = 0xFFFFFFF8, 0x10000000


def client(offset: int, data: bytes = b"", flags: int = ACK, ack: int = 0, **more: Any) -> bytes:
    """Return a segment of the client: its first byte is `offset` of its stream, `ack` of theirs."""
    return segment(CLIENT, SERVER, C0 + 1 + offset, S0 + 1 + ack, flags, data, **more)


def server(offset: int, data: bytes = b"", flags: int = ACK, ack: int = 0, **more: Any) -> bytes:
    """Return a segment of the server, likewise."""
    return segment(SERVER, CLIENT, S0 + 1 + offset, C0 + 1 + ack, flags, data, **more)


OPEN = [client(-1, flags=SYN), server(-1, flags=SYN | ACK), client(0)]


def conversation(flights: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a capture in which each flight (side, 0 the client; bytes) is a packet."""
    packets, sent = list(OPEN), [0, 0]
    for side, data in flights:
        make = (client, server)[side]
        packets.append(make(sent[side], data, ack=sent[1 - side]))
        sent[side] += len(data)
    return pcap_of(packets)


FINISH = ("finish", 0)


def cut(packet: bytes, hidden: int) -> tuple[bytes, int]:
    """Return a packet whose last bytes the capture did not keep."""
    return packet[:-hidden], len(packet)

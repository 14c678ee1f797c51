"""From what is said to the packets that carry it: TCP segments with ACKs, or datagrams.

The capture is as taken beside the client: its SYN is answered after a round trip, and it
acknowledges at once. Nothing is lost, repeated or out of order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contents import IntArray
from .sends import CLIENT, MICROSECOND, SERVER, Sends, Table

FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
TCP_FRAME, SYN_FRAME, UDP_FRAME = 66, 74, 42  # bytes of Ethernet, IPv4 and TCP or UDP headers
SEGMENT_NS = 12 * MICROSECOND  # 1,514 bytes at 1 Gbit/s

STEP = np.dtype(
    [
        ("conversation", np.int32),
        ("side", np.uint8),
        ("flags", np.uint8),
        ("pause", np.int64),  # ns since the conversation's previous packet
        ("start", np.int64),  # of the payload in the cohort's bytes
        ("length", np.int64),  # bytes of payload
    ]
)

PACKET = np.dtype(
    [
        ("time", np.int64),  # ns since the epoch
        ("cohort", np.int32),  # whose bytes `start` refers to
        ("conversation", np.int32),  # index in the cohort
        ("start", np.int64),
        ("length", np.int64),
        ("frame_length", np.int64),  # with all headers from Ethernet on
        ("source", np.uint32),
        ("target", np.uint32),
        ("source_port", np.uint16),
        ("target_port", np.uint16),
        ("is_udp", np.bool_),
        ("from_client", np.bool_),
        ("flags", np.uint8),
        ("seq", np.uint32),
        ("ack", np.uint32),
        ("stamp", np.uint32),  # TCP timestamp option: own clock and echo, in ms
        ("echo", np.uint32),
    ]
)


@dataclass(frozen=True)
class Ends:
    """Addresses, ports, initial sequence numbers and begin (ns) of a cohort's conversations."""

    client: NDArray[np.uint32]
    client_port: NDArray[np.uint16]
    server: NDArray[np.uint32]
    server_port: NDArray[np.uint16]
    initial: NDArray[np.uint32]
    """Initial sequence numbers, of shape (conversations, 2): client's, server's."""
    begin: IntArray


def tcp_packets(rng: np.random.Generator, sends: Sends, ends: Ends, mss: int) -> Table:
    """The packets (dtype PACKET) of whole TCP conversations, SYN to FIN, one after the other."""
    count = len(ends.begin)
    data = with_acks(rng, segments(sends.table, mss))
    opened, closed = opening(rng, count), closing(count)
    steps = np.concatenate([opened, data, closed])
    steps = steps[np.argsort(steps["conversation"], kind="stable")]
    packets = addressed(steps, ends)
    number(packets, steps, ends)
    is_syn = steps["flags"] & SYN != 0
    packets["frame_length"] = steps["length"] + np.where(is_syn, SYN_FRAME, TCP_FRAME)
    return packets


def udp_packets(sends: Sends, ends: Ends) -> Table:
    """One datagram (dtype PACKET) for each send."""
    steps = segments(sends.table, 65_507)
    packets = addressed(steps, ends)
    packets["is_udp"] = True
    packets["frame_length"] = steps["length"] + UDP_FRAME
    return packets


def segments(sends: Table, mss: int) -> Table:
    """Cut sends into steps of at most `mss` bytes; the last of each send has PSH."""
    counts = -(-sends["length"] // mss)
    index = np.repeat(np.arange(len(sends)), counts)
    nth = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    steps = np.zeros(len(index), dtype=STEP)
    for name in ("conversation", "side"):
        steps[name] = sends[name][index]
    steps["pause"] = np.where(nth == 0, sends["pause"][index], SEGMENT_NS)
    steps["start"] = sends["start"][index] + nth * mss
    steps["length"] = np.minimum(mss, sends["length"][index] - nth * mss)
    steps["flags"] = np.where(nth == counts[index] - 1, ACK | PSH, ACK)
    return steps


def with_acks(rng: np.random.Generator, steps: Table) -> Table:
    """Add the receiver's pure ACK after every second data segment of a conversation.

    RFC 9293 §3.8.6.3: "an ACK SHOULD be generated for at least every second full-sized segment".
    """
    conversation = steps["conversation"]
    rank = np.arange(len(steps)) - np.searchsorted(conversation, conversation)
    copies = 1 + rank % 2
    result = np.repeat(steps, copies)
    acks = np.flatnonzero(np.repeat(copies, copies) == 2)[1::2]
    result["side"][acks] = 1 - result["side"][acks]
    result["length"][acks] = 0
    result["flags"][acks] = ACK
    result["pause"][acks] = rng.integers(5 * MICROSECOND, 60 * MICROSECOND, len(acks))
    return result


def opening(rng: np.random.Generator, count: int) -> Table:
    """SYN, SYN/ACK after a round trip of 2-60 ms, ACK."""
    steps = np.zeros((count, 3), dtype=STEP)
    steps["conversation"] = np.arange(count)[:, None]
    steps["side"] = (CLIENT, SERVER, CLIENT)
    steps["flags"] = (SYN, SYN | ACK, ACK)
    steps["pause"][:, 1] = rng.integers(2_000 * MICROSECOND, 60_000 * MICROSECOND, count)
    steps["pause"][:, 2] = 20 * MICROSECOND
    return steps.reshape(-1)


def closing(count: int) -> Table:
    """FIN from the server (RFC 6455 §7.1.1: it closes first), FIN from the client, ACK."""
    steps = np.zeros((count, 3), dtype=STEP)
    steps["conversation"] = np.arange(count)[:, None]
    steps["side"] = (SERVER, CLIENT, SERVER)
    steps["flags"] = (FIN | ACK, FIN | ACK, ACK)
    steps["pause"] = (300 * MICROSECOND, 100 * MICROSECOND, 4_000 * MICROSECOND)
    return steps.reshape(-1)


def addressed(steps: Table, ends: Ends) -> Table:
    """The steps as packets with times, addresses and ports."""
    index = steps["conversation"]
    from_client = steps["side"] == CLIENT
    packets = np.zeros(len(steps), dtype=PACKET)
    packets["time"] = ends.begin[index] + since_first(steps["pause"], index)
    packets["from_client"] = from_client
    for name in ("conversation", "start", "length", "flags"):
        packets[name] = steps[name]
    client, server = ends.client[index], ends.server[index]
    packets["source"] = np.where(from_client, client, server)
    packets["target"] = np.where(from_client, server, client)
    client_port, server_port = ends.client_port[index], ends.server_port[index]
    packets["source_port"] = np.where(from_client, client_port, server_port)
    packets["target_port"] = np.where(from_client, server_port, client_port)
    return packets


def number(packets: Table, steps: Table, ends: Ends) -> None:
    """Fill in sequence and acknowledgment numbers (mod 2**32) and TCP timestamps."""
    index, side = steps["conversation"], steps["side"]
    # SYN and FIN take one sequence number each.
    takes = steps["length"] + ((steps["flags"] & (SYN | FIN)) != 0)
    sent = [since_first(np.where(side == end, takes, 0), index, inclusive=False) for end in (0, 1)]
    own = np.where(side == CLIENT, sent[0], sent[1])
    other = np.where(side == CLIENT, sent[1], sent[0])
    packets["seq"] = (ends.initial[index, side] + own).astype(np.uint32)
    has_ack = steps["flags"] & ACK != 0
    packets["ack"] = np.where(has_ack, ends.initial[index, 1 - side] + other, 0).astype(np.uint32)
    stamp = (packets["time"] // 1_000_000).astype(np.uint32)
    packets["stamp"] = stamp
    packets["echo"] = np.where(has_ack, stamp[last_of_other_side(side)], 0)


def since_first(amounts: IntArray, index: NDArray[np.int32], inclusive: bool = True) -> IntArray:
    """Running total of `amounts` within each run of equal `index`, with or without its own."""
    total: IntArray = np.cumsum(amounts, dtype=np.int64)
    first = np.searchsorted(index, index)
    before: IntArray = total[first] - amounts[first]
    return total - before - (0 if inclusive else amounts)


def last_of_other_side(side: NDArray[np.uint8]) -> IntArray:
    """For each packet the position of the latest earlier one from the other side (0 if none)."""
    position = np.arange(len(side), dtype=np.int64)
    last = [np.maximum.accumulate(np.where(side == end, position, 0)) for end in (0, 1)]
    return np.where(side == CLIENT, last[1], last[0])

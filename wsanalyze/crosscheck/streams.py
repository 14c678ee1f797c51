"""Which of our TCP conversations a stream of tshark's is: told by packets, never by numbers.

Both number conversations as they come. But tshark 4.0 takes a second number for a conversation in
which SOCKS carries something that is no TLS, and counts on from there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from wsanalyze.crosscheck.frames import OurFrame
from wsanalyze.layers.connection import Connection

# Numbers from here downwards stand for streams of tshark's in which we have nothing.
NOWHERE = -2


def same_streams(
    ours: Iterable[OurFrame],
    connections: Iterable[Connection],
    theirs: Iterable[tuple[int, int]],
) -> Mapping[int, int]:
    """Return our number of the conversation for each of tshark's, by the packets that both name.

    `theirs`: packets with something of tshark's in them, with its stream. Where no packet tells,
    the number is taken to be the same, unless that one is another stream already.
    """
    at = dict(_our_packets(ours, connections))
    packets_of: dict[int, list[int]] = defaultdict(list)
    for packet, stream in theirs:
        packets_of[stream].append(packet)
    found: dict[int, int] = {}
    for stream, packets in packets_of.items():
        votes = Counter(at[packet] for packet in packets if packet in at)
        if votes:
            found[stream] = votes.most_common(1)[0][0]
    told = frozenset(found.values())
    for stream in packets_of:
        if stream not in found:
            found[stream] = stream if stream not in told else NOWHERE - stream
    return found


def _our_packets(
    ours: Iterable[OurFrame], connections: Iterable[Connection]
) -> Iterable[tuple[int, int]]:
    for each in connections:
        for packet in (each.request_packet, each.response_packet):
            if packet is not None and each.tcp_stream is not None:
                yield packet, each.tcp_stream
    for frame in ours:
        for packet in (frame.packet, frame.packet_end):
            yield packet, frame.facts.stream

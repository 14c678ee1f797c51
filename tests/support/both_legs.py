"""A connection through a proxy, both legs captured, each with a token that the other has not."""

from __future__ import annotations

from support.packets import ACK, SYN, Packet, pcap_of, segment
from support.sessions import masked, request, response

CLIENT, FRONT = ("192.0.2.1", 40000), ("192.0.2.50", 80)
BEHIND, BACKEND = ("192.0.2.50", 50000), ("198.51.100.9", 8080)
FRONT_TOKEN, BACK_TOKEN = "FRONTfrontFRONTfront1234567890", "BACKbackBACKback0987654321zz"


def both_legs(front: str = FRONT_TOKEN, back: str = BACK_TOKEN) -> bytes:
    """Return the capture: the client's leg is connection 0, the backend's is connection 1."""
    sent: list[tuple[int, int, bytes, int]] = [
        *((leg, side, b"", flags) for leg in (0, 1) for side, flags in _OPENING),
        (0, 0, request(target=f"/ws?access_token={front}"), ACK),
        (1, 0, request(target=f"/internal?access_token={back}"), ACK),
        *((leg, 1, response(), ACK) for leg in (1, 0)),
        *((leg, 0, masked(b"hello"), ACK) for leg in (0, 1)),
    ]
    ends = ((CLIENT, FRONT), (BEHIND, BACKEND))
    numbers = [[1000, 5000], [1000, 5000]]
    packets: list[Packet] = []
    for leg, side, data, flags in sent:
        mine = numbers[leg]
        source, target = ends[leg][side], ends[leg][1 - side]
        packets.append(segment(source, target, mine[side], mine[1 - side], flags, data))
        mine[side] += len(data) + (flags & SYN > 0)
    return pcap_of(packets)


_OPENING = ((0, SYN), (1, SYN | ACK), (0, ACK))

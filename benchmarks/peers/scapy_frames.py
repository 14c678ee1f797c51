"""Peer: list the WebSocket frames of a capture with scapy. `python scapy_frames.py FILE`."""

from __future__ import annotations

import sys

from scan import Scanner
from scapy.layers import l2  # noqa: F401  (registers Ethernet)
from scapy.layers.inet import IP, TCP
from scapy.utils import PcapReader


def main(path: str) -> None:
    """Read and dissect each packet with scapy, scan the TCP payloads."""
    scanner = Scanner()
    with PcapReader(path) as packets:
        for number, packet in enumerate(packets, start=1):
            if TCP not in packet:
                continue
            ip, tcp = packet[IP], packet[TCP]
            payload = bytes(tcp.payload)
            if payload:
                scanner.feed((ip.src, tcp.sport, ip.dst, tcp.dport), number, payload)


if __name__ == "__main__":
    main(sys.argv[1])

"""Peer: list the WebSocket frames of a capture with dpkt. `python dpkt_frames.py FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import dpkt
from scan import Scanner


def main(path: Path) -> None:
    """Read each packet with dpkt, scan the TCP payloads."""
    scanner = Scanner()
    with path.open("rb") as file:
        for number, (_, data) in enumerate(dpkt.pcap.UniversalReader(file), start=1):
            ip = dpkt.ethernet.Ethernet(data).data
            if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, dpkt.tcp.TCP):
                continue
            tcp = ip.data
            if tcp.data:
                flow = (ip.src, tcp.sport, ip.dst, tcp.dport)
                scanner.feed(flow, number, tcp.data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The Ethernet, IPv4, TCP and UDP headers of many packets at once.

IP lengths and header checksums are right; TCP and UDP checksums are 0, as where a network card
fills them in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .contents import IntArray
from .packets import SYN, SYN_FRAME, TCP_FRAME, UDP_FRAME
from .sends import Table

Matrix = NDArray[np.uint8]

CLIENT_MAC = bytes.fromhex("020000000001")
SERVER_MAC = bytes.fromhex("020000000002")
WINDOW = 502

LINK = [("target_mac", "S6"), ("source_mac", "S6"), ("ethertype", ">u2")]
IPV4 = [
    ("version", "u1"),
    ("service", "u1"),
    ("total_length", ">u2"),
    ("identification", ">u2"),
    ("fragment", ">u2"),
    ("time_to_live", "u1"),
    ("protocol", "u1"),
    ("checksum", ">u2"),
    ("source", ">u4"),
    ("target", ">u4"),
]
PORTS = [("source_port", ">u2"), ("target_port", ">u2")]
TCP = [
    ("seq", ">u4"),
    ("ack", ">u4"),
    ("offset", "u1"),
    ("flags", "u1"),
    ("window", ">u2"),
    ("tcp_checksum", ">u2"),
    ("urgent", ">u2"),
]
STAMP = [("stamp_option", ">u4"), ("stamp", ">u4"), ("echo", ">u4")]
# A SYN's options: MSS, SACK permitted + timestamps, NOP + window scale 7.
SYN_OPTIONS = [
    ("mss", ">u4"),
    ("sack_stamp", ">u4"),
    ("stamp", ">u4"),
    ("echo", ">u4"),
    ("scale", ">u4"),
]
TCP_HEADER = np.dtype(LINK + IPV4 + PORTS + TCP + STAMP)
SYN_HEADER = np.dtype(LINK + IPV4 + PORTS + TCP + SYN_OPTIONS)
UDP_HEADER = np.dtype([*LINK, *IPV4, *PORTS, ("udp_length", ">u2"), ("udp_checksum", ">u2")])


def headers(packets: Table, mss: int) -> tuple[Matrix, IntArray]:
    """One row of header bytes for each packet (padded to 74) and how many of them count.

    SYNs announce `mss` + 12: the option counts payload and TCP options (RFC 6691 §2).
    """
    matrix = np.zeros((len(packets), SYN_FRAME), dtype=np.uint8)
    widths: IntArray = packets["frame_length"] - packets["length"]
    for width, fill in ((TCP_FRAME, tcp), (SYN_FRAME, syn), (UDP_FRAME, udp)):
        rows = np.flatnonzero(widths == width)
        if len(rows):
            filled = fill(packets[rows])
            if fill is syn:
                filled["mss"] = 0x02040000 | (mss + 12)
            matrix[rows, :width] = filled.view(np.uint8).reshape(len(rows), width)
    return matrix, widths


def tcp(packets: Table) -> Table:
    """Headers with the timestamp option, as all segments but a SYN have."""
    rows = np.zeros(len(packets), dtype=TCP_HEADER)
    fill_ip(rows, packets, 6)
    fill_tcp(rows, packets)
    rows["stamp_option"] = 0x0101080A
    return rows


def syn(packets: Table) -> Table:
    """Headers of SYN and SYN/ACK, the MSS option still to be filled in."""
    rows = np.zeros(len(packets), dtype=SYN_HEADER)
    fill_ip(rows, packets, 6)
    fill_tcp(rows, packets)
    rows["window"] = 64240
    rows["sack_stamp"] = 0x0402080A
    rows["scale"] = 0x01030307
    return rows


def udp(packets: Table) -> Table:
    """Headers of datagrams."""
    rows = np.zeros(len(packets), dtype=UDP_HEADER)
    fill_ip(rows, packets, 17)
    rows["udp_length"] = packets["length"] + 8
    return rows


def fill_tcp(rows: Table, packets: Table) -> None:
    """Numbers, flags and timestamps of TCP."""
    for name in ("seq", "ack", "flags", "stamp", "echo"):
        rows[name] = packets[name]
    has_syn = packets["flags"] & SYN != 0
    rows["offset"] = np.where(has_syn, 10 << 4, 8 << 4)
    rows["window"] = WINDOW


def fill_ip(rows: Table, packets: Table, protocol: int) -> None:
    """Ethernet and IPv4 headers, and the ports."""
    from_client = packets["from_client"]
    rows["target_mac"] = np.where(from_client, SERVER_MAC, CLIENT_MAC)
    rows["source_mac"] = np.where(from_client, CLIENT_MAC, SERVER_MAC)
    rows["ethertype"] = 0x0800
    rows["version"] = 0x45
    rows["total_length"] = packets["frame_length"] - 14
    rows["identification"] = (packets["time"] >> 10) & 0xFFFF
    rows["fragment"] = 0x4000
    rows["time_to_live"] = np.where(from_client, 64, 55)
    rows["protocol"] = protocol
    for name in ("source", "target", "source_port", "target_port"):
        rows[name] = packets[name]
    rows["checksum"] = ip_checksum(rows)


def ip_checksum(rows: Table) -> IntArray:
    """The header checksum (RFC 791 §3.1) of rows whose checksum field is still 0."""
    width = rows.dtype.itemsize
    header = np.ascontiguousarray(rows.view(np.uint8).reshape(len(rows), width)[:, 14:34])
    total: IntArray = header.view(">u2").sum(axis=1, dtype=np.int64)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total

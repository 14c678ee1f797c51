"""The PROXY protocol, versions 1 and 2: who the client of a proxy is, said before anything else.

Source: `The PROXY protocol`, HAProxy's proxy-protocol.txt, §2.1 and §2.2; TLS: §2.2.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from wsanalyze.tunnels.dialogue import GOING, MORE, NONE, OPEN
from wsanalyze.tunnels.way import endpoint

# §2.1: "a 108-byte buffer is always enough to store all the line and a trailing zero".
LINE = 107
BEGINNING = b"PROXY "
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
# §2.2: the signature, version and command, family and transport, a length.
FIXED = 16

LOCAL, PROXIED = 0, 1
UNSPECIFIED, INET, INET6, UNIX = range(4)
# Bytes that each family's addresses and ports take; behind them are TLVs.
SIZES = {UNSPECIFIED: 0, INET: 12, INET6: 36, UNIX: 216}

# §2.2.6: the type of what is said of TLS, its flag that there is any, and the type of a version.
SSL, CLIENT_SSL, SSL_VERSION = 0x20, 0x01, 0x21
# Type and length of a TLV; flags and the result of verification in front of those inside.
TLV, SSL_BEGINS = 3, 5
# `TLSv1.3`; anything else is a stranger's words.
_VERSION = re.compile(rb"(?:TLS|SSL)v[0-9](?:\.[0-9])?")

_PORT = re.compile("0|[1-9][0-9]{0,4}")


class ProxyHeader:
    """One header of the client's, nothing of the server's.

    `tls`: the version of TLS that the proxy's own client spoke to it, `TLS` where it is not said,
    None where there was none as far as is said.
    """

    def __init__(self) -> None:
        self.sender = "client"
        self.state = GOING
        self.way: str | None = None
        self.code: int | None = None
        self.why: str | None = None
        self.tls: str | None = None

    def take(self, data: bytes | bytearray) -> int:
        """Take the header: its size, MORE or NONE (see `Dialogue`)."""
        if data[:1] == SIGNATURE[:1]:
            size, who = _binary(data)
        else:
            size, who = _line(data)
        if size > 0:
            self.state, self.way = OPEN, f"PROXY {who}"
            if data[:1] == SIGNATURE[:1] and data[12] & 15 == PROXIED:
                begin = FIXED + SIZES[data[13] >> 4]
                self.tls = _told_tls(dict(tlvs(bytes(data[begin:size]))))
        return size


def tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield types and values, §2.2; nothing from one on that is longer than what is there."""
    at = 0
    while len(data) - at >= TLV:
        stop = at + TLV + int.from_bytes(data[at + 1 : at + TLV], "big")
        if stop > len(data):
            return
        yield data[at], data[at + TLV : stop]
        at = stop


def _told_tls(said_of: dict[int, bytes]) -> str | None:
    said = said_of.get(SSL, b"")
    if len(said) < SSL_BEGINS or not said[0] & CLIENT_SSL:
        return None
    version = dict(tlvs(said[SSL_BEGINS:])).get(SSL_VERSION, b"")
    return version.decode("ascii") if _VERSION.fullmatch(version) else "TLS"


def declared(data: bytes | bytearray) -> int:
    """Return how long the header is that `data` begins, as far as it says so itself; else 0."""
    if len(data) < FIXED or not data.startswith(SIGNATURE):
        return 0
    return FIXED + int.from_bytes(data[14:16], "big")


def _line(data: bytes | bytearray) -> tuple[int, str]:
    """§2.1: `PROXY TCP4 SOURCE DESTINATION PORT PORT` and CRLF, or `PROXY UNKNOWN` and anything."""
    if not data.startswith(BEGINNING[: len(data)]):
        return NONE, ""
    end = data.find(b"\r\n", 0, LINE)
    if end < 0:
        return (NONE if len(data) >= LINE else MORE), ""
    words = bytes(data[:end]).decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return end + 2, "UNKNOWN"
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        return NONE, ""
    kind = IPv4Address if words[1] == "TCP4" else IPv6Address
    try:
        source, _ = (kind(word) for word in words[2:4])
    except ValueError:
        return NONE, ""
    if any(_PORT.fullmatch(word) is None or int(word) > 65535 for word in words[4:]):
        return NONE, ""
    # (An IPv6 address with a scope is none that the document knows.)
    if "%" in words[2] + words[3]:
        return NONE, ""
    return end + 2, endpoint(source.packed, int(words[4]))


def _binary(data: bytes | bytearray) -> tuple[int, str]:
    """§2.2: the signature, version 2 and a command, a family, the length of the rest."""
    if not data.startswith(SIGNATURE[: len(data)]):
        return NONE, ""
    if len(data) >= 13 and data[12] not in (0x20 | LOCAL, 0x20 | PROXIED):
        return NONE, ""
    if len(data) >= 14 and (data[13] >> 4 not in SIZES or data[13] & 15 > 2):
        return NONE, ""
    if len(data) < FIXED:
        return MORE, ""
    family = data[13] >> 4
    length = int.from_bytes(data[14:16], "big")
    local = data[12] & 15 == LOCAL
    if not local and length < SIZES[family]:
        return NONE, ""
    if len(data) < FIXED + length:
        return MORE, ""
    return FIXED + length, "LOCAL" if local else _source(bytes(data[16:52]), family)


def _source(addresses: bytes, family: int) -> str:
    """Return the source of both addresses, which come before both ports."""
    if family == INET:
        return endpoint(addresses[:4], int.from_bytes(addresses[8:10], "big"))
    if family == INET6:
        return endpoint(addresses[:16], int.from_bytes(addresses[32:34], "big"))
    return "UNIX" if family == UNIX else "UNKNOWN"

# cython: language_level=3, wraparound=False, initializedcheck=False
"""Link types that are seldom seen: from the first byte of a packet to what it carries.

Ethernet, Linux cooked, BSD loopback and raw IP are read in transport/packet.py.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.encapsulation import Encapsulation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.wireless import avs, little, ppi_wifi, prism, radiotap, wifi

# What `Packet.read` may say, as in transport/packet.py.
UNKNOWN_LINK = 3
TRUNCATED = 4
MALFORMED = 5
NOT_IP = 7

# EtherTypes, as in transport/encapsulation.py.
ETHERNET = 0x6558
PPP = 0x880B
PPPOE = 0x8864
RAW_IP = 0x10000


@cython.cfunc
@cython.exceptval(-1000, check=True)
def in_link(place: Encapsulation, buffer: Buffer, link: cython.int) -> cython.int:
    """Pass the header of link type `link` (LINKTYPE_ registry) at `place.at`.

    Returns what is inside as an EtherType, or the negative of what `Packet.read` is to say.
    """
    if link == 105:
        return wifi(place, buffer, False)
    if link == 127:
        return radiotap(place, buffer)
    if link == 119:
        return prism(place, buffer)
    if link == 163:
        return avs(place, buffer)
    if link == 192:
        return ppi(place, buffer)
    if link == 9 or link == 50:
        return hdlc(place, buffer)
    if link == 51:
        return PPPOE
    if link == 104:
        # Cisco HDLC: address, control, EtherType (RFC 1547 §4.3.1).
        return place.shim(buffer, 4)
    if link == 166:
        return pppd(place, buffer)
    if link == 204:
        # One byte of direction, then PPP.
        place.at += 1
        return PPP
    if link == 239:
        return nflog(place, buffer)
    return -UNKNOWN_LINK


@cython.cfunc
@cython.exceptval(-1000, check=True)
def hdlc(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Tell PPP, with its HDLC address or without, from Cisco HDLC by the address."""
    if place.at >= place.stop:
        return -TRUNCATED
    if buffer.view[place.at] == 0x0F or buffer.view[place.at] == 0x8F:
        return place.shim(buffer, 4)
    return PPP


@cython.cfunc
@cython.exceptval(-1000, check=True)
def pppd(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass pppd's direction, which it puts where HDLC has its address, and the control byte."""
    if place.at + 2 > place.stop:
        return -TRUNCATED
    place.at += 2 if buffer.view[place.at + 1] == 3 else 1
    return PPP


@cython.cfunc
@cython.exceptval(-1000, check=True)
def nflog(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Find the packet among the attributes of a netfilter log message (LINKTYPE_NFLOG).

    Lengths and types are in the byte order of whoever captured: types are small, which tells it.
    """
    at: cython.Py_ssize_t = place.at + 4
    length: cython.Py_ssize_t
    kind: cython.int
    if at > place.stop:
        return -TRUNCATED
    if buffer.view[place.at + 1] != 0:
        return -MALFORMED
    while at + 4 <= place.stop:
        length = little(buffer, at, 2)
        kind = little(buffer, at + 2, 2)
        if kind & 0xFF == 0 or kind & 0x7F00:
            length = place.u16(buffer, at)
            kind = place.u16(buffer, at + 2)
        if length < 4:
            return -MALFORMED
        if kind & 0x7FFF == 9:
            place.end_at(at + length)
            place.at = at + 4
            return RAW_IP
        at += (length + 3) & ~3
    return -TRUNCATED if place.stop < place.wire_stop else -NOT_IP


@cython.cfunc
@cython.exceptval(-1000, check=True)
def ppi(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a Per-Packet Information header, which names the link type of what follows."""
    start: cython.Py_ssize_t = place.at
    length: cython.longlong
    link: cython.longlong
    if start + 8 > place.stop:
        return -TRUNCATED
    length = little(buffer, start + 2, 2)
    link = little(buffer, start + 4, 4)
    if buffer.view[start] != 0 or length < 8:
        return -MALFORMED
    place.at += length
    if place.at > place.stop:
        return -TRUNCATED
    if link == 105:
        return ppi_wifi(place, buffer, start + 8, buffer.view[start + 1] & 1 != 0)
    if link == 1:
        return ETHERNET
    if link == 101 or link == 12 or link == 14 or link == 228 or link == 229:
        return RAW_IP
    # Once is enough: PPI within PPI is somebody's joke.
    if link == 192 or link > 0xFFFF:
        return -UNKNOWN_LINK
    return in_link(place, buffer, link)

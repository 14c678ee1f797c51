# cython: language_level=3, wraparound=False, initializedcheck=False
"""What IP and UDP carry that carries IP again: GRE, IP in IP, VXLAN, Geneve, GTP and their like.

Each function passes one header at `place.at` and returns what is inside as an EtherType, or the
negative of what `Packet.read` is to say.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.encapsulation import Encapsulation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.encapsulation import next_protocol

# What `Packet.read` may say, as in transport/packet.py.
UDP = 1
OTHER = 2
TRUNCATED = 4
MALFORMED = 5
NOT_IP = 7
ESP = 8

# EtherTypes, as in transport/encapsulation.py.
IPV4 = 0x0800
IPV6 = 0x86DD
ETHERNET = 0x6558
PPP = 0x880B
MPLS = 0x8847
ERSPAN = 0x88BE
ERSPAN_3 = 0x22EB
RAW_IP = 0x10000

# UDP ports of tunnels, as IANA lists them; 8472 is what Linux used for VXLAN before that.
VXLAN_PORT = 4789
OLD_VXLAN_PORT = 8472
VXLAN_GPE_PORT = 4790
GENEVE_PORT = 6081
GTP_PORT = 2152


@cython.cfunc
@cython.exceptval(-1000, check=True)
def in_ip(place: Encapsulation, buffer: Buffer, protocol: cython.int) -> cython.int:
    """Pass the header of an IP protocol other than TCP and UDP."""
    if protocol == 47:
        return gre(place, buffer)
    if protocol == 4:
        return IPV4
    if protocol == 41:
        return IPV6
    if protocol == 50:
        return -ESP
    if protocol == 137:
        # RFC 4023 §3: MPLS in IP.
        return MPLS
    if protocol == 97:
        # RFC 3378 §2: EtherIP, version 3.
        if place.at + 2 > place.stop:
            return -TRUNCATED
        if place.u16(buffer, place.at) != 0x3000:
            return -OTHER
        place.at += 2
        return ETHERNET
    return -OTHER


@cython.cfunc
@cython.exceptval(-1000, check=True)
def gre(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a GRE header of version 0 (RFC 2784, 2890, routing of RFC 1701) or 1 (RFC 2637)."""
    flags: cython.int
    protocol: cython.int
    length: cython.int = 4
    if place.at + 4 > place.stop:
        return -TRUNCATED
    flags = place.u16(buffer, place.at)
    protocol = place.u16(buffer, place.at + 2)
    # Checksum and offset are there together where either of checksum and routing is.
    if flags & 0xC000:
        length += 4
    if flags & 0x2000:
        length += 4
    if flags & 0x1000:
        length += 4
    if flags & 7 == 1:
        if flags & 0x0080:
            length += 4
    elif flags & 7:
        return -OTHER
    place.at += length
    if place.at > place.stop:
        return -TRUNCATED
    if flags & 0x4000 and route(place, buffer) < 0:
        return -TRUNCATED
    return gre_protocol(place, buffer, protocol, flags & 0x1000 != 0)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def route(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass GRE's source routes (RFC 1701), up to the empty one; return -1 where they are cut."""
    family: cython.int
    length: cython.int
    while place.at + 4 <= place.stop:
        family = place.u16(buffer, place.at)
        length = buffer.view[place.at + 3]
        place.at += 4 + length
        if family == 0 and length == 0:
            return 0
    return -1


@cython.cfunc
@cython.exceptval(-1000, check=True)
def gre_protocol(
    place: Encapsulation, buffer: Buffer, protocol: cython.int, numbered: cython.bint
) -> cython.int:
    """Return what GRE's protocol type means where it is not simply an EtherType that we read."""
    # ERSPAN of type I has no sequence number and no header of its own.
    if protocol == ERSPAN and not numbered:
        return ETHERNET
    if protocol == 0x883E:
        # WCCP: IP, in its second version behind a redirect header of 4 bytes.
        if place.at < place.stop and buffer.view[place.at] >> 4 != 4:
            place.at += 4
        return RAW_IP
    # Up to 1500 it is no length here, as it would be in an Ethernet frame.
    return -NOT_IP if protocol <= 1500 else protocol


@cython.cfunc
@cython.exceptval(-1000, check=True)
def in_udp(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a UDP header and that of the tunnel whose port is the target's; -UDP where none is."""
    port: cython.int
    length: cython.int
    # The tunnels' own headers have 8 bytes at least: what is shorter is none.
    if place.at + 16 > place.stop:
        return -UDP
    port = place.u16(buffer, place.at + 2)
    if (
        port != VXLAN_PORT
        and port != OLD_VXLAN_PORT
        and port != GENEVE_PORT
        and port != GTP_PORT
        and port != VXLAN_GPE_PORT
    ):
        return -UDP
    length = place.u16(buffer, place.at + 4)
    # 0: segmentation offload had not filled it in.
    if length != 0:
        place.end_at(place.at + length)
    place.at += 8
    if place.at + 8 > place.stop:
        return -UDP
    if port == GENEVE_PORT:
        return geneve(place, buffer)
    if port == GTP_PORT:
        return gtp(place, buffer)
    if port == VXLAN_GPE_PORT:
        return vxlan_gpe(place, buffer)
    return vxlan(place, buffer)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def vxlan(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a VXLAN header (RFC 7348 §5): the I flag, and 0 in what is reserved.

    The flags and 16 bits of the group policy extension (draft-smith-vxlan-group-policy) may be set.
    """
    if buffer.view[place.at] & 0x7F != 0x08 or buffer.view[place.at + 7] != 0:
        return -UDP
    if not buffer.view[place.at] & 0x80 and (
        place.u16(buffer, place.at + 2) != 0 or buffer.view[place.at + 1] != 0
    ):
        return -UDP
    place.at += 8
    return ETHERNET


@cython.cfunc
@cython.exceptval(-1000, check=True)
def vxlan_gpe(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a VXLAN-GPE header (draft-ietf-nvo3-vxlan-gpe §3): version 0, instance bit set."""
    flags: cython.int = buffer.view[place.at]
    if flags & 0xF8 != 0x08 or place.u16(buffer, place.at + 1) != 0:
        return -UDP
    place.at += 8
    return next_protocol(buffer.view[place.at - 5]) if flags & 4 else ETHERNET


@cython.cfunc
@cython.exceptval(-1000, check=True)
def geneve(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a Geneve header with its options (RFC 8926 §3.4): version 0, 0 in what is reserved."""
    length: cython.int = 8 + (buffer.view[place.at] & 63) * 4
    protocol: cython.int = place.u16(buffer, place.at + 2)
    if (
        buffer.view[place.at] >> 6
        or buffer.view[place.at + 1] & 0x3F
        or buffer.view[place.at + 7]
        or place.at + length > place.wire_stop
        or protocol <= 1500
    ):
        return -UDP
    place.at += length
    return protocol


@cython.cfunc
@cython.exceptval(-1000, check=True)
def gtp(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a GTP-U header (3GPP TS 29.281 §5.1) of version 1 that carries a user's packet."""
    flags: cython.int = buffer.view[place.at]
    following: cython.int
    _header: cython.int
    if flags & 0xF8 != 0x30 or buffer.view[place.at + 1] != 255:
        return -UDP
    place.end_at(place.at + 8 + place.u16(buffer, place.at + 2))
    place.at += 8
    # Sequence number, N-PDU number and the next header's type are there where any of them is.
    if not flags & 7:
        return users_packet(place, buffer)
    place.at += 4
    if place.at > place.stop:
        return -TRUNCATED
    following = buffer.view[place.at - 1] if flags & 4 else 0
    # An extension header's length is its first byte, in words; its last byte is the next type.
    for _header in range(16):
        if following == 0:
            return users_packet(place, buffer)
        if place.at >= place.stop:
            return -TRUNCATED
        if buffer.view[place.at] == 0:
            return -UDP
        place.at += buffer.view[place.at] * 4
        if place.at > place.stop:
            return -TRUNCATED
        following = buffer.view[place.at - 1]
    return -UDP


@cython.cfunc
@cython.exceptval(-1000, check=True)
def users_packet(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Go on in what GTP-U carries where it begins as IP does: it may be anything, or nothing."""
    version: cython.int
    if place.at >= place.wire_stop:
        return -UDP
    if place.at >= place.stop:
        return -TRUNCATED
    version = buffer.view[place.at] >> 4
    return RAW_IP if version == 4 or version == 6 else -UDP

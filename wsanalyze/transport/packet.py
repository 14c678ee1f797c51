# cython: language_level=3, wraparound=False, initializedcheck=False
"""One captured packet, read from its link header down to its TCP payload."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.encapsulation import Encapsulation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.loads import load16, load32
    from wsanalyze.transport.links import in_link
    from wsanalyze.transport.tunnels import in_ip, in_udp
    from wsanalyze.transport.wireless import subframe

# What `Packet.read` found. TCP: all fields are set. The rest says why there is nothing to follow.
TCP = 0
UDP = 1
OTHER = 2
UNKNOWN_LINK = 3
TRUNCATED = 4
MALFORMED = 5
FRAGMENT = 6
NOT_IP = 7
ESP = 8
MACSEC = 9
WIFI_PROTECTED = 10
NESTED = 11
# Several packets in one (802.11 A-MSDU): `Packet.part` reads them one by one, until NO_MORE.
SEVERAL = 12
NO_MORE = 13

# VLAN tags in one frame; 802.1ad allows two, operators have been seen to stack more.
MOST_TAGS = 8
# IP headers within IP headers, reassembled datagrams among them. Wireshark stops at 50 tunnels,
# Suricata at 16 layers; an overlay over a VPN over a mobile network has four.
MOST_NESTED = 16
# The longest datagram that fragments can make up (RFC 791 §3.1, RFC 8200 §4.5).
LONGEST_DATAGRAM = 65535


@cython.cfunc
@cython.inline
@cython.boundscheck(False)
@cython.exceptval(-1)
def u16(buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
    """Return the big-endian 16-bit number at `at`."""
    # One check for both bytes: the C compiler makes a single load of them.
    if at < 0 or at + 2 > len(buffer.view):
        raise IndexError("the number lies outside its buffer")
    return buffer.view[at] << 8 | buffer.view[at + 1]


@cython.cfunc
@cython.inline
@cython.boundscheck(False)
@cython.exceptval(-1)
def u32(buffer: Buffer, at: cython.Py_ssize_t) -> cython.longlong:
    """Return the big-endian 32-bit number at `at`."""
    if at < 0 or at + 4 > len(buffer.view):
        raise IndexError("the number lies outside its buffer")
    a: cython.uint = buffer.view[at]
    b: cython.uint = buffer.view[at + 1]
    c: cython.uint = buffer.view[at + 2]
    d: cython.uint = buffer.view[at + 3]
    return a << 24 | b << 16 | c << 8 | d


@cython.cfunc
@cython.inline
@cython.exceptval(0, check=True)
def u64(buffer: Buffer, at: cython.Py_ssize_t) -> cython.ulonglong:
    """Return the big-endian 64-bit number at `at`."""
    # Unsigned before it is shifted: a signed number has no place for the uppermost bit.
    high: cython.ulonglong = u32(buffer, at)
    return high << 32 | u32(buffer, at + 4)


@cython.final
@cython.cclass
class Packet:
    """The headers of one packet; a single object is filled again for each.

    After `read` returned TCP:

    - `family` 4 or 6; `source_high`, `source_low`, `target_high`, `target_low`: the addresses as
      two 64-bit numbers each (IPv4: high 0); `ttl`: TTL or hop limit
    - `source_port`, `target_port`, `sequence`, `acknowledgment`, `flags` (9 bits), `window`;
      `control`: the field of 16 bits that has the flags, the data offset in front
    - `identification` (IPv4; 0 for IPv6) and `checksum` (TCP), as sent
    - `payload_start`, `payload_stop`: the captured payload in the buffer
    - `length`: payload bytes on the wire, more than those captured where the packet was cut

    Tunnels and other wrappings are passed: the addresses are those of the innermost IP header.

    After FRAGMENT the addresses are set too, and `fragment_id`, `fragment_offset` (bytes),
    `fragment_more`, `fragment_protocol`, with the fragment's data as payload. Once its datagram is
    whole, `resume` goes on with that. Only where `length` is 0 it is a fragment of IEEE 802.11.

    Source: RFC 791 §3.1, RFC 8200 §3 and §4, RFC 9293 §3.1, IEEE 802.1Q, LINKTYPE_ registry.
    """

    def __init__(self) -> None:
        self.family = self.ttl = self.source_port = self.target_port = 0
        self.source_high = self.source_low = self.target_high = self.target_low = 0
        self.sequence = self.acknowledgment = 0
        self.control = self.window = 0
        self.identification = self.checksum = 0
        self.payload_start = self.payload_stop = 0
        self.length = 0
        self.stop = self.wire_stop = 0
        self.place: Encapsulation = Encapsulation()
        self.depth = 0
        self.fragment_id = 0
        self.fragment_offset = self.fragment_protocol = self.fragment_depth = 0
        self.fragment_more = False
        self.parts_at = self.parts_stop = 0
        self.parts_wire_stop = 0

    @property
    def flags(self) -> int:
        """The nine flags of the segment."""
        return self.control & 0x1FF

    def read(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        wire_length: cython.longlong,
        link: cython.int,
    ) -> cython.int:
        """Read the packet `buffer[start:stop]` of link type `link`; return what it is.

        `wire_length` is its length on the wire, at least stop - start. The bits of `link` from 16
        on are the length of a frame check sequence at its end, in bytes.
        """
        if link == 1 and self.usual(buffer, start, stop):
            return TCP
        self.stop = stop
        self.wire_stop = start + wire_length
        if link == 1:
            return self.ethernet(buffer, start)
        if link == 101 or link == 12 or link == 14:
            return self.raw(buffer, start)
        if link == 113:
            # Linux cooked v1: packet type, ARPHRD, address length, address (8), protocol.
            return self.ethertype(buffer, start + 14)
        if link == 276:
            # Linux cooked v2: protocol, reserved, interface, ARPHRD, type, length, address (8).
            if start + 20 > stop:
                return TRUNCATED
            return self.network(buffer, u16(buffer, start), start + 20)
        if link == 0 or link == 108:
            return self.loopback(buffer, start)
        if link == 228:
            return self.ipv4(buffer, start)
        if link == 229:
            return self.ipv6(buffer, start)
        return self.other_link(buffer, start, link)

    @cython.boundscheck(False)
    def usual(
        self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.bint:
        """Read what nearly every packet is: Ethernet, IPv4 without options, TCP.

        Returns False for anything else, and for whatever is not quite in order; nothing is read
        then, and the long way says what it is. It is the long way's short cut, no second opinion.
        """
        ip: cython.Py_ssize_t = start + 14
        at: cython.Py_ssize_t = start + 34
        end: cython.Py_ssize_t
        header: cython.int
        # The one check that stands for the unchecked loads below.
        if start < 0 or stop > len(buffer.view) or stop - start < 54:
            return False
        if load16(buffer, start + 12) != 0x0800 or buffer.view[ip] != 0x45:
            return False
        if buffer.view[ip + 9] != 6 or load16(buffer, ip + 6) & 0x3FFF:
            return False
        end = ip + load16(buffer, ip + 2)
        header = buffer.view[at + 12] >> 2 & 0x3C
        if header < 20 or at + header > end:
            return False
        self.family = 4
        self.identification = load16(buffer, ip + 4)
        self.checksum = load16(buffer, at + 16)
        self.ttl = buffer.view[ip + 8]
        self.source_high = self.target_high = 0
        self.source_low = load32(buffer, ip + 12)
        self.target_low = load32(buffer, ip + 16)
        self.source_port = load16(buffer, at)
        self.target_port = load16(buffer, at + 2)
        self.sequence = load32(buffer, at + 4)
        self.acknowledgment = load32(buffer, at + 8)
        self.control = load16(buffer, at + 12)
        self.window = load16(buffer, at + 14)
        at += header
        self.length = end - at
        if stop > end:
            stop = end
        self.payload_start = at if at < stop else stop
        self.payload_stop = stop
        return True

    def ethernet(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read an Ethernet header: two addresses, then the EtherType."""
        return self.ethertype(buffer, at + 12)

    def ethertype(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read the EtherType at `at`, past any VLAN tags, and what follows it."""
        kind: cython.int
        tags: cython.int = 0
        while True:
            if at + 2 > self.stop:
                return TRUNCATED
            kind = u16(buffer, at)
            at += 2
            # 802.1Q, 802.1ad, and the tags that came before the standard (Q-in-Q).
            if kind != 0x8100 and kind != 0x88A8 and kind != 0x9100 and kind != 0x9200:
                return self.network(buffer, kind, at)
            tags += 1
            if tags > MOST_TAGS:
                return MALFORMED
            at += 2

    def network(self, buffer: Buffer, ethertype: cython.int, at: cython.Py_ssize_t) -> cython.int:
        """Read what the EtherType announces."""
        if ethertype == 0x0800:
            return self.ipv4(buffer, at)
        if ethertype == 0x86DD:
            return self.ipv6(buffer, at)
        # Linux cooked v2 names the tag itself as its protocol.
        if ethertype == 0x8100 or ethertype == 0x88A8:
            return self.ethertype(buffer, at + 2)
        self.place.bound(at, self.stop, self.wire_stop)
        return self.inside(buffer, ethertype)

    def raw(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read an IP packet without a link header: the version is its first half byte."""
        if at >= self.stop:
            return TRUNCATED
        if buffer.view[at] >> 4 == 4:
            return self.ipv4(buffer, at)
        if buffer.view[at] >> 4 == 6:
            return self.ipv6(buffer, at)
        return MALFORMED

    def loopback(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read BSD loopback: an address family in the byte order of whoever captured."""
        family: cython.longlong
        if at + 4 > self.stop:
            return TRUNCATED
        family = u32(buffer, at)
        # Families are below 2^16: what is not, was written in the other byte order.
        if family >= 0x10000:
            family = buffer.view[at] | buffer.view[at + 1] << 8
        if family == 2:
            return self.ipv4(buffer, at + 4)
        # AF_INET6 is 10, 24, 28 or 30, depending on the system.
        if family == 10 or family == 24 or family == 28 or family == 30:
            return self.ipv6(buffer, at + 4)
        return NOT_IP

    def ipv4(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read an IPv4 header and what it carries."""
        header: cython.int
        total: cython.int
        if at + 20 > self.stop:
            return TRUNCATED
        header = (buffer.view[at] & 15) * 4
        if buffer.view[at] >> 4 != 4 or header < 20:
            return MALFORMED
        total = u16(buffer, at + 2)
        # Total length 0: segmentation offload had not filled it in; the packet is all there is.
        if total != 0:
            if total < header:
                return MALFORMED
            self.end_at(at + total)
        self.family = 4
        self.identification = u16(buffer, at + 4)
        self.ttl = buffer.view[at + 8]
        self.source_high = self.target_high = 0
        self.source_low = u32(buffer, at + 12)
        self.target_low = u32(buffer, at + 16)
        # More fragments, or an offset: the transport header is not here or not whole.
        if u16(buffer, at + 6) & 0x3FFF:
            return self.fragment4(buffer, at, header)
        return self.carried(buffer, buffer.view[at + 9], at + header)

    def ipv6(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read an IPv6 header, its extension headers and what it carries."""
        length: cython.int
        if at + 40 > self.stop:
            return TRUNCATED
        if buffer.view[at] >> 4 != 6:
            return MALFORMED
        length = u16(buffer, at + 4)
        # Payload length 0: a jumbogram or segmentation offload; the packet is all there is.
        if length != 0:
            self.end_at(at + 40 + length)
        self.family = 6
        self.identification = 0
        self.ttl = buffer.view[at + 7]
        self.source_high = u64(buffer, at + 8)
        self.source_low = u64(buffer, at + 16)
        self.target_high = u64(buffer, at + 24)
        self.target_low = u64(buffer, at + 32)
        return self.extensions(buffer, buffer.view[at + 6], at + 40)

    def extensions(self, buffer: Buffer, kind: cython.int, at: cython.Py_ssize_t) -> cython.int:
        """Walk IPv6 extension headers (RFC 8200 §4) from one of type `kind` at `at`."""
        while kind == 0 or kind == 43 or kind == 60 or kind == 51 or kind == 44 or kind == 135:
            if at + 8 > self.stop:
                return TRUNCATED
            if kind == 44:
                # An "atomic" fragment (RFC 6946) is whole: offset 0 and no more to come.
                if u16(buffer, at + 2) & 0xFFF9:
                    return self.fragment6(buffer, at)
                kind = buffer.view[at]
                at += 8
            elif kind == 51:
                kind = buffer.view[at]
                at += (buffer.view[at + 1] + 2) * 4
            else:
                kind = buffer.view[at]
                at += (buffer.view[at + 1] + 1) * 8
        return self.carried(buffer, kind, at)

    def end_at(self, stop: cython.Py_ssize_t) -> cython.int:
        """Let the packet end at `stop`, as IP says: what lies behind is padding or a checksum."""
        self.wire_stop = stop
        if stop < self.stop:
            self.stop = stop
        return 0

    def carried(self, buffer: Buffer, protocol: cython.int, at: cython.Py_ssize_t) -> cython.int:
        """Read what the IP packet carries."""
        if protocol == 6:
            return self.tcp(buffer, at)
        if protocol == 17:
            return self.udp(buffer, at)
        return self.other_protocol(buffer, protocol, at)

    def tcp(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read a TCP header (RFC 9293 §3.1)."""
        header: cython.int
        if at + 20 > self.stop:
            return TRUNCATED if at + 20 <= self.wire_stop else MALFORMED
        header = (buffer.view[at + 12] >> 4) * 4
        if header < 20 or at + header > self.wire_stop:
            return MALFORMED
        self.checksum = u16(buffer, at + 16)
        self.source_port = u16(buffer, at)
        self.target_port = u16(buffer, at + 2)
        self.sequence = u32(buffer, at + 4)
        self.acknowledgment = u32(buffer, at + 8)
        self.control = u16(buffer, at + 12)
        self.window = u16(buffer, at + 14)
        at += header
        self.length = self.wire_stop - at
        self.payload_start = at if at < self.stop else self.stop
        self.payload_stop = self.stop
        return TCP

    def other_link(self, buffer: Buffer, start: cython.Py_ssize_t, link: cython.int) -> cython.int:
        """Read a packet of a link type that is seldom seen, or with a frame check sequence."""
        checked: cython.longlong = link >> 16
        stop: cython.longlong
        if checked > 0:
            # It is no part of the packet, and is the first to be cut away.
            stop = max(self.wire_stop - checked, start)
            return self.read(buffer, start, min(stop, self.stop), stop - start, link & 0xFFFF)
        self.place.bound(start, self.stop, self.wire_stop)
        return self.inside(buffer, in_link(self.place, buffer, link))

    def inside(self, buffer: Buffer, kind: cython.int) -> cython.int:
        """Read what EtherType `kind` announces at `self.place`; if negative, why nothing is."""
        place: Encapsulation = self.place
        found: cython.int
        kind = place.follow(buffer, kind)
        if kind < 0:
            self.parts_at = place.at
            self.parts_stop = place.stop
            self.parts_wire_stop = place.wire_stop
            # A fragment of IEEE 802.11 has no length here, to tell it from those of IP.
            self.length = 0
            return -kind
        if self.depth >= MOST_NESTED:
            return NESTED
        self.stop = place.stop
        self.wire_stop = place.wire_stop
        self.depth += 1
        found = self.ipv4(buffer, place.at) if kind == 0x0800 else self.ipv6(buffer, place.at)
        self.depth -= 1
        return found

    def udp(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read a tunnel over UDP; what does not look like one all through is UDP."""
        found: cython.int
        self.place.bound(at, self.stop, self.wire_stop)
        found = in_udp(self.place, buffer)
        if found == -UDP:
            return UDP
        found = self.inside(buffer, found)
        return UDP if found in (MALFORMED, NOT_IP) else found

    def other_protocol(
        self, buffer: Buffer, protocol: cython.int, at: cython.Py_ssize_t
    ) -> cython.int:
        """Read an IP protocol other than TCP and UDP."""
        kind: cython.int
        if protocol == 51:
            # An authentication header in IPv4; IPv6 comes here past all of them (RFC 4302 §2).
            while protocol == 51:
                if at + 8 > self.stop:
                    return TRUNCATED
                protocol = buffer.view[at]
                at += (buffer.view[at + 1] + 2) * 4
            return self.carried(buffer, protocol, at)
        self.place.bound(at, self.stop, self.wire_stop)
        kind = in_ip(self.place, buffer, protocol)
        return -kind if kind < 0 else self.inside(buffer, kind)

    def fragment4(self, buffer: Buffer, at: cython.Py_ssize_t, header: cython.int) -> cython.int:
        """Take note of a fragment of IPv4 (RFC 791 §3.2); Linux cuts what is not in eights."""
        field: cython.int = u16(buffer, at + 6)
        if field & 0x2000:
            self.end_at(at + header + ((self.wire_stop - at - header) & ~7))
        self.fragment_id = u16(buffer, at + 4)
        self.fragment_protocol = buffer.view[at + 9]
        return self.fragment(at + header, (field & 0x1FFF) * 8, field & 0x2000 != 0)

    def fragment6(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Take note of a fragment of IPv6 (RFC 8200 §4.5), with its header at `at`."""
        field: cython.int = u16(buffer, at + 2)
        if field & 1 and (self.wire_stop - at) & 7:
            return MALFORMED
        self.fragment_id = u32(buffer, at + 4)
        self.fragment_protocol = buffer.view[at]
        return self.fragment(at + 8, field & 0xFFF8, field & 1 != 0)

    def fragment(self, at: cython.Py_ssize_t, offset: cython.int, more: cython.bint) -> cython.int:
        """Take note of where a fragment's data lies."""
        self.length = self.wire_stop - at
        if self.length <= 0 or offset + self.length > LONGEST_DATAGRAM:
            return MALFORMED
        self.payload_start = at if at < self.stop else self.stop
        self.payload_stop = self.stop
        self.fragment_offset = offset
        self.fragment_more = more
        self.fragment_depth = self.depth
        return FRAGMENT

    def resume(self, buffer: Buffer, length: cython.longlong, protocol: cython.int) -> cython.int:
        """Read the datagram that the fragment before this call made whole.

        `buffer` holds what was captured of its `length` bytes, up to the first that was not.
        Returns what `read` does, FRAGMENT among it: a tunnelled packet may be one of those.
        """
        found: cython.int
        if self.fragment_depth >= MOST_NESTED:
            return NESTED
        self.stop = len(buffer.view)
        self.wire_stop = length
        self.depth = self.fragment_depth + 1
        if self.family == 6:
            found = self.extensions(buffer, protocol, 0)
        else:
            found = self.carried(buffer, protocol, 0)
        self.depth = 0
        return found

    def part(self, buffer: Buffer) -> cython.int:
        """Read the next of SEVERAL packets in one; return what `read` does, or NO_MORE."""
        place: Encapsulation = self.place
        start: cython.Py_ssize_t = self.parts_at
        stop: cython.Py_ssize_t = self.parts_stop
        wire_stop: cython.longlong = self.parts_wire_stop
        found: cython.int
        if start >= stop:
            return NO_MORE
        place.bound(start, stop, wire_stop)
        found = subframe(place, buffer)
        # Each but the last is filled up to a multiple of 4 bytes.
        start += (place.wire_stop - start + 3) & ~3
        found = -found if found < 0 else self.inside(buffer, found)
        self.parts_at = start if found != TRUNCATED else stop
        self.parts_stop = stop
        self.parts_wire_stop = wire_stop
        return found

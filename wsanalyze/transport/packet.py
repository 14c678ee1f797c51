# cython: language_level=3, wraparound=False, initializedcheck=False
"""One captured packet, read from its link header down to its TCP payload."""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What `Packet.read` found. TCP: all fields are set. The rest says why there is nothing to follow.
TCP = 0
UDP = 1
OTHER = 2
UNKNOWN_LINK = 3
TRUNCATED = 4
MALFORMED = 5
FRAGMENT = 6

# VLAN tags in one frame; 802.1ad allows two, operators have been seen to stack more.
MOST_TAGS = 8


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


@cython.final
@cython.cclass
class Packet:
    """The headers of one packet; a single object is filled again for each.

    After `read` returned TCP:

    - `family` 4 or 6; `source_high`, `source_low`, `target_high`, `target_low`: the addresses as
      two 64-bit numbers each (IPv4: high 0); `ttl`: TTL or hop limit
    - `source_port`, `target_port`, `sequence`, `acknowledgment`, `flags` (9 bits), `window`
    - `network_start`, `transport_start`: where the IP and the TCP header begin in the buffer; 20
      bytes of each lie within the packet
    - `payload_start`, `payload_stop`: the captured payload in the buffer
    - `length`: payload bytes on the wire, more than those captured where the packet was cut

    Source: RFC 791 §3.1, RFC 8200 §3 and §4, RFC 9293 §3.1, IEEE 802.1Q, LINKTYPE_ registry.
    """

    def __init__(self) -> None:
        self.family = self.ttl = self.source_port = self.target_port = 0
        self.source_high = self.source_low = self.target_high = self.target_low = 0
        self.sequence = self.acknowledgment = 0
        self.flags = self.window = 0
        self.network_start = self.transport_start = 0
        self.payload_start = self.payload_stop = 0
        self.length = 0
        self.stop = self.wire_stop = 0

    def read(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        wire_length: cython.longlong,
        link: cython.int,
    ) -> cython.int:
        """Read the packet `buffer[start:stop]` of link type `link`; return what it is.

        `wire_length` is its length on the wire, at least stop - start.
        """
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
        return UNKNOWN_LINK

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
        return OTHER

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
        return OTHER

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
        # More fragments, or an offset: the transport header is not here or not whole.
        if u16(buffer, at + 6) & 0x3FFF:
            return FRAGMENT
        self.family = 4
        self.network_start = at
        self.ttl = buffer.view[at + 8]
        self.source_high = self.target_high = 0
        self.source_low = u32(buffer, at + 12)
        self.target_low = u32(buffer, at + 16)
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
        self.network_start = at
        self.ttl = buffer.view[at + 7]
        self.source_high = u32(buffer, at + 8) << 32 | u32(buffer, at + 12)
        self.source_low = u32(buffer, at + 16) << 32 | u32(buffer, at + 20)
        self.target_high = u32(buffer, at + 24) << 32 | u32(buffer, at + 28)
        self.target_low = u32(buffer, at + 32) << 32 | u32(buffer, at + 36)
        return self.extensions(buffer, buffer.view[at + 6], at + 40)

    def extensions(self, buffer: Buffer, kind: cython.int, at: cython.Py_ssize_t) -> cython.int:
        """Walk IPv6 extension headers (RFC 8200 §4) from one of type `kind` at `at`."""
        while kind == 0 or kind == 43 or kind == 60 or kind == 51 or kind == 44 or kind == 135:
            if at + 8 > self.stop:
                return TRUNCATED
            if kind == 44:
                # An "atomic" fragment (RFC 6946) is whole: offset 0 and no more to come.
                if u16(buffer, at + 2) & 0xFFF9:
                    return FRAGMENT
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
            return UDP
        return OTHER

    def tcp(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Read a TCP header (RFC 9293 §3.1)."""
        header: cython.int
        if at + 20 > self.stop:
            return TRUNCATED if at + 20 <= self.wire_stop else MALFORMED
        header = (buffer.view[at + 12] >> 4) * 4
        if header < 20 or at + header > self.wire_stop:
            return MALFORMED
        self.transport_start = at
        self.source_port = u16(buffer, at)
        self.target_port = u16(buffer, at + 2)
        self.sequence = u32(buffer, at + 4)
        self.acknowledgment = u32(buffer, at + 8)
        self.flags = u16(buffer, at + 12) & 0x1FF
        self.window = u16(buffer, at + 14)
        at += header
        self.length = self.wire_stop - at
        self.payload_start = at if at < self.stop else self.stop
        self.payload_stop = self.stop
        return TCP

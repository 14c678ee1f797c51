# cython: language_level=3, wraparound=False, initializedcheck=False
"""Headers between the link and IP, or around a tunnelled frame: from each to the one inside it.

Whatever a header announces is named by its EtherType here, also where the header itself uses other
numbers (PPP, NSH, GTP): `Encapsulation.follow` goes from EtherType to EtherType until it is IP.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What `Packet.read` may say, as in transport/packet.py; `follow` returns these negated.
OTHER = 2
TRUNCATED = 4
MALFORMED = 5
NOT_IP = 7
MACSEC = 9
NESTED = 11

# Headers between two IP headers, VLAN tags and MPLS labels among them. Two tags and four labels are
# much; what stacks more of them wants to keep us busy.
MOST_HEADERS = 32

# EtherTypes (IEEE 802 numbers, as IANA lists them).
IPV4 = 0x0800
IPV6 = 0x86DD
ETHERNET = 0x6558
PPP = 0x880B
MPLS = 0x8847
MPLS_UPSTREAM = 0x8848
PPPOE = 0x8864
ERSPAN = 0x88BE
ERSPAN_3 = 0x22EB
NSH = 0x894F
# Not EtherTypes: IP of either version, and IEEE 802.2.
RAW_IP = 0x10000
LLC = 0x10001


@cython.final
@cython.cclass
class Encapsulation:
    """A place in a packet, between `at` and `stop`; the headers there are passed one by one.

    `wire_stop` is where the packet ended on the wire: behind `stop` where the capture cut it.
    """

    def __init__(self) -> None:
        self.at = self.stop = 0
        self.wire_stop = 0

    def bound(
        self, at: cython.Py_ssize_t, stop: cython.Py_ssize_t, wire_stop: cython.longlong
    ) -> cython.int:
        """Stand at `at`, in a packet that ends at `stop` and, on the wire, at `wire_stop`."""
        self.at = at
        self.stop = stop
        self.wire_stop = wire_stop
        return 0

    def end_at(self, stop: cython.longlong) -> cython.int:
        """Let the packet end at `stop` where that is earlier: what lies behind is padding."""
        if stop < self.wire_stop:
            self.wire_stop = stop
        if stop < self.stop:
            self.stop = stop
        return 0

    def u16(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.int:
        """Return the big-endian 16-bit number at `at`."""
        return buffer.view[at] << 8 | buffer.view[at + 1]

    def follow(self, buffer: Buffer, kind: cython.int) -> cython.int:
        """Go from what EtherType `kind` announces at `at` on to the next IP header.

        Returns 0x0800 or 0x86DD, and `at` is where that header begins; or the negative of what
        `Packet.read` is to say. Every step goes forward, and there are MOST_HEADERS at most.
        """
        _step: cython.int
        for _step in range(MOST_HEADERS):
            if kind in (IPV4, IPV6) or kind < 0:
                return kind
            kind = self.step(buffer, kind)
        return kind if kind in (IPV4, IPV6) or kind < 0 else -NESTED

    def step(self, buffer: Buffer, kind: cython.int) -> cython.int:
        """Pass the header that EtherType `kind` announces; return what is inside."""
        if kind == 0x8100 or kind == 0x88A8 or kind == 0x9100 or kind == 0x9200:
            return self.shim(buffer, 4)
        if kind == ETHERNET:
            return self.ethernet(buffer)
        if kind in (MPLS, MPLS_UPSTREAM):
            return self.mpls(buffer)
        if kind == PPPOE:
            return self.pppoe(buffer)
        if kind == PPP:
            return self.ppp(buffer)
        if kind == RAW_IP:
            return self.raw(buffer)
        if kind in (ERSPAN, ERSPAN_3):
            return self.erspan(buffer, kind)
        if kind == NSH:
            return self.nsh(buffer)
        if kind == 0x88E7:
            # 802.1ah: an I-TAG whose last twelve bytes are the customer's addresses.
            self.at += 4
            return self.ethernet(buffer)
        if kind == 0x8926:
            # Cisco VN-Tag: 4 bytes, then the EtherType.
            return self.shim(buffer, 6)
        if kind == 0x893F:
            # 802.1BR E-TAG: 6 bytes, then the EtherType.
            return self.shim(buffer, 8)
        if kind == 0x88E5:
            return self.macsec(buffer)
        if kind == LLC or kind <= 1500:
            return self.llc(buffer)
        return -NOT_IP

    def shim(self, buffer: Buffer, length: cython.int) -> cython.int:
        """Pass a tag of `length` bytes, of which the last two are the next EtherType."""
        self.at += length
        if self.at > self.stop:
            return -TRUNCATED
        return self.u16(buffer, self.at - 2)

    def ethernet(self, buffer: Buffer) -> cython.int:
        """Pass an Ethernet header; up to 1500 the last field is a length (IEEE 802.3 §3.2.6)."""
        kind: cython.int = self.shim(buffer, 14)
        if 0 <= kind <= 1500:
            self.end_at(self.at + kind)
            return LLC
        return kind

    def llc(self, buffer: Buffer) -> cython.int:
        """Pass an LLC header with SNAP that holds an EtherType (RFC 1042, IEEE 802.2)."""
        if self.at + 8 > self.stop:
            return -NOT_IP if self.at + 8 > self.wire_stop else -TRUNCATED
        if self.u16(buffer, self.at) != 0xAAAA or buffer.view[self.at + 2] != 3:
            return -NOT_IP
        # The two organisations that mean "an EtherType follows": 0, and 802.1H's bridge tunnel.
        if self.u16(buffer, self.at + 3) != 0 or buffer.view[self.at + 5] not in (0, 0xF8):
            return -NOT_IP
        return self.shim(buffer, 8)

    def raw(self, buffer: Buffer) -> cython.int:
        """Say which version of IP it is by the first half byte."""
        if self.at >= self.stop:
            return -TRUNCATED
        if buffer.view[self.at] >> 4 == 4:
            return IPV4
        if buffer.view[self.at] >> 4 == 6:
            return IPV6
        return -MALFORMED

    def mpls(self, buffer: Buffer) -> cython.int:
        """Pass a stack of MPLS labels (RFC 3032 §2.1)."""
        label: cython.int
        _label: cython.int
        for _label in range(MOST_HEADERS):
            if self.at + 4 > self.stop:
                return -TRUNCATED
            label = self.u16(buffer, self.at) << 4 | buffer.view[self.at + 2] >> 4
            self.at += 4
            if buffer.view[self.at - 2] & 1:
                return self.behind_labels(buffer, label)
        return -NESTED

    def behind_labels(self, buffer: Buffer, label: cython.int) -> cython.int:
        """Say what follows the last label: nothing in it tells, so the first half byte must.

        4 and 6 are IP (RFC 4928 §3); 0 is a pseudowire's control word (RFC 4385 §3) before
        Ethernet; other values begin the address of an Ethernet frame without one (RFC 4448 §4.6).
        """
        first: cython.int
        if label == 0:
            return IPV4
        if label == 2:
            return IPV6
        if self.at + 4 > self.stop:
            return -TRUNCATED
        first = buffer.view[self.at] >> 4
        if first == 6:
            return IPV6
        if first == 4 and buffer.view[self.at] & 15 >= 5:
            return IPV4
        if first == 0 and self.plausible_ethernet(buffer, self.at + 4):
            self.at += 4
            return ETHERNET
        return ETHERNET if self.plausible_ethernet(buffer, self.at) else -NOT_IP

    def plausible_ethernet(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.bint:
        """Say whether a frame at `at` would have an EtherType that is read here."""
        kind: cython.int
        if at + 14 > self.stop:
            return False
        kind = self.u16(buffer, at + 12)
        if kind <= 1500:
            return at + 16 <= self.stop and self.u16(buffer, at + 14) == 0xAAAA
        if kind in (IPV4, IPV6, 0x0806, 0x8100, 0x88A8, 0x9100, 0x9200, 0x8926, 0x893F):
            return True
        return kind in (MPLS, MPLS_UPSTREAM, PPPOE, NSH, 0x88E5, 0x88E7)

    def pppoe(self, buffer: Buffer) -> cython.int:
        """Pass a PPPoE session header (RFC 2516 §4): version and type 1, code 0."""
        if self.at + 6 > self.stop:
            return -TRUNCATED
        if buffer.view[self.at] != 0x11:
            return -MALFORMED
        if buffer.view[self.at + 1] != 0:
            return -NOT_IP
        self.end_at(self.at + 6 + self.u16(buffer, self.at + 4))
        self.at += 6
        return PPP

    def ppp(self, buffer: Buffer) -> cython.int:
        """Pass a PPP header (RFC 1661 §2, RFC 1662 §3.1): both its parts may be compressed."""
        protocol: cython.int
        if self.at + 2 <= self.stop and self.u16(buffer, self.at) == 0xFF03:
            self.at += 2
        if self.at >= self.stop:
            return -TRUNCATED
        protocol = buffer.view[self.at]
        self.at += 1
        # The last byte of a protocol number is odd, those before it are even.
        if not protocol & 1:
            if self.at >= self.stop:
                return -TRUNCATED
            protocol = protocol << 8 | buffer.view[self.at]
            self.at += 1
        if protocol == 0x21:
            return IPV4
        if protocol == 0x57:
            return IPV6
        if protocol == 0x281 or protocol == 0x283:
            return MPLS
        return -NOT_IP

    def macsec(self, buffer: Buffer) -> cython.int:
        """Pass a SecTAG whose frame is authenticated and not encrypted (IEEE 802.1AE §9.3)."""
        control: cython.int
        if self.at >= self.stop:
            return -TRUNCATED
        control = buffer.view[self.at]
        if control & 0x0C:
            return -MACSEC
        # The integrity check value is the end of the frame; 16 bytes in each standard cipher suite.
        self.end_at(self.wire_stop - 16)
        return self.shim(buffer, 16 if control & 0x20 else 8)

    def erspan(self, buffer: Buffer, kind: cython.int) -> cython.int:
        """Pass an ERSPAN header of type II or III (draft-foschiano-erspan-03 §4)."""
        length: cython.int = 8 if kind == ERSPAN else 12
        last: cython.int
        if self.at + length > self.stop:
            return -TRUNCATED
        if buffer.view[self.at] >> 4 != (1 if kind == ERSPAN else 2):
            return -MALFORMED
        if kind == ERSPAN:
            self.at += 8
            return ETHERNET
        last = self.u16(buffer, self.at + 10)
        # The O bit: a platform's subheader of 8 bytes. Then the frame type, 2 for IP alone.
        self.at += 20 if last & 1 else 12
        if last >> 10 & 31 == 2:
            return RAW_IP
        return ETHERNET if last >> 10 & 31 == 0 else -NOT_IP

    def nsh(self, buffer: Buffer) -> cython.int:
        """Pass a Network Service Header (RFC 8300 §2.2): its length is in 4-byte words."""
        length: cython.int
        following: cython.int
        if self.at + 8 > self.stop:
            return -TRUNCATED
        length = (buffer.view[self.at + 1] & 63) * 4
        if length < 8:
            return -MALFORMED
        following = buffer.view[self.at + 3]
        self.at += length
        return next_protocol(following)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def next_protocol(number: cython.int) -> cython.int:
    """Return the EtherType of a next protocol as NSH and VXLAN-GPE number them (RFC 8300 §11)."""
    if number == 1:
        return IPV4
    if number == 2:
        return IPV6
    if number == 3:
        return ETHERNET
    if number == 4:
        return NSH
    if number == 5:
        return MPLS
    return -NOT_IP

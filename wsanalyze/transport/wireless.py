# cython: language_level=3, wraparound=False, initializedcheck=False
"""IEEE 802.11 data frames, and the headers that capturing programs put in front of them.

Each function passes headers at `place.at` and returns what is inside as an EtherType (LLC where an
802.2 header follows), or the negative of what `Packet.read` is to say.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.encapsulation import Encapsulation

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What `Packet.read` may say, as in transport/packet.py.
OTHER = 2
UNKNOWN_LINK = 3
TRUNCATED = 4
MALFORMED = 5
FRAGMENT = 6
NOT_IP = 7
WIFI_PROTECTED = 10
SEVERAL = 12

# Not an EtherType: IEEE 802.2, as in transport/encapsulation.py.
LLC = 0x10001


@cython.cfunc
@cython.exceptval(-1, check=True)
def little(buffer: Buffer, at: cython.Py_ssize_t, length: cython.int) -> cython.longlong:
    """Return the little-endian number of `length` bytes (4 at most) at `at`."""
    number: cython.longlong = 0
    i: cython.int
    byte: cython.longlong
    for i in range(length):
        byte = buffer.view[at + i]
        number |= byte << (8 * i)
    return number


@cython.cfunc
@cython.exceptval(-1000, check=True)
def wifi(place: Encapsulation, buffer: Buffer, padded: cython.bint) -> cython.int:
    """Pass the MAC header of a data frame (IEEE 802.11-2020 §9.3.2), `padded` to 4 bytes.

    Returns -SEVERAL where an A-MSDU lies between `at` and `stop`.
    """
    kind: cython.int
    flags: cython.int
    length: cython.int = 24
    aggregated: cython.bint = False
    if place.at + 24 > place.stop:
        # Control frames are shorter, and nothing that we look for.
        if place.at < place.stop and buffer.view[place.at] & 0x0C != 8:
            return -NOT_IP
        return -TRUNCATED
    kind = buffer.view[place.at]
    flags = buffer.view[place.at + 1]
    # Protocol version 0, type 2 (data); bit 2 of the subtype: a frame without data.
    if kind & 0x0F != 0x08 or kind & 0x40:
        return -NOT_IP
    if flags & 3 == 3:
        length += 6
    if kind & 0x80:
        if place.at + length + 2 > place.stop:
            return -TRUNCATED
        aggregated = buffer.view[place.at + length] & 0x80 != 0
        length += 2
        # The order bit of a QoS frame: an HT Control field.
        if flags & 0x80:
            length += 4
    if flags & 0x40:
        return -WIFI_PROTECTED
    # More fragments, or not the first one: there is no whole MSDU here.
    if flags & 0x04 or buffer.view[place.at + 22] & 15:
        return -FRAGMENT
    place.at += (length + 3) & ~3 if padded else length
    if place.at > place.stop:
        return -TRUNCATED
    return -SEVERAL if aggregated else LLC


@cython.cfunc
@cython.exceptval(-1000, check=True)
def subframe(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass the header of an A-MSDU subframe (§9.3.2.2.2), which ends where its length says."""
    length: cython.int
    if place.at + 14 > place.stop:
        return -TRUNCATED
    length = place.u16(buffer, place.at + 12)
    place.at += 14
    place.end_at(place.at + length)
    return LLC


@cython.cfunc
@cython.exceptval(-1000, check=True)
def flagged(
    place: Encapsulation,
    buffer: Buffer,
    fcs: cython.bint,
    padded: cython.bint,
    damaged: cython.bint,
) -> cython.int:
    """Read the 802.11 frame of which a capture header said so much."""
    if damaged:
        # The receiver threw it away, and so do we.
        return -MALFORMED
    if fcs:
        place.end_at(place.wire_stop - 4)
    return wifi(place, buffer, padded)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def radiotap(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a radiotap header (radiotap.org), of which the flags are wanted: bit 1, behind TSFT."""
    start: cython.Py_ssize_t = place.at
    at: cython.Py_ssize_t = start + 8
    length: cython.longlong
    present: cython.longlong
    more: cython.bint
    flags: cython.int = 0
    if at > place.stop:
        return -TRUNCATED
    if buffer.view[start] != 0:
        return -MALFORMED
    length = little(buffer, start + 2, 2)
    present = little(buffer, start + 4, 4)
    if length < 8:
        return -MALFORMED
    if start + length > place.stop:
        return -TRUNCATED
    # Bit 31 of each bitmap: another one follows.
    more = present >> 31 != 0
    while more:
        if at + 4 > start + length:
            return -MALFORMED
        more = buffer.view[at + 3] & 0x80 != 0
        at += 4
    if present & 2:
        if present & 1:
            # TSFT: 8 bytes, aligned to 8 from the header's beginning.
            at = start + ((at - start + 7) & ~7) + 8
        if at >= start + length:
            return -MALFORMED
        flags = buffer.view[at]
    place.at = start + length
    return flagged(place, buffer, flags & 0x10 != 0, flags & 0x20 != 0, flags & 0x40 != 0)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def prism(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass a Prism header: message code and length in the byte order of whoever captured.

    Some drivers give an AVS header under the same link type: its version tells.
    """
    length: cython.longlong
    if place.at + 8 > place.stop:
        return -TRUNCATED
    if place.u16(buffer, place.at) == 0x8021:
        return avs(place, buffer)
    length = little(buffer, place.at + 4, 4)
    if length >= 0x10000:
        length = place.u16(buffer, place.at + 6)
    if length < 8:
        return -MALFORMED
    place.at += length
    return -TRUNCATED if place.at > place.stop else wifi(place, buffer, False)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def avs(place: Encapsulation, buffer: Buffer) -> cython.int:
    """Pass an AVS header: version and length, in network byte order."""
    length: cython.int
    if place.at + 8 > place.stop:
        return -TRUNCATED
    length = place.u16(buffer, place.at + 6)
    if place.u16(buffer, place.at) != 0x8021 or place.u16(buffer, place.at + 4) or length < 8:
        return -MALFORMED
    place.at += length
    return -TRUNCATED if place.at > place.stop else wifi(place, buffer, False)


@cython.cfunc
@cython.exceptval(-1000, check=True)
def ppi_wifi(
    place: Encapsulation, buffer: Buffer, at: cython.Py_ssize_t, aligned: cython.bint
) -> cython.int:
    """Read the 802.11 frame at `place.at` as the PPI fields from `at` up to there say."""
    length: cython.Py_ssize_t
    flags: cython.int = 0
    while at + 4 <= place.at:
        length = little(buffer, at + 2, 2)
        # 802.11-Common: the TSF timer, then flags.
        if little(buffer, at, 2) == 2 and length >= 10 and at + 14 <= place.at:
            flags = buffer.view[at + 12]
        at += 4 + ((length + 3) & ~3 if aligned else length)
    return flagged(place, buffer, flags & 1 != 0, False, flags & 4 != 0)

# cython: language_level=3, wraparound=False, initializedcheck=False
"""Whether a TCP checksum is right, as far as the capture lets anybody say so.

Where the sending host captured, the network card was to fill the checksum in: the field holds the
sum of the pseudo header only (Linux, Windows), or 0. Such a checksum says nothing.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.loads import load16, load32

VALID = 1
UNKNOWN = 0
BAD = -1

# Sums are folded to 16 bits by taking the remainder of this: 2^16 leaves 1.
FOLDED = 0xFFFF
LOW = 0xFFFFFFFF
TCP_PROTOCOL = 6


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def total(buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.ulonglong:
    """Return the sum of the 16-bit numbers in [start, stop), an odd byte filled up with a zero.

    The caller has made sure that they lie in the buffer. The result is not folded.
    """
    found: cython.ulonglong = 0
    at: cython.Py_ssize_t = start
    if not cython.compiled:
        odd = (stop - start) & 1
        return (int.from_bytes(buffer.view[start:stop], "big") << 8 * odd) % FOLDED
    while at + 4 <= stop:
        found += load32(buffer, at)
        at += 4
    if at + 2 <= stop:
        found += load16(buffer, at)
        at += 2
    if at < stop:
        found += buffer.view[at] << 8
    return found


@cython.cfunc
@cython.exceptval(check=False)
def pseudo_sum(packet: Packet) -> cython.ulonglong:
    """Return the sum of the pseudo header without the length (RFC 9293 §3.1), not folded."""
    pseudo: cython.ulonglong
    pseudo = (packet.source_high >> 32) + (packet.source_high & LOW)
    pseudo += (packet.source_low >> 32) + (packet.source_low & LOW)
    pseudo += (packet.target_high >> 32) + (packet.target_high & LOW)
    pseudo += (packet.target_low >> 32) + (packet.target_low & LOW)
    return pseudo + TCP_PROTOCOL


def is_unfilled(packet: Packet) -> cython.bint:
    """Say whether the sender left a segment's checksum to its network card, by the field alone."""
    pseudo: cython.ulonglong = pseudo_sum(packet)
    size: cython.ulonglong = packet.length + (packet.control >> 10 & 0x3C)
    # Segmentation offload leaves the length out of it on some systems.
    return (
        packet.checksum == 0
        or pseudo % FOLDED == packet.checksum % FOLDED
        or (pseudo + size) % FOLDED == packet.checksum % FOLDED
    )


def soundness(packet: Packet, buffer: Buffer) -> cython.int:
    """Say whether the checksum of the segment that `packet` describes is VALID, BAD or UNKNOWN.

    UNKNOWN: the capture cut the segment, or the sender had not filled the checksum in.
    Source: RFC 9293 §3.1, RFC 8200 §8.1.
    """
    header: cython.Py_ssize_t = packet.control >> 10 & 0x3C
    start: cython.Py_ssize_t = packet.payload_start - header
    stop: cython.Py_ssize_t = packet.payload_stop
    if packet.payload_stop - packet.payload_start != packet.length:
        return UNKNOWN
    if start < 0 or stop > len(buffer.view) or is_unfilled(packet):
        return UNKNOWN
    found: cython.ulonglong = pseudo_sum(packet) + total(buffer, start, stop)
    return VALID if (found + (stop - start)) % FOLDED == 0 else BAD

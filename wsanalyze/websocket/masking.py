# cython: language_level=3, wraparound=False, initializedcheck=False
"""Unmasking of frame payloads (RFC 6455 §5.3), into a buffer that is used again and again."""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Payload is looked at in pieces of this many bytes: they stay in the processor's nearest cache.
PIECE = 16384


@cython.final
@cython.cclass
class Scratch:
    """Room for one unmasked piece: `buffer` reads what `room` holds."""

    def __init__(self) -> None:
        held = bytearray(PIECE)
        self.room = memoryview(held)
        self.buffer = Buffer(held)

    @cython.boundscheck(False)
    @cython.wraparound(False)
    def unmask(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        key: cython.longlong,
        at: cython.Py_ssize_t,
    ) -> cython.int:
        """Write `buffer[start:stop]`, at most PIECE bytes, unmasked to the scratch.

        `key` is the masking key as a big-endian number, `at` the offset of the first byte in its
        frame's payload (modulo 4 is enough). Returns the OR of all bytes written: below 128 says
        that they are all ASCII.
        """
        length: cython.Py_ssize_t = stop - start
        # The one check that stands for the unchecked loops below.
        if start < 0 or length < 0 or stop > len(buffer.view) or length > PIECE:
            raise IndexError("the piece lies outside its buffer")
        if not cython.compiled:
            return self.unmask_plainly(buffer, start, stop, key, at)
        return self.unmask_compiled(buffer, start, length, key, at)

    def unmask_plainly(self, buffer: Buffer, start: int, stop: int, key: int, at: int) -> int:
        """Unmask without a compiler: one XOR of two long numbers."""
        length = stop - start
        turned = ((key << 8 * (at & 3)) | (key >> (32 - 8 * (at & 3)))) & 0xFFFFFFFF
        pattern = turned.to_bytes(4, "big") * (length // 4 + 1)
        masked = int.from_bytes(buffer.view[start:stop], "big")
        plain = (masked ^ int.from_bytes(pattern[:length], "big")).to_bytes(length, "big")
        self.room[:length] = plain
        return 0 if plain.isascii() else 128

    @cython.boundscheck(False)
    @cython.wraparound(False)
    def unmask_compiled(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
        key: cython.longlong,
        at: cython.Py_ssize_t,
    ) -> cython.int:
        """Unmask in blocks of 16 bytes, which the C compiler turns into vector instructions."""
        source: cython.p_const_uchar = cython.address(buffer.view[0]) + start
        target: cython.p_uchar = cython.address(self.room[0])
        # C arrays, see the .pxd.
        mask = [0] * 16
        seen = [0] * 16
        bits: cython.uchar = 0
        i: cython.Py_ssize_t
        j: cython.int
        blocks: cython.Py_ssize_t = length >> 4
        for j in range(16):
            mask[j] = (key >> (24 - 8 * ((at + j) & 3))) & 255
        for i in range(blocks):
            for j in range(16):
                target[16 * i + j] = source[16 * i + j] ^ mask[j]
                seen[j] |= target[16 * i + j]
        for i in range(blocks * 16, length):
            target[i] = source[i] ^ mask[i & 15]
            bits |= target[i]
        for j in range(16):
            bits |= seen[j]
        return bits


def unmask(payload: bytes, masking_key: bytes | int, offset: int = 0) -> bytes:
    """Return `payload` masked or unmasked with `masking_key` (4 bytes, or their big-endian number).

    `offset` is the place of its first byte in the frame's payload. Masking is its own inverse.
    Source: RFC 6455 §5.3. Raises ValueError for a key that is not 4 bytes.
    """
    key = int.from_bytes(masking_key, "big") if isinstance(masking_key, bytes) else masking_key
    if not 0 <= key <= 0xFFFFFFFF or (isinstance(masking_key, bytes) and len(masking_key) != 4):
        raise ValueError("a masking key has 4 bytes")
    turned = ((key << 8 * (offset & 3)) | (key >> (32 - 8 * (offset & 3)))) & 0xFFFFFFFF
    pattern = turned.to_bytes(4, "big") * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(pattern[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")

"""Columns of ASCII text made of numbers and bytes without a Python loop."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Lengths = npt.NDArray[np.int64]

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@cache
def _thousand() -> Bytes:
    """Return the three digits of each number below 1000."""
    texts = np.array([f"{number:03}" for number in range(1000)], dtype="S3")
    return texts.view(np.uint8).reshape(1000, 3)


@cache
def _pairs() -> npt.NDArray[np.uint32]:
    """Return the four hex digits of each two bytes, by the number that they are in memory."""
    octets = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
    digits = np.stack((_HEX[octets >> 4], _HEX[octets & 15]), axis=1)
    return digits.reshape(-1).view(np.uint32)


def hexadecimal(cells: Bytes) -> Bytes:
    """Return rows of bytes as rows of twice as many lower-case hex digits."""
    rows, width = cells.shape
    if width % 2 == 0 and cells.size:
        pairs = np.ascontiguousarray(cells).view(np.uint16)
        return _pairs().take(pairs).view(np.uint8).reshape(rows, 2 * width)
    digits = np.empty((rows, width, 2), dtype=np.uint8)
    digits[:, :, 0] = _HEX[cells >> 4]
    digits[:, :, 1] = _HEX[cells & 15]
    return digits.reshape(rows, 2 * width)


def text_array(
    characters: Bytes, present: Mask | None = None, *, lengths: Lengths | None = None
) -> pa.LargeStringArray:
    """Return an Arrow array of the rows of ASCII `characters`; null where not `present`.

    `characters` may have no rows for what is not present. With `lengths`, the cells are stretches
    of so many characters each, one behind the other.
    """
    validity = None
    if lengths is None:
        rows, width = characters.shape
        lengths = np.full(rows, width)
        if present is not None:
            lengths = np.where(present, width, 0)
            if rows == len(present):
                characters = characters[present]
            validity = pa.py_buffer(np.packbits(present, bitorder="little"))
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    data = pa.py_buffer(np.ascontiguousarray(characters))
    array: Any = pa.Array.from_buffers(
        pa.large_string(), len(lengths), [validity, pa.py_buffer(offsets), data]
    )
    return array


def iso_times(times: npt.NDArray[np.int64]) -> Bytes:
    """Return integer nanoseconds as rows of 30 characters: `2026-01-02T03:04:05.000000006Z`."""
    seconds, fraction = np.divmod(times, 1_000_000_000)
    # Most neighbours share their second: each stretch of one second is written once.
    starts = np.flatnonzero(np.diff(seconds, prepend=seconds[:1] - 1))
    stretches = np.diff(np.append(starts, len(times))).astype(np.int64)
    texts = np.datetime_as_string(seconds[starts].astype("datetime64[s]")).astype("S19")
    characters = np.empty((len(times), 30), dtype=np.uint8)
    characters[:, :19] = np.repeat(texts.view(np.uint8).reshape(-1, 19), stretches, axis=0)
    characters[:, 19] = ord(".")
    milli, rest = np.divmod(fraction.astype(np.uint32), 1_000_000)
    micro, nano = np.divmod(rest, 1000)
    for place, number in ((20, milli), (23, micro), (26, nano)):
        characters[:, place : place + 3] = _thousand().take(number, axis=0)
    characters[:, 29] = ord("Z")
    return characters

"""Columns of ASCII text made of numbers and bytes without a Python loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Lengths = npt.NDArray[np.int64]

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_ASCII_0 = 48


def hexadecimal(cells: Bytes) -> Bytes:
    """Return rows of bytes as rows of twice as many lower-case hex digits."""
    digits = np.empty((cells.shape[0], cells.shape[1], 2), dtype=np.uint8)
    digits[:, :, 0] = _HEX[cells >> 4]
    digits[:, :, 1] = _HEX[cells & 15]
    return digits.reshape(cells.shape[0], 2 * cells.shape[1])


def text_array(
    characters: Bytes, present: Mask | None = None, *, lengths: Lengths | None = None
) -> pa.LargeStringArray:
    """Return an Arrow array of the rows of ASCII `characters`; null where not `present`.

    With `lengths`, the cells are stretches of so many characters each, one behind the other.
    """
    validity = None
    if lengths is None:
        rows, width = characters.shape
        lengths = np.full(rows, width)
        if present is not None:
            lengths = np.where(present, width, 0)
            characters = characters[present]
            validity = pa.py_buffer(np.packbits(present, bitorder="little"))
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    data = pa.py_buffer(np.ascontiguousarray(characters))
    array: Any = pa.Array.from_buffers(
        pa.large_string(), len(lengths), [validity, pa.py_buffer(offsets), data]
    )
    return array


def text_series(array: pa.LargeStringArray) -> pd.Series[Any]:
    """Return an Arrow array as a pandas Series of dtype `string`."""
    return pd.Series(pd.array(array, dtype=pd.StringDtype()))


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
    fraction = fraction.astype(np.uint32)
    for place in range(28, 19, -1):
        fraction, digit = np.divmod(fraction, 10)
        characters[:, place] = digit + _ASCII_0
    characters[:, 29] = ord("Z")
    return characters

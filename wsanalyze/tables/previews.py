"""What a message's first bytes look like: characters of a text, hex of a binary message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wsanalyze.tables.arrays import of_texts, plain
from wsanalyze.tables.fixed_width import hexadecimal, text_array
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.preview import TEXT, preview


def previews(payloads: pa.Array, whole: Ints, opcode: Ints, length: int) -> pa.Array:
    """Return the previews, of at most `length` bytes each, of messages.

    `payloads`: binaries, what was kept of each; `whole`: their lengths, -1 where unknown. ASCII
    texts and binary messages are made without a loop in Python, other texts one by one.
    """
    if not len(payloads):
        return of_texts([])
    kept = _sizes(payloads)
    if kept.max() > length:
        payloads = pc.binary_slice(payloads, 0, length)
    shown = _sizes(payloads)
    data = _data(payloads)
    is_text = opcode == TEXT
    is_simple = (kept == 0) | _is_ascii(data, shown) | ~is_text
    texts = text_array(data.reshape(-1, 1), lengths=shown)
    if not is_text.all():
        digits = hexadecimal(data.reshape(-1, 1)).reshape(-1, 1)
        texts = pc.if_else(plain(is_text), texts, text_array(digits, lengths=2 * shown))
    is_unknown = (kept == 0) & (whole != 0)
    if is_unknown.any():
        texts = pc.if_else(plain(is_unknown), of_texts([None])[0], texts)
    if is_simple.all():
        return texts
    others = np.flatnonzero(~is_simple)
    facts = np.stack((kept, whole, opcode))[:, others].T.tolist()
    cells = [
        preview(cell, *each)
        for cell, each in zip(payloads.take(plain(others)).to_pylist(), facts, strict=True)
    ]
    return pc.replace_with_mask(texts, plain(~is_simple), of_texts(cells))


def _sizes(payloads: pa.Array) -> Ints:
    return np.diff(_ends(payloads))


def _data(payloads: pa.Array) -> Any:
    """Return the bytes of all payloads, one behind the other."""
    ends = _ends(payloads)
    return np.frombuffer(payloads.buffers()[2] or b"", dtype=np.uint8)[ends[0] : ends[-1]]


def _ends(payloads: pa.Array) -> Ints:
    """Return where each payload begins in the data, and where the last one ends."""
    ends: Ints = np.frombuffer(payloads.buffers()[1], dtype=np.int64)
    return ends[payloads.offset : payloads.offset + len(payloads) + 1]


def _is_ascii(data: Any, sizes: Ints) -> Any:
    """Tell for each stretch of so many bytes whether it has no byte from 0x80 on."""
    result = np.ones(len(sizes), dtype=np.bool_)
    there = np.flatnonzero(sizes)
    if len(there):
        starts = (np.cumsum(sizes) - sizes)[there]
        result[there] = np.bitwise_or.reduceat(data, starts) < 0x80
    return result

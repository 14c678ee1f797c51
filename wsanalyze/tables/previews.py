"""What a message's first bytes look like: characters of a text, hex of a binary message."""

from __future__ import annotations

import codecs
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wsanalyze.tables.columns import MessageColumns
from wsanalyze.tables.fixed_width import hexadecimal, text_array, text_series
from wsanalyze.tables.numbering import Ints

TEXT = 1

# Messages whose bytes are gathered at once: some 50 MB of indices at 64 bytes each.
SLICE = 100_000


def previews(messages: MessageColumns, rows: Ints, length: int) -> pd.Series[Any]:
    """Return the previews of the messages `rows`, of at most `length` bytes each.

    ASCII texts and binary messages are made without a loop in Python, other texts one by one.
    """
    columns = {name: np.asarray(column) for name, column in messages.arrays().items()}
    payloads = bytes(messages.payloads)
    parts = [
        _slice(columns, payloads, rows[start : start + SLICE], length)
        for start in range(0, len(rows), SLICE)
    ]
    return text_series(pa.chunked_array(parts, pa.large_string()).combine_chunks())


def preview(
    payloads: bytes | bytearray, start: int, stop: int, whole: int, opcode: int, length: int
) -> str | None:
    """Return the preview of one message, of which `payloads[start:stop]` was kept.

    `whole` is the length of the payload, -1 where unknown. A character that is cut at the end of
    what is shown is left out; bytes that are no UTF-8 become U+FFFD. None where nothing was kept
    of a payload that is not empty.
    """
    kept = max(stop - start, 0) if start >= 0 else 0
    if not kept:
        return "" if whole == 0 else None
    shown = payloads[start : start + min(kept, length)]
    if opcode != TEXT:
        return shown.hex()
    is_whole = len(shown) == whole
    text, _ = codecs.utf_8_decode(shown, "replace", is_whole)
    return text


def _slice(columns: dict[str, Any], payloads: bytes, rows: Ints, length: int) -> pa.Array:
    """Return what `preview` gives for each of the rows."""
    names = ("payload_start", "payload_stop", "length", "opcode")
    start, stop, whole, opcode = (columns[name][rows] for name in names)
    kept = np.where(start >= 0, np.maximum(stop - start, 0), 0)
    shown = np.minimum(kept, length)
    ends = np.concatenate(([0], np.cumsum(shown)))
    places = np.arange(ends[-1]) + np.repeat(start - ends[:-1], shown)
    data = np.frombuffer(payloads, dtype=np.uint8)[places]
    beyond_ascii = np.concatenate(([0], np.cumsum(data >= 0x80)))
    is_text = opcode == TEXT
    is_ascii = is_text & (beyond_ascii[ends[1:]] == beyond_ascii[ends[:-1]])
    is_simple = (kept > 0) & (is_ascii | ~is_text)
    texts = text_array(data.reshape(-1, 1), lengths=shown)
    if not is_text.all():
        digits = hexadecimal(data.reshape(-1, 1)).reshape(-1, 1)
        texts = pc.if_else(pa.array(is_text), texts, text_array(digits, lengths=2 * shown))
    if is_simple.all():
        return texts
    others = np.flatnonzero(~is_simple)
    facts = np.stack((start, stop, whole, opcode))[:, others].T.tolist()
    cells = [
        preview(payloads, first, last, size, kind, length) for first, last, size, kind in facts
    ]
    return pc.replace_with_mask(texts, pa.array(~is_simple), pa.array(cells, pa.large_string()))

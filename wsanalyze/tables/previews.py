"""What a message's first bytes look like: characters of a text, hex of a binary message."""

from __future__ import annotations

import codecs
from typing import Any

import numpy as np
import pandas as pd

from wsanalyze.tables.columns import MessageColumns
from wsanalyze.tables.numbering import Ints

TEXT = 1


def previews(messages: MessageColumns, rows: Ints, length: int) -> pd.Series[Any]:
    """Return the previews of the messages `rows`, of at most `length` bytes each."""
    columns = messages.arrays()
    names = ("payload_start", "payload_stop", "length", "opcode")
    start, stop, whole, opcode = (np.asarray(columns[name])[rows].tolist() for name in names)
    payloads = messages.payloads
    cells = [
        preview(payloads, *facts, length) for facts in zip(start, stop, whole, opcode, strict=True)
    ]
    return pd.Series(cells, dtype=pd.StringDtype())


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

"""What the first bytes of one message look like; `previews.py` does it for many at once."""

from __future__ import annotations

import codecs

TEXT = 1


def preview(shown: bytes, kept: int, whole: int, opcode: int) -> str | None:
    """Return the preview of one message, whose first bytes are `shown` of `kept` that were kept.

    `whole` is the length of the payload, -1 where unknown. A character that is cut at the end of
    what is shown is left out; bytes that are no UTF-8 become U+FFFD. None where nothing was kept
    of a payload that is not empty.
    """
    if not kept:
        return "" if whole == 0 else None
    if opcode != TEXT:
        return shown.hex()
    text, _ = codecs.utf_8_decode(shown, "replace", len(shown) == whole)
    return text

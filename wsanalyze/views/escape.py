"""Text from strangers, made visible: no character reaches a terminal that could steer or fool it.

Each control, format or invisible character becomes `\\x1b`, `\\u202e` or `\\U000e0041`, and a
backslash becomes two, so that what is shown says exactly what was sent. Letters, marks and emoji
stay as they are.
"""

from __future__ import annotations

import unicodedata

# Cc, Cf: controls and format characters (bidi, zero width, tags); Cs: lone surrogates; Co, Cn: no
# meaning that a reader could know; Zl, Zp, Zs: spaces and line ends that look like others.
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"))
# Letters and symbols by category that have no ink: Hangul fillers, the blank braille pattern.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# Marks that select a glyph and have none of their own.
SELECTORS = frozenset(map(chr, (0x034F, *range(0x180B, 0x180E), *range(0xFE00, 0xFE10))))
# Marks stacked on one letter: the languages that stack need two or three.
MARKS = 3


def visible(text: str, width: int | None = None) -> str:
    """Return `text` with everything invisible escaped, shortened to `width` terminal cells.

    What is cut off is shown as `…` at the end.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        escaped = text
    else:
        escaped = "".join(_escaped(text))
    return escaped if width is None else shortened(escaped, width)


def prose(text: str) -> str:
    """Return a sentence of ours with everything invisible escaped and its backslashes as they are.

    Text from the wire in it was escaped when it was quoted; a second time would double its
    backslashes.
    """
    return "\\".join(visible(piece) for piece in text.split("\\"))


def shortened(text: str, width: int) -> str:
    """Return printable `text` cut to `width` terminal cells, `…` in place of what is cut off."""
    if text.isascii() and len(text) <= width:
        return text
    used = 0
    fits = 0
    for place, character in enumerate(text):
        used += cells(character)
        if used > width:
            return text[:fits] + "…" if width > 0 else ""
        if used <= width - 1:
            fits = place + 1
    return text


def cells(character: str) -> int:
    """Return how many terminal cells a printable character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _escaped(text: str) -> list[str]:
    pieces = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character == "\\":
            pieces.append("\\\\")
        elif character != " " and _is_hidden(character, category, marks):
            pieces.append(_code(character))
        else:
            pieces.append(character)
    return pieces


def _is_hidden(character: str, category: str, marks: int) -> bool:
    if category in HIDDEN or marks > MARKS:
        return True
    return character in BLANK or character in SELECTORS


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

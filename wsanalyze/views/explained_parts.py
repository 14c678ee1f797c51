"""What the sections of an explained connection are made of: headings, rows, bytes, findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsanalyze.checks.finding import Finding
from wsanalyze.views.escape import prose, shortened, visible
from wsanalyze.views.quantities import since as since
from wsanalyze.views.wrapping import Line, defused, labelled, wrapped

INDENT = 3
# What stands for a byte that is no UTF-8, as Python's surrogateescape has it.
NO_UTF8 = re.compile("([\udc80-\udcff])")
STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}
SIDES = {"client": "green", "server": "cyan"}
# Longer lines of prose are hard to read.
PROSE = 120


def heading(number: int, title: str) -> Iterator[Line]:
    """Yield the heading of a section."""
    yield [(f"{number}  {title}", "bold")]


def say(text: str, width: int, *, indent: int = INDENT, style: str = "") -> Iterator[Line]:
    """Yield a sentence of ours, wrapped; text from the wire in it was made visible."""
    for line in wrapped(text, min(width, PROSE) - indent):
        yield [(" " * indent, ""), (line, style)]


def row(
    label: str, text: str, width: int, *, column: int = 24, indent: int = INDENT, style: str = ""
) -> Iterator[Line]:
    """Yield a label and a text behind it, which goes on below itself."""
    label_cells = f"{' ' * indent}{label}"
    if len(label_cells) >= column + indent:
        yield [(label_cells, "dim")]
        label_cells = ""
    yield from labelled(
        label_cells, text, min(width, PROSE), column=column + indent, style=style, label_style="dim"
    )


def finding_lines(finding: Finding, width: int, indent: int) -> Iterator[Line]:
    """Yield a finding: its severity and ID, what it says, and the section."""
    mark = f"{finding.severity} {finding.check}"
    place = "" if finding.packet is None else f"packet {finding.packet}: "
    text = place + prose(finding.message)
    if finding.reference:
        text += f" ({finding.reference})"
    width = min(width, PROSE)
    lines = list(labelled(f"{' ' * indent}{mark}: ", text, width, column=indent + len(mark) + 2))
    style = STYLES.get(finding.severity, "")
    first = lines[0]
    yield [(first[0][0], style), *first[1:]]
    yield from lines[1:]


def hexadecimal(data: bytes, most: int) -> str:
    """Return bytes in hex, apart by spaces; `…` for what is not shown."""
    return data[:most].hex(" ") + (" …" if len(data) > most else "")


def readable(data: bytes, most: int) -> str:
    """Return bytes as text, in quotes; what is not UTF-8 or cannot be seen is escaped.

    Behind the quotes stands `…` where it is cut.
    """
    text = data[: 4 * most].decode("utf-8", "surrogateescape")
    whole = "".join(map(_piece, NO_UTF8.split(text)))
    shown = shortened(whole, most)
    is_cut = shown != whole or len(data) > 4 * most
    # The mark of what is cut off stands outside: inside, it might have been sent.
    shown = shown.removesuffix("…") if shown != whole else shown
    # Of a line that CI services would take for a command, see `wrapping`.
    return f'"{defused(shown)}"' + ("…" if is_cut else "")


def _piece(piece: str) -> str:
    if len(piece) == 1 and NO_UTF8.fullmatch(piece):
        return f"\\x{ord(piece) - 0xDC00:02x}"
    return visible(piece)


def byte_text(byte: int) -> str:
    """Return the character of a byte, `.` where it is no visible ASCII."""
    return chr(byte) if 0x21 <= byte <= 0x7E else "." if byte != 0x20 else "␠"


def arrow(sender: str, ends: tuple[str, str] = ("client", "server")) -> str:
    """Return who sends to whom; `ends`: what the client and the server are called."""
    way = "→" if sender == "client" else "←"
    return f"{ends[0]} {way} {ends[1]}"

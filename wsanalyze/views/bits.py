"""Header bits as RFC 6455 §5.2 draws them: rows of 32, each field with its real bits in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ROW = 32
RULER = (
    " 0                   1                   2                   3",
    " " + " ".join(str(bit % 10) for bit in range(ROW)),
)


@dataclass(frozen=True, slots=True)
class Bits:
    """One field: its name, its bits as `0` and `1`, and, for narrow ones, the name in letters."""

    name: str
    bits: str
    letters: str = ""


def bits_of(data: bytes) -> str:
    """Return the bits of bytes, the most significant first."""
    return "".join(f"{byte:08b}" for byte in data)


def header_fields(header: bytes, payload: bytes = b"") -> list[Bits]:
    """Return the fields of a header of RFC 6455, and of as much payload as fills the last row.

    `header` is whole: the length of it follows from its second byte.
    """
    bits = bits_of(header)
    fields = [
        Bits("FIN", bits[0], "FIN"),
        Bits("RSV1", bits[1], "RSV1"),
        Bits("RSV2", bits[2], "RSV2"),
        Bits("RSV3", bits[3], "RSV3"),
        Bits("opcode", bits[4:8]),
        Bits("MASK", bits[8], "MASK"),
        Bits("Payload len", bits[9:16]),
    ]
    at = 16
    size = {126: 16, 127: 64}.get(header[1] & 0x7F, 0)
    if size:
        fields.append(Bits(f"Extended payload length ({size})", bits[at : at + size]))
        at += size
    if header[1] & 0x80:
        fields.append(Bits("Masking-key", bits[at : at + 32]))
        at += 32
    rest = (-at) % ROW
    filling = bits_of(payload)[:rest]
    if filling:
        fields.append(Bits("Payload Data", filling))
    return fields


def diagram(fields: list[Bits]) -> list[str]:
    """Return the lines of the diagram, 65 cells wide at most."""
    lines = list(RULER)
    rows = list(_rows(fields))
    for place, row in enumerate(rows):
        lines.append(_border(row, rows[place - 1] if place else []))
        lines += _labels(row)
        lines.append("|" + "|".join(" ".join(part.bits) for part in row) + "|")
    lines.append(_border(rows[-1], []))
    return lines


def _rows(fields: list[Bits]) -> Iterator[list[Bits]]:
    """Yield the fields in rows; one that goes on in the next row is divided."""
    row: list[Bits] = []
    room = ROW
    for field in fields:
        bits, first = field.bits, True
        while bits:
            piece, bits = bits[:room], bits[room:]
            name = field.name if first else f"{field.name} continued"
            row.append(Bits(name, piece, field.letters))
            room -= len(piece)
            first = False
            if room == 0:
                yield row
                row, room = [], ROW
    if row:
        yield row


def _border(below: list[Bits], above: list[Bits]) -> str:
    """Return the line between two rows, with a corner wherever a field of either ends."""
    width = max(_cells(below), _cells(above))
    corners = _ends(below) | _ends(above)
    return "".join("+" if place in corners else "-" for place in range(width))


def _cells(row: list[Bits]) -> int:
    return 2 * sum(len(part.bits) for part in row) + 1


def _ends(row: list[Bits]) -> set[int]:
    ends, at = {0}, 0
    for part in row:
        at += 2 * len(part.bits)
        ends.add(at)
    return ends


def _labels(row: list[Bits]) -> list[str]:
    """Return the lines with names: narrow fields have theirs from top to bottom."""
    height = max(len(part.letters) or 1 for part in row)
    lines = []
    for line in range(height):
        cells = []
        for part in row:
            width = 2 * len(part.bits) - 1
            if part.letters:
                text = part.letters[line : line + 1]
            else:
                text = _fitting(part.name, width) if line == 0 else ""
                text = f"({len(part.bits)})" if line == 1 < len(part.bits) < 8 else text
            cells.append(f"{text:^{width}}")
        lines.append("|" + "|".join(cells) + "|")
    return lines


def _fitting(name: str, width: int) -> str:
    """Return a name as far as it fits: in full, without what is in brackets, or its beginning."""
    for text in (name, name.partition(" (")[0], name.removesuffix(" continued")):
        if len(text) <= width:
            return text
    return name[:width].rstrip()

"""`python -m wsanalyze.tables.describe`: the tables as Markdown, which is docs/tables.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.schema import TABLES

HEAD = """# The tables

Made by `python -m wsanalyze.tables.describe` from `wsanalyze/tables/schema/`: do not edit.

Missing is NA, never 0 or "". Times are UTC with nanoseconds (ISO 8601 with nine decimals and `Z`
in text formats). Lengths count bytes. `packet` numbers are 1-based in file order, as in Wireshark.
Text from the wire is decoded as latin-1, so that `text.encode("latin-1")` gives the bytes back; a
file name that is not UTF-8 has `\\\\udc80` and the like in place of its stray bytes. Lists are
joined with `, ` in CSV.
"""


def markdown() -> str:
    """Return the description of every table."""
    return HEAD + "".join(part for table in TABLES.values() for part in _table(table))


def _table(table: Table) -> Iterator[str]:
    yield f"\n## `{table.name}`: one row is {table.row}\n\n"
    yield "| column | type | meaning | NA means |\n|---|---|---|---|\n"
    for column in table.columns:
        meaning = column.meaning + (f" ({column.unit})" if column.unit else "")
        cells = (f"`{column.name}`", _type(column), meaning, column.missing or "never")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _type(column: Column) -> str:
    if column.kind is not Kind.CATEGORY:
        return str(column.kind.value)
    return "category: " + ", ".join(f"`{each}`" for each in column.categories)


if __name__ == "__main__":
    sys.stdout.write(markdown())

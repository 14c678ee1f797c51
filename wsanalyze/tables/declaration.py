"""What a table's declaration is made of: kinds of cells, columns, tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the cells of a column are; the value is how the docs and pandas name it.

    Kinds with a capital letter can be NA (pandas' nullable dtypes); so can STRING, CATEGORY,
    BOOLEAN, TIME, FLOAT and LIST, where `Column.missing` says so.
    """

    INT = "int64"
    NULLABLE_INT = "Int64"
    PORT = "UInt16"
    BYTE = "uint8"
    UNSIGNED = "UInt64"
    FLOAT = "float64"
    BOOL = "bool"
    BOOLEAN = "boolean"
    STRING = "string"
    CATEGORY = "category"
    TIME = "datetime64[ns, UTC]"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what its cells are, what they mean, what NA means ("" = never NA)."""

    name: str
    kind: Kind
    meaning: str
    missing: str = ""
    unit: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, what a row is, its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def count(name: str, meaning: str, unit: str = "") -> Column:
    """Declare an integer that is never NA."""
    return Column(name, Kind.INT, meaning, unit=unit)


def time(name: str, meaning: str, missing: str = "") -> Column:
    """Declare a moment."""
    return Column(name, Kind.TIME, meaning, missing)


def text(name: str, meaning: str, missing: str = "") -> Column:
    """Declare a text."""
    return Column(name, Kind.STRING, meaning, missing)


def category(name: str, categories: tuple[str, ...], meaning: str, missing: str = "") -> Column:
    """Declare a text out of a fixed few."""
    return Column(name, Kind.CATEGORY, meaning, missing, categories=categories)


def both(name: str, meaning: str, unit: str = "") -> tuple[Column, Column]:
    """Return a count for each end; `{}` in the meaning is the end."""
    return (
        count(f"client_{name}", meaning.format("client"), unit),
        count(f"server_{name}", meaning.format("server"), unit),
    )

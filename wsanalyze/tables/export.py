"""Tables into files: which format writes what, and where it goes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from wsanalyze.errors import UsageError
from wsanalyze.tables.declaration import Table
from wsanalyze.tables.output import replacing
from wsanalyze.tables.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the module that writes it, and what its files are.

    `binary`: not for a terminal. `database`: all tables go into one file, which is written by
    path. `only`: the one table that it can hold, and the name of its file.
    """

    name: str
    extension: str
    binary: bool = False
    database: bool = False
    only: tuple[str, str] | None = None

    @property
    def module(self) -> Any:
        """The module that writes it, imported when needed."""
        return import_module(f"wsanalyze.tables.formats.{self.name}")


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("csv", "csv"),
        Format("jsonl", "jsonl"),
        Format("parquet", "parquet", binary=True),
        Format("arrow", "arrow", binary=True),
        Format("sqlite", "sqlite", binary=True, database=True),
        Format("xlsx", "xlsx", binary=True, database=True),
        Format("zeek", "log", only=("connections", "websocket.log")),
    )
}


class Source(Protocol):
    """What can be exported: something that has tables."""

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the table of that name."""
        ...


def format_named(name: str) -> Format:
    """Return the format of that name; UsageError where there is none."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}: it must be one of {', '.join(FORMATS)}")
    return FORMATS[name]


def table_named(name: str) -> Table:
    """Return the declaration of the table of that name; UsageError where there is none."""
    if name not in TABLES:
        raise UsageError(f"unknown table {name!r}: it must be one of {', '.join(TABLES)}")
    return TABLES[name]


def export_table(
    source: Source, name: str, output: str | Path | BinaryIO, format_name: str, **options: bool
) -> None:
    """Write one table to a path or an open binary file.

    An existing file is replaced once the new one is complete. UsageError where the format or the
    table does not exist or the format cannot hold the table; OSError where it cannot be written.
    """
    how, table = format_named(format_name), table_named(name)
    if how.only is not None and how.only[0] != name:
        raise UsageError(f"{how.name} holds the table {how.only[0]} only, not {name}")
    rows = source.batches(name)
    if how.database:
        with _path(output, how) as path:
            how.module.write_all([(table, rows)], path, **options)
        return
    if isinstance(output, str | Path):
        with replacing(output) as path, path.open("wb") as sink:
            how.module.write(table, rows, sink, **options)
        return
    if how.name == "arrow":
        options = {**options, "stream": True}
    how.module.write(table, rows, output, **options)


def export_all(
    source: Source, output: str | Path, format_name: str, names: list[str], **options: bool
) -> list[Path]:
    """Write the tables `names` into the folder `output`, which is made, and return the paths.

    Formats that hold several tables write one file, `output` itself.
    """
    how = format_named(format_name)
    if how.database:
        with replacing(output) as path:
            tables = ((table_named(name), source.batches(name)) for name in names)
            how.module.write_all(tables, path, **options)
        return [Path(output)]
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    if how.only is not None:
        files = {how.only[0]: folder / how.only[1]}
    else:
        files = {name: folder / f"{name}.{how.extension}" for name in names}
    for name, path in files.items():
        export_table(source, name, path, format_name, **options)
    return list(files.values())


def spare(output: str | Path, how: Format, sources: Sequence[object]) -> None:
    """Refuse, with UsageError, to write over one of the captures that are read."""
    places = [Path(output), *(Path(output) / f"{name}.{how.extension}" for name in TABLES)]
    if how.only is not None:
        places.append(Path(output) / how.only[1])
    for source in sources:
        if not isinstance(source, str | os.PathLike) or not os.path.isfile(source):  # noqa: PTH113
            continue
        for place in places:
            if place.exists() and place.samefile(source):
                raise UsageError(f"{place} is the capture that is read: name another place")


def _path(output: str | Path | BinaryIO, how: Format) -> AbstractContextManager[Path]:
    """Return a place for a file that is written by path, wherever it ends."""
    if isinstance(output, str | Path):
        return replacing(output)
    return _Copied(output, how.extension)


class _Copied:
    """A temporary file whose bytes end in an open file."""

    def __init__(self, sink: BinaryIO, extension: str) -> None:
        self.sink = sink
        self.folder = tempfile.TemporaryDirectory(prefix="wsanalyze-")
        self.path = Path(self.folder.name) / f"tables.{extension}"

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        with self.folder:
            if kind is None:
                with self.path.open("rb") as written:
                    shutil.copyfileobj(written, self.sink)

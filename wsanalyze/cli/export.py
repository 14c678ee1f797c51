"""`wsanalyze export`: tables as files or as data on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from wsanalyze.cli import options
from wsanalyze.cli.endings import ending_of
from wsanalyze.cli.notes import say
from wsanalyze.cli.reading import read_captures
from wsanalyze.errors import UsageError
from wsanalyze.recording import Wants
from wsanalyze.tables.export import FORMATS, Format, export_all, export_table, spare
from wsanalyze.tables.schema import TABLES
from wsanalyze.tables.selection import Selection, chosen

if TYPE_CHECKING:
    from wsanalyze.tables.export import Source

# Seconds that one thread runs while another waits for the interpreter. Who sorts rows needs it for
# microseconds between calls that work without it; a batch of packets takes about a millisecond.
TURN = 0.0005

# Endings that say which format is meant, beside the formats' own names.
ENDINGS = {
    "log": "zeek",
    "db": "sqlite",
    "sqlite3": "sqlite",
    "ndjson": "jsonl",
    "feather": "arrow",
}


@click.command(short_help="Write tables: CSV, JSON Lines, Parquet, Arrow, SQLite, Excel, Zeek.")
@options.reading
@click.option(
    "-t", "--table", type=click.Choice(list(TABLES)), help="The table to write; without, every one."
)
@click.option(
    "-f",
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="The format; without, what the ending of -o says, else csv.",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="A file for one table, a folder for every one; - is standard output.",
)
@click.option(
    "--preview-length",
    type=options.WholeRange(0, 2**31 - 1),
    default=64,
    show_default=True,
    metavar="BYTES",
    help="How much of a message `preview` shows.",
)
@click.option("--no-hashes", is_flag=True, help="Leave out sha256, which takes time.")
@click.option(
    "--spreadsheet-safe",
    is_flag=True,
    help="csv: an apostrophe before text that a spreadsheet would run as a formula.",
)
@click.option("--no-color", is_flag=True, hidden=True)
def command(
    captures: tuple[str, ...],
    numbers: tuple[int, ...],
    where: str | None,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    table: str | None,
    format_name: str | None,
    output: str | None,
    preview_length: int,
    no_hashes: bool,
    spreadsheet_safe: bool,
    no_color: bool,  # noqa: ARG001 - means the same everywhere, and there is no colour here
) -> int:
    """Write tables of what was in captures.

    With -t one table goes to -o, a file or standard output. Without, every table goes into the
    folder -o as TABLE.FORMAT; sqlite and xlsx hold all tables in one file, zeek writes a
    websocket.log. Times are ISO 8601 in UTC, missing values empty or null.

    CSV holds text from the wire exactly as it was sent. If it is meant for a spreadsheet program,
    which takes text that begins with = + - or @ for a formula, use xlsx or --spreadsheet-safe.
    """
    how = _format(format_name, output)
    _check(how, table, output, spreadsheet_safe)
    if output not in (None, "-"):
        spare(output, how, captures)
    wants = _wants(table or (how.only[0] if how.only else None), preview_length, not no_hashes)
    if where is not None:
        wants = replace(wants, observe=True)
    bounds = options.limits_of(limits)
    settings = {"spreadsheet_safe": True} if spreadsheet_safe else {}
    from wsanalyze.tables.build import Tables
    from wsanalyze.tables.shelf import Shelf

    with _shared_often(), Shelf(bounds.rows) as shelf:
        reading = read_captures(
            captures,
            wants,
            bounds,
            quiet=quiet,
            full=shelf.takers(),
            keylogs=options.keylogs_of(keylogs),
        )
        tables = Tables(reading.recording, shelf)
        if where is not None:
            # The expression may ask for findings.
            _ = tables.found
        source: Source = tables
        numbers_chosen = chosen(reading.recording, numbers, where)
        if numbers_chosen is not None:
            source = Selection(source, numbers_chosen)
        _write(source, how, table, output, settings, quiet)
    return reading.status


@contextmanager
def _shared_often() -> Iterator[None]:
    """Let threads have their turn sooner than Python does: the reading never waits for anything."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _format(name: str | None, output: str | None) -> Format:
    """Return the format that was named, or that the ending of the output means; else csv.

    UsageError for an ending that means none: who writes `x.html` does not want csv.
    """
    if name is not None:
        return FORMATS[name]
    ending = ending_of(output or "-")
    if not ending:
        return FORMATS["csv"]
    found = FORMATS.get(ENDINGS.get(ending, ending))
    if found is None:
        raise UsageError(
            f"no format of export has the ending .{ending}: choose one with -f "
            f"({', '.join(FORMATS)})"
        )
    return found


def _check(how: Format, table: str | None, output: str | None, spreadsheet_safe: bool) -> None:
    """Refuse what cannot be written, before hours of reading."""
    to_stdout = output == "-" or (output is None and table is not None)
    if output is None and table is None:
        place = "file" if how.database else "folder"
        raise UsageError(f"every table needs a place: name a {place} with -o, or one table with -t")
    if output == "-" and table is None and not how.database and how.only is None:
        raise UsageError("standard output holds one table: name it with -t")
    if how.only is not None and table not in (None, how.only[0]):
        raise UsageError(f"{how.name} holds the table {how.only[0]} only, not {table}")
    if to_stdout and how.binary and sys.stdout.isatty():
        raise UsageError(f"{how.name} is not for a terminal: name a file with -o")
    if spreadsheet_safe and how.name != "csv":
        raise UsageError("--spreadsheet-safe is for csv; xlsx is safe as it is")


def _wants(table: str | None, preview_length: int, hashes: bool) -> Wants:
    """Return what the pass has to keep for one table, or for every one."""
    with_messages = table in (None, "messages")
    return Wants(
        frames=table in (None, "frames"),
        messages=with_messages,
        segments=table in (None, "segments"),
        # Limits that messages reach, and text that is not UTF-8, are counted; findings say more.
        contents=with_messages or table in ("connections", "summary", "findings"),
        observe=table in (None, "connections", "findings"),
        tls=table in (None, "tls"),
        hashes=hashes and with_messages,
        payloads="preview" if with_messages and preview_length else "none",
        preview_length=preview_length,
    )


def _write(
    source: Source,
    how: Format,
    table: str | None,
    output: str | None,
    settings: dict[str, bool],
    quiet: bool,
) -> None:
    only = table or (how.only[0] if how.only and output == "-" else None)
    if only is not None:
        sink = sys.stdout.buffer if output in (None, "-") else output
        export_table(source, only, sink, how.name, **settings)
        return
    paths = export_all(source, output or "", how.name, list(TABLES), **settings)
    if not quiet:
        say(f"wrote {', '.join(str(path) for path in paths)}")

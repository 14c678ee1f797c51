"""`wsanalyze summary`: what is in captures, for a person or as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from wsanalyze.cli import options
from wsanalyze.cli.consoles import console_of
from wsanalyze.cli.reading import read_captures
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.declaration import Kind, Table
from wsanalyze.tables.rows import connection_rows, iso
from wsanalyze.tables.schema import CONNECTIONS, SUMMARY
from wsanalyze.tables.selection import chosen
from wsanalyze.views.summary import FIRST


@click.command(short_help="Show what is in captures, for a person.")
@options.reading
@click.option(
    "-f", "--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option("--all", "show_all", is_flag=True, help="Show every connection, however many.")
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR in the environment).")
def command(
    captures: tuple[str, ...],
    numbers: tuple[int, ...],
    where: str | None,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    kind: str,
    show_all: bool,
    no_color: bool,
) -> int:
    """Show what is in captures: facts about each, then the WebSocket connections.

    Several captures are one stream of packets in time order. With -f json, all that is known of
    the captures and connections is written as one JSON object.
    """
    # Records that nobody will look at are not kept: memory does not grow with the capture.
    few = kind == "text" and not (show_all or numbers or where)
    wants = Wants(
        connections=FIRST if few else None,
        frames=False,
        messages=False,
        hashes=False,
        payloads="none",
        tls_reasons=True,
        # An expression, and the rows in JSON, have what checks find.
        observe=kind == "json" or where is not None,
    )
    reading = read_captures(
        captures,
        wants,
        options.limits_of(limits),
        quiet=quiet,
        keylogs=options.keylogs_of(keylogs),
    )
    recording = reading.recording
    if wants.observe:
        from wsanalyze.findings import audit

        audit(recording)
    numbers_shown = chosen(recording, numbers, where)
    if kind == "json":
        _print_json(recording, numbers_shown)
    else:
        _print_text(recording, numbers_shown, show_all, no_color)
    return reading.status


def _print_text(
    recording: Recording, numbers: set[int] | None, show_all: bool, no_color: bool
) -> None:
    from wsanalyze.views.summary import print_summary

    console = console_of(no_color=no_color)
    # Not printed by rich: it ends the process with status 1 when the reader leaves.
    with console.capture() as printed:
        print_summary(recording, console, chosen=numbers, show_all=show_all)
    # Cells are padded to their columns, the last one, too.
    sys.stdout.write("\n".join(line.rstrip(" ") for line in printed.get().split("\n")))


def _print_json(recording: Recording, numbers: set[int] | None) -> None:
    captures = [_times_as_text(asdict(capture), SUMMARY) for capture in recording.captures]
    connections = [
        _times_as_text(row, CONNECTIONS)
        for number, row in enumerate(connection_rows(recording.connections))
        if numbers is None or number in numbers
    ]
    # ASCII: control and bidi characters from the wire are escaped, and read back exactly.
    refused = recording.tunnels_refused
    found = {"captures": captures, "connections": connections, "tunnels_refused": refused}
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _times_as_text(cells: dict[str, Any], table: Table) -> dict[str, Any]:
    times = {column.name for column in table.columns if column.kind is Kind.TIME}
    return {
        name: iso(value) if name in times and value is not None else value
        for name, value in cells.items()
    }

"""`wsanalyze report`: everything that captures have to say, as one HTML file to read offline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from wsanalyze.cli import options
from wsanalyze.cli.notes import say
from wsanalyze.cli.reading import read_captures
from wsanalyze.cli.twice import rewind, twice
from wsanalyze.errors import UsageError
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.streams import Streams
from wsanalyze.tables.selection import chosen
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import size


@click.command(short_help="Write one HTML page of everything, to read offline.")
@options.reading
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="The page; - is standard output."
)
@click.option("--title", metavar="TEXT", help="What the page is called.  [default: the captures]")
@click.option(
    "--payload",
    "longest",
    type=options.WholeRange(0, 1 << 24),
    default=4096,
    show_default=True,
    metavar="BYTES",
    help="How much of a message is shown.",
)
@click.option("--show-secrets", is_flag=True, help="Show credentials, not only their beginning.")
@click.option("--no-color", is_flag=True, hidden=True)
def command(
    captures: tuple[str, ...],
    numbers: tuple[int, ...],
    where: str | None,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    output: str,
    title: str | None,
    longest: int,
    show_secrets: bool,
    no_color: bool,  # noqa: ARG001 - means the same everywhere, and there is no colour here
) -> int:
    """Write one HTML page with the handshakes, frames, messages, findings and diagrams of captures.

    The file holds everything it shows and loads nothing; any browser since 2023 opens it. Cookies,
    credentials and tokens are redacted. A link can point at a connection and a frame, as
    FILE.html#c=3&f=17, with &in=ladder in its diagram. Each capture is named with its SHA-256.
    Beyond 100,000 frames or 1,000 connections it says what is left out.
    """
    from wsanalyze.capture.digests import digests_of, marks_of
    from wsanalyze.report.written import report_page, title_of, wants_of_report, write_page

    _spare(output, captures)
    with ExitStack() as stack:
        sources = [stack.enter_context(twice(each)) for each in captures]
        paths = options.keylogs_of(keylogs)
        bounds = options.limits_of(limits)
        wants = wants_of_report(longest)
        before = marks_of(sources)
        for source in sources:
            rewind(source)
        reading = read_captures(sources, wants, bounds, quiet=quiet, keylogs=paths)
        recording = reading.recording
        found = audit(recording, show_secrets=show_secrets)
        page = report_page(
            recording,
            found,
            again=lambda streams, wants: _again(sources, bounds, paths, streams, wants),
            title=title or title_of(captures),
            chosen=chosen(recording, numbers, where),
            longest=longest,
            show_secrets=show_secrets,
            digests=digests_of((each.capture for each in recording.captures), sources, before),
        )
    if output == "-":
        sys.stdout.write(page)
        return reading.status
    write_page(page, output)
    if not quiet:
        say(f"wrote {visible(output)}, {size(len(page))}")
    return reading.status


def _again(
    sources: Sequence[str | BinaryIO],
    limits: Limits,
    keylogs: Sequence[Path],
    streams: Streams,
    wants: Wants,
) -> Recording:
    from wsanalyze.pipeline import read

    for source in sources:
        rewind(source)
    return read(
        sources, wants=wants, limits=limits, skip_unreadable=True, keylogs=keylogs, streams=streams
    )


def _spare(output: str, captures: Sequence[str]) -> None:
    """Refuse to write over one of the captures that are read."""
    place = Path(output)
    for capture in captures:
        path = Path(capture)
        if output != "-" and place.is_file() and path.is_file() and place.samefile(path):
            raise UsageError(f"{output} is the capture that is read: name another place")

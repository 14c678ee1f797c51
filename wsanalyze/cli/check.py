"""`wsanalyze check`: what is wrong in captures, for a person, for programs and for CI."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from wsanalyze import __version__
from wsanalyze.capture.digests import Digest, digests_of, marks_of
from wsanalyze.cli import options
from wsanalyze.cli.choosing import checks_of
from wsanalyze.cli.config import (
    FAIL_ON,
    NEVER,
    Number,
    Settings,
    ThresholdType,
    found_settings,
    read_settings,
    thresholds_of,
)
from wsanalyze.cli.consoles import console_of
from wsanalyze.cli.endings import ending_of
from wsanalyze.cli.notes import say
from wsanalyze.cli.reading import Reading, read_captures
from wsanalyze.cli.status import FOUND, INTERRUPTED, PARTLY
from wsanalyze.errors import UsageError
from wsanalyze.findings import audit, reaches
from wsanalyze.recording import Wants
from wsanalyze.tables.output import replacing
from wsanalyze.tables.selection import chosen
from wsanalyze.views.audited import Audited, audited

FORMATS = ("text", "json", "jsonl", "sarif", "github")
# Those with a place for size and SHA-256 of what was read.
PROVABLE = ("json", "sarif")
# Endings of text beside its own name.
TEXT = ("", "txt", "log", "out")


@click.command(short_help="Show what is wrong in captures; exit status for scripts and CI.")
@options.reading
@click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="Without, what the ending of -o says, else text.",
)
@click.option("-o", "--output", metavar="FILE", default="-", help="A file; - is standard output.")
@click.option(
    "--select",
    multiple=True,
    metavar="WORDS",
    help="Only these checks: IDs, names, families or tags; repeatable, or with commas.",
)
@click.option("--ignore", multiple=True, metavar="WORDS", help="All but these checks.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="End with status 1 for findings as bad as this.  [default: error]",
)
@click.option(
    "--threshold",
    "thresholds",
    type=ThresholdType(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Change where a quantity becomes a finding, such as pong_s=30; repeatable. "
    "`wsanalyze checks --thresholds` lists them.",
)
@click.option(
    "--show-secrets", is_flag=True, help="Show secrets in evidence, not only their beginning."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings; without, wsanalyze.toml or pyproject.toml here or in a folder above.",
)
@click.option("--no-config", is_flag=True, help="Read no settings from any file.")
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="Show every finding in full: however many, and again in each connection.",
)
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR in the environment).")
def command(
    captures: tuple[str, ...],
    numbers: tuple[int, ...],
    where: str | None,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    kind: str | None,
    output: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    thresholds: tuple[tuple[str, Number], ...],
    show_secrets: bool,
    config: Path | None,
    no_config: bool,
    show_all: bool,
    no_color: bool,
) -> int:
    """Show what is wrong in captures, connection by connection, the worst first.

    As text, what is the same in several connections is told once, with the others beside it.

    With -c or --where, only findings of those connections; what concerns all of them together is
    left out.

    What the command line says goes before what a file of settings says, and with --select the
    file's ignore does not count.

    \b
    Exit status: 0 nothing at or above --fail-on; 1 something; 2 wrong usage;
    3 nothing could be read; 4 read in part, with nothing to fail for in that
    part; 130 interrupted.
    """
    settings = _settings(config, no_config, quiet)
    _spare(output, captures)
    how = kind or _kind(output)
    checks = checks_of(select or settings.select, ignore or (() if select else settings.ignore))
    # Records alone: nobody asked for rows of frames and messages.
    wants = Wants(
        frames=False,
        messages=False,
        hashes=False,
        payloads="none",
        observe=True,
        tls_reasons=True,
    )
    bounds = options.limits_of((*settings.limits, *limits))
    before = marks_of(captures) if how in PROVABLE else {}
    reading = read_captures(
        captures, wants, bounds, quiet=quiet, keylogs=options.keylogs_of(keylogs)
    )
    recording, levels = reading.recording, thresholds_of((*settings.thresholds, *thresholds))
    shown = audited(
        recording,
        checks,
        audit(recording, checks, levels, show_secrets=show_secrets),
        chosen=chosen(recording, numbers, where),
        interrupted=reading.status == INTERRUPTED,
    )
    names = [each.capture for each in recording.captures]
    digests = digests_of(names, captures, before) if how in PROVABLE else []
    _write(shown, how, output, show_all, no_color, digests)
    return _status(shown, reading, fail_on or settings.fail_on or FAIL_ON[0])


def _settings(config: Path | None, no_config: bool, quiet: bool) -> Settings:
    if no_config and config is not None:
        raise UsageError("--config and --no-config exclude each other")
    if no_config:
        return Settings()
    settings = found_settings(Path.cwd()) if config is None else read_settings(config)
    # Found, not given: nobody should wonder why a check is silent.
    if config is None and settings.path is not None and not quiet:
        say(f"note: settings of {settings.path} (--no-config leaves them out)")
    return settings


def _kind(output: str) -> str:
    """Return the format that the ending of a file means; UsageError where it means none."""
    ending = ending_of(output)
    if ending in FORMATS:
        return ending
    if ending in TEXT:
        return "text"
    raise UsageError(
        f"no format of check has the ending .{ending}: choose one with -f ({', '.join(FORMATS)})"
    )


def _spare(output: str, captures: tuple[str, ...]) -> None:
    """Refuse to write over one of the captures that are read."""
    place = Path(output)
    if output == "-" or not place.is_file():
        return
    for capture in captures:
        if Path(capture).is_file() and place.samefile(capture):
            raise UsageError(f"{place} is the capture that is read: name another place")


def _write(
    shown: Audited,
    how: str,
    output: str,
    show_all: bool,
    no_color: bool,
    digests: Sequence[Digest | None],
) -> None:
    if output == "-":
        sys.stdout.write(_rendered(shown, how, show_all, no_color, digests))
        return
    text = _rendered(shown, how, show_all, no_color=True, digests=digests, to_file=True)
    with replacing(output) as path:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _rendered(
    shown: Audited,
    how: str,
    show_all: bool,
    no_color: bool,
    digests: Sequence[Digest | None],
    *,
    to_file: bool = False,
) -> str:
    if how == "sarif":
        from wsanalyze.views.sarif import as_sarif

        return as_sarif(shown, __version__, Path.cwd(), digests)
    if how == "json":
        from wsanalyze.views.finding_rows import as_json

        return as_json(shown, __version__, digests)
    if how != "text":
        from wsanalyze.views.finding_rows import as_github, as_jsonl

        return {"jsonl": as_jsonl, "github": as_github}[how](shown)
    from wsanalyze.views.findings import print_findings

    console = console_of(no_color=no_color, to_file=to_file)
    # Not printed by rich: it ends the process with status 1 when the reader leaves.
    with console.capture() as printed:
        print_findings(shown, console, show_all=show_all)
    return printed.get()


def _status(shown: Audited, reading: Reading, fail_on: str) -> int:
    """Return the exit status.

    What was found stays true however much was not read, so 1 goes before 4: a script that puts up
    with cut captures must not put up with errors by that. It is told of the cut all the same.
    """
    if reading.status == INTERRUPTED:
        return INTERRUPTED
    failed = fail_on != NEVER and any(reaches(each, fail_on) for each in shown.findings)
    if failed and reading.status == PARTLY:
        say("the captures were read in part only: there may be more than was found")
    return FOUND if failed else reading.status

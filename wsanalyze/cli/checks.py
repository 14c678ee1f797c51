"""`wsanalyze checks`: the catalogue of checks, and all that there is to say of some of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import wsanalyze
from wsanalyze.checks.catalogue import chosen
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.thresholds import described
from wsanalyze.cli import options
from wsanalyze.cli.choosing import known, words_of
from wsanalyze.cli.consoles import console_of
from wsanalyze.errors import CaptureError
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants, in_order


@click.command(short_help="List the checks, or tell all of some of them.")
@click.argument("words", nargs=-1, metavar="[CHECK…]")
@click.option(
    "-f", "--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--thresholds", is_flag=True, help="List what `check --threshold` can change, with defaults."
)
@options.quiet
@options.verbose
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR in the environment).")
def command(
    words: tuple[str, ...],
    kind: str,
    thresholds: bool,
    quiet: bool,  # noqa: ARG001 - means the same everywhere, and there is nothing to note
    verbose: bool,  # noqa: ARG001 - main looks at it
    no_color: bool,
) -> int:
    """List the checks; with CHECK, tell all of it: why it exists, what to do, an example.

    CHECK is an ID (HSR-04), a name, the beginning of IDs (HSR) or a tag. Where the recorded
    sessions are at hand, as in a checkout of the project, the check is run on its example.
    """
    if thresholds:
        _print_thresholds(kind)
        return 0
    named = {each.id for word in words_of(words) for each in known(word)}
    checks = [each for each in chosen() if not named or each.id in named]
    if kind == "json":
        # ASCII, as all JSON of this program.
        json.dump([_row(each) for each in checks], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _print(checks, in_full=bool(named), no_color=no_color)
    return 0


def _row(check: Check) -> dict[str, Any]:
    return {
        "check": check.id,
        "name": check.name,
        "title": check.title,
        "severity": check.severity,
        "tags": list(check.tags),
        "references": list(check.references),
        "explanation": check.explanation,
        "advice": check.advice,
        "scope": check.scope,
        "example": check.example or None,
    }


def _print_thresholds(kind: str) -> None:
    rows = list(described())
    if kind == "json":
        names = ("name", "default", "meaning")
        json.dump([dict(zip(names, row, strict=True)) for row in rows], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, meaning in rows:
        click.echo(f"{name:<{width}}  {value:>9}  {meaning}")


def _print(checks: Sequence[Check], *, in_full: bool, no_color: bool) -> None:
    from wsanalyze.views.check_pages import catalogue_lines, page_lines
    from wsanalyze.views.wrapping import print_lines

    console = console_of(no_color=no_color)
    # Not printed by rich: it ends the process with status 1 when the reader leaves.
    with console.capture() as printed:
        if in_full:
            for check, findings in _with_examples(checks):
                print_lines(page_lines(check, console.width, findings), console)
        else:
            print_lines(catalogue_lines(checks, console.width), console)
    sys.stdout.write(printed.get())


def _with_examples(checks: Sequence[Check]) -> Iterator[tuple[Check, list[Finding] | None]]:
    """Yield each check and what it finds in its example; None where that is not there."""
    read: dict[str, Recording | None] = {}
    for check in checks:
        name, _, where = check.example.partition(" ")
        if name not in read:
            read[name] = _example(name)
        recording = read[name]
        yield check, None if recording is None else _found(check, recording, where.strip())


def _example(name: str) -> Recording | None:
    """Read a recorded session; None where their folder is neither beside the package nor here."""
    from wsanalyze.pipeline import read

    folders = (Path(wsanalyze.__file__).parents[1] / "captures", Path("captures"))
    path = next((each / name for each in folders if name and (each / name).is_file()), None)
    if path is None:
        return None
    wants = Wants(frames=False, messages=False, hashes=False, payloads="none", observe=True)
    try:
        return read([path], wants=wants, limits=Limits())
    except (CaptureError, OSError):
        return None


def _found(check: Check, recording: Recording, where: str) -> list[Finding]:
    """Return what a check finds, of one connection only if `where` is its path or number."""
    wanted = {
        connection.serial
        for number, connection in enumerate(in_order(recording.connections))
        if where in (str(number), connection.handshake and connection.handshake.target)
    }
    return [
        finding
        for finding in audit(recording, [check])
        if not where or finding.connection is None or finding.connection in wanted
    ]

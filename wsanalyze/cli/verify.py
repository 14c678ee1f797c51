"""`wsanalyze verify`: a capture cross-checked against Wireshark's dissector."""

from __future__ import annotations

import sys

import click

from wsanalyze.cli import options
from wsanalyze.cli.progress import Progress
from wsanalyze.cli.status import DONE, FOUND, PARTLY, UNREADABLE, Failure
from wsanalyze.crosscheck.verification import TIMEOUT, Verification, verify
from wsanalyze.views.quantities import number
from wsanalyze.views.verification import as_json, as_text


class Dissecting(Progress):
    """Shows at which packet tshark is, as Progress shows bytes."""

    def line(self, done: int, whole: int | None) -> str:
        """Return the line."""
        return f"wsanalyze: tshark is at packet {number(done)} of {number(whole or 0)}"


@click.command(short_help="Cross-check a capture against Wireshark's dissector.")
@click.argument("capture", type=str)
@options.limit
@options.keylog
@options.quiet
@options.verbose
@click.option(
    "-f", "--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--timeout",
    type=options.FiniteRange(min=0, min_open=True),
    metavar="SECONDS",
    default=TIMEOUT,
    help=f"The time that tshark may take.  [default: {TIMEOUT:g}]",
)
@click.option(
    "--packets",
    type=options.WholeRange(min=1),
    metavar="N",
    help="Compare the first N packets only.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every difference, however many.")
@click.option("--no-color", is_flag=True, hidden=True)
def command(
    capture: str,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    kind: str,
    timeout: float,
    packets: int | None,
    show_all: bool,
    no_color: bool,  # noqa: ARG001 - nothing here has colour
) -> int:
    """Lay the frames of a capture beside those of Wireshark's dissector.

    Compared are packet, sender, opcode, FIN, RSV, masking key and length of each frame. A
    difference is explained where it is a known fault of tshark. Needs tshark and pyshark, which
    reads some hundred packets a second.

    Exit status: 0 frames agree, and what differs is explained; 1 a difference is not; 4 compared in
    part, or nothing was: there are no frames, or none that both show.
    """
    progress = Dissecting() if not quiet and sys.stderr.isatty() else None
    try:
        found = verify(
            capture,
            timeout=timeout,
            packets=packets,
            limits=options.limits_of(limits),
            progress=progress,
            keylogs=options.keylogs_of(keylogs),
        )
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{name}{error.strerror or error}", UNREADABLE) from error
    finally:
        if progress is not None:
            progress.close()
    sys.stdout.write(as_json(found) if kind == "json" else as_text(found, show_all=show_all))
    return _status(found)


def _status(found: Verification) -> int:
    """Return the exit status: what differs differs, however much was not read."""
    if not found.agreed:
        return FOUND
    return PARTLY if found.problems or not found.compared else DONE

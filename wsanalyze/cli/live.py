"""`wsanalyze live`: the analysis while it happens, on interfaces or of what somebody pipes in."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsanalyze.capture.live import BUFFER_MIB, LARGEST_BUFFER_MIB, SNAP_LENGTH, SOURCES
from wsanalyze.capture.stored import STANDARD_INPUT
from wsanalyze.cli import options
from wsanalyze.cli.choosing import checks_of, words_of
from wsanalyze.cli.config import Number, ThresholdType, thresholds_of
from wsanalyze.cli.ending import Signals, nothing_came, status_of
from wsanalyze.cli.notes import say
from wsanalyze.cli.patience import Patience
from wsanalyze.cli.status import DONE
from wsanalyze.errors import UsageError
from wsanalyze.limits import Limits
from wsanalyze.monitoring.events import KINDS
from wsanalyze.monitoring.idleness import IDLE_SESSION
from wsanalyze.recording import Wants
from wsanalyze.views.escape import visible

if TYPE_CHECKING:
    from wsanalyze.cli.live_output import Alone, Output
    from wsanalyze.monitoring.keeping import PacketFile
    from wsanalyze.monitoring.session import Session

# Seconds that a step waits for packets: how soon an end is noticed where nothing comes.
STEP = 0.2
# Standard input, output and error.
STREAMS = (0, 1, 2)
# Messages of one look that a terminal has room for.
FEW = 20


@click.command(short_help="Analyse what passes on interfaces, while it happens.")
@click.argument("interfaces", nargs=-1, metavar="INTERFACE…", type=str)
@click.option("--list", "listed", is_flag=True, help="List the interfaces, and end.")
@click.option("--filter", "capture_filter", metavar="BPF", help="What to capture (pcap-filter(7)).")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default=SOURCES[0],
    show_default=True,
    help="What captures: dumpcap as a child, or a socket of our own.",
)
@click.option("--no-promiscuous", is_flag=True, help="Only what the interface is meant to get.")
@click.option(
    "--buffer",
    "buffer_mib",
    type=options.WholeRange(1, LARGEST_BUFFER_MIB),
    default=BUFFER_MIB,
    show_default=True,
    metavar="MIB",
    help="Room for packets that wait, of each interface.",
)
@click.option(
    "--snap-length",
    type=options.WholeRange(64, 262144),
    default=SNAP_LENGTH,
    show_default=True,
    metavar="BYTES",
    help="How much of each packet is captured.",
)
@click.option("--user", metavar="NAME", help="Who to be once all is open, where started as root.")
@click.option(
    "--idle",
    type=options.FiniteRange(1, 31_536_000),
    default=IDLE_SESSION,
    show_default="7500: 2 hours 5 minutes",
    metavar="SECONDS",
    help="Let a WebSocket connection go after so long without a packet.",
)
@click.option("--duration", type=options.FiniteRange(0, min_open=True), metavar="SECONDS")
@click.option(
    "--count", type=options.WholeRange(1), metavar="N", help="Analyse N packets, and end."
)
@click.option(
    "--until-closed", is_flag=True, help="End when all WebSocket connections seen have ended."
)
@click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="text: a table on a terminal, else a line for each event.",
)
@click.option(
    "--events",
    "kinds",
    multiple=True,
    metavar="KINDS",
    help=f"Only these, with commas: {', '.join(KINDS)}. The summary comes always.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the tables as they grow: parts of Parquet in this folder.",
)
@click.option(
    "-w",
    "--write",
    "packets",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.pcapng",
    help="Keep the packets, too.",
)
@click.option(
    "--only-websocket",
    is_flag=True,
    help="-w: those of WebSocket connections alone.",
)
@click.option(
    "--rotate-size",
    type=options.FiniteRange(0, min_open=True),
    metavar="MB",
    help="-w: begin a new file before one gets larger.",
)
@click.option(
    "--rotate-time",
    type=options.FiniteRange(0, min_open=True),
    metavar="SECONDS",
    help="-w: begin a new file when one is so old.",
)
@click.option("--select", multiple=True, metavar="WORDS", help="Only these checks.")
@click.option("--ignore", multiple=True, metavar="WORDS", help="All but these checks.")
@click.option(
    "--threshold",
    "thresholds",
    type=ThresholdType(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Change where a quantity becomes a finding; repeatable.",
)
@click.option("--show-secrets", is_flag=True, help="Show secrets in evidence whole.")
@options.limit
@options.keylog
@options.quiet
@options.verbose
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR in the environment).")
def command(
    interfaces: tuple[str, ...],
    listed: bool,
    capture_filter: str | None,
    source: str,
    no_promiscuous: bool,
    buffer_mib: int,
    snap_length: int,
    user: str | None,
    idle: float,
    duration: float | None,
    count: int | None,
    until_closed: bool,
    kind: str,
    kinds: tuple[str, ...],
    output: Path | None,
    packets: Path | None,
    only_websocket: bool,
    rotate_size: float | None,
    rotate_time: float | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    thresholds: tuple[tuple[str, Number], ...],
    show_secrets: bool,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    no_color: bool,
) -> int:
    """Analyse what passes on interfaces while it happens; - reads a capture from standard input.

    On a terminal the open connections stand in a table, with a log of events above it. -f jsonl
    writes each event as one JSON object, at once. Ctrl-C ends the capturing, what was received
    is finished, and a summary says what was dropped; a second one ends at once.

    \b
    Over ssh: ssh HOST tcpdump -i any -U -w - tcp port 80 | wsanalyze live -

    \b
    Exit status: 0 done, also after SIGTERM; 2 wrong usage; 3 nothing could be
    captured; 4 the capturing ended by itself, and what came was delivered;
    74 what -o, -w or the output keep cannot be written, the others were; 130
    after Ctrl-C, with all that was received delivered; 141 the reader left.
    """
    from wsanalyze.capture.live import open_live
    from wsanalyze.cli.live_output import SHOWING, Alone, output_for
    from wsanalyze.monitoring.ahead import load_ahead
    from wsanalyze.monitoring.judging import Judge
    from wsanalyze.monitoring.session import Ends, Session

    if listed:
        sys.stdout.write(_listed())
        return DONE
    judge = Judge(checks_of(select, ignore), thresholds_of(thresholds), show_secrets=show_secrets)
    wanted = _kinds(kinds)
    secrets = options.keylogs_of(keylogs, waits=True)
    file = _packet_file(packets, only_websocket, rotate_size, rotate_time, secrets)
    bounds: Limits = options.limits_of(limits)
    load_ahead(tables=output is not None, others=SHOWING)
    # A capture lives shortly; this goes on for days.
    gc.enable()
    signals = Signals()
    patience = Patience(lambda: signals.asked is not None)
    with signals, patience.of_streams():
        opened = open_live(
            interfaces,
            source=source,
            capture_filter=capture_filter,
            promiscuous=not no_promiscuous,
            buffer_mib=buffer_mib,
            snap_length=snap_length,
            user=user,
            limits=bounds,
        )
        try:
            out = output_for(kind, wanted, no_color=no_color)
            has_rows = kind == "jsonl" or output is not None
            session = Session(
                opened,
                wants=Wants(observe=True, hashes=has_rows, tls=output is not None),
                limits=bounds,
                judge=judge,
                ends=Ends(duration, count, until_closed),
                folder=output,
                packets=file,
                keylogs=secrets,
                idle=idle,
                most=_most(out, wanted),
                in_blocks=not out.is_terminal,
            )
        except BaseException:
            opened.close()
            raise
        patience.is_over = lambda: signals.asked is not None or session.is_ending()
        if not quiet:
            for path in session.keylogs.missing:
                say(f"key log {path}: is not there yet; it is read when it is")
            say(f"{opened.description}; Ctrl-C ends it")
        alone = Alone(out)
        try:
            with alone:
                _follow(session, alone, signals)
            if not nothing_came(session, opened):
                alone.end(session, opened.statistics(), quiet=quiet)
        finally:
            session.close()
        return status_of(session, opened.statistics(), signals, alone)


def _most(out: Output, wanted: frozenset[str]) -> int | None:
    """Return of how many messages a look there shall be events; None: of all."""
    if out.is_terminal:
        return FEW
    return None if "message" in wanted else 0


def _follow(session: Session, out: Alone, signals: Signals) -> None:
    """Show what happens until the session ends, or nobody has anything of it any more."""
    while not session.finished:
        events = session.pump(STEP)
        if nothing_came(session, session.source):
            return
        out.show(events, session)
        in_vain = out.failure is not None and not session.is_kept
        if signals.asked or out.reader_left or in_vain:
            session.stop()


def _packet_file(
    path: Path | None,
    only_websocket: bool,
    rotate_size: float | None,
    rotate_time: float | None,
    keylogs: Sequence[Path],
) -> PacketFile | None:
    if path is None:
        if only_websocket or rotate_size is not None or rotate_time is not None:
            raise UsageError("--only-websocket and --rotate-… are for the packets that -w keeps")
        return None
    if str(path) == STANDARD_INPUT:
        raise UsageError("-w -: what is told goes to standard output; name a file, or a FIFO")
    from wsanalyze.monitoring.keeping import PacketFile

    size = None if rotate_size is None else int(rotate_size * 1_000_000)
    return PacketFile(path, only_websocket, size, rotate_time, (*STREAMS, *keylogs))


def _listed() -> str:
    """Return the interfaces, a line each: name, whether it is up, what can open it, addresses."""
    from wsanalyze.capture.live import list_interfaces

    links = list_interfaces()
    width = max((len(visible(each.name)) for each in links), default=0)
    lines = (
        f"{visible(each.name):{width}}  {'up' if each.up else 'down':4}  "
        f"{', '.join(each.sources) or '-':15}  {' '.join(each.addresses)}"
        for each in links
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _kinds(given: tuple[str, ...]) -> frozenset[str]:
    words = words_of(given)
    for word in words:
        if word not in KINDS:
            of = f"it must be of {', '.join(KINDS)}; the summary comes always"
            raise UsageError(f"--events {word[:40]!r}: {of}")
    return frozenset(words or KINDS)


__all__ = ["command", "sys"]

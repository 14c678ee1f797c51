"""`wsanalyze explain`: one recorded connection, step by step, as a text to learn from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import click

from wsanalyze.cli import options
from wsanalyze.cli.consoles import console_of
from wsanalyze.cli.notes import say
from wsanalyze.cli.reading import read_captures
from wsanalyze.cli.twice import rewind, twice
from wsanalyze.errors import UsageError
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants, in_order
from wsanalyze.story.frames import Window
from wsanalyze.story.model import Story
from wsanalyze.story.refused import refused_tunnels, tell_refused
from wsanalyze.story.secrets import without_secrets
from wsanalyze.story.telling import tell_all_legs
from wsanalyze.streams import Streams
from wsanalyze.tables.output import replacing
from wsanalyze.views.facts import closed_tls
from wsanalyze.views.quantities import counted

# Frames that are told in full where nobody says which.
FRAMES = 12
# Frames before and behind one in a diagram of it.
AROUND = 8
# Lines that are written at a time.
BATCH = 500


class FramesType(click.ParamType[Window]):
    """`A-B`, `A-` or `A`: numbers of frames, from 0."""

    name = "frames"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Window:
        """Return the window."""
        if isinstance(value, Window):
            return value
        first, dash, last = str(value).partition("-")
        texts = (first, last if dash and last else first)
        if not all(each.isascii() and each.isdigit() and len(each) < 16 for each in texts):
            self.fail(f"write A-B, A- or A with numbers of frames, not {str(value)!r}", param, ctx)
        window = Window(int(texts[0]), int(texts[1]) if last or not dash else 1 << 62)
        if window.last < window.first:
            self.fail(f"{value}: the last frame is before the first", param, ctx)
        return window


@click.command(short_help="Tell a recorded connection step by step, bit by bit.")
@click.argument("capture", metavar="CAPTURE", type=str)
@click.option(
    "-c",
    "--connection",
    "number",
    type=options.WholeRange(min=0),
    metavar="N",
    help="Which connection.  [default: 0]",
)
@click.option(
    "--refused",
    type=options.WholeRange(min=0),
    metavar="N",
    help="A tunnel that a proxy refused, in place of a connection.",
)
@click.option(
    "--frame",
    type=options.WholeRange(min=0),
    metavar="N",
    help="Only this frame; with --ladder its neighbours, too.",
)
@click.option(
    "--frames",
    type=FramesType(),
    metavar="A-B",
    help="Which frames are told in full.  [default: 0-11]",
)
@click.option("--ladder", is_flag=True, help="Only the diagram.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Write the diagram.")
@click.option("--quiz", is_flag=True, help="Ask questions about this very connection.")
@click.option("--seed", type=int, metavar="N", help="Which questions --quiz asks.")
@click.option("--show-secrets", is_flag=True, help="Show credentials, not only their beginning.")
@options.limit
@options.keylog
@options.quiet
@options.verbose
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR in the environment).")
def command(
    capture: str,
    number: int | None,
    refused: int | None,
    frame: int | None,
    frames: Window | None,
    ladder: bool,
    svg: Path | None,
    quiz: bool,
    seed: int | None,
    show_secrets: bool,
    limits: tuple[tuple[str, int], ...],
    keylogs: tuple[str, ...],
    quiet: bool,
    verbose: bool,  # noqa: ARG001 - main looks at it
    no_color: bool,
) -> int:
    """Tell a recorded connection step by step: TCP, TLS, the handshake, each frame, the end.

    Every number is of this capture. Of long connections the first frames are told bit by bit and
    the others are counted; --frame and --frames choose which.
    """
    if frame is not None and frames is not None:
        raise UsageError("--frame and --frames exclude each other")
    if refused is not None and (number, frame, frames, quiz) != (None, None, None, False):
        raise UsageError("--refused goes with --ladder and --svg alone: it is no connection")
    if quiz and (ladder or svg is not None):
        raise UsageError("--quiz goes with neither --ladder nor --svg")
    if quiz and capture == "-":
        raise UsageError("--quiz reads answers from standard input: CAPTURE cannot be -, too")
    if svg is not None and svg.is_file() and Path(capture).is_file() and svg.samefile(capture):
        raise UsageError(f"{svg} is the capture that is read: name another place")
    window = frames or _window(frame, drawn=ladder or svg is not None)
    with twice(capture) as source:
        story, status = _story(
            capture,
            source,
            number,
            refused,
            window,
            options.limits_of(limits),
            keylogs,
            quiet,
            show_secrets,
        )
    if frame is not None and frame >= story.frame_count:
        many = counted(story.frame_count, "frame")
        raise UsageError(f"no frame {frame}: connection {story.number} has {many}, from 0 on")
    if quiz:
        from wsanalyze.cli.asking import ask

        return ask(story, seed) or status
    if svg is not None:
        _write_svg(story, svg)
        return status
    _print(story, only_ladder=ladder, only_frame=frame is not None, no_color=no_color)
    return status


def _window(frame: int | None, *, drawn: bool) -> Window:
    """Return the frames to tell where nobody says which: of a diagram, those around one."""
    if frame is None:
        return Window(0, FRAMES - 1)
    return Window(frame - AROUND, frame + AROUND) if drawn else Window(frame, frame)


def _story(
    capture: str,
    source: str | BinaryIO,
    number: int | None,
    refused: int | None,
    window: Window,
    limits: Limits,
    keylogs: tuple[str, ...],
    quiet: bool,
    show_secrets: bool,
) -> tuple[Story, int]:
    """Return the story, and the exit status that says how much of the capture was read."""
    paths = options.keylogs_of(keylogs)
    wants = Wants(segments=True, hashes=False, payloads="none", observe=True, tls=True)
    rewind(source)
    reading = read_captures([source], wants, limits, quiet=quiet, keylogs=paths)
    recording = reading.recording
    if refused is None:
        chosen = _chosen(capture, recording, number, quiet)
    elif refused >= (many := len(refused_tunnels(recording))):
        if not many:
            raise UsageError("the capture has no refused tunnels")
        tunnels = counted(many, "refused tunnel")
        raise UsageError(f"no refused tunnel {refused}: the capture has {tunnels}, from 0 on")

    def again(streams: Streams, wants: Wants) -> Recording:
        from wsanalyze.pipeline import read

        rewind(source)
        return read(
            [source],
            wants=wants,
            limits=limits,
            skip_unreadable=True,
            keylogs=paths,
            streams=streams,
        )

    found = audit(recording, show_secrets=show_secrets)
    if refused is not None:
        told = tell_refused(recording, refused, found, again=again)
        return (told if show_secrets else without_secrets(told, None)), reading.status
    story = tell_all_legs(
        recording, chosen, found, window=window, again=again, show_secrets=show_secrets
    )
    return story, reading.status


def _chosen(capture: str, recording: Recording, number: int | None, quiet: bool) -> int:
    """Return the number of the connection to tell; UsageError where there is none."""
    connections = in_order(recording.connections)
    if not connections:
        raise UsageError(f"{capture}: no WebSocket connection in it{_closed(recording)}")
    chosen = number if number is not None else 0
    if chosen >= len(connections):
        count = counted(len(connections), "connection")
        raise UsageError(f"no connection {chosen}: the capture has {count}, from 0 on")
    if quiet:
        return chosen
    if number is None and len(connections) > 1:
        say(f"note: the first of {len(connections)} connections; -c chooses another")
    if number is None and (many := len(refused_tunnels(recording))):
        say(f"note: proxies refused {counted(many, 'tunnel')}; --refused 0 tells the first")
    return chosen


def _closed(recording: Recording) -> str:
    """Return why there may be one all the same: no tunnel to it, or TLS that stayed closed."""
    refused = len(refused_tunnels(recording))
    if refused:
        many = counted(refused, "tunnel")
        return f", but proxies refused {many}: --refused 0 tells the first"
    closed = "; ".join(filter(None, map(closed_tls, recording.captures)))
    return f"; encrypted: {closed}" if closed else ""


def _print(story: Story, *, only_ladder: bool, only_frame: bool, no_color: bool) -> None:
    from wsanalyze.views.explained import explained_lines
    from wsanalyze.views.explained_frames import frame_lines
    from wsanalyze.views.ladder_text import ladder_lines
    from wsanalyze.views.wrapping import Line, print_lines

    console = console_of(no_color=no_color)
    width = console.width
    lines: Iterator[Line]
    if only_ladder:
        lines = ladder_lines(story, width)
    elif only_frame:
        told = (frame_lines(each, story, width, in_detail=True) for each in story.frames)
        lines = chain.from_iterable(told)
    else:
        lines = explained_lines(story, width)
    # In batches: a session may have as many lines as packets, and `head` wants the first.
    while batch := list(islice(lines, BATCH)):
        # Not printed by rich: it ends the process with status 1 when the reader leaves.
        with console.capture() as printed:
            print_lines(batch, console)
        sys.stdout.write(printed.get())


def _write_svg(story: Story, path: Path) -> None:
    from wsanalyze.views.ladder_svg import ladder_svg

    with replacing(path) as unfinished:
        unfinished.write_text(ladder_svg(story) + "\n", encoding="utf-8")

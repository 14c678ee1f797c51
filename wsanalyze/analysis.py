"""The one place where a library user starts: captures in, tables and objects out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from wsanalyze.arguments import (
    InMemory,
    KeyLog,
    Source,
    as_keylogs,
    as_sources,
    judge_of,
    payloads_wanted,
)
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.errors import UsageError
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.story.frames import Window
from wsanalyze.story.model import Story
from wsanalyze.story.refused import refused_tunnels, tell_refused
from wsanalyze.story.secrets import without_secrets
from wsanalyze.story.telling import tell_all_legs
from wsanalyze.streams import Streams
from wsanalyze.tables.build import Judge, Tables
from wsanalyze.tables.export import export_all, export_table, format_named, spare
from wsanalyze.tables.objects import AnalyzedConnection, Frame, Message
from wsanalyze.tables.rows import in_order
from wsanalyze.tables.schema import TABLES
from wsanalyze.tunnels.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

    from wsanalyze.views.ladder import Ladder

__all__ = ["Analysis", "AnalyzedConnection", "Frame", "Message", "analyze"]

Progress: TypeAlias = Callable[[int, int | None], None]


def analyze(
    source: Source | Sequence[Source],
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    payloads: str = "preview",
    preview_length: int = 64,
    hashes: bool = True,
    segments: bool = False,
    skip_unreadable: bool = False,
    checks: Sequence[str] = (),
    thresholds: Thresholds | None = None,
    show_secrets: bool = False,
    keylog: KeyLog | Sequence[KeyLog] | None = None,
) -> Analysis:
    """Read captures and return what was in them.

    `source`: a path, `-` for standard input, an open binary file, the contents of one as bytes, or
    scapy packets (a PacketList, a list of packets, a PcapReader, a generator); or a list of several
    of these, which are one stream of packets in time order. A folder stands for the captures in it.
    `progress(bytes_read, bytes_in_all or None)` is called now and then. `payloads`: what is kept
    of message contents, `none`, `preview` (the first `preview_length` bytes) or `full` (within
    `limits`); lengths, hashes and checks do not depend on it. `hashes`: whether messages are
    hashed. `segments`: whether TCP segments are kept. `skip_unreadable`: go on without captures of
    which nothing can be read, as long as there is another; `summary.problem` says why.
    `checks`: the checks to run, by ID, name, family or tag (none: all); `thresholds`: where a
    quantity becomes a finding; `show_secrets`: whether findings show secrets whole. `keylog`: files
    (or folders of files) with secrets of TLS connections, as SSLKEYLOGFILE has them, besides those
    that captures bring along.

    Raises CaptureError where nothing of an input can be read, UsageError where an argument makes
    no sense. A capture that is damaged or cut is read as far as it goes, and `summary.problem`
    says where it ended.
    """
    sources = as_sources(source)
    payloads_wanted(payloads, preview_length)
    wants = Wants(
        segments=segments,
        hashes=hashes,
        payloads=payloads,
        preview_length=preview_length,
        observe=True,
        tls=True,
    )
    judge = judge_of(checks, thresholds, show_secrets)
    limits = limits if limits is not None else Limits()
    if not isinstance(limits, Limits):
        raise UsageError(f"limits are wsanalyze.Limits(…), not {type(limits).__name__}")
    keylogs = as_keylogs(keylog)
    recording = _read(sources, wants, limits, skip_unreadable, progress, keylogs)
    return Analysis(
        recording,
        sources,
        limits,
        skip_unreadable=skip_unreadable,
        judge=judge,
        keylogs=keylogs,
    )


def _read(
    sources: list[str | Path | BinaryIO],
    wants: Wants,
    limits: Limits,
    skip_unreadable: bool,
    progress: Progress | None = None,
    keylogs: Sequence[Path] = (),
    streams: Streams | None = None,
) -> Recording:
    from wsanalyze.pipeline import read

    for each in sources:
        if isinstance(each, InMemory):
            each.seek(0)
    return read(
        sources,
        wants=wants,
        limits=limits,
        progress=progress,
        skip_unreadable=skip_unreadable,
        keylogs=keylogs,
        streams=streams,
    )


class Analysis:
    """What was found in captures: tables as DataFrames, and connections as objects.

    Each table is built when it is first asked for and kept. Iterating gives the connections in
    order of their numbers; `len()` counts them.
    """

    def __init__(
        self,
        recording: Recording,
        sources: Sequence[str | Path | BinaryIO] = (),
        limits: Limits | None = None,
        *,
        skip_unreadable: bool = False,
        judge: Judge = audit,
        keylogs: Sequence[Path] = (),
    ) -> None:
        """Take a recording, where it came from (to read it again if need be), who judges it."""
        self.recording = recording
        self._sources = list(sources)
        self._limits = limits if limits is not None else Limits()
        self._skip_unreadable = skip_unreadable
        self._keylogs = list(keylogs)
        self._judge = judge
        self._tables = Tables(recording, judge=judge)

    @property
    def connections(self) -> pd.DataFrame:
        """One row per connection attempt."""
        return self._tables.connections

    @property
    def frames(self) -> pd.DataFrame:
        """One row per WebSocket frame."""
        return self._tables.frames

    @property
    def messages(self) -> pd.DataFrame:
        """One row per data message."""
        return self._tables.messages

    @property
    def headers(self) -> pd.DataFrame:
        """One row per handshake header field."""
        return self._tables.headers

    @property
    def findings(self) -> pd.DataFrame:
        """One row per finding; the checks run when this or `connections` is first asked for."""
        return self._tables.findings

    @cached_property
    def segments(self) -> pd.DataFrame:
        """One row per TCP segment of those connections.

        Where they were not kept, the captures are read once more; UsageError where that cannot be
        done, because they came from a pipe or an open file.
        """
        if self.recording.segments is not None:
            return self._tables.segments
        return Tables(self._read_segments()).segments

    def _read_segments(self) -> Recording:
        if not self._can_read_again():
            raise UsageError("segments were not kept: analyze(…, segments=True) keeps them")
        wants = Wants(frames=False, messages=False, segments=True, hashes=False, payloads="none")
        return _read(
            self._sources, wants, self._limits, self._skip_unreadable, keylogs=self._keylogs
        )

    def _can_read_again(self) -> bool:
        paths = [each for each in self._sources if isinstance(each, str | Path)]
        in_memory = sum(isinstance(each, InMemory) for each in self._sources)
        others = len(self._sources) - len(paths) - in_memory
        if not self._sources or others or "-" in map(str, paths):
            return False
        return self._skip_unreadable or all(Path(path).exists() for path in paths)

    @property
    def tls(self) -> pd.DataFrame:
        """One row per TLS connection, decrypted or not."""
        return self._tables.tls

    @property
    def summary(self) -> pd.DataFrame:
        """One row per capture."""
        return self._tables.summary

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of that name; UsageError where there is none."""
        if name not in TABLES:
            raise UsageError(f"unknown table {name!r}: it must be one of {', '.join(TABLES)}")
        table: pd.DataFrame = getattr(self, name)
        return table

    def export(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        format: str,  # noqa: A002 - the name that the interface has
        table: str | None = None,
        spreadsheet_safe: bool = False,
    ) -> list[Path]:
        """Write tables and return the paths that were written.

        With `table`, that one goes to `path` (or an open binary file); without, every table into
        the folder `path`, or into one file for `sqlite` and `xlsx` (`segments` only where they
        were kept). A file is complete or not there. `spreadsheet_safe` (csv): text that a
        spreadsheet program would run as a formula gets an apostrophe in front.

        Raises UsageError for unknown names, OSError where a file cannot be written.
        """
        options = {"spreadsheet_safe": True} if spreadsheet_safe else {}
        if spreadsheet_safe and format_named(format).name != "csv":
            raise UsageError("spreadsheet_safe is for csv; xlsx is safe as it is")
        if isinstance(path, os.PathLike):
            path = Path(path)
        if isinstance(path, str | Path):
            spare(path, format_named(format), self._sources)
        tables = self._tables
        if table == "segments" and self.recording.segments is None:
            tables = Tables(self._read_segments())
        if table is not None:
            export_table(tables, table, path, format, **options)
            return [Path(path)] if isinstance(path, str | Path) else []
        if not isinstance(path, str | Path):
            raise UsageError("several tables need a folder: give a path, or name one table")
        names = [
            name for name in TABLES if name != "segments" or self.recording.segments is not None
        ]
        return export_all(tables, path, format, names, **options)

    def explain(
        self, number: int, *, frames: tuple[int, int] = (0, 11), show_secrets: bool = False
    ) -> Story:
        """Return what happened in a connection step by step, as plain values (`story.model`).

        `frames`: the first and the last frame that are told bit by bit. `show_secrets`: whether
        credentials and tokens of the handshake are in it. The captures are read once more for the
        bytes; where that cannot be done, because they came from a pipe or an open file, the story
        goes without them. UsageError for a connection that there is not.
        """
        if not 0 <= number < len(self):
            raise UsageError(f"no connection {number}: there are {len(self)}")
        recording, findings = self._told
        again = self._again if self._can_read_again() else None
        return tell_all_legs(
            recording,
            number,
            findings,
            window=Window(*frames),
            again=again,
            show_secrets=show_secrets,
        )

    def refused_tunnels(self) -> list[Refusal]:
        """Return the tunnels that proxies refused, in the order of their answers.

        They have no row in `connections`: nobody asked for WebSocket there, or could. Each is a
        `Refusal`, plain data: `client_ip`, `client_port`, `proxy_ip`, `proxy_port`, `way` (what was
        asked for, as the column `tunnel` has it), `kind`, `where`, `outer` (the tunnel that it was
        asked for in, None for none), `code` and its `meaning`, `time` (integer ns), `packet`,
        `capture`. A 407 that had a second try is none. At most `Limits.refusals` are kept.
        """
        return refused_tunnels(self.recording)

    def explain_refused(self, number: int, *, show_secrets: bool = False) -> Story:
        """Return what was said when a tunnel was refused, step by step, as `explain` does.

        `number` counts `refused_tunnels()` from 0. UsageError for one that there is not.
        """
        if not 0 <= number < len(self.refused_tunnels()):
            raise UsageError(f"no refused tunnel {number}: there are {len(self.refused_tunnels())}")
        recording, findings = self._told
        again = self._again if self._can_read_again() else None
        story = tell_refused(recording, number, findings, again=again)
        return story if show_secrets else without_secrets(story, None)

    def ladder(self, number: int, frames: tuple[int, int] = (0, 59)) -> Ladder:
        """Return a connection as a ladder diagram: `print` it, or let a notebook show it.

        `frames`: the first and the last frame that have a row of their own. UsageError for a
        connection that there is not.
        """
        from wsanalyze.views.ladder import Ladder

        return Ladder(self.explain(number, frames=frames))

    def write_report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        connections: Iterable[int] | None = None,
        payload: int = 4096,
        show_secrets: bool = False,
    ) -> Path:
        """Write everything as one HTML page, as `wsanalyze report` does; return its path.

        `title`: what the page is called (None: after the captures). `connections`: numbers of those
        that are shown (None: all). `payload`: bytes that are shown of each message. The captures
        are read again for it: UsageError where that cannot be done, because they came from a pipe
        or an open file, for a connection that there is not, and for `path` being one of the
        captures; OSError where the page cannot be written.
        """
        from wsanalyze.capture.digests import digests_of, marks_of
        from wsanalyze.report.written import report_page, wants_of_report, write_page

        if not self._can_read_again():
            raise UsageError("a report reads the captures again, and these cannot be")
        spare(Path(path), format_named("jsonl"), self._sources)
        shown = None if connections is None else set(connections)
        if shown is not None and not shown <= set(range(len(self))):
            raise UsageError(f"no connection {max(shown)}: there are {len(self)}")
        before = marks_of(self._sources)
        recording = self._again(None, wants_of_report(payload))
        # Of what `analyze` made, whose findings may have secrets in them.
        judge = cast("Callable[..., list[Finding]]", self._judge)
        findings = judge(recording, show_secrets=show_secrets)
        page = report_page(
            recording,
            findings,
            again=self._again,
            title=title,
            chosen=shown,
            longest=payload,
            show_secrets=show_secrets,
            digests=digests_of(
                (each.capture for each in recording.captures), self._sources, before
            ),
        )
        write_page(page, Path(path))
        return Path(path)

    @cached_property
    def _told(self) -> tuple[Recording, list[Finding]]:
        """The recording with its segments, if they can be had, and what is wrong in it."""
        recording = self.recording
        if recording.segments is None and self._can_read_again():
            wants = Wants(segments=True, hashes=False, payloads="none", observe=True, tls=True)
            recording = self._again(None, wants)
        return recording, self._tables.judge(recording)

    def _again(self, streams: Streams | None, wants: Wants) -> Recording:
        return _read(
            self._sources,
            wants,
            self._limits,
            self._skip_unreadable,
            keylogs=self._keylogs,
            streams=streams,
        )

    def __iter__(self) -> Iterator[AnalyzedConnection]:
        """Yield the connections in order of their numbers."""
        for number, connection in enumerate(in_order(self.recording.connections)):
            yield AnalyzedConnection(self._tables, number, connection, self.ladder)

    def __len__(self) -> int:
        """Count the connections."""
        return len(self.recording.connections)

    def __bool__(self) -> bool:
        """Be true even without connections: an analysis is not a container first of all."""
        return True

    def __repr__(self) -> str:
        """Return what was read and how much was found."""
        captures = self.recording.captures
        names = ", ".join(repr(capture.capture) for capture in captures[:3])
        more = ", …" if len(captures) > 3 else ""
        attempts = sum(capture.attempts for capture in captures)
        frames = sum(capture.frames for capture in captures)
        return f"<Analysis of {names}{more}: {attempts} connection attempts, {frames} frames>"

    def _repr_html_(self) -> str:
        """Return the summary for a notebook, everything escaped."""
        from wsanalyze.views.notebook import html

        return html(self.recording)

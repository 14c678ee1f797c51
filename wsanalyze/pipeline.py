"""One pass over captures: packets to transport, bytes to layers, facts to a Recording."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO, Protocol

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.key_files import KeyLogs
from wsanalyze.capture.secrets_ahead import secrets_of_file
from wsanalyze.capture.several import open_captures
from wsanalyze.errors import UsageError
from wsanalyze.layer import Layer
from wsanalyze.layers.probe import Probe
from wsanalyze.layers.recorder import Recorder
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.streams import Nobody, Streams
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, Full, MessageColumns, SegmentColumns
from wsanalyze.tls.keylog import Secrets
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.tcp import Transport

Source = str | Path | BinaryIO
Progress = Callable[[int, int | None], None]

# Secrets that pcapng carries in the format of key logs, draft-ietf-opsawg-pcapng §4.7.
TLS_KEY_LOG = 0x544C534B
# What a conversation spoke, as `Conversation.spoke` numbers it.
SPOKE = ("empty", "websocket", "http", "tls", "other", "tls_empty")


# How many batches pass between two calls of `progress`.
PROGRESS_EVERY = 4


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while reading; `recording` holds what was found until then."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.recording = recording


def read(
    sources: Sequence[Source],
    *,
    wants: Wants,
    limits: Limits,
    progress: Progress | None = None,
    skip_unreadable: bool = False,
    full: Mapping[str, Full] | None = None,
    keylogs: Sequence[Path] = (),
    streams: Streams | None = None,
) -> Recording:
    """Read captures (files, streams, directories of files) as one stream of packets in time order.

    `progress(bytes_read, total_bytes | None)` is called now and then. Raises CaptureError where
    nothing of an input can be read, with `skip_unreadable` where nothing of any can; what else is
    wrong stands in `Recording.captures`.
    Ctrl-C ends the reading with Interrupted, which carries what was found so far. `full`: who takes
    runs of rows of `frames`, `messages` and `segments`; the recording then has the last rows only.
    `keylogs`: files, or folders of files, with secrets of TLS connections; UsageError where one
    cannot be read. `streams`: who keeps bytes of some conversations; no other one is read then.
    """
    takers = full or {}
    recording = Recording(
        wants,
        frames=FrameColumns(takers.get("frames")) if wants.frames else None,
        messages=MessageColumns(takers.get("messages")) if wants.messages else None,
        segments=SegmentColumns(takers.get("segments")) if wants.segments else None,
        streams=streams,
    )
    secrets = secrets_of(keylogs, limits)
    captures = open_captures(sources, limits=limits, skip_unreadable=skip_unreadable)
    with captures as reader, _no_collections():
        run = Pass(recording, limits, reader.infos, secrets)
        finished = run.feed(reader, progress)
        run.close()
    if not finished:
        raise Interrupted(recording)
    return recording


def secrets_of(keylogs: Sequence[Path], limits: Limits, *, logs: KeyLogs | None = None) -> Secrets:
    """Return the secrets of TLS that key logs say; UsageError where one cannot be read, or is none.

    Its `more` looks for what was appended since. `logs`: `keylogs` of somebody who looks on.
    """
    secrets, logs = Secrets(limits.secrets, limits.rsa), logs or KeyLogs(keylogs)
    for log, lines in logs.lines():
        if not secrets.add(lines, log) and (why := logs.give_up(log)) is not None:
            raise UsageError(why)

    def more() -> bool:
        before = secrets.lines
        for log, lines in logs.appended():
            if not secrets.append(lines, log) and (why := logs.give_up(log)) is not None:
                logs.problems.append(why)
        return secrets.lines > before

    if keylogs:
        secrets.more = secrets.logged = more
    return secrets


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the cyclic garbage collector from walking over every conversation again and again.

    Conversations are freed by their reference counts: a layer refers to its conversation, and
    leaving the flow table takes the layer away.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _can_be_scanned(info: CaptureInfo) -> bool:
    """Say whether a capture's secrets can be looked for in all of it beforehand."""
    is_plain = info.path is not None and info.compression is None
    return is_plain and info.format == "pcapng" and info.total_bytes is not None


def _may_bring(info: CaptureInfo, secrets: Secrets) -> bool:
    """Say whether secrets for a capture may come while it is read: it is no plain file."""
    if info.format is None or _can_be_scanned(info):
        return False
    return info.format == "pcapng" or (info.total_bytes is None and secrets.more is not None)


class Batches(Protocol):
    """Anything that hands out packets in batches until there are none."""

    def next(self) -> Batch | None:
        """Return the next packets, None at the end."""


class _CtrlC:
    """Lets a batch be finished before Ctrl-C ends the reading, so that no row is half written.

    A reader that waits for more is interrupted at once. Where the program handles SIGINT itself,
    or reads in another thread, nothing is changed.
    """

    def __init__(self) -> None:
        self.waiting = self.came = self.installed = False

    def next_of(self, reader: Batches) -> Batch | None:
        """Return the reader's next batch; KeyboardInterrupt where Ctrl-C came before it."""
        self.waiting = True
        if self.came:
            raise KeyboardInterrupt
        batch = reader.next()
        self.waiting = False
        return batch

    def _handle(self, _number: int, _frame: object) -> None:
        self.came = True
        if self.waiting:
            raise KeyboardInterrupt

    def __enter__(self) -> _CtrlC:
        if threading.current_thread() is threading.main_thread():
            self.installed = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.installed:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class Pass:
    """The parts of one pass, put together."""

    def __init__(
        self,
        recording: Recording,
        limits: Limits,
        infos: list[CaptureInfo],
        secrets: Secrets,
    ) -> None:
        self.recording = recording
        self.infos = infos
        self.secrets = secrets
        # How many blocks of secrets of each capture were taken.
        self.taken = [0] * len(infos)
        self.recorder = Recorder(recording, limits, secrets)
        for index in range(len(infos)):
            self.take_secrets(index)
        # Files that may hold secrets behind what was read of them.
        self.unscanned = [index for index, info in enumerate(infos) if _can_be_scanned(info)]
        secrets.expects = any(_may_bring(info, secrets) for info in infos)
        self.appended, secrets.more = secrets.more, self.more_secrets
        if recording.wants.observe:
            # Its patterns take longer to compile than a small capture to read.
            from wsanalyze.checks.contents import inspect

            self.recorder.look_into(inspect)
        self.summaries = [CaptureSummary(info.name) for info in infos]
        self.recorder.summaries = self.summaries
        self.counts = [PacketCounts() for _ in infos]
        seed = int.from_bytes(os.urandom(8), "big")
        # Conversations that are over, by index, where somebody looks on.
        self.left: list[int] | None = None
        self.transport = Transport(self.open, self.leave, limits, recording.segments, seed)

    def feed(self, reader: Batches, progress: Progress | None) -> bool:
        """Read to the end; return False where Ctrl-C came before it."""
        batches = 0
        try:
            with _CtrlC() as interruption:
                while (batch := interruption.next_of(reader)) is not None:
                    self.take(batch)
                    batches += 1
                    if progress is not None and batches % PROGRESS_EVERY == 0:
                        progress(*self.bytes_read())
        except KeyboardInterrupt:
            return False
        if progress is not None:
            progress(*self.bytes_read())
        return True

    def take(self, batch: Batch) -> None:
        """Read the packets of one batch."""
        self.take_secrets(batch.capture)
        self.transport.readers.narrow = self.is_narrow(batch.capture)
        self.transport.feed(batch, self.counts[batch.capture])

    def take_secrets(self, capture: int) -> None:
        """Take the secrets of TLS that a capture itself has brought so far."""
        blocks = self.infos[capture].secrets
        for kind, data in blocks[self.taken[capture] :]:
            self.taken[capture] += 1
            if kind == TLS_KEY_LOG:
                self.secrets.add(data.splitlines(), from_capture=True)

    def more_secrets(self) -> bool:
        """Look for secrets that came late: further on in files, then in key logs."""
        before = self.secrets.lines
        unscanned, self.unscanned = self.unscanned, []
        for index in unscanned:
            blocks = secrets_of_file(self.infos[index].path or "")
            for kind, data in blocks[self.taken[index] :]:
                if kind == TLS_KEY_LOG:
                    self.secrets.add(data.splitlines(), from_capture=True)
            self.taken[index] = max(len(blocks), self.taken[index])
        appended = self.appended is not None and self.appended()
        return appended or self.secrets.lines > before

    def open_waiting(self) -> bool:
        """Let the records be read that wait for secrets which have come; say whether any did.

        For who follows packets as they come: on a quiet connection the next one may be far away.
        """
        opened = False
        for each in list(self.secrets.waiting):
            if each.ask():
                each.finish(1)
            opened |= each not in self.secrets.waiting
        return opened

    def is_narrow(self, capture: int) -> bool:
        """Say whether another capture keeps more of each packet than this one."""
        mine = self.infos[capture].snap_length
        if mine is None:
            return False
        others = [info.snap_length for info in self.infos if info.format is not None]
        return any(other is None or other > mine for other in others)

    def bytes_read(self) -> tuple[int, int | None]:
        """Return the bytes read of all inputs, and of how many (None where one is a pipe)."""
        totals = [info.total_bytes for info in self.infos]
        known = [total for total in totals if total is not None]
        read_so_far = sum(info.bytes_read for info in self.infos)
        return read_so_far, sum(known) if len(known) == len(totals) else None

    def close(self) -> None:
        """Let every conversation end, then write the captures' summaries."""
        self.transport.finish()
        self.summarise_all()
        self.recording.captures.extend(self.summaries)

    def summarise_all(self) -> None:
        """Bring the captures' summaries up to date; as often as one likes."""
        for index, (info, counts) in enumerate(zip(self.infos, self.counts, strict=True)):
            self.summarise(self.summaries[index], info, counts)
        self.summaries[0].keylog_files = self.secrets.sources
        self.summaries[0].keylog_lines = self.secrets.lines
        self.summaries[0].keylog_not_understood = self.secrets.not_understood
        self.count_limits()

    def summarise(self, summary: CaptureSummary, info: CaptureInfo, counts: PacketCounts) -> None:
        """Fill one capture's row from what its reader and the transport counted."""
        summary.format = info.format
        summary.compression = info.compression
        summary.packets = counts.packets
        summary.captured_bytes = counts.captured_bytes
        summary.wire_bytes = counts.wire_bytes
        summary.first_time = info.first_time_ns
        summary.last_time = info.last_time_ns
        summary.dropped = info.dropped
        summary.not_packets = info.not_packets
        summary.cut_packets = counts.cut
        summary.tcp_packets = counts.tcp
        summary.udp_packets = counts.udp
        summary.other_packets = counts.other
        summary.not_decoded_link = counts.unknown_link
        summary.not_decoded_truncated = counts.truncated
        summary.not_decoded_malformed = counts.malformed
        summary.not_decoded_fragment = counts.fragments
        summary.tcp_conversations = counts.conversations
        summary.other_not_ip = counts.not_ip
        summary.fragment_packets = counts.joined
        summary.fragment_conflicts = counts.fragment_conflicts
        summary.not_decoded_esp = counts.esp
        summary.not_decoded_macsec = counts.macsec
        summary.not_decoded_wifi = counts.wifi_protected
        summary.not_decoded_nested = counts.nested
        summary.unknown_links = [str(link) for link in sorted(counts.unknown_links)]
        summary.duplicate_packets = counts.duplicates
        summary.untimed_packets = info.untimed_packets
        summary.clamped_times = info.clamped_times
        if info.problem is not None:
            offset = info.problem.offset
            where = "" if offset is None else f"byte {offset}: "
            summary.end_with(where + info.problem.what)

    def count_limits(self) -> None:
        """Write how often each limit was reached.

        They hold for all captures of a pass together: the first row carries them.
        """
        reached = dict(self.recorder.reached)
        transport = self.transport
        reached["masking_keys"] = self.recorder.keys.reached
        reached["flows"] = transport.readers.reached_flows
        reached["followed"] = transport.readers.reached_followed
        reached["out_of_order"] = transport.readers.reached_pending
        reached["out_of_order_total"] = transport.readers.reached_pending_all
        reached["remembered"] = transport.readers.reached_remembered
        reached["conflicts"] = reached.get("conflicts", 0) + transport.readers.reached_conflicts
        reached["fragments"] = transport.fragments.reached_fragments
        reached["datagrams"] = transport.fragments.reached_datagrams
        reached["secrets"] = self.secrets.dropped
        reached["rsa"] = self.secrets.rsa_refused
        columns = (self.recording.frames, self.recording.messages, self.recording.segments)
        reached["rows"] = sum(each.spilled for each in columns if each is not None)
        for limit in fields(Limits):
            self.summaries[0].limits[limit.name] = reached.get(limit.name, 0)

    def open(self, conversation: Conversation) -> Layer:
        """Return who reads a conversation from its first payload byte on."""
        streams = self.recording.streams
        if streams is None:
            return Probe(self.recorder, conversation)
        if not streams.wants(conversation.index):
            return Nobody()
        return streams.tapped(Probe(self.recorder, conversation), conversation.index, 0)

    def leave(self, conversation: Conversation) -> None:
        """Count a conversation that is over by what it spoke."""
        if self.left is not None:
            self.left.append(conversation.index)
        summary = self.summaries[conversation.capture]
        name = "conversations_" + SPOKE[conversation.spoke]
        setattr(summary, name, getattr(summary, name) + 1)

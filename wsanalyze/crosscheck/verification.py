"""`verify`: a capture read twice, by us and by Wireshark's dissector, and what differs and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from wsanalyze.capture.dissector import OPTIONS, Dissection, ShownFrame, dissect
from wsanalyze.capture.key_files import as_one
from wsanalyze.crosscheck.frames import Facts, OurFrame, our_frames
from wsanalyze.crosscheck.matching import Difference, TheirFrame, differences
from wsanalyze.crosscheck.reasons import Case, Reason, reason_of
from wsanalyze.crosscheck.streams import same_streams
from wsanalyze.errors import UsageError
from wsanalyze.layers.connection import Connection
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants, in_order

# Seconds that tshark may take: it dissects some 50,000 packets in them, pyshark reads as many.
TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Explained:
    """A difference, and what is known of it.

    `connection` is its number in the tables, None where we have no connection there; `sender` is
    `client` or `server` (None likewise); `reason` is None where nothing that is known explains it.
    """

    difference: Difference
    connection: int | None
    sender: str | None
    reason: Reason | None

    @property
    def packet(self) -> int:
        """The packet with the frame's last byte, or at which tshark shows it where we have none."""
        mine, other = self.difference.ours, self.difference.theirs
        if mine is not None:
            return mine.packet_end
        return 0 if other is None else other.packet


@dataclass(frozen=True, slots=True)
class Verification:
    """What two dissectors make of one capture.

    `ours` and `theirs` count frames, `agree` those that both have with the same packet, sender,
    opcode, FIN, RSV, masking key and length. `until`: only what is complete up to this packet was
    compared (None: everything). `problems`: why not all of the capture was dissected. `closed`: TLS
    conversations that were not decrypted, of which nothing is said.
    """

    capture: str
    tshark: str
    pyshark: str
    options: tuple[str, ...]
    ours: int
    theirs: int
    agree: int
    until: int | None
    problems: tuple[str, ...]
    differences: tuple[Explained, ...]
    closed: int = 0

    @property
    def unexplained(self) -> int:
        """How many differences nothing explains that is known of tshark."""
        return sum(each.reason is None for each in self.differences)

    @property
    def agreed(self) -> bool:
        """Whether all frames agree, or differ for a known reason."""
        return self.unexplained == 0

    @property
    def compared(self) -> bool:
        """Whether anything was compared: a frame agrees, or a difference is unexplained."""
        return self.agree > 0 or self.unexplained > 0

    @property
    def statement(self) -> str:
        """The outcome in one sentence, or two: what was not looked into is said."""
        if not self.closed:
            return self._outcome
        were = "conversation was" if self.closed == 1 else "conversations were"
        return f"{self._outcome} {self.closed:,} TLS {were} not decrypted: nothing is said of them."

    @property
    def _outcome(self) -> str:
        names = f"wsanalyze and Wireshark's dissector (tshark {self.tshark})"
        where = "" if self.until is None else f", up to packet {self.until:,}"
        both = f"{names}, two independent dissectors,"
        count = len(self.differences)
        if self.unexplained:
            many = _counted(self.unexplained, "unexplained difference")
            return f"{names} do not agree{where}: {many}."
        explained = self._explanation
        if count and not self.agree:
            return f"Nothing was compared{where}: {names} have no frame in common; {explained}."
        if count:
            return f"{both} agree on {_counted(self.agree, 'frame')}{where}; {explained}."
        if not self.ours:
            return f"Nothing was compared{where}: {names} find no frames."
        return f"{both} agree on all {self.agree:,} frames{where}."

    @property
    def _explanation(self) -> str:
        """What explains all differences, and how many of them."""
        reasons = [each.reason for each in self.differences if each.reason is not None]
        of_tshark = sum(each.of_tshark for each in reasons)
        parts = []
        if of_tshark:
            many = _counted(of_tshark, "difference")
            parts.append(f"what tshark is known to get wrong or not to read explains {many}")
        for text, number in Counter(each.text for each in reasons if not each.of_tshark).items():
            parts.append(f"{text} explain {_counted(number, 'difference')}")
        return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def verify(
    path: str | os.PathLike[str],
    *,
    timeout: float = TIMEOUT,
    packets: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
    keylogs: Sequence[Path] = (),
) -> Verification:
    """Cross-check a capture file against Wireshark's dissector.

    `timeout`: seconds that tshark may take; what it shows until then is compared. `packets`:
    compare the first so many. `progress(packet, packets_in_all)` is called while tshark dissects.
    `keylogs`: files with secrets of TLS, for both.
    Needs tshark and pyshark. Raises UsageError where one is missing or `path` is no single file,
    CaptureError where one of both cannot read it.
    """
    capture = Path(path)
    if str(path) == "-" or capture.is_dir():
        raise UsageError(f"{path}: verify reads a capture twice, so it takes one file")
    for each in keylogs:
        if each.exists() and not (each.is_file() or each.is_dir()):
            raise UsageError(f"key log {each}: verify reads key logs twice, so it takes files")
    if timeout <= 0:
        raise UsageError(f"timeout={timeout:g}: it must be more than 0 seconds")
    if packets is not None and packets < 1:
        raise UsageError(f"packets={packets}: it must be 1 or more")
    wants = Wants(messages=False, hashes=False, payloads="none", contents=False, observe=True)
    bounds = limits if limits is not None else Limits()
    recording = read([capture], wants=wants, limits=bounds, keylogs=keylogs)
    total = sum(summary.packets for summary in recording.captures)
    told = None if progress is None else _told(progress, min(total, packets or total))
    bound = packets if packets is not None and packets < total else None
    with as_one(keylogs) as keylog:
        dissection = dissect(capture, timeout=timeout, packets=bound, progress=told, keylog=keylog)
    return compared(str(path), recording, dissection)


def _told(progress: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    return lambda packet: progress(packet, total)


def compared(capture: str, recording: Recording, dissection: Dissection) -> Verification:
    """Lay a recording of one capture (with observations) beside a dissection of it."""
    until = dissection.until
    ours = [each for each in our_frames(recording) if until is None or each.shown_at <= until]
    placed = [*((each.packet, each.stream) for each in dissection.frames), *dissection.answers]
    streams = same_streams(ours, recording.connections, placed)
    theirs = [_their_frame(each, streams) for each in dissection.frames]
    answered = frozenset(streams[stream] for _, stream in dissection.answers)
    agree, found = differences(ours, theirs)
    problems = [summary.problem for summary in recording.captures if summary.problem]
    if dissection.problem is not None:
        problems.append(dissection.problem)
    return Verification(
        capture=capture,
        tshark=dissection.tshark,
        pyshark=dissection.pyshark,
        options=OPTIONS,
        ours=len(ours),
        theirs=len(theirs),
        agree=agree,
        until=until,
        problems=tuple(problems),
        differences=tuple(_explained(found, ours, theirs, recording, answered)),
        closed=sum(summary.conversations_tls for summary in recording.captures),
    )


def _their_frame(shown: ShownFrame, streams: Mapping[int, int]) -> TheirFrame:
    facts = Facts(*(getattr(shown, each.name) for each in fields(Facts)))
    return TheirFrame(replace(facts, stream=streams[shown.stream]), shown.packet)


def _explained(
    found: Sequence[Difference],
    ours: Sequence[OurFrame],
    theirs: Sequence[TheirFrame],
    recording: Recording,
    answered: Collection[int],
) -> Iterator[Explained]:
    if not found:
        return
    read_of = Counter(each.facts.stream for each in ours)
    shown_of = Counter(each.facts.stream for each in theirs)
    numbers = {}
    by_serial = {}
    by_stream: dict[int | None, list[Connection]] = {}
    for number, each in enumerate(in_order(recording.connections)):
        numbers[each.serial] = number
        by_serial[each.serial] = each
        by_stream.setdefault(each.tcp_stream, []).append(each)
    for difference in found:
        stream = difference.facts.stream
        mine = difference.ours
        connection = (
            _latest(by_stream.get(stream, ()), difference)
            if mine is None
            else by_serial[mine.connection]
        )
        from_server = _from_server(difference, connection)
        case = Case(
            difference,
            connection,
            from_server,
            stream in answered,
            shown_of[stream],
            read_of[stream],
        )
        place = None if connection is None else numbers[connection.serial]
        sender = None if from_server is None else ("server" if from_server else "client")
        yield Explained(difference, place, sender, reason_of(case))


def _latest(connections: Sequence[Connection], difference: Difference) -> Connection | None:
    """Return the connection of a stream that a frame of tshark's is in, the latest before it."""
    packet = 0 if difference.theirs is None else difference.theirs.packet
    before = [each for each in connections if (each.response_packet or 0) <= packet]
    return next(iter((*before[::-1][:1], *connections)), None)


def _from_server(difference: Difference, connection: Connection | None) -> bool | None:
    if difference.ours is not None:
        return difference.ours.from_server
    if connection is None:
        return None
    return difference.facts.port == connection.server_port

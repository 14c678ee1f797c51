"""One live session: packets from a source to the pass, and what came of them to who asked.

`pump` does one step of everything: it takes what was captured, lets connections leave, ends when it
is time. Nothing here waits longer than it is told to, and nothing starts a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.key_files import KeyLogs
from wsanalyze.capture.live import LiveSource
from wsanalyze.checks.finding import Finding
from wsanalyze.limits import Limits
from wsanalyze.monitoring.events import Found, LimitReached, Problem, Told
from wsanalyze.monitoring.follower import Followed, Follower, by_packet
from wsanalyze.monitoring.idleness import IDLE_SESSION, Leaving
from wsanalyze.monitoring.judging import Judge, key
from wsanalyze.monitoring.keeping import InFile, InFolder, InMemory, PacketFile
from wsanalyze.observation import Side
from wsanalyze.pipeline import Pass, secrets_of
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.tables.parts import Parts

# Seconds between two looks at what changed: who watches does not notice, and a look at many small
# batches at once costs a fraction.
LOOK = 0.02
# Rows after which a look is due however little time has passed.
MANY = 8192
# Seconds between two parts of tables, and how long connections wait for others to be compared with.
PART = 30.0
BLOCK = 3600.0
# Seconds between two looks at which limits were reached.
LIMITS = 1.0
# Seconds between two looks at key logs that nobody asked for: a FIFO is emptied in time, so that
# who writes it never waits.
KEYS = 0.5
# Bytes of the masking keys that every side may keep (`layers/watch.py`): those do not count.
FREE_KEYS = 64


@dataclass(frozen=True, slots=True)
class Ends:
    """When a session ends by itself: after seconds, after packets, when all connections closed."""

    duration: float | None = None
    count: int | None = None
    until_closed: bool = False


class Session:
    """A session over a source. `finished`: nothing will come any more, and all is written."""

    def __init__(
        self,
        source: LiveSource,
        *,
        wants: Wants,
        limits: Limits,
        judge: Judge,
        ends: Ends | None = None,
        folder: Path | None = None,
        packets: PacketFile | None = None,
        keep: bool = False,
        keylogs: Sequence[Path] = (),
        most: int | None = None,
        in_blocks: bool = False,
        idle: float = IDLE_SESSION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take an open source, which the session closes, and what is wanted of it.

        `folder` is where tables grow, `packets` where packets are kept; UsageError where the one
        has tables already or the other is a terminal, OSError where they cannot be written.
        `most`, `in_blocks`: see Follower. `idle`: seconds without a packet after which a WebSocket
        connection leaves.
        """
        self.source = source
        self.ends = ends if ends is not None else Ends()
        self.limits = limits
        self.judge = judge
        self.finished = self.stopped = False
        self.taken = 0
        recording = Recording(wants, frames=FrameColumns(), messages=MessageColumns())
        self.keylogs = KeyLogs(keylogs, follows=True)
        secrets = secrets_of(keylogs, limits, logs=self.keylogs)
        self.run = Pass(recording, limits, source.infos, secrets)
        # Whether its format is known yet or not, a key log is written while packets come.
        self.run.secrets.expects |= bool(keylogs)
        self.folder = None
        if folder is not None:
            self.folder = InFolder(Parts(folder, wants.preview_length), self.run)
        self.packets = InFile(packets, self.run, limits) if packets is not None else None
        self.memory = InMemory(self.run, limits) if keep else None
        keepers = [each for each in (self.folder, self.memory) if each is not None]
        self.follower = Follower(self.run, judge, keepers, most, in_blocks=in_blocks)
        self._clock = clock
        self.started = self._looked = self._part = self._block = clock()
        self._limits_at = self._keys_at = self.started
        self._unlooked = False
        # Lines of secrets that those who wait have heard of.
        self._secrets = self.run.secrets.lines
        self._told: set[str] = set()
        self._leaving = Leaving(self.run, idle, self.started)

    @property
    def failure(self) -> str | None:
        """Why the source ended by itself; None where it did not, or ended well."""
        return self.source.failure

    @property
    def is_written(self) -> bool:
        """Whether all that was to be kept could be written so far."""
        rows = None if self.folder is None else self.folder.parts.problem
        packets = None if self.packets is None else self.packets.writer.problem
        return rows is None and packets is None

    @property
    def is_kept(self) -> bool:
        """Whether anything that passes is still written somewhere, or was to be kept in memory."""
        packets = self.packets is not None and self.packets.writer.problem is None
        return packets or self.folder is not None or self.memory is not None

    def is_ending(self) -> bool:
        """Say whether it was stopped, or is to stop itself when somebody pumps again."""
        return self.stopped or self._is_time(self._clock())

    def pump(self, seconds: float) -> list[Told]:
        """Take what comes within so many seconds, and return what happened.

        An empty list says that nothing did, or, where `finished`, that nothing will.
        """
        if self.finished:
            return []
        now = self._clock()
        if self._is_time(now):
            self.stop()
        if self._unlooked:
            seconds = min(seconds, max(self._looked + LOOK - now, 0.0))
        batch = self.source.next(seconds)
        events = self._problems()
        if batch is not None:
            self._take(batch)
        now = self._clock()
        self._unlooked |= self._leaving.maybe_leave(now)
        if now - self._keys_at >= KEYS:
            self._keys_at = now
            self.run.more_secrets()
            # Handshakes ask, too: what came may have been read by one that it is not for.
            if self.run.secrets.lines != self._secrets:
                self._secrets = self.run.secrets.lines
                self._unlooked |= self.run.open_waiting()
        if self._is_look_due(now, waited=batch is None):
            events += self._look(now)
        if batch is None and self.source.ended:
            events += self._finish()
        return events

    def stop(self) -> None:
        """Stop capturing; what was received still comes."""
        if not self.stopped:
            self.stopped = True
            self.source.stop()

    def close(self) -> None:
        """End at once, however much was not looked at; twice is fine."""
        self.source.close()
        if not self.finished:
            self.finished = True
            self._write_parts()
            self._close_packets()

    def _take(self, batch: Batch) -> None:
        count = self.ends.count
        if count is not None:
            batch.count = min(batch.count, count - self.taken)
        self.taken += batch.count
        if not batch.count:
            return
        if self.packets is not None:
            self.packets.take(batch)
        else:
            self.run.take(batch)
        self._unlooked = True

    def _is_time(self, now: float) -> bool:
        """Whether the session is to end by itself."""
        ends = self.ends
        if ends.duration is not None and now - self.started >= ends.duration:
            return True
        if ends.count is not None and self.taken >= ends.count:
            return True
        if not ends.until_closed or not self.follower.seen or self._unlooked:
            return False
        return not self.follower.open

    def _is_look_due(self, now: float, *, waited: bool) -> bool:
        if not self._unlooked:
            return False
        frames = self.run.recorder.frames
        many = frames is not None and frames.count >= MANY
        return waited or many or now - self._looked >= LOOK

    def _look(self, now: float) -> list[Told]:
        """Return what happened, and do what is due beside."""
        self._looked = now
        self._unlooked = False
        events = self.follower.look()
        if self.folder is None and self.memory is None:
            self.run.recording.tls.clear()
        recent = self.follower.recent
        if len(recent) >= self.limits.recent or (recent and now - self._block >= BLOCK):
            if len(recent) >= self.limits.recent:
                self.run.recorder.reach("recent")
            events += self._compare(last=False)
            self._block = now
        if not recent:
            self._block = now
        if now - self._limits_at >= LIMITS:
            self._limits_at = now
            events += self._reached()
        if self.folder is not None and (now - self._part >= PART or self.folder.parts.full()):
            self._part = now
            self._write_parts()
        return events + self._unwritten()

    def _finish(self) -> list[Told]:
        """Let everything end: what is open is at the end of its capture."""
        self.run.close()
        if self.packets is not None:
            self.packets.end()
        self._looked = self._clock()
        events = self.follower.look()
        self.run.summarise_all()
        events += self._compare(last=True)
        events += self._reached()
        self._write_parts()
        self._close_packets()
        events += self._unwritten()
        events += self._problems()
        if self.source.failure is not None:
            events.append(Problem(self.source.failure, time.time_ns()))
        self.source.close()
        self.finished = True
        return events

    def _compare(self, *, last: bool) -> list[Told]:
        """Look at the connections that ended recently together, and let go of them."""
        recent, self.follower.recent = self.follower.recent, []
        refusals = self.run.recording.refusals
        connections = [each.connection for each in recent]
        found = self.judge.together(connections, self.run.summaries, refusals, last=last)
        numbers = {each.connection.serial: each.number for each in recent}
        if self.folder is not None:
            self.folder.found(by_packet(self._event(each, numbers) for each in found))
        told = {finding for each in recent for finding in each.told}
        places = {_place(each.connection.serial, told) for each in recent for told in each.told}
        events = by_packet(
            replace(self._event(each, numbers), again=_place(each.connection, each) in places)
            for each in found
            if key(each) not in told
        )
        if self.memory is not None:
            self.memory.refused(refusals)
        self.run.recorder.refusals += len(refusals)
        refusals.clear()
        for each in recent:
            self._give_back(each)
        return list(events)

    def _event(self, finding: Finding, numbers: dict[int, int]) -> Found:
        number = None if finding.connection is None else numbers.get(finding.connection)
        return self.judge.event(finding, number)

    def _give_back(self, followed: Followed) -> None:
        """Let others have what a connection that is gone took of what all share."""
        recorder, record = self.run.recorder, followed.connection
        recorder.conflicts += len(record.client_contested) + len(record.server_contested)
        if record.observation is not None:
            for side in (record.observation.client, record.observation.server):
                recorder.keys.held -= _room_of_keys(side)

    def _reached(self) -> list[Told]:
        """Return the limits that were reached for the first time."""
        self.run.count_limits()
        reached = self.run.summaries[0].limits
        new = [name for name, count in reached.items() if count and name not in self._told]
        self._told.update(new)
        return [LimitReached(name, reached[name], time.time_ns()) for name in new]

    def _problems(self) -> list[Told]:
        problems = [*self.source.problems, *self.keylogs.problems]
        self.source.problems.clear()
        self.keylogs.problems.clear()
        return [Problem(each, time.time_ns()) for each in problems]

    def _write_parts(self) -> None:
        if self.folder is not None:
            self.run.summarise_all()
            self.folder.parts.write(self.run.summaries[0])

    def _close_packets(self) -> None:
        if self.packets is not None:
            self.packets.writer.close(self.source.statistics())

    def _unwritten(self) -> list[Told]:
        """Return why tables or packets could not be written, once each."""
        said: dict[str, str | None] = {}
        if self.folder is not None:
            said["rows"] = self.folder.parts.problem
        if self.packets is not None:
            said["packets"] = self.packets.writer.problem
        new = {what: why for what, why in said.items() if why and f"no {what}" not in self._told}
        self._told.update(f"no {what}" for what in new)
        return [
            Problem(f"{why}: the analysis goes on without these {what}", time.time_ns())
            for what, why in new.items()
        ]


def _room_of_keys(side: Side) -> int:
    """Return the bytes that a side's masking keys took of what all share."""
    room = FREE_KEYS
    while room < len(side.masking_keys):
        room *= 4
    return 4 * (room - FREE_KEYS)


def _place(connection: int | None, finding: Finding) -> tuple[object, ...]:
    """Return what is the same where only the number of those that it concerns grew."""
    return connection, finding.check, finding.packet, finding.frame, finding.evidence

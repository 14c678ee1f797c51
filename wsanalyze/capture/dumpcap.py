"""dumpcap as a child: the least program that needs the right to capture, and what becomes of it.

It writes pcapng into a pipe that is read here as any other stream; what it loses it counts, and
says in Interface Statistics Blocks and on standard error when it ends. `leash.py` stands between,
so that it never outlives us.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wsanalyze.capture import dumpcap_words
from wsanalyze.capture.arriving import Arriving, milliseconds
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.dumpcap_command import arguments_of, find_dumpcap
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.links import HAPPENED, VIRTUAL, LinkWatch, list_links
from wsanalyze.capture.live import Options, Received
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

LEASH = Path(__file__).with_name("leash.py")
# Seconds until dumpcap must have said that it captures, or why not.
START = 15
# libpcap hands a packet on a quarter of a second after it came at the latest; this much after
# `stop` nothing from before is on its way any more.
GRACE = 0.5
# Seconds for it to end after that; then it is killed.
PATIENCE = 5
# Starts in a row that fail before it is given up, and seconds between them.
TRIES = 5
PAUSE = 1.0
# What is kept of its words: its longest message is 1.2 kB.
WORDS = 16 * 1024
# As much as everybody may ask for.
PIPE = 1 << 20


class Dumpcap:
    """A `LiveSource` whose packets dumpcap captures."""

    def __init__(
        self, program: str, interfaces: Sequence[str], options: Options, limits: Limits
    ) -> None:
        """Start dumpcap; raises what `dumpcap_words.error` makes of its words."""
        self._closed = True
        names = ", ".join(interfaces)
        self.description = (
            f"dumpcap on {names} (buffer {options.buffer_mib} MiB, "
            f"snap length {options.snap_length})"
        )
        info = CaptureInfo(names)
        self.infos = [info]
        self.problems: list[str] = []
        self.ended = False
        self.failure: str | None = None
        self._program, self._interfaces, self._options = program, tuple(interfaces), options
        self._words = b""
        self._status: int | None = None
        # The interfaces that it captures on, as long as they exist.
        self._running: tuple[str, ...] = ()
        self._is_alive = False
        self._kernel = self._interface = 0
        self._losses_known = False
        self._tries = 0
        self._retry_at: float | None = None
        self._stop_at: float | None = None
        self._kill_at: float | None = None
        self._stopped_ns = 0
        # Whether dumpcap was told to stop only so that it can start with more interfaces.
        self._restarting = False
        # Names and numbers of loopback interfaces.
        self._loopback = {link.name: link.index for link in list_links() if link.loopback}
        self._watch = LinkWatch(self._interfaces)
        self._child = self._spawn()
        self._closed = False
        self._arriving = Arriving(self._output, info, limits)
        self._poll = select.poll()
        for descriptor in (self._output, self._errors, self._watch.fileno(), self._ending):
            self._poll.register(descriptor, select.POLLIN)
        try:
            self._run(self._interfaces)
            self._wait_for_start()
        except BaseException:
            self.close()
            raise

    def next(self, seconds: float) -> Batch | None:
        """Return the next packets, see `LiveSource`."""
        deadline = time.monotonic() + seconds
        while not self.ended:
            batch = self._arriving.maybe_next()
            if batch is not None:
                self._look_at_times()
                return batch
            if self._arriving.failure is not None:
                self._fail(self._arriving.failure)
                break
            now = time.monotonic()
            self._when_due(now)
            if self.ended:
                break
            wait = 0 if self._status is not None else milliseconds(self._patience(deadline) - now)
            ready = {descriptor for descriptor, _ in self._poll.poll(wait)}
            self._serve(ready)
            if not ready and self._status is None and time.monotonic() >= deadline:
                return None
        return None

    def _serve(self, ready: set[int]) -> None:
        if self._ending in ready:
            # dumpcap may have outlived the process between us; its pipe ends with it.
            self._poll.unregister(self._ending)
            self._kill_group()
        if self._output in ready:
            if not self._arriving.read():
                self._fail("dumpcap was killed, with the process that watches over it")
                return
        elif self._status is not None:
            # All that it wrote before it ended was read.
            self._finish_run()
        if self._errors in ready and not self.ended:
            self._listen()
        if self._watch.fileno() in ready and not self.ended:
            self._look_at_links()

    def _patience(self, deadline: float) -> float:
        due = (self._retry_at, self._stop_at, self._kill_at)
        return min([deadline, *(each for each in due if each is not None)])

    def _when_due(self, now: float) -> None:
        """Do what was put off until now."""
        if self._stop_at is not None and now >= self._stop_at:
            self._stop_at = None
            self._order("stop")
            self._kill_at = now + PATIENCE
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self._fail(None)
            self.problems.append("dumpcap did not end when it was told to: it was killed")
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._run(self._present())

    def _look_at_times(self) -> None:
        """After `stop`: a packet from after it says that those from before have come."""
        self._tries = 0
        latest = self.infos[0].last_time_ns
        if self._stop_at is not None and latest is not None and latest > self._stopped_ns:
            self._stop_at = min(self._stop_at, time.monotonic())

    def stop(self) -> None:
        """Let what is on its way arrive, then have dumpcap end."""
        if self._stopped_ns or self.ended:
            return
        self._stopped_ns = time.time_ns()
        self._retry_at = None
        if self._is_alive:
            self._stop_at = time.monotonic() + GRACE
        else:
            self.ended = True

    def statistics(self) -> Received:
        """Return the counts: of losses those of runs of dumpcap that have ended."""
        known = self._losses_known
        return Received(
            self.infos[0].packets,
            self._kernel if known else None,
            self._interface if known else None,
        )

    def close(self) -> None:
        """Have dumpcap killed, and wait until it is."""
        self.ended = True
        if self._closed:
            return
        self._closed = True
        self._watch.close()
        child = self._child
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()
        with suppress(OSError):
            ending = select.poll()
            ending.register(self._ending, select.POLLIN)
            ending.poll(PATIENCE * 1000)
        # It was not waited for yet, so that its group cannot have become somebody else's.
        self._kill_group()
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
        os.close(self._ending)
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()

    def __del__(self) -> None:
        # Popen keeps a child that goes on, and its pipes, for as long as we live.
        self.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        order = {
            "command": [self._program, "-q", "-n", "-w", "-"],
            "interfaces": [
                arguments_of(self._program, name, self._options, self._loopback.values())
                for name in self._interfaces
            ],
        }
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), json.dumps(order), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        if child.stdout is None or child.stderr is None:
            raise CaptureError("dumpcap", "has no pipes")
        self._output, self._errors = child.stdout.fileno(), child.stderr.fileno()
        self._ending = os.pidfd_open(child.pid)
        with suppress(OSError):
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE)
        return child

    def _order(self, line: str) -> None:
        if self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.write(line.encode() + b"\n")

    def _run(self, names: tuple[str, ...]) -> None:
        """Have dumpcap start on these of the interfaces; on none, wait until one is back."""
        self._running, self._words, self._status = names, b"", None
        self._is_alive = bool(names)
        if names:
            self._order("run " + " ".join(str(self._interfaces.index(name)) for name in names))

    def _present(self) -> tuple[str, ...]:
        return tuple(name for name in self._interfaces if name in VIRTUAL or self._watch.up[name])

    def _wait_for_start(self) -> None:
        """Wait for the first bytes; raise what dumpcap says where it ends instead."""
        deadline = time.monotonic() + START
        while self._status is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise CaptureError(self.infos[0].name, f"dumpcap did not start within {START} s")
            ready = {descriptor for descriptor, _ in self._poll.poll(milliseconds(left))}
            if self._output in ready:
                return
            if self._errors in ready:
                self._listen()
        words = self._words.decode("utf-8", "replace")
        names = ", ".join(self._interfaces)
        raise dumpcap_words.error(words, self._program, names, self._options.capture_filter)

    def _listen(self) -> None:
        """Read standard error: dumpcap's words, and that it ended."""
        data = os.read(self._errors, WORDS)
        if not data:
            self._poll.unregister(self._errors)
            return
        self._words = (self._words + data)[-WORDS:]
        words, mark, status = self._words.rpartition(b"\0 ")
        if mark and status.endswith(b"\n"):
            self._words, self._status = words, int(status)

    def _fail(self, why: str | None) -> None:
        self.failure = why
        self.ended = True
        self.close()

    def _finish_run(self) -> None:
        """Draw the conclusions from dumpcap's having ended."""
        status, words = self._status, self._words.decode("utf-8", "replace")
        self._status = self._kill_at = None
        names, self._running, self._is_alive = self._running, (), False
        self._arriving.discard_rest()
        self._count_losses(words)
        if self._stopped_ns:
            self.ended = True
            return
        self._look_at_links()
        down = [name for name in names if name not in VIRTUAL and not self._watch.up[name]]
        missing = len(names) < len(self._interfaces)
        killed = status is not None and status < 0
        lost = self._restarting or down or missing or dumpcap_words.lost_link(words)
        if lost and not killed:
            self._restarting = False
            self._retry(words)
            return
        how = f"by signal {-(status or 0)}" if killed else f"status {status}"
        self._fail(f"dumpcap ended ({how}): {dumpcap_words.complaint(words)}")

    def _retry(self, words: str) -> None:
        self._tries += 1
        if self._tries > TRIES:
            self._fail(f"dumpcap cannot capture any more: {dumpcap_words.complaint(words)}")
        elif self._present():
            self._retry_at = time.monotonic() + PAUSE * (self._tries - 1)

    def _count_losses(self, words: str) -> None:
        lost = dumpcap_words.losses(words, frozenset(self._loopback))
        if lost is None:
            # What the pcapng stream says, as far as it goes.
            self._kernel = max(self._kernel, self.infos[0].dropped or 0)
            return
        self._kernel += lost.by_kernel
        self._interface += lost.by_interface
        self._losses_known = True
        # The stream has the counts of one run, with those on loopback twice.
        self.infos[0].dropped = self._kernel + self._interface

    def _look_at_links(self) -> None:
        for name, what in self._watch.changes():
            self.problems.append(f"{name} {HAPPENED[what]}")
            if what == "gone":
                # Should dumpcap go on, it waits for an interface that does not exist any more,
                # whatever has its name by then.
                self._running = tuple(each for each in self._running if each != name)
            if what != "back" or self._stopped_ns or name in self._running:
                continue
            if self._is_alive:
                # The others go on being captured until dumpcap starts again, with this one.
                self._restarting = True
                self._order("stop")
            else:
                self._retry_at = time.monotonic()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, 9)


def open_dumpcap(interfaces: Sequence[str], options: Options, limits: Limits) -> Dumpcap:
    """Start dumpcap. Raises NotPossibleError where it is missing or may not be run."""
    return Dumpcap(find_dumpcap(), interfaces, options, limits)

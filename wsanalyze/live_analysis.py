"""Where a library user starts on what is not over yet: interfaces in, events out.

    with wsanalyze.live("eth0", filter="tcp port 80") as session:
        for event in session: ...

or `async for event in session`, in a notebook as well.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

from wsanalyze.arguments import KeyLog, as_keylogs, judge_of, payloads_wanted
from wsanalyze.capture.live import BUFFER_MIB, SNAP_LENGTH, LiveSource, Received, open_live
from wsanalyze.checks.catalogue import chosen
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.errors import UsageError
from wsanalyze.limits import Limits
from wsanalyze.monitoring.ahead import load_ahead
from wsanalyze.monitoring.events import Event
from wsanalyze.monitoring.idleness import IDLE_SESSION
from wsanalyze.monitoring.judging import Judge
from wsanalyze.monitoring.keeping import PacketFile
from wsanalyze.monitoring.session import Ends, Session
from wsanalyze.recording import Wants

if TYPE_CHECKING:
    from wsanalyze.tables.build import Tables

# Seconds that a step waits for packets: how soon an end is noticed where nothing comes.
STEP = 0.2


def live(
    interfaces: str | Sequence[str],
    *,
    filter: str | None = None,  # noqa: A002 - the name that the interface has
    source: str = "auto",
    promiscuous: bool = True,
    buffer_mib: int = BUFFER_MIB,
    snap_length: int = SNAP_LENGTH,
    user: str | None = None,
    limits: Limits | None = None,
    payloads: str = "preview",
    preview_length: int = 64,
    hashes: bool = True,
    checks: Sequence[str] = (),
    thresholds: Thresholds | None = None,
    show_secrets: bool = False,
    keylog: KeyLog | Sequence[KeyLog] | None = None,
    output: str | os.PathLike[str] | None = None,
    packets: str | os.PathLike[str] | None = None,
    only_websocket: bool = False,
    rotate_bytes: int | None = None,
    rotate_seconds: float | None = None,
    keep: bool = False,
    idle: float = IDLE_SESSION,
    duration: float | None = None,
    count: int | None = None,
    until_closed: bool = False,
) -> LiveAnalysis:
    """Begin to analyse what passes on interfaces, and return the session that tells of it.

    `interfaces`: a name, several, or `-` for a capture that somebody writes to standard input.
    `filter`: an expression of libpcap. `source`, `promiscuous`, `buffer_mib`, `snap_length` and
    `user` are for the capturing, as `wsanalyze live` has them; `payloads` to `keylog` as in
    `analyze`. `output`: a folder in which tables grow, as parts of Parquet. `packets`: a file for
    the packets as pcapng, with `only_websocket` those of WebSocket connections; a new file is begun
    beyond `rotate_bytes` and after `rotate_seconds`. `keep`: what passes is kept, within `limits`,
    for `tables()`. `idle`: seconds (1 or more) without a packet after which a WebSocket connection
    is let go. The session ends by itself after `duration` seconds, `count` packets, or with
    `until_closed` when all WebSocket connections that were seen have ended.

    Raises UsageError where an argument makes no sense, CaptureError where nothing can be opened,
    OSError where `output` or `packets` cannot be written.
    """
    names = [interfaces] if isinstance(interfaces, str) else list(interfaces)
    limits = limits if limits is not None else Limits()
    if not isinstance(limits, Limits):
        raise UsageError(f"limits are wsanalyze.Limits(…), not {type(limits).__name__}")
    payloads_wanted(payloads, preview_length)
    judge_of(checks, thresholds, show_secrets)
    if not 1 <= idle < inf:
        raise UsageError(f"idle {idle}: a second or more")
    _check_ends(
        duration=duration, count=count, rotate_bytes=rotate_bytes, rotate_seconds=rotate_seconds
    )
    ends = Ends(duration, count, until_closed)
    keylogs = as_keylogs(keylog)
    wants = Wants(
        hashes=hashes,
        payloads=payloads,
        preview_length=preview_length,
        observe=True,
        tls=keep or output is not None,
    )
    judge = Judge(chosen(checks) if checks else None, thresholds, show_secrets=show_secrets)
    file = None
    if packets is not None:
        # Neither the capture that standard input may be, nor key logs are written over.
        apart: list[int | Path] = [0, *keylogs]
        file = PacketFile(Path(packets), only_websocket, rotate_bytes, rotate_seconds, apart)
    load_ahead(tables=keep or output is not None)
    opened = open_live(
        names,
        source=source,
        capture_filter=filter,
        promiscuous=promiscuous,
        buffer_mib=buffer_mib,
        snap_length=snap_length,
        user=user,
        limits=limits,
    )
    try:
        session = Session(
            opened,
            wants=wants,
            limits=limits,
            judge=judge,
            ends=ends,
            folder=None if output is None else Path(output),
            packets=file,
            keep=keep,
            keylogs=keylogs,
            idle=idle,
        )
    except BaseException:
        opened.close()
        raise
    return LiveAnalysis(opened, session, (checks, thresholds, show_secrets))


def _check_ends(**given: float | None) -> None:
    """Refuse what would never come, or came already."""
    for name, value in given.items():
        if value is not None and not 0 < value < inf:
            raise UsageError(f"{name} {value}: more than 0")


class LiveAnalysis:
    """What passes, as it passes: a context manager, an iterator and an async iterator of events.

    Leaving the `with` block stops the capturing and closes everything. Whoever iterates slowly lets
    packets wait in the buffer of the source; when that is full they are dropped, and counted.
    """

    def __init__(
        self,
        source: LiveSource,
        session: Session,
        judged: tuple[Sequence[str], Thresholds | None, bool] = ((), None, False),
    ) -> None:
        """Take an open source and the session over it; see `live`."""
        self._source = source
        self._session = session
        self._judged = judged
        self._ready: deque[Event] = deque()
        # One at a time may take a step: an iteration that was cancelled leaves one going on.
        self._turn = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None

    @property
    def description(self) -> str:
        """What captures where, in a line."""
        return self._source.description

    @property
    def statistics(self) -> Received:
        """Packets received so far, and dropped by the kernel and the interface."""
        return self._source.statistics()

    @property
    def analysed(self) -> int:
        """Packets that were looked at so far: `count` at most, however many were received."""
        return self._session.taken

    @property
    def finished(self) -> bool:
        """Whether nothing will come any more."""
        return self._session.finished and not self._ready

    @property
    def failure(self) -> str | None:
        """Why the capturing ended by itself; None where it did not."""
        return self._session.failure

    def stop(self) -> None:
        """Stop capturing: the iteration ends with what was received until now."""
        with self._turn:
            self._session.stop()

    def close(self) -> None:
        """Stop capturing, and let go of everything; twice is fine."""
        with self._turn:
            self._session.close()
            self._ready.clear()
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def tables(self) -> Tables:
        """Return the tables of what was kept so far; UsageError without `keep=True`.

        Their rows are those that `analyze` makes of the same packets, as far as `limits` went.
        """
        kept = self._session.memory
        if kept is None:
            raise UsageError("nothing was kept: live(…, keep=True) keeps it")
        with self._turn:
            return kept.tables(judge_of(*self._judged))

    def __enter__(self) -> LiveAnalysis:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the session ends."""
        while not self.finished:
            while self._ready:
                yield self._ready.popleft()
            self._step()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events until the session ends; the loop goes on while none comes."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="wsanalyze-live")
        loop = asyncio.get_running_loop()
        while not self.finished:
            while self._ready:
                yield self._ready.popleft()
            await loop.run_in_executor(self._thread, self._step)

    def _step(self) -> None:
        with self._turn:
            # Without blocks of messages all that is told are events.
            self._ready.extend(cast("list[Event]", self._session.pump(STEP)))

    def __repr__(self) -> str:
        """Return what captures where, and how much came."""
        state = "over" if self._session.finished else "going on"
        return (
            f"<Live analysis, {state}: {self.description}; {self._session.follower.seen} attempts>"
        )

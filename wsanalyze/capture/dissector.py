"""Wireshark's dissector: which WebSocket frames tshark shows of a capture, through pyshark.

pyshark runs in a process of its own (`dissecting.py`), in a session of its own: it needs an event
loop that nobody else runs, reads settings from the current directory, and what it starts must be
gone when this ends, whatever ends it.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from wsanalyze.capture.dissecting import PREFERENCES
from wsanalyze.errors import CaptureError, UsageError

CHILD = Path(__file__).with_name("dissecting.py")
# A folder that nobody can make: tshark finds no preferences and no plugins of the user's.
NOWHERE = "/proc/none"
# Seconds between two looks at the clock.
TICK = 0.5

# What tshark is told beside its defaults.
OPTIONS = tuple(f"{name}:{value}" for name, value in PREFERENCES.items())


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame as tshark shows it.

    `packet` is the one that completed it; `port` the sender's; `masking_key` None where unmasked.
    """

    packet: int
    stream: int
    port: int
    fin: int
    rsv: int
    opcode: int
    masking_key: int | None
    length: int


@dataclass(frozen=True, slots=True)
class Dissection:
    """What tshark shows of a capture.

    `answers`: packets in which it shows a 101, with their stream (tcp.stream).
    `until`: the packet up to which all of this is complete, None where it is to the end.
    `problem`: what stopped it.
    """

    tshark: str
    pyshark: str
    frames: tuple[ShownFrame, ...]
    answers: tuple[tuple[int, int], ...]
    until: int | None
    problem: str | None


def dissect(
    path: Path,
    *,
    timeout: float,
    packets: int | None = None,
    progress: Callable[[int], None] | None = None,
    keylog: Path | None = None,
) -> Dissection:
    """Let tshark dissect a capture, for at most `timeout` seconds.

    `packets`: stop after so many. `progress(packet)` is called for packets with frames. `keylog`:
    a file with secrets of TLS.
    Raises UsageError where tshark or pyshark is missing, CaptureError where tshark cannot read it.
    """
    tshark = shutil.which("tshark")
    if tshark is None:
        raise UsageError("tshark is missing: install Wireshark's tshark (apt install tshark)")
    if find_spec("pyshark") is None:
        raise UsageError("pyshark is missing: pip install pyshark")
    command = [sys.executable, "-P", str(CHILD), str(Path(tshark).absolute())]
    command += [str(path.absolute()), str(packets or 0), str(os.getpid())]
    command += [] if keylog is None else [str(keylog)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_environment(),
        start_new_session=True,
    )
    try:
        lines = _lines(process.stdout, time.monotonic() + timeout)
        return _dissection(path, lines, timeout, packets, progress)
    finally:
        # It was not waited for yet: its group cannot have become somebody else's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _environment() -> dict[str, str]:
    """Return the environment with the user's settings of Wireshark out of sight."""
    paths = {"HOME": NOWHERE, "XDG_CONFIG_HOME": NOWHERE, "WIRESHARK_CONFIG_DIR": NOWHERE}
    # Imports shall find what they find here, wherever that came from.
    search = os.pathsep.join(each for each in sys.path if each)
    return {**os.environ, **paths, "PYTHONPATH": search}


def _lines(stream: IO[bytes] | None, deadline: float) -> Iterator[bytes]:
    """Yield lines until the stream ends; TimeoutError once the time is over."""
    if stream is None:
        return
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not selector.select(min(left, TICK)):
                continue
            data = os.read(stream.fileno(), 1 << 16)
            if not data:
                return
            *whole, pending = (pending + data).split(b"\n")
            yield from whole


def _dissection(
    path: Path,
    lines: Iterator[bytes],
    timeout: float,
    packets: int | None,
    progress: Callable[[int], None] | None,
) -> Dissection:
    versions = {"tshark": "?", "pyshark": "?"}
    frames: list[ShownFrame] = []
    answers: list[tuple[int, int]] = []
    last = 0
    ending: dict[str, Any] = {"problem": "tshark or pyshark ended without a word"}
    try:
        for line in lines:
            value = json.loads(line)
            if isinstance(value, dict):
                ending = value if "problem" in value else ending
                versions = value if "tshark" in value else versions
                continue
            last, stream, port, has_answer, shown = value
            if has_answer:
                answers.append((last, stream))
            frames += (ShownFrame(last, stream, port, *facts) for facts in shown)
            if progress is not None:
                progress(last)
    except TimeoutError:
        ending = {"problem": f"tshark took longer than {timeout:g} s"}
    problem = ending["problem"]
    if problem is not None and not last:
        advice = "a larger timeout, or fewer packets" if "longer" in problem else ""
        raise CaptureError(str(path), f"nothing was dissected: {problem}", advice=advice)
    until = packets if problem is None else last
    return Dissection(
        versions["tshark"], versions["pyshark"], tuple(frames), tuple(answers), until, problem
    )

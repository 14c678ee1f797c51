"""What runs between us and dumpcap: a process that starts it, and never lets it outlive us.

    python -I leash.py ORDER PARENT

ORDER is JSON: `command`, and `interfaces`, the further arguments of each.

The kernel's own means (PR_SET_PDEATHSIG) does not reach a program with file capabilities, which is
what dumpcap is for most people. So it is this process that waits for the end of standard input,
which comes however its parent dies; the kernel wakes it then, should it have been stopped. And
where we give up being root after the start, this one can still start dumpcap again when an
interface is back, with the arguments it was given and no others.

Lines come in: `run I J …` starts dumpcap on the interfaces with these numbers, `stop` has it write
what it has and end. dumpcap's standard output is ours; on standard error, after its own words, a
line with a NUL and its exit status says that it ended. It imports nothing of wsanalyze.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
# Seconds between two looks at who our parent is.
TICK = 1
# Seconds for what was killed to be gone.
PATIENCE = 5
# Looked up before any fork: between fork and exec nothing may be loaded.
_prctl: Any = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def main(text: str, parent: int) -> None:
    """Serve the lines of standard input until it ends."""
    order = json.loads(text)
    if _prctl is not None:
        # Where somebody has stopped this process, too, it goes on and sees that its parent is gone.
        _prctl(PR_SET_PDEATHSIG, signal.SIGCONT)
    # A terminal's Ctrl-C is its parent's business; a handler, since SIG_IGN would be inherited.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    child: subprocess.Popen[bytes] | None = None
    pending = b""
    try:
        while True:
            ready, _, _ = select.select([0, woken], [], [], TICK)
            if os.getppid() != parent:
                # Somebody that it forked still holds the other end.
                return
            if woken in ready:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                child = _ended(child)
            if 0 not in ready:
                continue
            data = os.read(0, 4096)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                child = _obey(line.split(), order, child)
    finally:
        if child is not None and child.poll() is None:
            child.kill()
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE)


def _obey(
    words: list[bytes], order: dict[str, Any], child: subprocess.Popen[bytes] | None
) -> subprocess.Popen[bytes] | None:
    if words[:1] == [b"run"] and child is None:
        chosen = [order["interfaces"][int(word)] for word in words[1:]]
        return _start([*order["command"], *(each for one in chosen for each in one)])
    if words == [b"stop"] and child is not None:
        child.send_signal(signal.SIGINT)
    return child


def _start(command: list[str]) -> subprocess.Popen[bytes] | None:
    me = os.getpid()

    def die_with_me() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != me:
                os._exit(1)

    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_me)
    except OSError as error:
        _say(f"dumpcap: cannot be started: {error.strerror}\n\0 127\n")
        return None


def _ended(child: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes] | None:
    """Tell of a child that ended; return the one that is left."""
    if child is None or child.poll() is None:
        return child
    _say(f"\0 {child.returncode}\n")
    return None


def _say(text: str) -> None:
    with suppress(OSError):
        os.write(2, text.encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

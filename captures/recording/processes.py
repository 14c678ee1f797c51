"""Child processes that do not outlive the recorder."""

from __future__ import annotations

import asyncio
import ctypes
import signal
from asyncio.subprocess import Process
from typing import Any

NODE_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end this child when the recorder ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def start(*command: str, **options: Any) -> Process:
    """Start a program, as `asyncio.create_subprocess_exec` does."""
    return await asyncio.create_subprocess_exec(*command, preexec_fn=die_with_parent, **options)


class ScriptPeer:
    """A script of Node, Ruby or Perl, which prints `ready`.

    It ends when its work is done or its input closes.
    """

    def __init__(self, script: str, process: Process) -> None:
        """Take a process that was just started, with pipes for input and output."""
        self.script = script
        self.process = process

    async def ready(self) -> None:
        """Return once the script printed its line."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), NODE_SECONDS)
        if line.strip() != b"ready":
            raise RuntimeError(f"{self.script} did not get ready: {line!r}")

    async def finish(self) -> None:
        """Close the script's standard input and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.wait()

    async def wait(self) -> None:
        """Wait for the script's own end."""
        status = await asyncio.wait_for(self.process.wait(), NODE_SECONDS)
        if status != 0:
            raise RuntimeError(f"{self.script} ended with status {status}")

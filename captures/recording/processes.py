"""Child processes that do not outlive the recorder."""

from __future__ import annotations

import asyncio
import ctypes
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NODE_SECONDS = 60.0
SERVER_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end this child when the recorder ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def start(*command: str, **options: Any) -> Process:
    """Start a program, as `asyncio.create_subprocess_exec` does."""
    return await asyncio.create_subprocess_exec(*command, preexec_fn=die_with_parent, **options)


async def listening(port: int) -> None:
    """Return once somebody listens on a port, without a connection to it."""
    wanted = f":{port:04X} 00000000:0000 0A"
    while wanted not in Path("/proc/self/net/tcp").read_text(encoding="ascii"):
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(port: int, *command: str, **options: Any) -> AsyncIterator[None]:
    """Run a server, from when it listens on `port` to the end of the block."""
    process = await start(*command, **options)
    try:
        await asyncio.wait_for(listening(port), SERVER_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


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

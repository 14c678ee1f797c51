"""Clients that are forked, with the state of the generator of their masking keys, through nginx.

`main` runs in a process of its own, which forks them. aiohttp draws masking keys from a
`random.Random` that it makes when it is imported; behind fork Python seeds its own generator anew,
and not that one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from websockets.asyncio.server import serve

from recording.journal import Journal
from recording.processes import running, start
from recording.stage import CAPTURES, Session, Stage
from sessions.aiohttp_peers import connect_noted
from sessions.gateways import FRONT, ONE, PASSING, nginx_file
from sessions.websockets_peers import echo

#: Messages of each connection, one after the other, of each process that is forked.
WORKERS = ((4, 6), (12,), (2,))
#: Seconds between messages, and between the processes: their connections overlap.
EVERY, BETWEEN = 0.05, 0.12


async def work(worker: str, messages: tuple[int, ...], origin: str, folder: Path) -> None:
    """Open connections one after the other; on each send messages and wait for their echo."""
    journal = Journal(folder / f"{worker}-client.jsonl", "client")
    for number, count in enumerate(messages):
        async with connect_noted(journal, f"{origin}/{worker}-{number}") as client:
            for message in range(count):
                await client.send(f"message {message} of {worker}")
                await client.receive()
                await asyncio.sleep(EVERY)
            await client.close(1000)
    journal.close()


def main(origin: str, folder: str) -> None:
    """Fork the clients, and wait for them."""
    children = []
    for worker, messages in enumerate(WORKERS):
        child = os.fork()
        if child == 0:
            asyncio.run(asyncio.sleep(worker * BETWEEN))
            asyncio.run(work(f"forked-{worker}", messages, origin, Path(folder)))
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


async def play(stage: Stage) -> None:
    """Three processes that were forked, then one that was started anew."""
    origin = f"http://127.0.0.1:{FRONT}"
    file = nginx_file(stage.scratch, PASSING)
    notes = stage.logger("server")
    async with (
        await serve(echo, "127.0.0.1", ONE, ping_interval=None, logger=notes),
        running(FRONT, "nginx", "-p", str(stage.scratch), "-c", file),
    ):
        program = "import sys; from sessions.forked_clients import main; main(*sys.argv[1:])"
        forking = (sys.executable, "-c", program, origin, str(stage.scratch))
        process = await start(*forking, cwd=CAPTURES)
        if await process.wait() != 0:
            raise RuntimeError("the forked clients failed")
        await work("started-anew", (3,), origin, stage.scratch)


SESSIONS = (
    Session(
        "forked-clients",
        "both legs through nginx: three aiohttp clients forked from one process, which have one "
        "sequence of masking keys, and one that was started anew",
        play,
        ("nginx", "aiohttp", "websockets"),
    ),
)

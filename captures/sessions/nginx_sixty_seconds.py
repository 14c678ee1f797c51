"""Through nginx with the time limit that it has where nobody sets one: cut after 60 s, or kept."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError

from recording.processes import running
from recording.stage import Session, Stage
from sessions.proxies import configured, echo_until_cut

FRONT, QUIET, PINGING = 9163, 9062, 9063
#: Seconds between Pings: the server's, and what clients of `websockets` have by default.
SERVER_INTERVAL, CLIENT_INTERVAL = 25, 20
#: When each client begins, in seconds: what they have in common is the idle time alone.
BEGINS = {"pinged-by-server": 1, "pings-itself": 2, "typist": 9, "reader": 17}
TALKS_AT = 23
COMES_BACK = 3
LASTS = 190

CONFIGURATION = f"""
daemon off;
master_process off;
user root;
error_log stderr crit;
pid SCRATCH/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path SCRATCH;
    proxy_temp_path SCRATCH;
    fastcgi_temp_path SCRATCH;
    uwsgi_temp_path SCRATCH;
    scgi_temp_path SCRATCH;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    server {{
        listen 127.0.0.1:{FRONT};
        location / {{ proxy_pass http://127.0.0.1:{QUIET}; }}
        location /pinged {{ proxy_pass http://127.0.0.1:{PINGING}; }}
    }}
}}
"""


async def say_and_wait(
    logger: logging.Logger, path: str, *words: tuple[float, str], ping_interval: float | None = None
) -> None:
    """Connect, say each word after as many seconds, and wait for the end, or until it is late."""
    async with (
        connect(
            f"ws://127.0.0.1:{FRONT}/{path}",
            ping_interval=ping_interval,
            compression=None,
            logger=logger,
        ) as client,
    ):
        try:
            for seconds, word in words:
                await asyncio.sleep(seconds)
                await client.send(word)
                await client.recv()
            await asyncio.wait_for(client.wait_closed(), LASTS)
        except (ConnectionClosedError, TimeoutError):
            return


async def come_back(logger: logging.Logger) -> None:
    """Be cut, connect again at once, be cut again: the drop every 60 seconds."""
    for number in range(COMES_BACK):
        await say_and_wait(logger, f"dashboard?visit={number + 1}", (0, "show me the numbers"))


async def later(
    logger: logging.Logger,
    path: str,
    *words: tuple[float, str],
    ping_interval: float | None = None,
) -> None:
    """Connect when it is this client's turn."""
    await asyncio.sleep(BEGINS[path])
    await say_and_wait(logger, path, *words, ping_interval=ping_interval)


async def play(stage: Stage) -> None:
    """Five clients of one proxy at the same time, three of which it cuts."""
    file = configured(stage.scratch, CONFIGURATION)
    server, client = stage.logger("server"), stage.logger("client")
    async with AsyncExitStack() as stack:
        for port, interval in ((QUIET, None), (PINGING, SERVER_INTERVAL)):
            serving = serve(
                echo_until_cut,
                "127.0.0.1",
                port,
                ping_interval=interval,
                compression=None,
                logger=server,
            )
            await stack.enter_async_context(serving)
        await stack.enter_async_context(
            running(FRONT, "nginx", "-p", str(stage.scratch), "-c", file)
        )
        silent = (0, "then silence")
        await asyncio.gather(
            come_back(client),
            later(client, "pinged-by-server", silent),
            later(client, "pings-itself", silent, ping_interval=CLIENT_INTERVAL),
            later(client, "typist", (0, "is somebody there?"), (TALKS_AT, "still here")),
            later(client, "reader", silent),
        )


SESSIONS = (
    Session(
        "nginx-60s",
        "both legs through nginx with its default `proxy_read_timeout` of 60 s, for three minutes: "
        "connections cut after 60 s of silence (one that comes back at once, three times; one "
        "that spoke again in between; one more), one kept by Pings of the server every 25 s, one "
        "by Pings of the client every 20 s",
        play,
        ("nginx", "websockets"),
    ),
)

"""Through nginx, both legs in one capture: passed on, stripped, and cut by a time limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError

from recording.processes import start
from recording.stage import Session, Stage
from sessions.websockets_peers import echo, expect_refusal

FRONT, BACK = 9114, 9014
CONFIGURATION = """
daemon off;
master_process off;
user root;
error_log stderr warn;
pid {scratch}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {scratch};
    proxy_temp_path {scratch};
    fastcgi_temp_path {scratch};
    uwsgi_temp_path {scratch};
    scgi_temp_path {scratch};
    upstream chat {{ server 127.0.0.1:{back}; }}
    server {{
        listen 127.0.0.1:{front};
        location /passed {{
            proxy_pass http://chat;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
        location /impatient {{
            proxy_pass http://chat;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_read_timeout 2s;
        }}
        location /stripped {{
            proxy_pass http://chat;
            proxy_http_version 1.1;
        }}
        location /default {{
            proxy_pass http://chat;
        }}
        location /no-backend {{
            proxy_pass http://127.0.0.1:1;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }}
    }}
}}
"""


@asynccontextmanager
async def nginx(scratch: Path) -> AsyncIterator[None]:
    """Run nginx in this process's network namespace."""
    path = scratch / "nginx.conf"
    path.write_text(CONFIGURATION.format(scratch=scratch, front=FRONT, back=BACK), encoding="utf-8")
    process = await start("nginx", "-p", str(scratch), "-c", str(path))
    while not (scratch / "nginx.pid").exists():
        await asyncio.sleep(0.05)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def play(stage: Stage) -> None:
    """One connection for each location of the proxy."""

    logger = stage.logger("client")
    async with (
        nginx(stage.scratch),
        await serve(echo, "127.0.0.1", BACK, ping_interval=None, logger=stage.logger("server")),
    ):
        await talk(f"ws://127.0.0.1:{FRONT}/passed?token=1", logger)
        for path in ("stripped", "default", "no-backend"):
            await expect_refusal(logger, f"ws://127.0.0.1:{FRONT}/{path}")
        await be_idle(f"ws://127.0.0.1:{FRONT}/impatient", logger)


async def talk(url: str, logger: logging.Logger) -> None:
    """Exchange a few messages and close."""
    async with connect(url, ping_interval=None, logger=logger) as client:
        for message in ("through the proxy", b"\x00\x01", "x" * 3000):
            await client.send(message)
            await client.recv()
        await (await client.ping(b"end to end"))
        await client.close(1000, "done")


async def be_idle(url: str, logger: logging.Logger) -> None:
    """Say one thing and wait until the proxy loses its patience."""
    async with connect(url, ping_interval=None, logger=logger) as client:
        await client.send("then silence")
        try:
            while True:
                await client.recv()
        except ConnectionClosedError:
            return


SESSIONS = (
    Session(
        "nginx-proxy",
        "both legs through nginx: passed on; Upgrade stripped (HTTP/1.1 and the default "
        "HTTP/1.0); no backend (502); an idle connection cut by proxy_read_timeout",
        play,
        ("nginx", "websockets"),
    ),
)

"""Gateways that limit, stall and choose: socat, nginx and HAProxy, and clients that are silent."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from recording.processes import listening, running, start
from recording.stage import Session, Stage
from recording.websockets_log import RESET_BY_OTHER
from sessions.nginx_proxy import talk
from sessions.proxies import configured, echo_until_cut
from sessions.websockets_peers import echo, expect_refusal

FRONT, ONE, TWO = 9170, 9171, 9172
#: How long one client may stay, in seconds, and what it sends meanwhile.
LIFETIME, CLIENTS, BETWEEN, EVERY = 12, 4, 1.5, 0.9
#: A proxy that gets no processor, and the server's messages behind it.
STALLS, STALL_S, RUN_S, NEWS_S = 6, 1.6, 0.1, 0.4
CROWD, TALKERS, SILENCE_S = 12, 2, 62.0
NAME = "chat.example.net"
BUSY = Headers({"Content-Length": "5", "Retry-After": "5"})

HAPROXY = f"""
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{FRONT}
    default_backend both
backend both
    balance roundrobin
    server one 127.0.0.1:{ONE}
    server two 127.0.0.1:{TWO}
"""

#: Each connection has a process of its own, which lives no longer than that.
GATEWAY = ("socat", f"TCP-LISTEN:{FRONT},bind=127.0.0.1,fork,reuseaddr")
HANDLER = f"EXEC:timeout {LIFETIME} nc 127.0.0.1 {ONE}"

NGINX = """
daemon off;
master_process off;
user root;
error_log stderr crit;
pid SCRATCH/nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path SCRATCH;
    proxy_temp_path SCRATCH;
    fastcgi_temp_path SCRATCH;
    uwsgi_temp_path SCRATCH;
    scgi_temp_path SCRATCH;
    server { SERVER }
}
"""
PASSING = f"""
listen 127.0.0.1:{FRONT};
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
location / {{ proxy_pass http://127.0.0.1:{ONE}; }}
"""
#: As a page's administrator has it, who has never heard of WebSocket.
PORT_80 = f"""
listen 127.0.0.1:80;
proxy_http_version 1.1;
proxy_set_header Host $host;
location / {{ proxy_pass http://127.0.0.1:{ONE}; }}
"""


def nginx_file(scratch: Path, server: str) -> str:
    """Write a configuration of nginx with this server; return its path."""
    return configured(scratch, NGINX.replace("SERVER", server))


async def report(url: str, logger: logging.Logger) -> None:
    """Send a measurement again and again, until the connection is cut."""
    async with connect(url, ping_interval=None, logger=logger) as client:
        try:
            while True:
                await client.send("21.5 degrees")
                await asyncio.sleep(EVERY)
        except ConnectionClosed as error:
            if isinstance(error.__cause__, ConnectionResetError):
                client.logger.debug(RESET_BY_OTHER)


async def listen(connection: ServerConnection) -> None:
    """Read everything, and log a reset."""
    try:
        async for _ in connection:
            pass
    except ConnectionClosed as error:
        if isinstance(error.__cause__, ConnectionResetError):
            connection.logger.debug(RESET_BY_OTHER)


async def play_lifetime(stage: Stage) -> None:
    """Clients that report and are never idle, and a gateway that gives each of them some time."""
    logger, notes = stage.logger("client"), stage.logger("server")
    async with (
        await serve(listen, "127.0.0.1", ONE, ping_interval=None, logger=notes),
        running(FRONT, *GATEWAY, HANDLER),
    ):

        async def later(number: int) -> None:
            await asyncio.sleep(number * BETWEEN)
            await report(f"ws://127.0.0.1:{FRONT}/report-{number}", logger)

        await asyncio.gather(*(later(number) for number in range(CLIENTS)))


async def play_stalling(stage: Stage) -> None:
    """A server with news at an even pace, and nginx that stands still again and again."""

    async def tell(connection: ServerConnection) -> None:
        reading = asyncio.create_task(listen(connection))
        for number in range(int(STALLS * (STALL_S + RUN_S) / NEWS_S)):
            await connection.send(f"news {number}")
            await asyncio.sleep(NEWS_S)
        await connection.close()
        await reading

    logger, notes = stage.logger("client"), stage.logger("server")
    file = nginx_file(stage.scratch, PASSING)
    async with await serve(tell, "127.0.0.1", ONE, ping_interval=None, logger=notes):
        proxy = await start("nginx", "-p", str(stage.scratch), "-c", file)
        await listening(FRONT)
        reading = asyncio.create_task(follow(f"ws://127.0.0.1:{FRONT}/news", logger))
        for _ in range(STALLS):
            await asyncio.sleep(RUN_S)
            proxy.send_signal(signal.SIGSTOP)
            await asyncio.sleep(STALL_S)
            proxy.send_signal(signal.SIGCONT)
        await reading
        proxy.terminate()
        await proxy.wait()


async def follow(url: str, logger: logging.Logger) -> None:
    """Read until the server closes, and say now and then that somebody does."""
    async with connect(url, ping_interval=None, logger=logger) as client:

        async def applaud() -> None:
            with suppress(ConnectionClosed):
                while True:
                    await client.send("still here")
                    await asyncio.sleep(2 * NEWS_S)

        applauding = asyncio.create_task(applaud())
        async for _ in client:
            pass
        await applauding


async def play_two_backends(stage: Stage) -> None:
    """HAProxy in front of two servers: one compresses, the other does not, and is at its limit."""

    async def refuse_at_times(_: ServerConnection, request: Request) -> Response | None:
        if request.path == "/at-times":
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable", BUSY, b"busy\n")
        return None

    logger, notes = stage.logger("client"), stage.logger("server")
    options: dict[str, Any] = {"ping_interval": None, "logger": notes}
    file = configured(stage.scratch, HAPROXY)
    async with (
        await serve(echo_until_cut, "127.0.0.1", ONE, **options),
        await serve(
            echo_until_cut,
            "127.0.0.1",
            TWO,
            compression=None,
            process_request=refuse_at_times,
            **options,
        ),
        running(FRONT, "haproxy", "-db", "-f", file),
    ):
        for _ in range(4):
            await talk(f"ws://127.0.0.1:{FRONT}/chat", logger)
        for _ in range(2):
            await talk(f"ws://127.0.0.1:{FRONT}/at-times", logger)
            await expect_refusal(logger, f"ws://127.0.0.1:{FRONT}/at-times")


async def play_port_80(stage: Stage) -> None:
    """One name: nginx on port 80 passes no upgrade on, the server itself has another port."""
    logger, notes = stage.logger("client"), stage.logger("server")
    file = nginx_file(stage.scratch, PORT_80)
    async with (
        await serve(echo, "127.0.0.1", ONE, ping_interval=None, logger=notes),
        running(80, "nginx", "-p", str(stage.scratch), "-c", file),
    ):
        await expect_refusal(logger, f"ws://{NAME}/chat", host="127.0.0.1", port=80)
        url = f"ws://{NAME}:{ONE}/chat"
        async with connect(url, host="127.0.0.1", ping_interval=None, logger=logger) as client:
            await client.send("without the proxy")
            await client.recv()


async def play_crowd(stage: Stage) -> None:
    """Clients that connect and say nothing for a minute, and a few that do."""
    logger, notes = stage.logger("client"), stage.logger("server")

    async def visit(number: int) -> None:
        await asyncio.sleep(0.05 * number)
        async with connect(
            f"ws://127.0.0.1:{ONE}/crowd", ping_interval=None, logger=logger
        ) as client:
            if number < TALKERS:
                await client.send("hello?")
                await client.recv()
            await asyncio.sleep(SILENCE_S)

    async with await serve(echo, "127.0.0.1", ONE, ping_interval=None, logger=notes):
        await asyncio.gather(*(visit(number) for number in range(CROWD)))


SESSIONS = (
    Session(
        "lifetime-limit",
        "both legs through socat, which starts a process for each connection that may live for "
        f"{LIFETIME} s: four clients that send all the time are cut",
        play_lifetime,
        ("socat", "websockets"),
    ),
    Session(
        "stalling-proxy",
        f"both legs through nginx, which stands still for {STALL_S} s at a time: messages that "
        "were sent at an even pace arrive in bursts",
        play_stalling,
        ("nginx", "websockets"),
    ),
    Session(
        "two-backends",
        "both legs through HAProxy with two servers behind it, in turns: one compresses and the "
        "other does not, one accepts and the other is busy (503)",
        play_two_backends,
        ("haproxy", "websockets"),
    ),
    Session(
        "port-80",
        "one host on two ports: behind nginx on port 80, which passes no upgrade on (426), and "
        "without a proxy",
        play_port_80,
        ("nginx", "websockets"),
    ),
    Session(
        "idle-crowd",
        "twelve clients, of which ten say nothing for a minute",
        play_crowd,
        ("websockets",),
    ),
)

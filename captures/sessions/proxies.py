"""Through HAProxy, Apache, Squid, Varnish and nginx, both legs: what each does to WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.processes import running
from recording.stage import Session, Stage
from recording.websockets_log import RESET_BY_OTHER
from sessions.nginx_proxy import be_idle, talk
from sessions.proxy_configurations import (
    APACHE,
    CHAT,
    FORWARD,
    FRONT,
    HAPROXY,
    LOCKED,
    NGINX,
    ODD,
    SQUID,
    VARNISH,
)
from sessions.raw_peers import RawPeer, head, raw_client, raw_server, upgrade_headers
from sessions.websockets_peers import echo, expect_refusal

ORIGIN = f"ws://127.0.0.1:{FRONT}"
IDLE_CLIENTS = 3
#: The idle connections do not begin together: what they have in common is the idle time alone.
BETWEEN_CLIENTS = 0.4


async def be_odd(peer: RawPeer) -> None:
    """Answer as the path says: never, with what is not HTTP, or with what may be cached."""
    try:
        await peer.receive_upgrade()
    except asyncio.IncompleteReadError:
        return  # Squid tries whether a server is there
    if peer.target.startswith("/silent"):
        with suppress(ConnectionResetError):
            await peer.reader.read()
    elif peer.target.startswith("/broken"):
        await peer.write(b"this is not HTTP\r\n\r\n")
    else:
        body = b"no such chat\n"
        fields = [("Content-Length", str(len(body))), ("Cache-Control", "max-age=60")]
        fields.append(("Date", formatdate(usegmt=True)))
        peer.pen.response(404, fields)
        await peer.write(head("HTTP/1.1 404 Not Found", fields) + body)


async def echo_until_cut(connection: ServerConnection) -> None:
    """Send every message back, and log a reset."""
    try:
        await echo(connection)
    except ConnectionClosed as error:
        if isinstance(error.__cause__, ConnectionResetError):
            connection.logger.debug(RESET_BY_OTHER)


@asynccontextmanager
async def backends(stage: Stage) -> AsyncIterator[logging.Logger]:
    """Run the two servers behind every proxy; give the clients' log."""
    log = stage.logger("server")
    async with (
        raw_server(stage.journal("server"), ODD, be_odd),
        await serve(echo_until_cut, "127.0.0.1", CHAT, ping_interval=None, logger=log),
    ):
        yield stage.logger("client")


def configured(scratch: Path, configuration: str) -> str:
    """Write a proxy's configuration; return its path."""
    path = scratch / "proxy.conf"
    path.write_text(configuration.replace("SCRATCH", str(scratch)), encoding="utf-8")
    return str(path)


async def idle_together(logger: logging.Logger, path: str) -> None:
    """Let several clients be idle until the proxy loses its patience with each."""

    async def later(number: int) -> None:
        await asyncio.sleep(number * BETWEEN_CLIENTS)
        await be_idle(f"{ORIGIN}/{path}-{number}", logger)

    await asyncio.gather(*(later(number) for number in range(IDLE_CLIENTS)))


async def refused(logger: logging.Logger, *paths: str) -> None:
    """Ask for paths that are refused, one after the other."""
    for path in paths:
        await expect_refusal(logger, f"{ORIGIN}/{path}")


async def play_haproxy(stage: Stage) -> None:
    """Passed on; then cut by `timeout tunnel`; then refused for each reason that HAProxy has."""
    file = configured(stage.scratch, HAPROXY)
    async with backends(stage) as logger, running(FRONT, "haproxy", "-db", "-f", file):
        await talk(f"{ORIGIN}/passed", logger)
        await idle_together(logger, "idle")
        await refused(logger, "denied", "no-backend", "silent", "broken")


async def play_nginx(stage: Stage) -> None:
    """Cut by `proxy_read_timeout`; refused for each reason that nginx has."""
    file = configured(stage.scratch, NGINX)
    async with (
        backends(stage) as logger,
        running(FRONT, "nginx", "-p", str(stage.scratch), "-c", file),
    ):
        await idle_together(logger, "idle")
        await refused(logger, "no-backend", "silent", "broken")


async def play_apache(stage: Stage) -> None:
    """With mod_proxy_wstunnel and with `upgrade=websocket`; then without either, and refused."""
    file = configured(stage.scratch, APACHE)
    async with backends(stage) as logger, running(FRONT, "apache2", "-f", file, "-DFOREGROUND"):
        await talk(f"{ORIGIN}/tunnel", logger)
        await talk(f"{ORIGIN}/upgrade", logger)
        await refused(logger, "stripped", "no-backend", "silent", "broken")


async def play_squid(stage: Stage) -> None:
    """In front of a server and as the clients' proxy: Upgrade passed on where that is allowed."""
    file = configured(stage.scratch, SQUID)
    notes = stage.journal("client")
    async with backends(stage) as logger, running(FRONT, "squid", "-N", "-f", file):
        await talk(f"{ORIGIN}/passed", logger)
        await refused(logger, "stripped", "no-backend", "silent")
        for port, path in ((FORWARD, "forward"), (LOCKED, "locked")):
            async with raw_client(notes, port) as client:
                target = f"http://127.0.0.1:{CHAT}/{path}"
                await client.request_upgrade(target, upgrade_headers(host=f"127.0.0.1:{CHAT}"))
                await client.end()


async def play_varnish(stage: Stage) -> None:
    """Passed on with `return (pipe)`; then without, cached and refused."""
    file = configured(stage.scratch, VARNISH)
    command = ["varnishd", "-F", "-n", str(stage.scratch / "varnish"), "-f", file, "-j", "none"]
    command += ["-a", f"127.0.0.1:{FRONT}", "-s", "malloc,8m"]
    async with backends(stage) as logger, running(FRONT, *command):
        await talk(f"{ORIGIN}/passed", logger)
        await refused(logger, "stripped", "cached")
        await asyncio.sleep(1.5)  # so that the cached answer has an Age
        await refused(logger, "cached", "no-backend", "silent")


SESSIONS = (
    Session(
        "haproxy-proxy",
        "both legs through HAProxy: passed on; three idle connections cut by `timeout tunnel`; "
        "denied (403), no backend (503), a silent one (504), one that does not speak HTTP (502)",
        play_haproxy,
        ("haproxy", "websockets"),
    ),
    Session(
        "nginx-idle",
        "both legs through nginx: three idle connections cut by `proxy_read_timeout`; no backend "
        "(502), a silent one (504), one that does not speak HTTP",
        play_nginx,
        ("nginx", "websockets"),
    ),
    Session(
        "apache-proxy",
        "both legs through Apache: mod_proxy_wstunnel, mod_proxy_http with and without "
        "`upgrade=websocket`; no backend (503), a silent one (504), one that does not speak HTTP",
        play_apache,
        ("apache2", "websockets"),
    ),
    Session(
        "squid-proxy",
        "both legs through Squid, in front of a server and as a forward proxy: passed on, "
        "stripped, no backend, a silent one; 407",
        play_squid,
        ("squid", "websockets"),
    ),
    Session(
        "varnish-proxy",
        "both legs through Varnish: piped, stripped, a cached refusal, no backend (503), a silent "
        "one (503)",
        play_varnish,
        ("varnishd", "websockets"),
    ),
)

"""Sessions of wss that are more than TLS on TCP: over HTTP/2, and through tunnels of proxies."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import ssl
import subprocess
from asyncio.subprocess import Process
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from logging import Logger
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.processes import running, start
from recording.stage import SCRIPTS, Session, Stage
from recording.websockets_log import WebsocketsLog
from sessions.browser import FLAGS
from sessions.proxies import configured
from sessions.proxy_tunnel_configurations import CHAT, OPEN, SOCKS, SQUID
from sessions.proxy_tunnels import leg_to
from sessions.websockets_peers import echo
from sessions.wss import NAME, client_context, server_context

# Opens the page of the server at a port in a browser; its certificate is in the file.
Browser = Callable[[Stage, int, str], Awaitable[Process]]

NODE, BROWSED, TLS_FRONT = 9321, 9322, 9182
STREAMS, INSIDE = 9323, 9324

# Takes TLS off in front of Squid: the proxy that clients are told of is an `https` one then.
HAPROXY = f"""
global
    maxconn 64
defaults
    mode tcp
    retries 0
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend secure
    bind 127.0.0.1:{TLS_FRONT} ssl crt SCRATCH/both.pem alpn http/1.1
    default_backend squid
backend squid
    server squid 127.0.0.1:{OPEN}
"""


def certificate(stage: Stage) -> tuple[str, str]:
    """Return where a certificate that was just made is, and its key."""
    server_context(stage)
    return str(stage.scratch / "cert.pem"), str(stage.scratch / "key.pem")


def fingerprint(pem: str) -> str:
    """Return the hash of a certificate's public key, by which Chromium is told to trust it."""
    public = ["openssl", "x509", "-noout", "-pubkey", "-in", pem]
    found = subprocess.run(public, check=True, capture_output=True, text=True).stdout
    packed = ssl.PEM_cert_to_DER_cert(found.replace("PUBLIC KEY", "CERTIFICATE"))
    return b64encode(hashlib.sha256(packed).digest()).decode()


async def play_node(stage: Stage) -> None:
    """Node's own client to Node's own server: three WebSockets at once, and a page."""
    pem, key = certificate(stage)
    script = "http2_node.cjs"
    server = await stage.node(script, "server", "secure-server", NODE, pem, key)
    arguments = (NODE, pem, stage.keylog, "/one", "/two", "/three")
    client = await stage.node(script, "client", "secure-client", *arguments)
    await client.wait()
    await server.finish()


async def chromium(stage: Stage, port: int, pem: str) -> Process:
    """Open the page of a server in Chromium, which logs its secrets."""
    return await start(
        "chromium",
        *FLAGS,
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={fingerprint(pem)}",
        f"--ssl-key-log-file={stage.keylog}",
        f"--user-data-dir={stage.scratch / 'profile'}",
        f"https://{NAME}:{port}/",
        stderr=asyncio.subprocess.DEVNULL,
    )


async def browse_http2(stage: Stage, opened: Browser) -> None:
    """A page of Node's server opens WebSockets; a browser sends them on the page's connection."""
    pem, key = certificate(stage)
    arguments = (BROWSED, pem, key, SCRIPTS / "browser_http2.html")
    server = await stage.node("http2_node.cjs", "server", "secure-server", *arguments)
    browser = await opened(stage, BROWSED, pem)
    await server.wait()
    browser.send_signal(signal.SIGTERM)
    await browser.wait()


async def play_browser(stage: Stage) -> None:
    """Chromium does."""
    await browse_http2(stage, chromium)


async def talk(url: str, stage: Stage, logger: Logger, **options: Any) -> None:
    """Say something to the server within TLS, and close."""
    tls = client_context(stage)
    # The name is the host's then, of which the certificate does not know.
    tls.check_hostname = False
    options |= {"ping_interval": None, "compression": None, "logger": logger, "ssl": tls}
    async with connect(url, **options) as client:
        for message in ("through the tunnel", b"\x00\x01\x02", "x" * 300):
            await client.send(message)
            await client.recv()
        await (await client.ping(b"end to end"))
        await client.close(1000, "done")


@asynccontextmanager
async def proxies(stage: Stage) -> AsyncIterator[None]:
    """Run the server and everything in front of it."""
    context = server_context(stage)
    options = {"ping_interval": None, "ssl": context, "logger": stage.logger("server")}
    squid = stage.scratch / "squid.conf"
    squid.write_text(SQUID.replace("SCRATCH", str(stage.scratch)), encoding="utf-8")
    parts = [(stage.scratch / name).read_text("ascii") for name in ("cert.pem", "key.pem")]
    (stage.scratch / "both.pem").write_text("".join(parts), encoding="ascii")
    haproxy = configured(stage.scratch, HAPROXY)
    async with (
        serve(echo, "127.0.0.1", CHAT, **options),  # type: ignore[arg-type]
        running(OPEN, "squid", "-N", "-f", str(squid)),
        running(SOCKS, "microsocks", "-i", "127.0.0.1", "-p", str(SOCKS)),
        running(TLS_FRONT, "haproxy", "-db", "-f", haproxy),
    ):
        yield


async def play_tunnels(stage: Stage) -> None:
    """CONNECT, SOCKS 5 by address and by name, and a CONNECT inside TLS, with TLS inside."""
    where = f"127.0.0.1:{CHAT}"
    connect_way = f"CONNECT {where}"
    async with proxies(stage):
        for path, proxy, way in (
            ("connect", f"http://127.0.0.1:{OPEN}", connect_way),
            ("5-address", f"socks5://127.0.0.1:{SOCKS}", f"SOCKS5 {where}"),
        ):
            await talk(f"wss://{where}/{path}", stage, stage.logger("client", way), proxy=proxy)
        way, proxy = f"SOCKS5 localhost:{CHAT}", f"socks5h://127.0.0.1:{SOCKS}"
        url = f"wss://localhost:{CHAT}/5-name"
        await talk(url, stage, stage.logger("client", way), proxy=proxy)
        await secure_proxy(stage, where, connect_way)


async def secure_proxy(stage: Stage, where: str, way: str) -> None:
    """Ask a proxy within TLS for a tunnel; what HAProxy hands on to Squid is a leg, too."""
    logger = stage.logger("client", way)
    logger.addHandler(WebsocketsLog(stage.journal("client"), way, partial(leg_to, OPEN)))
    options = {"proxy": f"https://127.0.0.1:{TLS_FRONT}", "proxy_ssl": client_context(stage)}
    url = f"wss://{where}/secure-proxy"
    await talk(url, stage, logger, proxy_server_hostname=NAME, **options)


async def play_stream_tunnels(stage: Stage) -> None:
    """Tunnels on one connection of HTTP/2: ws inside, wss inside, and one that is refused."""
    pem, key = certificate(stage)
    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    tls = server_context(stage)
    async with (
        serve(echo, "127.0.0.1", CHAT, logger=stage.logger("server"), **options),
        serve(echo, "127.0.0.1", INSIDE, ssl=tls, logger=stage.logger("server"), **options),
    ):
        script = "http2_connect.cjs"
        proxy = await stage.node(script, "server", "proxy", STREAMS, pem, key)
        urls = (f"ws://127.0.0.1:{CHAT}/ws", "ws://127.0.0.1:1/refused")
        urls += (f"wss://127.0.0.1:{INSIDE}/wss",)
        arguments = ("client", STREAMS, pem, stage.keylog, *urls)
        client = await stage.node(script, "client", *arguments)
        await client.wait()
        await proxy.finish()


SESSIONS = (
    Session(
        "wss-http2",
        "wss over HTTP/2 (ALPN `h2`), its secrets in the capture: Node's own client and server, "
        "three streams at once and a page",
        play_node,
        ("node", "npm:ws", "openssl"),
    ),
    Session(
        "wss-http2-chromium",
        "Chromium opens three WebSockets on the HTTP/2 connection of their page, its secrets in "
        "the capture; the server is Node's own",
        play_browser,
        ("chromium", "node", "npm:ws", "openssl"),
    ),
    Session(
        "wss-tunnels",
        "wss inside CONNECT and SOCKS 5, both legs, and inside a CONNECT that is itself inside "
        "TLS, all three legs; the secrets of all are in the capture",
        play_tunnels,
        ("squid", "microsocks", "haproxy", "websockets", "openssl"),
    ),
    Session(
        "http2-connect",
        "both legs of a proxy that takes CONNECT on streams of HTTP/2 within TLS: ws inside, wss "
        "inside, a tunnel that is refused (403), all on one connection; the secrets are in the "
        "capture",
        play_stream_tunnels,
        ("node", "npm:ws", "websockets", "openssl"),
    ),
)

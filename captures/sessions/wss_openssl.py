"""Sessions of wss through OpenSSL's own client, which does what libraries do not on demand.

`openssl s_client` stands between the library and the server: it is told to update its keys, to
negotiate anew, or to send the upgrade request as 0-RTT data. Its port is chosen beforehand.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.journal import Peers
from recording.processes import running, start
from recording.stage import Session, Stage
from recording.websockets_log import WebsocketsLog
from sessions.proxies import configured
from sessions.proxy_tunnel_configurations import CHAT
from sessions.proxy_tunnels import BehindProxy
from sessions.websockets_peers import echo
from sessions.wss import NAME, VERSIONS, client_context, server_context

UPDATES, RENEGOTIATES, EARLY = 9360, 9361, 9362
FRONT_SSL, FRONT_CN, FRONT_PLAIN = 9363, 9364, 9365
# <openssl/ssl.h>: Python refuses what its server does not ask for.
SSL_OP_ALLOW_CLIENT_RENEGOTIATION = 1 << 8
# OpenSSL's client takes these from its input where they are alone in it.
UPDATE_BOTH, UPDATE_ONE, RENEGOTIATE = b"K\n", b"k\n", b"R\n"
PIECE = 8192

NGINX = f"""
daemon off;
master_process off;
user root;
error_log stderr warn;
pid SCRATCH/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path SCRATCH;
    proxy_temp_path SCRATCH;
    fastcgi_temp_path SCRATCH;
    uwsgi_temp_path SCRATCH;
    scgi_temp_path SCRATCH;
    server {{
        listen 127.0.0.1:{EARLY} ssl;
        ssl_certificate SCRATCH/cert.pem;
        ssl_certificate_key SCRATCH/key.pem;
        ssl_protocols TLSv1.3;
        ssl_early_data on;
        location / {{
            proxy_pass http://127.0.0.1:{CHAT};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Early-Data $ssl_early_data;
        }}
    }}
}}
"""

CLIENTS = "alpn http/1.1 ca-file SCRATCH/cert.pem verify required"
HAPROXY = f"""
global
    maxconn 64
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend ssl
    bind 127.0.0.1:{FRONT_SSL} ssl crt SCRATCH/both.pem alpn http/1.1
    default_backend ssl
frontend cn
    bind 127.0.0.1:{FRONT_CN} ssl crt SCRATCH/both.pem {CLIENTS} ssl-max-ver TLSv1.2
    default_backend cn
frontend plain
    bind 127.0.0.1:{FRONT_PLAIN}
    default_backend ssl
backend ssl
    server chat 127.0.0.1:{CHAT} send-proxy-v2-ssl
backend cn
    server chat 127.0.0.1:{CHAT} send-proxy-v2-ssl-cn
"""


class Client:
    """OpenSSL's client between a library, which has `library`, and a server."""

    def __init__(self, stage: Stage, ports: tuple[int, int], *options: str, early: bool) -> None:
        self.stage, self.options, self.early = stage, options, early
        self.local, self.port = ports
        self.library, self.inside = socket.socketpair()
        self.library.setblocking(False)
        self.inside.setblocking(False)
        self.process: Process | None = None

    async def run(self) -> None:
        """Carry bytes in both directions until the server or the library ends it."""
        loop = asyncio.get_running_loop()
        options = list(self.options)
        if self.early:
            file = self.stage.scratch / "early"
            file.write_bytes(await loop.sock_recv(self.inside, PIECE))
            options += ["-early_data", str(file)]
        command = ["openssl", "s_client", "-brief", "-connect", f"127.0.0.1:{self.port}"]
        command += ["-bind", f"127.0.0.1:{self.local}", "-servername", NAME]
        command += ["-keylogfile", str(self.stage.keylog), *options]
        self.process = await start(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        out = asyncio.create_task(self._carry_out(self.process))
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(PIECE):
            await loop.sock_sendall(self.inside, data)
        self.inside.shutdown(socket.SHUT_WR)
        out.cancel()
        await self.process.wait()

    async def _carry_out(self, process: Process) -> None:
        assert process.stdin is not None
        while data := await asyncio.get_running_loop().sock_recv(self.inside, PIECE):
            process.stdin.write(data)
            await process.stdin.drain()
        process.stdin.close()

    async def command(self, letter: bytes) -> None:
        """Give a command, alone in what OpenSSL reads at once, and let it be carried out."""
        assert self.process is not None
        assert self.process.stdin is not None
        await asyncio.sleep(0.2)
        self.process.stdin.write(letter)
        await self.process.stdin.drain()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def through(
    stage: Stage, ports: tuple[int, int], path: str, *options: str, early: bool = False
) -> AsyncIterator[tuple[Any, Client]]:
    """Connect to `ports` (the local and the server's) through OpenSSL's client."""
    openssl = Client(stage, ports, *options, early=early)
    carrying = asyncio.create_task(openssl.run())
    logger = stage.logger("client")
    logger.handlers[:] = [
        WebsocketsLog(
            stage.journal("client"), None, Peers("127.0.0.1", ports[0], "127.0.0.1", ports[1])
        )
    ]
    url = f"ws://{NAME}:{ports[1]}{path}"
    library = {"sock": openssl.library, "compression": None, "ping_interval": None}
    async with connect(url, logger=logger, **library) as client:  # type: ignore[arg-type]
        yield client, openssl
        await client.close(1000, "bye")
    await carrying


async def say(client: Any, *messages: str) -> None:
    """Say something and hear it back."""
    for message in messages:
        await client.send(message)
        assert await client.recv() == message


async def play_rekeyed(stage: Stage) -> None:
    """KeyUpdate of one side and of both, renegotiation, and the upgrade as 0-RTT data."""
    mine = server_context(stage)
    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    async with serve(
        echo, "127.0.0.1", UPDATES, ssl=mine, logger=stage.logger("server"), **options
    ):
        ports = (40_500, UPDATES)
        async with through(stage, ports, "/key-update", "-tls1_3") as (client, openssl):
            await say(client, "with the first keys")
            for number, letter in enumerate((UPDATE_BOTH, UPDATE_ONE, UPDATE_BOTH)):
                await openssl.command(letter)
                await say(client, f"behind update {number}", "x" * 300)
    mine = server_context(stage)
    mine.maximum_version = VERSIONS["1.2"]
    mine.options |= SSL_OP_ALLOW_CLIENT_RENEGOTIATION
    async with serve(
        echo, "127.0.0.1", RENEGOTIATES, ssl=mine, logger=stage.logger("server"), **options
    ):
        ports = (40_501, RENEGOTIATES)
        async with through(stage, ports, "/renegotiation", "-tls1_2") as (client, openssl):
            await say(client, "with the first keys")
            for number in range(2):
                await openssl.command(RENEGOTIATE)
                await say(client, f"behind renegotiation {number}", "x" * 300)
    await early_data(stage)


async def early_data(stage: Stage) -> None:
    """Begin a session with nginx, and resume it with the upgrade request as 0-RTT data."""
    nginx = configured(stage.scratch, NGINX)
    session = str(stage.scratch / "session.pem")
    backend = serve(
        echo, "127.0.0.1", CHAT, compression=None, ping_interval=None, logger=stage.logger("server")
    )
    async with backend, running(EARLY, "nginx", "-c", nginx):
        options = ("-tls1_3", "-sess_out", session)
        async with through(stage, (40_502, EARLY), "/first", *options) as (client, _):
            await say(client, "a whole handshake")
        options = ("-tls1_3", "-sess_in", session)
        later = through(stage, (40_503, EARLY), "/early", *options, early=True)
        async with later as (client, _):
            await say(client, "the request was 0-RTT data", "x" * 300)


async def play_balancer(stage: Stage) -> None:
    """HAProxy takes TLS off and says so; a secret and a password are behind it all the same."""
    server_context(stage)
    parts = [(stage.scratch / name).read_text("ascii") for name in ("cert.pem", "key.pem")]
    (stage.scratch / "both.pem").write_text("".join(parts), encoding="ascii")
    haproxy = configured(stage.scratch, HAPROXY)
    server = serve(
        echo,
        "127.0.0.1",
        CHAT,
        compression=None,
        ping_interval=None,
        logger=stage.logger("server"),
        create_connection=BehindProxy,
    )
    async with server, running(FRONT_SSL, "haproxy", "-db", "-f", haproxy):
        for port, path in ((FRONT_SSL, "/ssl"), (FRONT_CN, "/ssl-cn"), (FRONT_PLAIN, "/plain")):
            tls: ssl.SSLContext | None = None
            if port != FRONT_PLAIN:
                tls = client_context(stage)
                tls.load_cert_chain(stage.scratch / "both.pem")
            async with connect(
                f"{'wss' if tls else 'ws'}://{NAME}:{port}{path}",
                host="127.0.0.1",
                ssl=tls,
                compression=None,
                ping_interval=None,
                additional_headers={"Cookie": "session=0123456789abcdef"},
                logger=stage.logger("client"),
            ) as client:
                await say(client, '{"user":"anna","password":"hunter22"}', "and so on")
                await client.close(1000, "bye")


SESSIONS = (
    Session(
        "wss-rekeyed",
        "TLS whose keys change on the way: KeyUpdate of one side and of both (1.3), two "
        "renegotiations (1.2), an upgrade request as 0-RTT data to nginx behind the connection "
        "whose session it resumes, and nginx's leg to the server; the secrets are in the capture",
        play_rekeyed,
        ("openssl", "nginx", "websockets"),
    ),
    Session(
        "proxy-protocol-tls",
        "wss to HAProxy, which tells the server what TLS its client spoke (version 2 of the PROXY "
        "protocol with PP2_TYPE_SSL), with the client's name, too; and ws to it; a cookie and a "
        "password in the clear behind it",
        play_balancer,
        ("haproxy", "websockets", "openssl"),
    ),
)

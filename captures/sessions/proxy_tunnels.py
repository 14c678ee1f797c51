"""Through tunnels: CONNECT to Squid, SOCKS to microsocks and Dante, HAProxy's PROXY protocol."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from python_socks import ProxyType
from python_socks.async_.asyncio import Proxy
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidProxyStatus, ProxyError
from websockets.http11 import Request, Response

from recording.journal import Peers
from recording.processes import running, start
from recording.stage import Session, Stage
from recording.websockets_log import THROUGH, WebsocketsLog
from sessions.proxies import configured
from sessions.proxy_tunnel_configurations import (
    CHAT,
    DANTE,
    DANTE_PORT,
    FRONT_1,
    FRONT_2,
    HAPROXY,
    OPEN,
    SOCKS,
    SOCKS_LOCKED,
    SQUID,
    SSH,
    SSH_SOCKS,
    SSHD,
    WEB,
    WITH_PASSWORD,
)
from sessions.raw_peers import head
from sessions.websockets_peers import echo, expect_refusal

USER, PASSWORD = "anna", "correct-horse"
HOSTS = ("127.0.0.1", "::1")
HEAD_END = b"\r\n\r\n"


async def talk(url: str, stage: Stage, way: str | None, **options: Any) -> None:
    """Say something through a tunnel, and close."""
    logger = stage.logger("client", way)
    async with connect(url, ping_interval=None, logger=logger, **options) as client:
        await say(client)


async def say(client: Any) -> None:
    """Exchange a few messages, a ping and the closing handshake."""
    for message in ("through the tunnel", b"\x00\x01\x02", "x" * 300):
        await client.send(message)
        await client.recv()
    await (await client.ping(b"end to end"))
    await client.close(1000, "done")


async def fail(url: str, stage: Stage, proxy: str) -> None:
    """Be refused by a proxy: there is no upgrade request then."""
    try:
        async with connect(url, proxy=proxy, logger=stage.logger("client")):
            raise AssertionError(f"{proxy} let {url} through")
    except (InvalidProxyStatus, ProxyError):
        return


async def ask(
    proxy: socket.socket, where: str, *fields: tuple[str, str]
) -> tuple[int, dict[str, str]]:
    """Send a CONNECT; return the status and the header fields of the answer, its body read."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(proxy, head(f"CONNECT {where} HTTP/1.1", [("Host", where), *fields]))
    answer = b""
    while HEAD_END not in answer:
        answer += await loop.sock_recv(proxy, 1)
    start, *lines = answer.decode().split("\r\n")
    named = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    left = int(named.get("content-length", "0"))
    while left:
        left -= len(await loop.sock_recv(proxy, left))
    return int(start.split()[1]), named


async def connected(port: int) -> socket.socket:
    """Connect a socket to a proxy."""
    proxy = socket.create_connection(("127.0.0.1", port))
    proxy.setblocking(False)
    return proxy


async def challenged(stage: Stage, way: str, where: str) -> None:
    """Ask without credentials, be asked for them (407), and ask again on the same connection."""
    proxy = await connected(WITH_PASSWORD)
    status, fields = await ask(proxy, where)
    assert status == 407, status
    assert fields["connection"] == "keep-alive", fields
    login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    status, _ = await ask(proxy, where, ("Proxy-Authorization", f"Basic {login}"))
    assert status == 200, status
    await talk(f"ws://{where}/challenged", stage, way, sock=proxy)


def leg_to(port: int) -> Peers:
    """Return the ends of the one connection to a local port, as the kernel has it."""
    for line in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if state == "01" and remote.endswith(f":{port:04X}"):
            return Peers("127.0.0.1", int(local[-4:], 16), "127.0.0.1", port)
    raise RuntimeError(f"nobody is connected to port {port}")


async def nested(stage: Stage, where: str) -> None:
    """Reach Squid through microsocks: a CONNECT inside SOCKS. The leg between them is one, too."""
    outer = Proxy(ProxyType.SOCKS5, "127.0.0.1", SOCKS)
    proxy = await outer.connect("127.0.0.1", OPEN)
    status, _ = await ask(proxy, where)
    assert status == 200, status
    connect_way = f"CONNECT {where}"
    logger = stage.logger("client", f"SOCKS5 127.0.0.1:{OPEN}, {connect_way}")
    between = stage.journal("client")
    logger.addHandler(WebsocketsLog(between, connect_way, leg_to(OPEN)))
    url = f"ws://{where}/nested"
    async with connect(url, sock=proxy, ping_interval=None, logger=logger) as client:
        await say(client)


@asynccontextmanager
async def chat(stage: Stage) -> AsyncIterator[None]:
    """Run the server behind the proxies, on two ports and both versions of IP."""
    options: dict[str, Any] = {"ping_interval": None, "process_request": refuse}
    options["logger"] = stage.logger("server")
    async with serve(echo, HOSTS, CHAT, **options), serve(echo, HOSTS, WEB, **options):
        yield


def refuse(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse an upgrade inside the tunnel."""
    return connection.respond(403, "not you\n") if request.path == "/refused" else None


async def play_connect(stage: Stage) -> None:
    """To port 80 and to another one, by name and address; 403; 407; 407 and again."""
    file = configured(stage.scratch, SQUID)
    proxy, locked = f"http://127.0.0.1:{OPEN}", f"http://127.0.0.1:{WITH_PASSWORD}"
    async with chat(stage), running(OPEN, "squid", "-N", "-f", file):
        for where, path in (
            (f"127.0.0.1:{CHAT}", "address"),
            (f"localhost:{CHAT}", "name"),
            (f"[::1]:{CHAT}", "ipv6"),
            (f"127.0.0.1:{WEB}", "web"),
        ):
            await talk(f"ws://{where}/{path}", stage, f"CONNECT {where}", proxy=proxy)
        where = f"127.0.0.1:{CHAT}"
        logger = stage.logger("client", f"CONNECT 127.0.0.1:{CHAT}")
        await expect_refusal(logger, f"ws://{where}/refused", proxy=proxy)
        await fail("ws://127.0.0.1:9/forbidden", stage, proxy)
        await fail(f"ws://{where}/no-credentials", stage, locked)
        with_login = f"http://{USER}:{PASSWORD}@127.0.0.1:{WITH_PASSWORD}"
        await talk(f"ws://{where}/credentials", stage, f"CONNECT {where}", proxy=with_login)
        await challenged(stage, f"CONNECT {where}", where)


@asynccontextmanager
async def ssh(scratch: Path) -> AsyncIterator[None]:
    """Run a server of OpenSSH, and a client that takes SOCKS: `ssh -D`."""
    key = str(scratch / "key")
    keygen = await start("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    await keygen.wait()
    configuration = scratch / "sshd.conf"
    configuration.write_text(SSHD.replace("SCRATCH", str(scratch)), encoding="utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)
    client = ("ssh", "-N", "-F", "none", "-i", key, "-p", str(SSH))
    client += ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    client += ("-D", f"127.0.0.1:{SSH_SOCKS}", "root@127.0.0.1")
    async with (
        running(SSH, "/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)),
        running(SSH_SOCKS, *client),
    ):
        yield


async def play_socks(stage: Stage) -> None:
    """Versions 4, 4A and 5; by name and by address; with a password; refused; a CONNECT inside."""
    where = f"127.0.0.1:{CHAT}"
    dante = configured(stage.scratch, DANTE)
    squid = stage.scratch / "squid.conf"
    squid.write_text(SQUID.replace("SCRATCH", str(stage.scratch)), encoding="utf-8")
    locked = f"socks5h://{USER}:{PASSWORD}@127.0.0.1:{SOCKS_LOCKED}"
    micro = ("microsocks", "-i", "127.0.0.1")
    async with (
        chat(stage),
        running(SOCKS, *micro, "-p", str(SOCKS)),
        running(SOCKS_LOCKED, *micro, "-p", str(SOCKS_LOCKED), "-u", USER, "-P", PASSWORD),
        running(DANTE_PORT, "danted", "-f", dante),
        running(OPEN, "squid", "-N", "-f", str(squid)),
        ssh(stage.scratch),
    ):
        open_, other = f"127.0.0.1:{SOCKS}", f"127.0.0.1:{DANTE_PORT}"
        for scheme, proxy, url, way in (
            ("socks5", open_, f"ws://{where}/5-address", f"SOCKS5 {where}"),
            ("socks5h", open_, f"ws://localhost:{CHAT}/5-name", f"SOCKS5 localhost:{CHAT}"),
            ("socks5", open_, f"ws://[::1]:{CHAT}/5-ipv6", f"SOCKS5 [::1]:{CHAT}"),
            ("socks5h", other, f"ws://localhost:{CHAT}/5-dante", f"SOCKS5 localhost:{CHAT}"),
            ("socks4", other, f"ws://{where}/4", f"SOCKS4 {where}"),
            (
                "socks4a",
                f"127.0.0.1:{SSH_SOCKS}",
                f"ws://localhost:{CHAT}/4a",
                f"SOCKS4a localhost:{CHAT}",
            ),
        ):
            await talk(url, stage, way, proxy=f"{scheme}://{proxy}")
        url = f"ws://localhost:{CHAT}"
        await talk(f"{url}/5-password", stage, f"SOCKS5 localhost:{CHAT}", proxy=locked)
        wrong = locked.replace(PASSWORD, "wrong")
        await fail(f"{url}/5-wrong-password", stage, wrong)
        await fail(f"{url}/5-no-password", stage, f"socks5h://127.0.0.1:{SOCKS_LOCKED}")
        await fail("ws://127.0.0.1:1/5-nobody", stage, f"socks5://{open_}")
        await nested(stage, where)


class BehindProxy(ServerConnection):
    """A server's connection that begins with a header of the PROXY protocol, and logs it."""

    header: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        """Take the header; hand on what is behind it."""
        if self.header is None:
            super().data_received(data)
            return
        self.header += data
        if self.header.startswith(b"PROXY "):
            line, _, rest = self.header.partition(b"\r\n")
            _, family, source, _, port, _ = line.decode().split(" ")
            host = f"[{source}]" if family == "TCP6" else source
        else:
            size = 16 + int.from_bytes(self.header[14:16], "big")
            addresses, rest = self.header[16:size], self.header[size:]
            short = self.header[13] >> 4 == 1
            packed, at = (addresses[:4], 8) if short else (addresses[:16], 32)
            host = socket.inet_ntop(socket.AF_INET if short else socket.AF_INET6, packed)
            host = host if short else f"[{host}]"
            port = str(int.from_bytes(addresses[at : at + 2], "big"))
        self.header = None
        self.logger.debug(THROUGH, f"PROXY {host}:{port}")
        if rest:
            super().data_received(rest)


async def play_proxy_protocol(stage: Stage) -> None:
    """HAProxy tells a server whose client is asking: version 1, version 2, with TLVs, over IPv6."""
    file = configured(stage.scratch, HAPROXY)
    log = stage.logger("server")
    server = serve(
        echo, "127.0.0.1", CHAT, ping_interval=None, logger=log, create_connection=BehindProxy
    )
    async with server, running(FRONT_1, "haproxy", "-db", "-f", file):
        for port, path in ((FRONT_1, "version-1"), (FRONT_2, "version-2")):
            for host in ("127.0.0.1", "[::1]"):
                await talk(f"ws://{host}:{port}/{path}", stage, None)


SESSIONS = (
    Session(
        "connect-tunnels",
        "both legs through Squid with CONNECT: by address and by name, over IPv6, to ports 80 and "
        "9060; an upgrade that is refused inside; 403; 407; credentials at once, and after a 407",
        play_connect,
        ("squid", "websockets"),
    ),
    Session(
        "socks-tunnels",
        "both legs through microsocks, Dante and `ssh -D`: SOCKS 5 by address and name, over IPv6, "
        "with a password and a wrong one; SOCKS 4 and 4A; nobody there; a CONNECT to Squid inside",
        play_socks,
        ("microsocks", "danted", "ssh", "squid", "python-socks", "websockets"),
    ),
    Session(
        "proxy-protocol",
        "both legs through HAProxy, which tells the server for whom it asks: the PROXY protocol in "
        "version 1, and in version 2 with TLVs (CRC32c, unique ID), for clients of IPv4 and IPv6",
        play_proxy_protocol,
        ("haproxy", "websockets"),
    ),
)

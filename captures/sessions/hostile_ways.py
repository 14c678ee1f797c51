"""What strangers send around a WebSocket: names for TLS and proxies, subprotocols, HTTP/2."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from recording.journal import CLOSE, TEXT, Header
from recording.stage import Session, Stage
from sessions.http2_raw import ENABLED, RawHttp2, raw_http2_client, raw_http2_server
from sessions.judged_violations import random_key
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    head,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)
from sessions.wss_flaws import careless

PLAIN, SECURE, PROXY, SOCKS, HTTP2 = 9390, 9391, 9392, 9393, 9394
IMAGE, SCRIPT = "<img/src=x/onerror=alert(1)>", "<script>alert(1)</script>"
ANSI, TURNED = "\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe\u2066"
#: Of TLS: what is asked for, and who answers.
NAME = "<svg/onload=alert(1)>.example"
SUBJECT = f"/O={ANSI}{TURNED}/CN=" + SCRIPT.replace("/", "\\/")
WHERE = f"{IMAGE}:80"
#: As a way is written: nothing of what was asked for behind what no authority and no name has.
ASKED = "%3Cimg%2F…"
SUBPROTOCOL = "<b>chat</b>"


# Reads what a client wants of a proxy, answers it, and says whether it goes on.
Ask = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


async def answer(peer: RawPeer) -> None:
    """As a server: take the first subprotocol, answer a text with it."""
    key = await peer.receive_upgrade()
    chosen = [("Sec-WebSocket-Protocol", SUBPROTOCOL)] if peer.target == "/subprotocol" else []
    await peer.switch(switching_headers(key, *chosen), RawFrame(TEXT, b"hello", masked=False))
    await peer.close_after_other()


async def talk(client: RawPeer, path: str, *fields: Header) -> None:
    """Ask for a WebSocket, say something, close."""
    await client.request_upgrade(path, upgrade_headers(*fields, key=random_key()))
    text = RawFrame(TEXT, SCRIPT.encode(), key=os.urandom(4))
    await client.send(text, RawFrame(CLOSE, b"\x03\xe8", key=os.urandom(4)))
    await client.receive_all()


@asynccontextmanager
async def relay(port: int, ask: Ask) -> AsyncIterator[None]:
    """Serve a proxy to the one server that there is."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await ask(reader, writer):
            there, out = await asyncio.open_connection("127.0.0.1", PLAIN)
            await asyncio.gather(copy(reader, out), copy(there, writer))
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", port):
        yield


async def connect_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer a CONNECT with a 200, or a 403 where the target says so."""
    asked = await reader.readuntil(b"\r\n\r\n")
    refused = b"forbidden" in asked
    start = f"HTTP/1.1 {403 if refused else 200} {SCRIPT}"
    fields = [("Via", f"1.1 {IMAGE}"), ("X-Ansi", ANSI), ("Content-Length", "0")]
    writer.write(head(start, fields[: 3 if refused else 2]))
    await writer.drain()
    return not refused


async def socks_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer as SOCKS 5 does (RFC 1928): no password, any name."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    *_, length = await reader.readexactly(5)
    await reader.readexactly(length + 2)
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    await writer.drain()
    return True


async def play_plain(stage: Stage) -> None:
    """A subprotocol; ways through a proxy that takes any name, and one that refuses one."""
    notes = stage.journal("client")
    async with (
        raw_server(stage.journal("server"), PLAIN, answer),
        relay(PROXY, connect_proxy),
        relay(SOCKS, socks_proxy),
    ):
        async with raw_client(notes, PLAIN) as client:
            offered = f"{SUBPROTOCOL}, {IMAGE}"
            await talk(client, "/subprotocol", ("Sec-WebSocket-Protocol", offered))
        async with raw_client(notes, PROXY) as client:
            await client.write(head(f"CONNECT {WHERE} HTTP/1.1", [("Host", WHERE), ("X", ANSI)]))
            await client.reader.readuntil(b"\r\n\r\n")
            await through(client, f"CONNECT {ASKED}")
        async with raw_client(notes, PROXY) as client:
            where = f"forbidden.{SCRIPT.replace('/', '')}:80"
            await client.write(head(f"CONNECT {where} HTTP/1.1", [("Host", where)]))
            await client.reader.read()
        async with raw_client(notes, SOCKS) as client:
            name = IMAGE.encode()
            await client.write(b"\x05\x01\x00")
            await client.reader.readexactly(2)
            await client.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + b"\x00\x50")
            await client.reader.readexactly(10)
            await through(client, f"SOCKS5 {ASKED}:80")


async def through(client: RawPeer, way: str) -> None:
    """Talk in a tunnel that is open."""
    client.way = way
    await talk(client, "/tunnel")


async def play_secure(stage: Stage) -> None:
    """A hostile name is asked for, and a hostile certificate shown."""
    certificate, key = stage.scratch / "hostile.pem", stage.scratch / "hostile.key"
    line = ["openssl", "req", "-x509", "-utf8", "-newkey", "ec"]
    line += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90"]
    line += ["-subj", SUBJECT, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(line, check=True, capture_output=True)
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(certificate, key)
    # Only before TLS 1.3 do certificates travel in the clear.
    for number, version in enumerate((ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
        mine.maximum_version = version
        server = raw_server(stage.journal("server"), SECURE + 10 * number, answer, ssl=mine)
        client = raw_client(
            stage.journal("client"),
            SECURE + 10 * number,
            ssl=careless(stage),
            server_hostname=NAME,
        )
        async with server, client as peer:
            await talk(peer, f"/tls-{version.name[-3:]}")


async def play_http2(stage: Stage) -> None:
    """Fields of HTTP/2, where no line ends and every byte can be sent."""

    async def serve(peer: RawHttp2) -> None:
        await peer.send_settings(ENABLED)
        stream = await asyncio.wait_for(peer.requests.get(), 5)
        await stream.respond(200, ("server", f"{SCRIPT}{ANSI}"), ("x-turned", TURNED))
        await stream.echo()

    async with (
        raw_http2_server(stage.journal("server"), HTTP2, serve),
        raw_http2_client(stage.journal("client"), HTTP2) as client,
    ):
        fields = (("user-agent", f"{IMAGE}{ANSI}"), ("x-turned", TURNED), (f"x-{IMAGE}", "name"))
        stream = await client.open(f"/{SCRIPT}", *fields, ("origin", f"http://{IMAGE}"))
        await stream.say(SCRIPT.encode())
        await stream.close()
        await stream.over()


async def play(stage: Stage) -> None:
    """All of them, one after the other."""
    await play_plain(stage)
    await play_secure(stage)
    await play_http2(stage)


SESSIONS = (
    Session(
        "hostile-ways",
        "markup and control characters in subprotocols, targets of CONNECT and SOCKS, answers of "
        "a proxy, the name that TLS asks for, certificates, and fields of HTTP/2",
        play,
        ("openssl",),
    ),
)

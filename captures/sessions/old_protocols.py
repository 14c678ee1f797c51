"""The protocols before RFC 6455: Hixie-75 and -76, and the HyBi drafts 2, 5 and 6."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from recording.journal import BINARY, CLOSE, CONTINUATION, PING, TEXT, Header, header_value
from recording.processes import ScriptPeer, listening, start
from recording.stage import Session, Stage
from sessions.draft_peers import DraftPeer, answer_of
from sessions.raw_peers import RawFrame, RawPeer, head, raw_server, upgrade_headers
from sessions.websockets_peers import expect_refusal

MESSAGES = ["an old dialect", "caf\u00e9, \u6587\u5b57", "", "x" * 300]

DRIVER, EM, RAW = 9020, 9021, 9022
FRONT_NGINX, FRONT_HAPROXY = 9023, 9024


async def driver_server(stage: Stage) -> ScriptPeer:
    """Start the echo server made with Node's `websocket-driver`."""
    return await stage.node("hixie_server.cjs", "server", "127.0.0.1", DRIVER)


async def em_server(stage: Stage) -> ScriptPeer:
    """Start the echo server made with Ruby's `em-websocket`."""
    return await stage.script("ruby", "em_server.rb", "server", "127.0.0.1", EM)


async def perl_client(
    stage: Stage, port: int, target: str, messages: list[str], **options: Any
) -> None:
    """Run the client made with Perl's `Protocol::WebSocket`, to its end."""
    texts = json.dumps(options), json.dumps(messages)
    arguments = ("127.0.0.1", port, target, *texts)
    client = await stage.script("perl", "hixie_client.pl", "client", *arguments)
    await client.wait()


async def play_hixie_75(stage: Stage) -> None:
    """Two servers, one client; Hixie-75 has no closing handshake."""
    for port, serve in ((DRIVER, driver_server), (EM, em_server)):
        server = await serve(stage)
        await perl_client(stage, port, "/hixie-75", MESSAGES, version="hixie-75")
        await server.finish()


async def play_hixie_76(stage: Stage) -> None:
    """Closed by either end, with a subprotocol, with late bytes; then what must be refused."""
    server = await driver_server(stage)
    await perl_client(stage, DRIVER, "/plain", MESSAGES, version="hixie-76", bare=True)
    for target, messages, options in (
        ("/subprotocol", ["with one"], {"subprotocol": "sample"}),
        ("/server-closes", ["one", "goodbye"], {"waits": True}),
        ("/late", ["after all"], {"late": 0.3}),
    ):
        await perl_client(stage, DRIVER, target, messages, version="hixie-76", bare=True, **options)
    await perl_client(stage, DRIVER, "/with-length", [], version="hixie-76", patience=0.5)
    await server.finish()
    server = await em_server(stage)
    await perl_client(stage, EM, "/ruby", MESSAGES, version="hixie-76", bare=True)
    await perl_client(stage, EM, "/ruby-with-length", [], version="hixie-76", patience=0.5)
    await server.finish()

    async def answer(peer: RawPeer) -> None:
        start_line, headers = await peer.read_head()
        target = start_line.split()[1]
        if target == "/to-13":
            peer.begin_exchange().request(target, headers)
            await switch(peer, headers, target, bytes(16))
            return
        body = await peer.reader.readexactly(8)
        note_request(peer, target)
        if target == "/forbidden":
            peer.pen.response(403, [])
            await peer.write(head("HTTP/1.1 403 Forbidden", [("Content-Length", "0")]))
        elif target == "/rfc-6455-only":
            fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
            fields += [("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
            peer.pen.response(101, fields)
            await peer.write(head("HTTP/1.1 101 Switching Protocols", fields) + b"\x81\x05early")
        else:
            await switch(peer, headers, target, answer_of(headers, body[::-1]))
        await peer.reader.read()

    async with raw_server(stage.journal("server"), RAW, answer):
        for path in ("/wrong-answer", "/forbidden", "/rfc-6455-only"):
            await perl_client(stage, RAW, path, [], version="hixie-76", bare=True, patience=0.5)
        logger = stage.logger("client")
        await expect_refusal(logger, f"ws://127.0.0.1:{RAW}/to-13", compression=None)


def note_request(peer: RawPeer, target: str) -> None:
    """Note a request of Hixie-76."""
    facts = {"subprotocols_offered": [], "extensions_offered": []}
    peer.begin_exchange().note("request", target=target, version="hixie-76", **facts)


async def switch(peer: RawPeer, headers: list[Header], target: str, answer: bytes) -> None:
    """Answer as a server of Hixie-76 does."""
    host = header_value(headers, "Host")
    fields = [
        ("Upgrade", "WebSocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Origin", header_value(headers, "Origin") or "null"),
        ("Sec-WebSocket-Location", f"ws://{host}{target}"),
    ]
    peer.pen.response(101, fields)
    await peer.write(head("HTTP/1.1 101 WebSocket Protocol Handshake", fields) + answer)


NGINX = """
daemon off;
master_process off;
user root;
error_log stderr crit;
pid {scratch}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {scratch};
    proxy_temp_path {scratch};
    fastcgi_temp_path {scratch};
    uwsgi_temp_path {scratch};
    scgi_temp_path {scratch};
    server {{
        listen 127.0.0.1:{front};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "Upgrade";
        proxy_read_timeout 1s;
        location /driver {{ proxy_pass http://127.0.0.1:{driver}; }}
        location /em {{ proxy_pass http://127.0.0.1:{em}; }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 1s
    timeout tunnel 5s
frontend front
    bind 127.0.0.1:{front}
    use_backend driver if {{ path_beg /driver }}
    default_backend em
backend driver
    server one 127.0.0.1:{driver}
backend em
    server one 127.0.0.1:{em}
"""


@asynccontextmanager
async def proxies(scratch: Path) -> AsyncIterator[None]:
    """Run nginx and HAProxy in front of both servers."""
    ports = {"scratch": scratch, "driver": DRIVER, "em": EM}
    nginx, haproxy = scratch / "nginx.conf", scratch / "haproxy.cfg"
    nginx.write_text(NGINX.format(front=FRONT_NGINX, **ports), encoding="utf-8")
    haproxy.write_text(HAPROXY.format(front=FRONT_HAPROXY, **ports), encoding="utf-8")
    processes = [
        await start("nginx", "-p", str(scratch), "-c", str(nginx)),
        await start("haproxy", "-db", "-f", str(haproxy)),
    ]
    for port in (FRONT_NGINX, FRONT_HAPROXY):
        await listening(port)
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            await process.wait()


async def play_proxies(stage: Stage) -> None:
    """The eight bytes behind the head have no length that a proxy knows of, or have one."""
    servers = [await driver_server(stage), await em_server(stage)]
    async with proxies(stage.scratch):
        for front in (FRONT_NGINX, FRONT_HAPROXY):
            for backend in ("driver", "em"):
                for bare in (True, False):
                    target = f"/{backend}/{'bare' if bare else 'with-length'}"
                    await perl_client(
                        stage, front, target, ["hello"], version="hixie-76", bare=bare, patience=3
                    )
    for server in servers:
        await server.finish()


async def play_drafts(stage: Stage) -> None:
    """A raw client and Ruby's em-websocket: drafts 2, 5 and 6."""
    server = await em_server(stage)
    notes = stage.journal("client")
    frames = [
        RawFrame(TEXT, b"an old dialect"),
        RawFrame(BINARY, bytes(range(200))),
        RawFrame(TEXT, "caf\u00e9 ".encode() * 30),
        RawFrame(PING, b"ping"),
    ]
    parts = [RawFrame(TEXT, b"in two ", fin=False), RawFrame(CONTINUATION, b"parts")]
    closes = {2: b"clientclose", 5: b"\x43", 6: (1000).to_bytes(2, "big") + b"bye"}
    for draft, close in closes.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", EM)
        client = DraftPeer(notes, reader, writer, draft)
        if draft == 2:
            await client.request_challenge("/hybi-2", ("Sec-WebSocket-Draft", "2"))
        else:
            origin = ("Sec-WebSocket-Origin", "http://example.test")
            headers = upgrade_headers(origin, version=str(draft))
            await client.request_upgrade(f"/hybi-{draft}", headers)
        for frame in frames:
            await client.send(frame)
            await client.receive()
        await client.send(*parts)
        await client.receive()
        await client.send(RawFrame(CLOSE, close))
        await client.receive_all()
        writer.close()
    await server.finish()


RUBY = ("gem:em-websocket", "ruby")
OLD = ("perl:Protocol::WebSocket", "perl", "npm:websocket-driver", "node", *RUBY)
SESSIONS = (
    Session(
        "hixie-75",
        "Hixie-75: text between 0x00 and 0xFF, no challenge, no closing handshake",
        play_hixie_75,
        OLD,
    ),
    Session(
        "hixie-76",
        "Hixie-76: the challenge answered, its eight bytes late, closing handshakes of either end, "
        "a subprotocol; a wrong answer, a refusal, an answer of RFC 6455, a Hixie answer to 13",
        play_hixie_76,
        (*OLD, "websockets"),
    ),
    Session(
        "hixie-proxies",
        "Hixie-76 through nginx and HAProxy, both legs: the eight bytes behind the head with and "
        "without a Content-Length, to a server that waits for them and to one that answers first",
        play_proxies,
        (*OLD, "nginx", "haproxy"),
    ),
    Session(
        "hybi-early",
        "HyBi drafts 2, 5 and 6: MORE, other opcodes, masks over the header; fragments, a ping, "
        "Close with each draft's body",
        play_drafts,
        RUBY,
    ),
)

"""What is odd rather than wrong, or so old that it fails: heads, offers, contents, Hixie."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from recording.journal import BINARY, TEXT, Header, Journal
from recording.processes import running
from recording.stage import SCRIPTS, Session, Stage
from sessions.deterministic import noise
from sessions.draft_peers import KEY2, KEY3
from sessions.faulty_handshakes import ask, more
from sessions.judged_violations import answer, random_key
from sessions.node_ws import Action, ws_client
from sessions.raw_peers import (
    RawPeer,
    head,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

PORT, NODE_PORT, OLD_PORT, DRAFT_PORT = 9067, 9068, 9069, 9072

#: A field more, or another Upgrade; the path of the request names it.
HEADS: dict[str, Header] = {
    "blank-before-colon": ("X-Trace ", "1"),
    "folded": ("X-Trace", "one\r\n two"),
    "bare-line-feed": ("X-Trace", "one\nX-Span: two"),
    "control-character": ("X-Trace", "one\x01two"),
}
UPGRADES = {"two-protocols": "websocket, h2c", "with-version": "websocket/13"}
#: The top bit of a length of 64 bits, and five.
NEGATIVE = 1 << 63 | 5


def upgrading_to(protocols: str) -> list[Header]:
    """Return a good request's fields with another Upgrade."""
    fields = upgrade_headers(key=random_key())
    return [(name, protocols if name == "Upgrade" else value) for name, value in fields]


async def try_head(notes: Journal, port: int, path: str, headers: list[Header]) -> None:
    """Send a request; `websockets` closes TCP without an answer where it cannot read the head."""
    with suppress(asyncio.IncompleteReadError):
        await ask(notes, port, path, headers)


async def declare(notes: Journal, port: int) -> None:
    """Declare a length that is negative to who reads it with a sign, and send a few bytes."""
    async with raw_client(notes, port) as client:
        await client.request_upgrade("/negative-length", upgrade_headers(key=random_key()))
        client.pen.frame_header("client", BINARY, fin=True, masked=True, length=NEGATIVE)
        start = bytes([0x80 | BINARY, 0x80 | 127]) + NEGATIVE.to_bytes(8, "big")
        await client.write(start + os.urandom(4) + b"x" * 20)
        await client.receive_all()


async def play_odd(stage: Stage) -> None:
    """Each head to two servers; then two offers, JSON in binary and base64 in text."""
    notes = stage.journal("client")
    node = ("node", str(SCRIPTS / "echo_servers.cjs"), "ws", str(NODE_PORT))
    async with (
        await serve(answer, "127.0.0.1", PORT, ping_interval=None),
        running(NODE_PORT, *node),
    ):
        for port in (PORT, NODE_PORT):
            for name, field in HEADS.items():
                await try_head(notes, port, f"/{name}", more(field))
            for name, protocols in UPGRADES.items():
                await try_head(notes, port, f"/{name}", upgrading_to(protocols))
            await declare(notes, port)
        await offer_twice(stage)


async def offer_twice(stage: Stage) -> None:
    """Offer compression twice; send what fits the other opcode."""
    offers = [
        ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=True),
        ClientPerMessageDeflateFactory(client_max_window_bits=None),
    ]
    async with connect(
        f"ws://127.0.0.1:{NODE_PORT}/two-offers",
        compression=None,
        extensions=offers,
        ping_interval=None,
        logger=stage.logger("client"),
    ) as client:
        await client.send(json.dumps({"price": 17, "of": ["one", "two"]}).encode())
        await client.recv()
        await client.send(base64.b64encode(noise(300)).decode())
        await client.recv()


async def play_old(stage: Stage) -> None:
    """Hixie's keys and frames broken; then a client that falls back from 13 to 8."""
    notes = stage.journal("client")
    nobody = os.environ | {"JOURNAL": os.devnull, "SIDE": "server"}
    driver = ("node", str(SCRIPTS / "hixie_server.cjs"), "127.0.0.1", str(OLD_PORT))
    quiet = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.DEVNULL}
    async with running(OLD_PORT, *driver, env=nobody, **quiet):
        for path, key in (
            ("/no-blanks", "4@146546xW%0l15"),
            ("/remainder", "4 @1  46546xW%0l 1 7"),
        ):
            async with raw_client(notes, OLD_PORT) as client:
                await challenge(client, path, key)
        async with raw_client(notes, OLD_PORT) as client:
            await end_inside(client)
    await fall_back(stage)


def note_old(client: RawPeer, target: str, version: str) -> None:
    """Note a request of Hixie."""
    facts: dict[str, Any] = {"subprotocols_offered": [], "extensions_offered": []}
    client.begin_exchange().note("request", target=target, version=version, **facts)


async def challenge(client: RawPeer, target: str, key: str) -> None:
    """Ask as a client of Hixie-76 does, but for the first key."""
    fields = [
        ("Host", f"127.0.0.1:{OLD_PORT}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "WebSocket"),
    ]
    fields += [("Sec-WebSocket-Key1", key), ("Sec-WebSocket-Key2", KEY2)]
    note_old(client, target, "hixie-76")
    fields.append(("Origin", "http://example.test"))
    await client.write(head(f"GET {target} HTTP/1.1", fields) + KEY3)
    try:
        status, answer, _ = await asyncio.wait_for(client.read_response(), 1)
        client.pen.response(status, answer)
    except (asyncio.IncompleteReadError, TimeoutError):
        return


async def end_inside(client: RawPeer) -> None:
    """Send a text of Hixie-75, another one that does not end, and the end of TCP."""
    fields = [
        ("Host", f"127.0.0.1:{OLD_PORT}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "WebSocket"),
    ]
    note_old(client, "/unfinished", "hixie-75")
    fields.append(("Origin", "http://example.test"))
    await client.write(head("GET /unfinished HTTP/1.1", fields))
    status, answer, _ = await client.read_response()
    client.pen.response(status, answer)
    client.pen.opened()
    client.pen.frame("client", TEXT, b"whole", masked=False)
    await client.write(b"\x00whole\xff")
    echoed = await client.reader.readexactly(7)
    client.pen.frame("server", TEXT, echoed[1:-1])
    half = b"half of a text"
    client.pen.frame_header("client", TEXT, fin=True, masked=False, length=len(half))
    await client.write(b"\x00" + half)
    client.pen.cut("client", "fin")
    await client.end()


async def fall_back(stage: Stage) -> None:
    """A server of version 8 alone; Node `ws` asks for 13 and then for 8."""

    async def speak_8(peer: RawPeer) -> None:
        start, headers = await peer.read_head()
        peer.target = start.split()[1]
        peer.begin_exchange().request(peer.target, headers)
        fields = dict(headers)
        if fields["Sec-WebSocket-Version"] != "8":
            refusal = [("Sec-WebSocket-Version", "8"), ("Upgrade", "websocket")]
            refusal += [("Connection", "Upgrade"), ("Content-Length", "0")]
            peer.pen.response(426, refusal)
            await peer.write(head("HTTP/1.1 426 Upgrade Required", refusal))
            return
        await peer.switch(switching_headers(fields["Sec-WebSocket-Key"]))
        await peer.close_after_other()

    actions: list[Action] = [["text", "in the old dialect"], ["close", 1000, "bye"]]
    async with raw_server(stage.journal("server"), DRAFT_PORT, speak_8):
        for version in (13, 8):
            await ws_client(
                stage,
                f"ws://127.0.0.1:{DRAFT_PORT}/falls-back",
                actions if version == 8 else [],
                protocolVersion=version,
                perMessageDeflate=False,
            )


SESSIONS = (
    Session(
        "odd-habits",
        "a raw client's heads that break HTTP's grammar or name several protocols, a length with "
        "its top bit set, to websockets and Node ws; two offers of permessage-deflate, JSON in "
        "binary and base64 in text messages",
        play_odd,
        ("websockets", "npm:ws", "node"),
    ),
    Session(
        "old-failures",
        "Hixie-76 keys that stand for no number, a text of Hixie-75 that does not end; Node ws "
        "asks a server of version 8 for 13, and then for 8",
        play_old,
        ("npm:websocket-driver", "npm:ws", "node"),
    ),
)

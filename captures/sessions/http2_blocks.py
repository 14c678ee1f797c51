"""WebSocket over HTTP/2 whose heads and frames are as large, and as padded, as they may be.

Field blocks that go on in CONTINUATION, padded HEADERS and DATA, dynamic tables of other sizes than
4096 bytes, and sizes that change on the way (RFC 9113 §6.1, §6.2, §6.10; RFC 7541 §4.2, §6.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count
from typing import Any

from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame

from recording.journal import Header
from recording.processes import running
from recording.stage import Session, Stage
from sessions.deterministic import prose
from sessions.http2_raw import RawHttp2, RawStream, raw_http2_client
from sessions.http2_requests import nghttpx
from sessions.wss_ways import certificate

CONTINUED, PADDED, NO_TABLE, LARGE_TABLE, SECURE, FRONT, BEHIND, PIECES = range(9350, 9358)
SCRIPT = "http2_blocks.cjs"
HOST = "127.0.0.1"


def told(**options: Any) -> str:
    """Return options of one end for the script."""
    return json.dumps(options)


async def talk(
    stage: Stage, port: int, client: str, server: str, *steps: str, to: int | None = None
) -> None:
    """Let Node's client take its steps; `to`: the port of what stands before the server."""
    serving = await stage.node(SCRIPT, "server", "server", port, server)
    asking = await stage.node(SCRIPT, "client", "client", to or port, client, *steps)
    await asking.wait()
    await serving.finish()


class InPieces(RawHttp2):
    """A client that divides and pads whatever it can, as no library does of itself."""

    async def headers(self, number: int, fields: Iterable[Header], *, ends: bool = False) -> None:
        """Send a field block in six frames: of the first and the third nothing is in the block."""
        block = self.encoder.encode(list(fields))
        flags = ["PADDED", "PRIORITY", *(["END_STREAM"] if ends else [])]
        parts = (block[:1], b"", block[1:3], block[3:20])
        await self.send(
            HeadersFrame(number, b"", pad_length=200, stream_weight=15, flags=flags),
            *(ContinuationFrame(number, part) for part in parts),
            ContinuationFrame(number, block[20:], flags=["END_HEADERS"]),
        )

    async def data(self, stream: RawStream, data: bytes) -> None:
        """Send DATA of 0 to 9 bytes, each with other padding; there is window enough."""
        frames, at = [], 0
        for number in count():
            if at >= len(data):
                break
            part = data[at : at + number % 10]
            at += len(part)
            padding = number * 23 % 256
            frames.append(DataFrame(stream.number, part, flags=["PADDED"], pad_length=padding))
        await self.send(*frames)


async def pieces(stage: Stage) -> None:
    """Talk to Node's server in frames as small as they can be."""
    server = await stage.node(SCRIPT, "server", "server", PIECES, told(padding="ALIGNED"))
    async with raw_http2_client(stage.journal("client"), PIECES, end=InPieces) as client:
        for path in ("/pieces", "/pieces-again"):
            stream = await client.open(path, ("x-words", " ".join(prose(100).split())))
            for text in (b"in pieces", b"", prose(300).encode()):
                await stream.say(text)
            await stream.close()
            await stream.over()
    await server.finish()


async def play_blocks(stage: Stage) -> None:
    """Each kind on a connection of its own."""
    plain = told()
    await talk(
        stage, CONTINUED, plain, plain, "/short", "/long-20000", "/many-90", "/long-60000", "/last"
    )
    padded, aligned = told(padding="MAX"), told(padding="ALIGNED")
    await talk(stage, PADDED, padded, aligned, "/padded", "/long-padded-40000", "page/", "/last")
    await talk(stage, NO_TABLE, told(table=0, deflate=0), plain, "/no-table", "/many-20", "/last")
    large = told(table=65536, deflate=65536)
    steps = ["/large-table", "/many-90", "/many-again-90", "0", "/none", "/many-none-90", "256"]
    steps += ["/small", "/many-small-90", "0", "8192", "/larger", "/many-larger-90"]
    await talk(stage, LARGE_TABLE, large, large, *steps)
    pem, key = certificate(stage)
    serving = await stage.node(SCRIPT, "server", "server", SECURE, padded, pem, key)
    arguments = (
        "secure-client",
        SECURE,
        padded,
        pem,
        stage.keylog,
        "/secure",
        "/long-secure-40000",
    )
    asking = await stage.node(SCRIPT, "client", *arguments)
    await asking.wait()
    await serving.finish()
    await translated(stage)
    await pieces(stage)


async def translated(stage: Stage) -> None:
    """Through nghttpx, which pads as well, and has tables of its own on both sides."""
    command = [*nghttpx(FRONT, f"{BEHIND};;proto=h2"), "--padding=200"]
    command += ["--frontend-http2-encoder-dynamic-table-size=512"]
    command += ["--backend-http2-encoder-dynamic-table-size=1024"]
    command += ["--backend-http2-decoder-dynamic-table-size=8192"]
    async with running(FRONT, *command):
        noted = told(notes=True)
        await talk(
            stage, BEHIND, told(), noted, "/through", "/long-through-40000", "/last", to=FRONT
        )


SESSIONS = (
    Session(
        "http2-field-blocks",
        "WebSocket over HTTP/2 with long heads and padding: field blocks that go on in "
        "CONTINUATION, padded HEADERS and DATA, dynamic tables of 0 to 65,536 bytes, and sizes "
        "that change on the way; in clear text, within TLS, and both legs of nghttpx, which pads; "
        "and a client that divides and pads all that it can",
        play_blocks,
        ("node", "npm:ws", "nghttpx", "hpack", "hyperframe", "openssl"),
    ),
)

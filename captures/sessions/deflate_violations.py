"""What no library does with permessage-deflate, one connection each."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from recording.journal import CLOSE, CONTINUATION, PING, TEXT, Journal
from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.judged_violations import frame, random_key
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

PORT = 9090
RSV1 = (True, False, False)
TAIL = b"\x00\x00\xff\xff"
OFFER = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
#: What the server agrees to, by path; elsewhere permessage-deflate as it is.
AGREED = {
    "/takeover": "permessage-deflate; client_no_context_takeover",
    "/window": "permessage-deflate; client_max_window_bits=9",
}


@dataclass(frozen=True)
class Sent:
    """Frames of a message, and what a tolerant peer inflates them to; None for nothing."""

    frames: list[RawFrame]
    text: str | None = None


def deflated(*texts: str, keep_tail: bool = False) -> list[Sent]:
    """Return messages that share one context, with a window of 15 bits."""
    compressor = zlib.compressobj(wbits=-15)
    sent = []
    for text in texts:
        data = compressor.compress(text.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH)
        body = data if keep_tail else data.removesuffix(TAIL)
        sent.append(Sent([frame(TEXT, body, rsv=RSV1)], text))
    return sent


def violations() -> dict[str, list[Sent]]:
    """Return what the client sends, by path."""
    (greeting,) = deflated(prose(100))
    half = greeting.frames[0].data
    parts = [
        frame(TEXT, half[:20], fin=False, rsv=RSV1),
        frame(CONTINUATION, half[20:], rsv=RSV1),
    ]
    far = noise(1000).hex()
    return {
        "/good": deflated(prose(400), prose(400)),
        "/takeover": deflated(prose(400), prose(400)),
        "/window": deflated(far + far),
        "/garbage": [Sent([frame(TEXT, b"\xff\xfe this was never deflated", rsv=RSV1)])],
        "/empty-payload": [Sent([frame(TEXT, b"", rsv=RSV1)], "")],
        "/bomb": deflated("0" * 4_000_000),
        "/tail-kept": deflated(prose(100), keep_tail=True),
        "/rsv1-on-continuation": [Sent(parts, prose(100))],
        "/rsv1-on-ping": [Sent([frame(PING, b"ping", rsv=RSV1)])],
    }


async def send(client: RawPeer, sent: Sent) -> None:
    """Send one message and note its frames, and the message where a tolerant peer reads one."""
    for each in sent.frames:
        header = {"fin": each.fin, "rsv": each.rsv, "masked": True, "length": len(each.data)}
        client.pen.frame_header("client", each.opcode, **header)
        if each.opcode == PING:
            client.pen.control("client", PING, each.data)
        await client.write(each.encode())
    if sent.text is not None:
        client.pen.message("client", sent.text, frames=len(sent.frames), compressed=True)


async def serve(peer: RawPeer) -> None:
    """Accept everything and answer the Close."""
    key = await peer.receive_upgrade()
    agreed = AGREED.get(peer.target, "permessage-deflate")
    await peer.switch(switching_headers(key, ("Sec-WebSocket-Extensions", agreed)))
    await peer.close_after_other()


async def play(stage: Stage) -> None:
    """One connection for each violation. The server does not inflate: its notes are dropped."""
    notes, dropped = stage.journal("client"), Journal(Path(os.devnull), "server")
    async with raw_server(dropped, PORT, serve):
        for path, messages in violations().items():
            async with raw_client(notes, PORT) as client:
                fields = upgrade_headers(("Sec-WebSocket-Extensions", OFFER), key=random_key())
                await client.request_upgrade(path, fields)
                for sent in messages:
                    await send(client, sent)
                await client.send(frame(CLOSE, b"\x03\xe8"))
                await client.receive_all()


SESSIONS = (
    Session(
        "deflate-violations",
        "permessage-deflate: a context kept although it was given up, a window larger than "
        "agreed, garbage, an empty payload, a small bomb, the tail kept, RSV1 where it must not be",
        play,
        (),
    ),
)

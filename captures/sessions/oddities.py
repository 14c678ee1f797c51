"""What no library sends: violations of the framing rules, one connection each."""

from __future__ import annotations

from recording.journal import BINARY, CLOSE, CONTINUATION, PING, TEXT
from recording.stage import Session, Stage
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

LAST_BIT = (False, False, True)


def close(code: int, reason: bytes = b"", *, masked: bool = True) -> RawFrame:
    """Return a Close frame."""
    return RawFrame(CLOSE, code.to_bytes(2, "big") + reason, masked=masked)


#: What the client sends on each connection before it closes; the path of the request names it.
CLIENT_ODDITIES: dict[str, list[RawFrame]] = {
    "unmasked-client-frame": [
        RawFrame(TEXT, b"in the clear", masked=False),
        RawFrame(TEXT, b"masked"),
    ],
    "rsv1-without-extension": [RawFrame(TEXT, b"rsv1", rsv=(True, False, False))],
    "rsv2": [RawFrame(TEXT, b"rsv2", rsv=(False, True, False))],
    "rsv3-on-ping": [RawFrame(PING, b"rsv3", rsv=LAST_BIT)],
    "reserved-data-opcode": [RawFrame(3, b"what is this?")],
    "reserved-control-opcode": [RawFrame(11, b"and this?")],
    "length-16-bit-for-5": [RawFrame(TEXT, b"Hello", length_bytes=2)],
    "length-64-bit-for-5": [RawFrame(TEXT, b"Hello", length_bytes=8)],
    "length-64-bit-for-200": [RawFrame(BINARY, b"\x05" * 200, length_bytes=8)],
    "ping-of-126": [RawFrame(PING, b"p" * 126)],
    "fragmented-ping": [
        RawFrame(PING, b"first half, ", fin=False),
        RawFrame(CONTINUATION, b"second half"),
    ],
    "continuation-of-nothing": [RawFrame(CONTINUATION, b"continued"), RawFrame(TEXT, b"a start")],
    "message-in-message": [
        RawFrame(TEXT, b"never finished", fin=False),
        RawFrame(TEXT, b"another"),
    ],
    "text-not-utf8": [RawFrame(TEXT, b"caf\xe9")],
    "text-utf8-split": [RawFrame(TEXT, b"\xe4\xb8", fin=False), RawFrame(CONTINUATION, b"\x96")],
    "text-surrogate": [RawFrame(TEXT, b"\xed\xa0\x80")],
}

#: How a client closes, with what it sends after the Close.
CLIENT_CLOSES: dict[str, list[RawFrame]] = {
    "close-one-byte": [RawFrame(CLOSE, b"\x03")],
    "close-1005": [close(1005)],
    "close-999": [close(999)],
    "close-4999": [close(4999, b"private use")],
    "close-5000": [close(5000)],
    "close-reason-not-utf8": [close(1000, b"\xff\xfe")],
    "close-too-long": [close(1000, b"r" * 124)],
    "data-after-close": [close(1000), RawFrame(TEXT, b"one more thing"), RawFrame(PING)],
    "two-closes": [close(1000), close(1001)],
}

#: What the server sends right after the handshake.
SERVER_ODDITIES: dict[str, list[RawFrame]] = {
    "masked-server-frame": [RawFrame(TEXT, b"masked by the server", masked=True)],
    "server-rsv-bits": [RawFrame(BINARY, b"\x01", rsv=(True, True, True), masked=False)],
    "server-reserved-opcode": [RawFrame(15, b"", masked=False)],
}


async def play(stage: Stage) -> None:
    """One connection for each oddity; the other end tolerates and notes everything."""

    async def serve(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(switching_headers(key))
        await peer.send(*SERVER_ODDITIES.get(peer.target[1:], []))
        await peer.receive_all()

    notes = stage.journal("client")
    normal = [close(1000)]
    scripts = {name: [*frames, *normal] for name, frames in CLIENT_ODDITIES.items()}
    scripts |= CLIENT_CLOSES | dict.fromkeys(SERVER_ODDITIES, normal)
    async with raw_server(stage.journal("server"), 9019, serve):
        for name, frames in scripts.items():
            async with raw_client(notes, 9019) as client:
                await client.request_upgrade(f"/{name}", upgrade_headers())
                for _ in SERVER_ODDITIES.get(name, []):
                    await client.receive()
                await client.send(*frames)


SESSIONS = (
    Session(
        "oddities",
        "violations of the framing rules, one connection each, named by its path: masking, RSV "
        "bits, opcodes, lengths, fragmentation, UTF-8, Close bodies",
        play,
        ("python",),
    ),
)

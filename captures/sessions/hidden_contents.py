"""Secrets in the clear, other protocols inside, and masking keys that can be foreseen."""

from __future__ import annotations

import asyncio
import random

from recording.journal import BINARY, CLOSE, TEXT, Header
from recording.processes import start
from recording.stage import SCRIPTS, Session, Stage
from sessions.judged_violations import frame, random_key
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

PORT = 9080
BYE = frame(CLOSE, b"\x03\xe8")
JWT = (
    b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwi"
    b"aWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
#: Made up, and of no use anywhere: the bytes between the two lines are zeros.
PEM = b"-----BEGIN PRIVATE KEY-----\n" + b"AAAA" * 16 + b"\n-----END PRIVATE KEY-----\n"

#: Header fields of requests that carry credentials, by path.
CREDENTIALS: dict[str, list[Header]] = {
    "/cookie": [("Cookie", "session=5f0c1a2b3c4d5e6f7a8b9c0d")],
    "/basic": [("Authorization", "Basic YW5uOnNlY3JldA==")],
    "/bearer": [("Authorization", "Bearer " + JWT.decode())],
    "/chat?token=5f0c1a2b3c4d5e6f7a8b9c0d": [],
}
#: Messages that carry secrets or another protocol, by path.
CONTENTS: dict[str, RawFrame] = {
    "/jwt": frame(TEXT, b'{"type": "auth", "token": "' + JWT + b'"}'),
    "/pem": frame(TEXT, PEM),
    "/password": frame(TEXT, b'{"user": "ann", "password": "correct horse battery"}'),
    "/ordinary": frame(TEXT, b'{"user": "ann", "text": "I forgot my password"}'),
    "/ssh": frame(BINARY, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "/tls": frame(BINARY, bytes.fromhex("16030100c8010000c40303") + bytes(range(194))),
    "/http": frame(BINARY, b"GET /inside HTTP/1.1\r\nHost: intranet.example\r\n\r\n"),
    "/vnc": frame(BINARY, b"RFB 003.008\n"),
}

#: How many frames a client of weak-masks sends.
FRAMES = 40
SEED = 20261128


def c_rand(count: int) -> list[bytes]:
    """Return keys of the example of `rand` in the C standard, two calls a key, from seed 1."""
    state, halves = 1, []
    for _ in range(2 * count):
        state = (state * 1103515245 + 12345) % 2**32
        halves.append((state // 65536 % 32768).to_bytes(2, "big"))
    return [halves[2 * i] + halves[2 * i + 1] for i in range(count)]


async def java_random() -> list[bytes]:
    """Return keys that java.util.Random made, four bytes a call."""
    process = await start(
        "java", str(SCRIPTS / "MaskingKeys.java"), str(FRAMES), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return [bytes.fromhex(line) for line in output.decode().split()]


async def serve(peer: RawPeer) -> None:
    """Accept everything, note everything, answer the Close."""
    await peer.switch(switching_headers(await peer.receive_upgrade()))
    await peer.close_after_other()


async def talk(client: RawPeer, path: str, frames: list[RawFrame], *fields: Header) -> None:
    """Upgrade, send frames, close."""
    await client.request_upgrade(path, upgrade_headers(*fields, key=random_key()))
    await client.send(*frames, frame(CLOSE, b"\x03\xe8"))
    await client.receive_all()


async def play_contents(stage: Stage) -> None:
    """One connection for each secret and each protocol."""
    notes = stage.journal("client")
    async with raw_server(stage.journal("server"), PORT, serve):
        for path, fields in CREDENTIALS.items():
            async with raw_client(notes, PORT) as client:
                await talk(client, path, [frame(TEXT, b"hello")], *fields)
        for path, content in CONTENTS.items():
            async with raw_client(notes, PORT) as client:
                await talk(client, path, [content])


async def play_masks(stage: Stage) -> None:
    """One connection for each way to make masking keys; and one that spells a request."""
    good = random.Random(SEED)  # noqa: S311 - as even as a good generator, and the same each time
    ways = {
        "/random": [good.randbytes(4) for _ in range(FRAMES)],
        "/zero": [bytes(4)] * FRAMES,
        "/constant": [b"\x12\x34\x56\x78"] * FRAMES,
        "/counter": [(1000 + number).to_bytes(4, "big") for number in range(FRAMES)],
        "/java-util-random": await java_random(),
        "/c-rand": c_rand(FRAMES),
    }
    notes = stage.journal("client")
    async with raw_server(stage.journal("server"), PORT, serve):
        for path, keys in ways.items():
            frames = [RawFrame(TEXT, b"message %d" % i, key=key) for i, key in enumerate(keys)]
            frames[-1] = RawFrame(CLOSE, b"\x03\xe8", key=keys[-1])
            async with raw_client(notes, PORT) as client:
                await client.request_upgrade(path, upgrade_headers(key=random_key()))
                await client.send(*frames)
                await client.receive_all()
        wire = b"GET /poisoned HTTP/1.1\r\nHost: victim.example\r\n\r\n"
        key = b"\xa5\x5a\xc3\x3c"
        spelled = bytes(byte ^ key[i % 4] for i, byte in enumerate(wire))
        async with raw_client(notes, PORT) as client:
            await talk(client, "/request-on-the-wire", [RawFrame(BINARY, spelled, key=key)])


async def play_keys(stage: Stage) -> None:
    """Two connections with one key; then a server that mixes up the accept values of two."""
    repeated, other = random_key(), random_key()

    async def mix_up(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(switching_headers(repeated if peer.target == "/mixed-up" else key))
        await peer.close_after_other()

    notes = stage.journal("client")
    async with raw_server(stage.journal("server"), PORT, mix_up):
        for path in ("/first", "/again"):
            async with raw_client(notes, PORT) as client:
                await client.request_upgrade(path, upgrade_headers(key=repeated))
                await client.send(BYE)
                await client.receive_all()
        async with raw_client(notes, PORT) as client:
            await client.request_upgrade("/mixed-up", upgrade_headers(key=other))
            await client.send(BYE)
            await client.receive_all()


SESSIONS = (
    Session(
        "secrets-and-tunnels",
        "credentials in requests, secrets in messages, and SSH, TLS, HTTP and VNC inside binary "
        "messages, one connection each, named by its path",
        play_contents,
        (),
    ),
    Session(
        "weak-masks",
        "masking keys: random, zero, constant, counted, of java.util.Random, of C's rand; a "
        "frame that spells an HTTP request on the wire",
        play_masks,
        ("java",),
    ),
    Session(
        "mixed-keys",
        "one Sec-WebSocket-Key on two connections; a third that is answered with the accept value "
        "of the first",
        play_keys,
        (),
    ),
)

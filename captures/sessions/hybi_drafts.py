"""The drafts before RFC 6455 that are still spoken: Sec-WebSocket-Version 8 and 7."""

from __future__ import annotations

from recording.journal import TEXT, Header
from recording.stage import Session, Stage
from sessions.node_ws import Action, ws_client, ws_server
from sessions.raw_peers import (
    BYE,
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)


async def play_drafts(stage: Stage) -> None:
    """Node `ws` speaks version 8 and refuses 7; raw peers speak 7."""
    server = await ws_server(stage, 9017)
    actions: list[Action] = [["text", "an old dialect"], ["receive"], ["close", 1000, "old bye"]]
    origin = "http://example.test"
    await ws_client(
        stage,
        "ws://127.0.0.1:9017/hybi-8",
        actions,
        protocolVersion=8,
        perMessageDeflate=False,
        origin=origin,
    )

    async def accept_any(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(switching_headers(key))
        await peer.send(RawFrame(TEXT, b"an old answer", masked=False))
        await peer.close_after_other()

    notes = stage.journal("client")
    old_origin: Header = ("Sec-WebSocket-Origin", origin)
    async with raw_server(stage.journal("server"), 9117, accept_any):
        for port, version in ((9017, "8"), (9017, "7"), (9117, "7"), (9117, "8")):
            async with raw_client(notes, port) as client:
                headers = upgrade_headers(old_origin, version=version)
                if await client.request_upgrade(f"/hybi-{version}", headers) == 101:
                    await client.send(RawFrame(TEXT, b"an old dialect"))
                    await client.receive()
                    await client.send(BYE)
                    await client.receive_all()
    await server.finish()


SESSIONS = (
    Session(
        "hybi-drafts",
        "Sec-WebSocket-Version 8 and 7, the drafts before RFC 6455: accepted by Node ws (8) and "
        "a raw server, 7 refused by Node ws",
        play_drafts,
        ("npm:ws", "node"),
    ),
)

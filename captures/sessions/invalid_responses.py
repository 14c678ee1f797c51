"""Responses that a client must refuse: subprotocols never offered, faulty 101s."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from recording.journal import Header
from recording.stage import Session, Stage
from sessions.node_ws import ws_client
from sessions.raw_peers import (
    RawPeer,
    raw_server,
    switching_headers,
)
from sessions.websockets_peers import expect_refusal


async def play_subprotocols(stage: Stage) -> None:
    """Chosen, none in common, none offered, and one that the client never offered."""

    async def answer(connection: ServerConnection) -> None:
        await connection.send(f"we speak {connection.subprotocol}")

    async def impose(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(switching_headers(key, ("Sec-WebSocket-Protocol", "soap")))
        await peer.receive_all()

    def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((name for name in offered if name in ("v2.chat", "graphql-transport-ws")), None)

    server_logger, logger = stage.logger("server"), stage.logger("client")
    async with await serve(
        answer,
        "127.0.0.1",
        9209,
        select_subprotocol=choose,
        ping_interval=None,
        logger=server_logger,
    ):
        for offered in (
            ["v3.chat", "v2.chat", "v1.chat"],
            ["graphql-transport-ws"],
            ["mqtt"],
            None,
        ):
            names = [Subprotocol(name) for name in offered] if offered else None
            async with connect(
                "ws://127.0.0.1:9209/rooms", subprotocols=names, ping_interval=None, logger=logger
            ) as client:
                await client.recv()
    async with raw_server(stage.journal("server"), 9109, impose):
        await expect_refusal(
            logger,
            "ws://127.0.0.1:9109/imposed",
            subprotocols=[Subprotocol("mqtt")],
            compression=None,
        )


async def play_bad_accept(stage: Stage) -> None:
    """A raw server's faulty 101s; the clients, `websockets` and Node `ws`, refuse each of them."""
    upgrade, connection = ("Upgrade", "websocket"), ("Connection", "Upgrade")

    def right(key: str) -> Header:
        return switching_headers(key)[2]

    faults: dict[str, Callable[[str], list[Header]]] = {
        "/wrong-accept": lambda key: switching_headers(key + "x"),
        "/accept-is-the-key": lambda key: [upgrade, connection, ("Sec-WebSocket-Accept", key)],
        "/accept-in-lower-case": lambda key: [
            upgrade,
            connection,
            (right(key)[0], right(key)[1].lower()),
        ],
        "/no-accept": lambda _: [upgrade, connection],
        "/no-upgrade": lambda key: [connection, right(key)],
        "/no-connection": lambda key: [upgrade, right(key)],
        "/upgrade-to-something-else": lambda key: [("Upgrade", "h2c"), connection, right(key)],
        "/extension-not-offered": lambda key: switching_headers(
            key, ("Sec-WebSocket-Extensions", "permessage-bzip2")
        ),
    }

    async def answer(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(faults[peer.target](key))
        await peer.receive_all()

    logger = stage.logger("client")
    async with raw_server(stage.journal("server"), 9012, answer):
        for path in faults:
            await expect_refusal(logger, f"ws://127.0.0.1:9012{path}", compression=None)
        for path in ("/wrong-accept", "/no-accept", "/upgrade-to-something-else"):
            await ws_client(stage, f"ws://127.0.0.1:9012{path}", [], perMessageDeflate=False)


SESSIONS = (
    Session(
        "subprotocols",
        "a subprotocol chosen among those offered; none in common; none offered; one that was "
        "never offered, which the client refuses",
        play_subprotocols,
        ("websockets",),
    ),
    Session(
        "bad-accept",
        "101 responses that fail the handshake rules and are refused by real clients: wrong, "
        "missing, lower-case accept; Upgrade or Connection missing; an extension never offered",
        play_bad_accept,
        ("websockets", "npm:ws", "node"),
    ),
)

"""Upgrade requests within TLS that a server refuses, and one that it lets in then."""

from __future__ import annotations

import base64
import http
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from recording.stage import Session, Stage
from sessions.websockets_peers import echo, expect_refusal
from sessions.wss import NAME, SOFTWARE, VERSIONS, client_context, server_context

WHO = "Basic " + base64.b64encode(b"ann:secret").decode()


def answer(_connection: ServerConnection, request: Request) -> Response | None:
    """Refuse by the path; ask for credentials where there are none."""
    if request.path.startswith("/forbidden"):
        status, fields = http.HTTPStatus.FORBIDDEN, Headers()
    elif request.headers.get("Authorization") != WHO:
        status = http.HTTPStatus.UNAUTHORIZED
        fields = Headers({"WWW-Authenticate": 'Basic realm="chat"'})
    else:
        return None
    body = f"{status.value} for {request.path}\n".encode()
    fields["Content-Length"] = str(len(body))
    fields["Content-Type"] = "text/plain"
    return Response(status.value, status.phrase, fields, body)


async def refused(stage: Stage, port: int, version: str) -> None:
    """Ask for what is forbidden, then for what takes credentials, without them and with them."""
    mine, theirs = server_context(stage), client_context(stage)
    mine.maximum_version = VERSIONS[version]
    more: dict[str, Any] = {"compression": None, "host": "127.0.0.1", "ssl": theirs}
    server = await serve(
        echo,
        "127.0.0.1",
        port,
        compression=None,
        ping_interval=None,
        process_request=answer,
        ssl=mine,
        logger=stage.logger("server"),
    )
    logger, url = stage.logger("client"), f"wss://{NAME}:{port}"
    async with server:
        await expect_refusal(logger, f"{url}/forbidden-{version}", **more)
        await expect_refusal(logger, f"{url}/private-{version}", **more)
        async with connect(
            f"{url}/private-{version}",
            additional_headers={"Authorization": WHO},
            ping_interval=None,
            logger=logger,
            **more,
        ) as client:
            await client.send("it is me")
            await client.recv()
            await client.close(1000, "bye")


async def play(stage: Stage) -> None:
    """The same in TLS 1.3 and in TLS 1.2."""
    for port, version in enumerate(("1.3", "1.2"), 9480):
        await refused(stage, port, version)


SESSIONS = (
    Session(
        "wss-denied",
        "upgrade requests within TLS 1.3 and 1.2, its secrets in the capture, that a server "
        "refuses: 403, and 401 before credentials are brought on a connection of their own",
        play,
        SOFTWARE,
    ),
)

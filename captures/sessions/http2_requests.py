"""HTTP/2 as it should be: WebSockets beside ordinary requests, and HAProxy in front of HTTP/1.1."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from recording.processes import running
from recording.stage import Session, Stage
from sessions.deterministic import prose
from sessions.http2_peers import DEFLATE, Connection, h2_client, hypercorn
from sessions.proxies import configured, echo_until_cut
from sessions.websockets_peers import expect_refusal

SERVER, UPGRADED, FRONT, BEHIND = 9340, 9341, 9342, 9343
STREAMS_TO_1, STREAMS_BEHIND, TO_STREAMS = 9344, 9345, 9346

HAPROXY = f"""
global
    maxconn 64
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    timeout tunnel 10s
frontend front
    bind 127.0.0.1:{FRONT} proto h2
    default_backend chat
backend chat
    server one 127.0.0.1:{BEHIND}
"""


async def mix(client: Connection) -> None:
    """Three WebSockets at once, and requests of all kinds between their messages."""
    first = await client.open("/first")
    await client.ask("POST", "/form", ("content-type", "text/plain"), body=b"name=Anna")
    second = await client.open("/second", ("sec-websocket-extensions", DEFLATE))
    await first.say(b"beside requests")
    await client.ask("HEAD", "/page")
    await client.ask("GET", "/trailers", ("te", "trailers"))
    await second.say(prose(200).encode())
    check = ("x-digest", "none")
    await client.ask("PUT", "/file", ("trailer", "x-digest"), body=b"a\n" * 50, trailers=(check,))
    third = await client.open("/third", ("cookie", "room=1"), ("cookie", "seat=2"))
    await third.ping(b"there?")
    await client.ask("GET", "/page", ("cookie", "a=1"), ("cookie", "b=2"))
    await third.close()
    await second.close()
    await first.say(b"the last one")
    await first.close(4000)


async def play_requests(stage: Stage) -> None:
    """With prior knowledge, and behind an upgrade to h2c."""
    async with hypercorn(SERVER), h2_client(stage.journal("client"), SERVER) as client:
        await mix(client)
    journal = stage.journal("client")
    async with hypercorn(UPGRADED), h2_client(journal, UPGRADED, upgrade="/page") as client:
        await mix(client)


def refuse(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse what asks for it."""
    wanted = request.path.startswith("/refused")
    return connection.respond(HTTPStatus.FORBIDDEN, "no\n") if wanted else None


def nghttpx(front: int, backend: str) -> list[str]:
    """Return the command line of nghttpx between a port and a backend, without TLS."""
    line = ["nghttpx", "--workers=1", "--errorlog-file=/dev/null", "--conf=/dev/null"]
    return [*line, f"--frontend=127.0.0.1,{front};no-tls", f"--backend=127.0.0.1,{backend}"]


async def play_translated(stage: Stage) -> None:
    """Streams of HTTP/2 to HAProxy and to nghttpx; and what nghttpx makes streams of."""
    logger = stage.logger("server")
    options = {"ping_interval": None, "compression": None, "logger": logger}
    file = configured(stage.scratch, HAPROXY)
    async with (
        serve(echo_until_cut, "127.0.0.1", BEHIND, process_request=refuse, **options),  # type: ignore[arg-type]
        running(FRONT, "haproxy", "-db", "-f", file),
        h2_client(stage.journal("client"), FRONT) as client,
        running(STREAMS_TO_1, *nghttpx(STREAMS_TO_1, f"{BEHIND}")),
        hypercorn(STREAMS_BEHIND, stage.journal("server", sees_control=False)),
        running(TO_STREAMS, *nghttpx(TO_STREAMS, f"{STREAMS_BEHIND};;proto=h2")),
    ):
        first = await client.open("/first")
        await first.say(b"translated")
        second = await client.open("/second")
        await second.say(b"both legs")
        await client.open("/refused")
        await second.close()
        gone = await client.open("/gone")
        await gone.say(b"soon gone")
        await gone.reset()
        await first.close()
        async with h2_client(stage.journal("client"), STREAMS_TO_1) as other:
            stream = await other.open("/streams-to-1")
            await stream.say(b"by nghttpx")
            await stream.close()
        url, logger = f"ws://127.0.0.1:{TO_STREAMS}", stage.logger("client")
        async with connect(f"{url}/to-streams", ping_interval=None, logger=logger) as plain:
            await plain.send("the other way")
            await plain.recv()
        await expect_refusal(logger, f"{url}/refused-stream")
        await asyncio.sleep(0.1)


SESSIONS = (
    Session(
        "http2-requests",
        "WebSockets over HTTP/2 beside ordinary requests on the same connection: with bodies, "
        "HEAD, trailers of either end, cookies in several fields; with prior knowledge, and "
        "behind an upgrade to h2c",
        play_requests,
        ("h2", "hypercorn", "wsproto"),
    ),
    Session(
        "http2-translated",
        "both legs through proxies that translate: streams of HTTP/2 in front and a connection of "
        "HTTP/1.1 behind for each, by HAProxy (a refusal, a stream that is reset) and by nghttpx; "
        "by nghttpx the other way as well, with a refusal",
        play_translated,
        ("haproxy", "nghttpx", "h2", "hypercorn", "wsproto", "websockets"),
    ),
)

"""HTTP/2 whose peers break a rule on each connection: WebSocket's, or those of HTTP/2 itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from recording.journal import BINARY, CLOSE, Header
from recording.stage import Session, Stage
from sessions.deterministic import noise
from sessions.http2_raw import (
    ENABLE_CONNECT_PROTOCOL,
    ENABLED,
    INITIAL_WINDOW_SIZE,
    RawHttp2,
    RawStream,
    extended_connect,
    raw_http2_client,
    raw_http2_server,
)
from sessions.raw_peers import KEY, accept_of

RAW, NODE = 9330, 9331
NORMAL_CLOSURE = (1000).to_bytes(2, "big")
# RFC 9113 §7.
PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM = 1, 2, 8, 11
STALL_SECONDS = 1.4

Conduct = Callable[[RawStream], Awaitable[None]]


async def converse(stream: RawStream) -> None:
    """As a client: say something where the answer lets it, and close."""
    if await asyncio.wait_for(stream.answered, 5) == 200:
        await stream.say(b"on a stream")
        await stream.close()
        await stream.over()


async def echo(stream: RawStream) -> None:
    """As a server: take the WebSocket."""
    await stream.respond(200)
    await stream.echo()


def answering(status: int, *fields: Header, ends: bool = False) -> Conduct:
    """Return what a server does that answers with a status, and goes on as after a 200."""

    async def answer(stream: RawStream) -> None:
        await stream.respond(status, *fields, ends=ends)
        if status == 200:
            await stream.echo()

    return answer


def resetting(code: int) -> Conduct:
    """Return what a server does that resets a stream in the place of an answer."""

    async def reset(stream: RawStream) -> None:
        await stream.reset(code)

    return reset


refuse = answering(400, ends=True)


@dataclass(frozen=True)
class Fault:
    """One connection: what its request is, and how both ends behave."""

    path: str
    more: tuple[Header, ...] = ()
    without: tuple[str, ...] = ()
    first: tuple[Header, ...] = ()  #: fields in front of all others
    settings: dict[int, int] = field(default_factory=lambda: dict(ENABLED))
    server: Conduct = echo
    client: Conduct = converse

    def fields(self, authority: str) -> list[Header]:
        """Return the fields of the request."""
        usual = extended_connect(self.path, authority)
        kept = [each for each in usual if each[0] not in self.without]
        return [*self.first, *kept, *self.more]


async def take_back(stream: RawStream) -> None:
    """Say that extended CONNECT is not understood any more."""
    await stream.respond(200)
    await stream.peer.send_settings({ENABLE_CONNECT_PROTOCOL: 0})
    await stream.echo()


async def stall(stream: RawStream) -> None:
    """Read nothing for a while."""
    stream.peer.opens_windows = False
    await stream.respond(200)
    await asyncio.sleep(STALL_SECONDS)
    stream.peer.opens_windows = True
    await stream.peer.open_window(stream, 4000)
    await stream.echo()


async def say_much(stream: RawStream) -> None:
    """Send more than the window allows."""
    await stream.answered
    await stream.send(BINARY, noise(3000))
    await stream.receive()
    await stream.close()
    await stream.over()


async def reset_behind_close(stream: RawStream) -> None:
    """Answer a Close, and reset the stream for an error of one's own."""
    await stream.respond(200)
    while (frame := await stream.receive()) is not None and frame.opcode != CLOSE:
        await stream.send(frame.opcode, frame.data)
    await stream.send(CLOSE, NORMAL_CLOSURE)
    await stream.reset(INTERNAL_ERROR)


async def close_and_wait(stream: RawStream) -> None:
    """As a client: close, and read to the end."""
    await stream.answered
    await stream.say(b"on a stream")
    await stream.send(CLOSE, NORMAL_CLOSURE)
    await stream.receive()
    await stream.over()


async def reset_for_close(stream: RawStream) -> None:
    """Reset the stream in the place of an answer to a Close."""
    await stream.respond(200)
    while (frame := await stream.receive()) is not None and frame.opcode != CLOSE:
        await stream.send(frame.opcode, frame.data)
    await stream.reset(CANCEL)


async def end_at_once(stream: RawStream) -> None:
    """Echo one message, and end the stream without a Close."""
    await stream.respond(200)
    frame = await stream.receive()
    assert frame is not None
    await stream.send(frame.opcode, frame.data)
    stream.pen.cut("server", "fin")
    await stream.end()


async def say_and_see(stream: RawStream) -> None:
    """As a client: say something, and see the stream, or the connection, end."""
    await stream.answered
    await stream.say(b"on a stream")
    await stream.over()
    await stream.end()


async def say_and_watch(stream: RawStream) -> None:
    """As a client: say something, and do nothing more."""
    await stream.answered
    await stream.say(b"on a stream")
    await stream.over()


async def go_away(stream: RawStream) -> None:
    """Give the whole connection up."""
    await stream.respond(200)
    frame = await stream.receive()
    assert frame is not None
    await stream.send(frame.opcode, frame.data)
    stream.pen.cut("server", "rst")
    await stream.peer.go_away(ENHANCE_YOUR_CALM)
    stream.peer.writer.close()


async def reset_tcp_behind_closes(stream: RawStream) -> None:
    """End the stream as it should be, and then TCP with a RST."""
    await stream.respond(200)
    while (frame := await stream.receive()) is not None:
        await stream.send(frame.opcode, frame.data)
        if frame.opcode == CLOSE:
            break
    await asyncio.sleep(0.05)
    found: socket.socket = stream.peer.writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.peer.writer.transport.abort()


KEY_FIELD = ("sec-websocket-key", KEY)
FAULTS = (
    Fault("/sound"),
    # What the server's SETTINGS say (RFC 8441 §3).
    Fault("/not-enabled", settings={}),
    Fault("/taken-back", server=take_back),
    Fault("/set-to-2", settings={ENABLE_CONNECT_PROTOCOL: 2}),
    # What makes an extended CONNECT (RFC 8441 §4, §5).
    Fault("/no-scheme", without=(":scheme",), server=refuse),
    Fault("/no-authority", without=(":authority",), server=refuse),
    Fault(
        "/get",
        without=(":method",),
        first=((":method", "GET"),),
        server=resetting(PROTOCOL_ERROR),
    ),
    Fault(
        "/wss",
        without=(":scheme",),
        first=((":scheme", "wss"),),
        server=resetting(PROTOCOL_ERROR),
    ),
    # What belongs to HTTP/1 (RFC 8441 §5, RFC 9113 §8.2).
    Fault("/upgrade", (("upgrade", "websocket"), ("connection", "Upgrade"))),
    Fault(
        "/key",
        (KEY_FIELD,),
        server=answering(200, ("sec-websocket-accept", accept_of(KEY))),
    ),
    Fault("/capitals", (("Sec-WebSocket-Protocol", "chat"),), server=resetting(PROTOCOL_ERROR)),
    Fault("/blanks", (("x-room", " \tthe first one "),), server=resetting(PROTOCOL_ERROR)),
    Fault("/te", (("te", "gzip"),), server=resetting(PROTOCOL_ERROR)),
    # Whatever makes a request malformed (RFC 9113 §8.1.1, §8.3).
    Fault("/pseudo-last", ((":scheme", "http"),), (":scheme",), server=resetting(PROTOCOL_ERROR)),
    Fault("/two-paths", first=((":path", "/two-paths"),), server=resetting(PROTOCOL_ERROR)),
    Fault("/unknown-pseudo", first=((":room", "1"),), server=resetting(PROTOCOL_ERROR)),
    Fault("/bytes", (("x-room", "a\r\nx-b: c"),), server=resetting(PROTOCOL_ERROR)),
    # Answers (RFC 8441 §5, RFC 9113 §8.3.2, §8.6).
    Fault("/status-101", server=answering(101)),
    Fault("/status-in-request", first=((":status", "200"),), server=refuse),
    # What the windows do (RFC 9113 §5.2).
    Fault(
        "/stalled",
        settings=ENABLED | {INITIAL_WINDOW_SIZE: 1000},
        server=stall,
        client=say_much,
    ),
    # Ends (RFC 8441 §5, RFC 9113 §5.4).
    Fault("/reset-behind-close", server=reset_behind_close, client=close_and_wait),
    Fault("/reset-for-close", server=reset_for_close, client=close_and_wait),
    Fault("/ended", server=end_at_once, client=say_and_see),
    Fault("/gone-away", server=go_away, client=say_and_watch),
    Fault("/tcp-reset", server=reset_tcp_behind_closes, client=close_and_wait),
)


async def play(stage: Stage, fault: Fault) -> None:
    """Play one connection between raw peers."""

    async def serve(peer: RawHttp2) -> None:
        await peer.send_settings(fault.settings)
        await fault.server(await asyncio.wait_for(peer.requests.get(), 5))

    async with (
        raw_http2_server(stage.journal("server"), RAW, serve),
        raw_http2_client(stage.journal("client"), RAW) as client,
    ):
        await fault.client(await client.ask(fault.path, fault.fields(client.authority)))


async def play_impatient(stage: Stage) -> None:
    """A client that asks before it has seen the server's SETTINGS."""

    async def serve(peer: RawHttp2) -> None:
        stream = await peer.requests.get()
        await asyncio.sleep(0.02)
        await peer.send_settings(ENABLED)
        await echo(stream)

    async with (
        raw_http2_server(stage.journal("server"), RAW, serve),
        raw_http2_client(stage.journal("client"), RAW, waits=False) as client,
    ):
        await converse(
            await client.ask("/impatient", extended_connect("/impatient", client.authority))
        )


async def play_not_offered(stage: Stage) -> None:
    """A subprotocol that nobody offered on one stream, and another stream beside it."""

    async def serve(peer: RawHttp2) -> None:
        await peer.send_settings(ENABLED)
        streams = [await peer.requests.get() for _ in range(2)]
        streams[0].pen.response(200, [("sec-websocket-protocol", "superchat")], success=200)
        fields = [(":status", "200"), ("sec-websocket-protocol", "superchat")]
        await peer.headers(streams[0].number, fields)
        await echo(streams[1])

    async with (
        raw_http2_server(stage.journal("server"), RAW, serve),
        raw_http2_client(stage.journal("client"), RAW) as client,
    ):
        offer = ("sec-websocket-protocol", "chat")
        asked = extended_connect("/not-offered", client.authority, offer)
        first = await client.ask("/not-offered", asked)
        first.refuses = True
        other = await client.ask("/beside", extended_connect("/beside", client.authority))
        await first.answered
        await first.reset(CANCEL)
        await converse(other)


# What Node's HTTP/2 (nghttp2) does with frames and fields that break a rule.
async def ask_wrong(client: RawHttp2, path: str, *more: Header) -> None:
    """Ask for a WebSocket with these fields as well, and see what comes."""
    stream = await client.ask(path, extended_connect(path, client.authority, *more))
    await asyncio.wait_for(stream.answered, 5)


async def node_capitals(client: RawHttp2) -> None:
    """A name with a capital letter."""
    await ask_wrong(client, "/node-capitals", ("X-Room", "1"))


async def node_length(client: RawHttp2) -> None:
    """A Content-Length that the DATA does not have."""
    path = "/node-length"
    fields = extended_connect(path, client.authority, ("content-length", "5"))
    stream = await client.ask(path, fields, ends=True)
    await asyncio.wait_for(stream.answered, 5)


async def node_frames(client: RawHttp2) -> None:
    """A frame that belongs to no stream although it must."""
    stream = await client.open("/node-frames")
    await stream.say(b"before it")
    stream.pen.cut("server", "rst")
    # Of hyperframe's frames DATA has a stream.
    nobodys = bytearray(DataFrame(1, b"nobody's").serialize())
    nobodys[8] = 0
    await client.write(bytes(nobodys))
    await stream.over()


async def node_settings(client: RawHttp2) -> None:
    """SETTINGS of a size that has no meaning, and a window of which nothing is left."""
    stream = await client.open("/node-settings")
    await stream.say(b"before it")
    stream.pen.cut("server", "rst")
    broken = bytearray(SettingsFrame(settings={4: 5}).serialize())
    broken[2] = 5
    await client.write(bytes(broken[:-1]))
    await stream.over()


async def node_block(client: RawHttp2) -> None:
    """A field block that names an entry which no table has."""
    stream = await client.open("/node-block")
    await stream.say(b"before it")
    stream.pen.cut("server", "rst")
    await client.send(HeadersFrame(3, b"\xff\x80\x7f", flags=["END_HEADERS"]))
    await stream.over()


async def play_unruly(stage: Stage) -> None:
    """Play everything, one connection after the other."""
    for fault in FAULTS:
        await play(stage, fault)
    await play_impatient(stage)
    await play_not_offered(stage)
    server = await stage.node("http2_node.cjs", "server", "server", NODE)
    wrongs: tuple[Any, ...] = (node_capitals, node_length, node_frames, node_settings, node_block)
    for wrong in wrongs:
        async with raw_http2_client(stage.journal("client"), NODE) as client:
            await wrong(client)
    await server.finish()


SESSIONS = (
    Session(
        "http2-unruly",
        "WebSocket over HTTP/2 between raw peers that break one rule on each connection, named by "
        "its path: SETTINGS, pseudo-header fields, fields of HTTP/1, answers, windows, ends of "
        "streams; and what Node's server does with some of it",
        play_unruly,
        ("hpack", "hyperframe", "node", "npm:ws"),
    ),
)

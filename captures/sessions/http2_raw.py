"""HTTP/2 peers that keep no rule but those of frames: on `hpack` and `hyperframe`, without `h2`.

Fields are sent as they are given, SETTINGS and windows are what a session says. Both ends note what
they send and receive, frame by frame of WebSocket.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from recording.journal import CLOSE, TEXT, Header, Journal, Peers, Pen, header_value
from sessions.raw_peers import RawFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65_535
INITIAL_WINDOW_SIZE, ENABLE_CONNECT_PROTOCOL = 4, 8
ENABLED = {ENABLE_CONNECT_PROTOCOL: 1}


def extended_connect(path: str, authority: str, *more: Header) -> list[Header]:
    """Return the fields of a request for WebSocket (RFC 8441 §5)."""
    pseudo = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http")]
    pseudo += [(":path", path), (":authority", authority)]
    return [*pseudo, ("sec-websocket-version", "13"), *more]


class RawStream:
    """A WebSocket on a stream, at one end of it."""

    def __init__(self, peer: RawHttp2, number: int, pen: Pen, fields: list[Header]) -> None:
        """Take a stream whose request has these fields."""
        self.peer, self.number, self.pen, self.fields = peer, number, pen, fields
        self.reader = asyncio.StreamReader()
        self.window = peer.initial_window
        #: Whether the client takes no 200 for good, for it knows what is wrong with it.
        self.refuses = False
        # The status, or None where the stream was reset, or the connection has ended before.
        self.answered: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def respond(self, status: int, *fields: Header, ends: bool = False) -> None:
        """As a server: answer."""
        self.pen.response(status, fields, success=200)
        if status == 200:
            self.pen.opened()
        await self.peer.headers(self.number, [(":status", str(status)), *fields], ends=ends)

    async def send(self, opcode: int, data: bytes = b"") -> None:
        """Send a frame, of a client's with a fresh key."""
        masked = self.peer.journal.side == "client"
        frame = RawFrame(opcode, data, masked=masked, key=os.urandom(4))
        self.pen.frame(self.peer.journal.side, opcode, data, masked=masked)
        await self.peer.data(self, frame.encode())

    async def receive(self) -> RawFrame | None:
        """Receive a frame; None at the end of the stream."""
        frame = await RawFrame.read(self.reader)
        if frame is not None:
            self.pen.frame(self.pen.other, frame.opcode, frame.data, masked=frame.masked)
        return frame

    async def say(self, text: bytes) -> None:
        """As a client: send a text and receive its echo."""
        await self.send(TEXT, text)
        await self.receive()

    async def close(self) -> None:
        """As a client: shake hands to close, and end the stream as both ends shall."""
        await self.send(CLOSE, (1000).to_bytes(2, "big"))
        while (frame := await self.receive()) is not None and frame.opcode != CLOSE:
            pass
        await self.end()

    async def echo(self) -> None:
        """As a server: send back what comes, the Close as well, then end the stream."""
        while (frame := await self.receive()) is not None:
            await self.send(frame.opcode, frame.data)
            if frame.opcode == CLOSE:
                await self.end()
                return

    async def end(self) -> None:
        """Send END_STREAM."""
        await self.peer.send(DataFrame(self.number, flags=["END_STREAM"]))

    async def reset(self, code: int) -> None:
        """Send RST_STREAM."""
        await self.peer.send(RstStreamFrame(self.number, error_code=code))

    async def over(self) -> None:
        """Return when the other end has ended or reset the stream, or the connection."""
        await asyncio.wait_for(self.reader.read(), 5)


class RawHttp2:
    """One end of an HTTP/2 connection in clear text, with prior knowledge."""

    def __init__(
        self, journal: Journal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take an open TCP connection."""
        self.journal, self.reader, self.writer = journal, reader, writer
        self.encoder, self.decoder = Encoder(), Decoder()
        self.streams: dict[int, RawStream] = {}
        self.requests: asyncio.Queue[RawStream] = asyncio.Queue()
        self.initial_window = self.window = WINDOW
        self.room, self.settings = asyncio.Event(), asyncio.Event()
        #: Whether windows are opened again as DATA comes.
        self.opens_windows = True

    @property
    def authority(self) -> str:
        """The server's address and port."""
        name = "peername" if self.journal.side == "client" else "sockname"
        host, port = self.writer.get_extra_info(name)[:2]
        return f"{host}:{port}"

    async def write(self, data: bytes) -> None:
        """Put bytes on the wire as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, *frames: Frame) -> None:
        """Send frames, in one segment where they fit."""
        await self.write(b"".join(frame.serialize() for frame in frames))

    async def send_settings(self, settings: dict[int, int]) -> None:
        """Send SETTINGS."""
        await self.send(SettingsFrame(settings=settings))

    async def headers(self, number: int, fields: Iterable[Header], *, ends: bool = False) -> None:
        """Send HEADERS with these fields, as they are."""
        block = self.encoder.encode(list(fields))
        flags = ["END_HEADERS", "END_STREAM"] if ends else ["END_HEADERS"]
        await self.send(HeadersFrame(number, block, flags=flags))

    async def data(self, stream: RawStream, data: bytes) -> None:
        """Send DATA, as much as the windows allow at a time."""
        while data:
            room = min(stream.window, self.window, 16_384)
            if room <= 0:
                self.room.clear()
                await self.room.wait()
                continue
            part, data = data[:room], data[room:]
            stream.window -= len(part)
            self.window -= len(part)
            await self.send(DataFrame(stream.number, part))

    async def open_window(self, stream: RawStream, octets: int) -> None:
        """Let the other end send more, on a stream and on the connection."""
        await self.send(
            WindowUpdateFrame(0, window_increment=octets),
            WindowUpdateFrame(stream.number, window_increment=octets),
        )

    async def go_away(self, code: int) -> None:
        """Send GOAWAY."""
        last = max(self.streams, default=0)
        await self.send(GoAwayFrame(0, last_stream_id=last, error_code=code))

    def pen(self, path: str, fields: list[Header]) -> Pen:
        """Return the pen of another request, which is noted."""
        local, remote = (self.writer.get_extra_info(name) for name in ("sockname", "peername"))
        pen = self.journal.exchange(Peers.seen_by(self.journal.side, local, remote))
        pen.request(path, fields)
        return pen

    async def ask(self, path: str, fields: Sequence[Header], *, ends: bool = False) -> RawStream:
        """As a client: send a request, as it is; `path` is how it is noted."""
        number = 2 * len(self.streams) + 1
        stream = RawStream(self, number, self.pen(path, list(fields)), list(fields))
        self.streams[number] = stream
        await self.headers(number, fields, ends=ends)
        return stream

    async def open(self, path: str, *more: Header) -> RawStream:
        """As a client: ask for a WebSocket as RFC 8441 has it, and wait for the answer."""
        stream = await self.ask(path, extended_connect(path, self.authority, *more))
        await asyncio.wait_for(stream.answered, 5)
        return stream

    async def read(self) -> None:
        """Take what comes, until the connection ends."""
        try:
            if self.journal.side == "server":
                await self.reader.readexactly(len(PREFACE))
            while True:
                head = await self.reader.readexactly(9)
                frame, length = Frame.parse_frame_header(memoryview(head))
                body = await self.reader.readexactly(length)
                frame.parse_body(memoryview(body))
                await self.take(frame)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        for stream in self.streams.values():
            self.gone(stream)

    def gone(self, stream: RawStream) -> None:
        """Take note that nothing more will come of a stream."""
        if not stream.reader.at_eof():
            stream.reader.feed_eof()
        if not stream.answered.done():
            stream.answered.set_result(None)

    async def take(self, frame: Frame) -> None:
        """Take a frame."""
        stream = self.streams.get(frame.stream_id)
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self.initial_window = frame.settings.get(INITIAL_WINDOW_SIZE, self.initial_window)
            self.settings.set()
            await self.send(SettingsFrame(flags=["ACK"]))
        elif isinstance(frame, WindowUpdateFrame):
            if stream is not None:
                stream.window += frame.window_increment
            elif frame.stream_id == 0:
                self.window += frame.window_increment
            self.room.set()
        elif isinstance(frame, HeadersFrame):
            self.head(frame, stream)
        elif isinstance(frame, DataFrame) and stream is not None:
            stream.reader.feed_data(frame.data)
            if frame.data and self.opens_windows:
                await self.open_window(stream, len(frame.data))
        elif isinstance(frame, RstStreamFrame) and stream is not None:
            self.gone(stream)
        elif isinstance(frame, GoAwayFrame):
            for each in self.streams.values():
                self.gone(each)
        if stream is not None and "END_STREAM" in frame.flags:
            stream.reader.feed_eof()

    def head(self, frame: HeadersFrame, stream: RawStream | None) -> None:
        """Take a request or an answer."""
        fields: list[Header] = [
            (bytes(name).decode(), bytes(value).decode())
            for name, value in self.decoder.decode(frame.data, raw=True)
        ]
        if self.journal.side == "server":
            path = header_value(fields, ":path") or ""
            if header_value(fields, ":protocol") is not None:
                found = RawStream(self, frame.stream_id, self.pen(path, fields), fields)
                self.streams[frame.stream_id] = found
                self.requests.put_nowait(found)
        elif stream is not None and not stream.answered.done():
            status = int(header_value(fields, ":status") or 0)
            stream.pen.response(status, fields, success=200)
            if status == 200 and not stream.refuses:
                stream.pen.opened()
            stream.answered.set_result(status)


@asynccontextmanager
async def raw_http2_client(
    journal: Journal,
    port: int,
    settings: dict[int, int] | None = None,
    *,
    waits: bool = True,
    end: type[RawHttp2] = RawHttp2,
) -> AsyncIterator[RawHttp2]:
    """Connect to 127.0.0.1, send the preface, and wait for the server's SETTINGS if it `waits`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = end(journal, reader, writer)
    await peer.write(PREFACE + SettingsFrame(settings=settings or {}).serialize())
    reading = asyncio.create_task(peer.read())
    try:
        if waits:
            await asyncio.wait_for(peer.settings.wait(), 5)
        yield peer
    finally:
        writer.close()
        await reading


@asynccontextmanager
async def raw_http2_server(
    journal: Journal, port: int, serve: Callable[[RawHttp2], Awaitable[None]]
) -> AsyncIterator[None]:
    """Serve one connection on 127.0.0.1 by `serve`, SETTINGS included, and wait for its end."""
    handled: list[asyncio.Task[None]] = []

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RawHttp2(journal, reader, writer)
        reading = asyncio.create_task(peer.read())
        try:
            await serve(peer)
            await reading
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handled.append(asyncio.create_task(run(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", port):
        yield
        await asyncio.wait_for(asyncio.gather(*handled), 10)

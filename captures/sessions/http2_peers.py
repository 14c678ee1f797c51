"""WebSocket over HTTP/2: a raw client on the library `h2`, and an application for Hypercorn."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes

from recording.journal import CLOSE, PING, TEXT, Header, Journal, Peers, Pen
from recording.processes import listening
from sessions.raw_peers import RawFrame, head

DEFLATE = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"


class Stream:
    """One WebSocket on a stream: what it sends and receives is noted frame by frame."""

    def __init__(self, connection: Connection, number: int, pen: Pen) -> None:
        """Take a stream on which an extended CONNECT was sent."""
        self.connection, self.number, self.pen = connection, number, pen
        self.reader = asyncio.StreamReader()
        self.answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.deflater: Any = None
        self.inflater: Any = None

    def response(self, headers: Iterable[Header]) -> None:
        """Note the final response."""
        fields = dict(headers)
        status = int(fields[":status"])
        self.pen.response(status, fields.items())
        if status == 200:
            self.pen.opened()
        if DEFLATE in fields.get("sec-websocket-extensions", ""):
            self.deflater, self.inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        self.answered.set_result(status)

    async def send(self, opcode: int, data: bytes = b"", *, fin: bool = True) -> None:
        """Send a frame with a fresh key, compressed where that was agreed on."""
        compressed = self.deflater is not None and opcode < CLOSE
        payload = data
        if compressed:
            flushed = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
            payload = flushed.removesuffix(TAIL)
        bits = (compressed, False, False)
        frame = RawFrame(opcode, payload, fin, bits, key=os.urandom(4))
        self.pen.frame_header("client", opcode, fin=fin, rsv=bits, masked=True, length=len(payload))
        self.pen.fragment("client", opcode, data, fin=fin, compressed=compressed)
        await self.connection.data(self.number, frame.encode())

    async def receive(self) -> RawFrame | None:
        """Receive a frame."""
        frame = await RawFrame.read(self.reader)
        if frame is None:
            return None
        self.pen.frame_header(
            "server",
            frame.opcode,
            fin=frame.fin,
            rsv=frame.rsv,
            masked=frame.masked,
            length=len(frame.data),
        )
        data, compressed = frame.data, frame.rsv[0]
        if compressed:
            data = self.inflater.decompress(data + TAIL)
        self.pen.fragment("server", frame.opcode, data, fin=frame.fin, compressed=compressed)
        return frame

    async def say(self, text: bytes, opcode: int = TEXT) -> None:
        """Send a message and receive its echo."""
        await self.send(opcode, text)
        await self.receive()

    async def ping(self, data: bytes) -> None:
        """Send a Ping and receive its Pong."""
        await self.send(PING, data)
        await self.receive()

    async def close(self, code: int = 1000) -> None:
        """Shake hands to close.

        RFC 8441 §5 has END_STREAM of both ends then. Hypercorn leaves its half of the stream open,
        and END_STREAM of the other one ends its whole connection (KeyError).
        """
        await self.send(CLOSE, code.to_bytes(2, "big"))
        while (frame := await self.receive()) is not None and frame.opcode != CLOSE:
            pass

    async def reset(self) -> None:
        """Reset the stream as TCP would be (RFC 8441 §5)."""
        self.pen.cut("client", "rst")
        self.connection.h2.reset_stream(self.number, ErrorCodes.CANCEL)
        await self.connection.flush()


class Connection:
    """A client's HTTP/2 connection in clear text, with prior knowledge."""

    def __init__(
        self, journal: Journal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take the streams of an open TCP connection."""
        self.journal, self.reader, self.writer = journal, reader, writer
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.streams: dict[int, Stream] = {}
        self.pages: dict[int, asyncio.Future[None]] = {}
        self.enabled = asyncio.Event()
        self.window = asyncio.Event()

    async def flush(self) -> None:
        """Write what the library has to send."""
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def begin(self, *, known: bool) -> None:
        """Send the preface where it was not; return once extended CONNECT is enabled."""
        if known:
            self.h2.initiate_connection()
        await self.flush()
        await asyncio.wait_for(self.enabled.wait(), 5)

    async def upgrade(self, path: str) -> None:
        """Ask for a page in HTTP/1.1 and for h2c with it, and go on (RFC 7540 §3.2)."""
        settings = self.h2.initiate_upgrade_connection()
        preface = self.h2.data_to_send()
        fields = [("Host", "a"), ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")]
        fields.append(("HTTP2-Settings", settings.decode()))
        self.writer.write(head(f"GET {path} HTTP/1.1", fields))
        answer = await self.reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(f"no upgrade: {answer!r}")
        self.pages[1] = asyncio.get_running_loop().create_future()
        self.writer.write(preface)
        await self.writer.drain()

    async def data(self, number: int, data: bytes) -> None:
        """Send DATA, as much as the windows allow at a time."""
        while data:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room == 0:
                self.window.clear()
                await self.window.wait()
                continue
            self.h2.send_data(number, data[:room])
            data = data[room:]
            await self.flush()

    async def open(self, path: str, *fields: Header) -> Stream:
        """Ask for a WebSocket; return its stream once it is answered."""
        local, remote = (self.writer.get_extra_info(name) for name in ("sockname", "peername"))
        pen = self.journal.exchange(Peers.seen_by("client", local, remote))
        number = self.h2.get_next_available_stream_id()
        headers = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", path),
            (":authority", f"{remote[0]}:{remote[1]}"),
            ("sec-websocket-version", "13"),
            *fields,
        ]
        stream = self.streams[number] = Stream(self, number, pen)
        pen.request(path, headers)
        self.h2.send_headers(number, headers)
        await self.flush()
        await asyncio.wait_for(stream.answered, 5)
        return stream

    async def get(self, path: str) -> None:
        """Ask for a page, and wait for all of it."""
        await self.ask("GET", path)

    async def ask(
        self,
        method: str,
        path: str,
        *fields: Header,
        body: bytes = b"",
        trailers: tuple[Header, ...] = (),
    ) -> None:
        """Send a request that is for no WebSocket, and wait for all of its answer."""
        number = self.h2.get_next_available_stream_id()
        self.pages[number] = asyncio.get_running_loop().create_future()
        headers = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")]
        self.h2.send_headers(number, [*headers, *fields], end_stream=not (body or trailers))
        if body:
            self.h2.send_data(number, body, end_stream=not trailers)
        if trailers:
            self.h2.send_headers(number, trailers, end_stream=True)
        await self.flush()
        await asyncio.wait_for(self.pages[number], 5)

    async def read(self) -> None:
        """Take what comes, until the connection ends."""
        while data := await self.reader.read(65536):
            for event in self.h2.receive_data(data):
                self.take(event)
            await self.flush()

    def take(self, event: h2.events.Event) -> None:
        """Hand an event to its stream."""
        stream = self.streams.get(getattr(event, "stream_id", 0) or 0)
        if isinstance(event, h2.events.RemoteSettingsChanged):
            if self.h2.remote_settings.enable_connect_protocol:
                self.enabled.set()
        elif isinstance(event, h2.events.WindowUpdated):
            self.window.set()
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if stream is not None:
                stream.reader.feed_data(event.data)
        elif isinstance(event, h2.events.ResponseReceived) and stream is not None:
            stream.response(event.headers)
        elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
            if stream is not None:
                stream.reader.feed_eof()
            elif event.stream_id in self.pages:
                self.pages[event.stream_id].set_result(None)


@asynccontextmanager
async def h2_client(
    journal: Journal, port: int, *, upgrade: str | None = None
) -> AsyncIterator[Connection]:
    """Open an HTTP/2 connection to a port of 127.0.0.1; close it at the end of the block.

    `upgrade`: a path to ask for in HTTP/1.1, with the upgrade; None for prior knowledge.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = Connection(journal, reader, writer)
    if upgrade is not None:
        await connection.upgrade(upgrade)
    reading = asyncio.create_task(connection.read())
    try:
        await connection.begin(known=upgrade is None)
        yield connection
        connection.h2.close_connection()
        await connection.flush()
    finally:
        writer.close()
        await reading


class Application:
    """An application of ASGI that echoes; `/refused…` it refuses, and HTTP gets a page.

    With a journal it notes what it knows: no Pings, and no extensions.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        """Take the journal."""
        self.journal = journal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await self.answer(scope, send)
        elif scope["type"] == "websocket":
            await self.converse(scope, receive, send)

    async def answer(self, scope: Any, send: Any) -> None:
        """Send a page; one below `/trailers` says behind its body how it went."""
        trailers = scope["path"].startswith("/trailers")
        page = b"a page\n" * 40
        fields = [(b"content-length", str(len(page)).encode())]
        start = {"type": "http.response.start", "status": 200, "headers": fields}
        await send(start | {"trailers": trailers})
        await send({"type": "http.response.body", "body": page})
        if trailers:
            fields = [(b"x-checked", b"yes")]
            await send(
                {"type": "http.response.trailers", "headers": fields, "more_trailers": False}
            )

    async def converse(self, scope: Any, receive: Any, send: Any) -> None:
        """Echo until the other end closes."""
        await receive()
        path = scope["path"]
        pen = self.pen(scope)
        if path.startswith("/refused"):
            if pen is not None:
                pen.note("response", status=403, subprotocol=None, extensions=None)
            await send({"type": "websocket.close"})
            return
        chosen = next(iter(scope["subprotocols"]), None)
        if pen is not None:
            pen.note("response", status=200, subprotocol=chosen, extensions=None)
            pen.opened()
        await send({"type": "websocket.accept", "subprotocol": chosen})
        while (event := await receive())["type"] == "websocket.receive":
            text, data = event.get("text"), event.get("bytes")
            message = data if text is None else text
            if pen is not None:
                pen.message("client", message)
                pen.message("server", message)
            await send(
                {"type": "websocket.send"} | ({"bytes": data} if text is None else {"text": text})
            )

    def pen(self, scope: Any) -> Pen | None:
        """Note the request."""
        if self.journal is None:
            return None
        peers = Peers.seen_by("server", tuple(scope["server"]), tuple(scope["client"]))
        pen = self.journal.exchange(peers)
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        target = scope["raw_path"].decode()
        pen.request(target, headers)
        return pen


@asynccontextmanager
async def hypercorn(
    port: int,
    journal: Journal | None = None,
    *,
    application: Application | None = None,
    pem: tuple[str, str] | None = None,
) -> AsyncIterator[None]:
    """Serve an application with Hypercorn until the end of the block.

    `pem` is where its certificate and its key are: within TLS it speaks HTTP/1.1 alone.
    """
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "ERROR"
    if pem is not None:
        config.certfile, config.keyfile = pem
        config.alpn_protocols = ["http/1.1"]
    over = asyncio.Event()
    served = application or Application(journal)
    serving = asyncio.create_task(
        serve(served, config, shutdown_trigger=over.wait)  # type: ignore[arg-type]
    )
    try:
        await asyncio.wait_for(listening(port), 5)
        yield
    finally:
        over.set()
        await serving

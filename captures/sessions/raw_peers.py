"""Clients and servers that do what a session tells them, right or wrong, and note every frame."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from recording.journal import CLOSE, Header, Journal, Peers, Pen, header_value

#: The masking key of raw clients, that of RFC 6455 §5.7: the recordings stay comparable.
MASK = bytes.fromhex("37fa213d")
#: RFC 6455 §1.3 has this key, and the value that it must be answered with.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> str:
    """Return the Sec-WebSocket-Accept value for a key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def head(start: str, headers: Iterable[Header]) -> bytes:
    """Return the bytes of an HTTP head."""
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in headers), "", ""]).encode()


def upgrade_headers(
    *more: Header, version: str = "13", host: str = "127.0.0.1", key: str = KEY
) -> list[Header]:
    """Return the header fields of an upgrade request."""
    fields = [("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    return [*fields, ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", version), *more]


def switching_headers(key: str, *more: Header) -> list[Header]:
    """Return the header fields of a correct 101."""
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_of(key)),
    ]
    return [*fields, *more]


@dataclass(frozen=True)
class RawFrame:
    """A frame as it is put on the wire."""

    opcode: int
    data: bytes = b""
    fin: bool = True
    rsv: tuple[bool, bool, bool] = (False, False, False)
    masked: bool = True
    length_bytes: int | None = None  #: 0, 2 or 8 bytes of extended length; None for the fewest
    key: bytes = MASK

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        rsv1, rsv2, rsv3 = self.rsv
        first = self.fin << 7 | rsv1 << 6 | rsv2 << 5 | rsv3 << 4 | self.opcode
        length = len(self.data)
        extended = self.length_bytes
        if extended is None:
            extended = 0 if length < 126 else 2 if length < 65536 else 8
        short = {0: length, 2: 126, 8: 127}[extended]
        start = (
            bytes([first, self.masked << 7 | short])
            + length.to_bytes(max(extended, 1), "big")[:extended]
        )
        if not self.masked:
            return start + self.data
        masked = bytes(byte ^ self.key[i % 4] for i, byte in enumerate(self.data))
        return start + self.key + masked

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> RawFrame | None:
        """Read one frame, whatever it is; None at the end of the stream or inside a frame."""
        try:
            first, second = await reader.readexactly(2)
            short = second & 127
            extended = {126: 2, 127: 8}.get(short, 0)
            length = (
                int.from_bytes(await reader.readexactly(extended), "big") if extended else short
            )
            key = await reader.readexactly(4) if second & 128 else bytes(4)
            masked_data = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
        data = bytes(byte ^ key[i % 4] for i, byte in enumerate(masked_data))
        rsv = (bool(first & 64), bool(first & 32), bool(first & 16))
        return cls(first & 15, data, bool(first & 128), rsv, bool(second & 128), extended)


#: A Close with code 1000, from a client.
BYE = RawFrame(CLOSE, (1000).to_bytes(2, "big"))


class RawPeer:
    """One end of a TCP connection, as a client or a server that keeps no rules."""

    def __init__(
        self, journal: Journal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take the two streams of an open TCP connection."""
        self.journal = journal
        self.reader = reader
        self.writer = writer
        self.target = ""  #: of the last upgrade request
        self.way: str | None = None  #: through proxies, which this end has asked for
        self._pen: Pen | None = None

    @property
    def pen(self) -> Pen:
        """The pen of the upgrade request that is under way."""
        assert self._pen is not None, "no upgrade request yet"
        return self._pen

    @property
    def masked(self) -> bool:
        """Whether RFC 6455 §5.1 asks this end to mask."""
        return self.journal.side == "client"

    def begin_exchange(self) -> Pen:
        """Take a new pen: an upgrade request follows."""
        local, remote = (
            self.writer.get_extra_info("sockname"),
            self.writer.get_extra_info("peername"),
        )
        self._pen = self.journal.exchange(Peers.seen_by(self.journal.side, local, remote))
        return self._pen

    async def write(self, data: bytes) -> None:
        """Put bytes on the wire as they are, in one segment where they fit."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_head(self) -> tuple[str, list[Header]]:
        """Read an HTTP head: its first line and its header fields."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        fields = [line.partition(":") for line in lines[1:]]
        return lines[0], [(name, value.strip()) for name, _, value in fields]

    async def read_response(self, method: str = "GET") -> tuple[int, list[Header], bytes]:
        """Read a response with its body: status, header fields, body."""
        start, headers = await self.read_head()
        status = int(start.split()[1])
        if method == "HEAD" or status < 200 or status in (204, 304):
            return status, headers, b""
        if header_value(headers, "Transfer-Encoding") == "chunked":
            return status, headers, b"".join([chunk async for chunk in self._chunks()])
        length = int(header_value(headers, "Content-Length") or 0)
        return status, headers, await self.reader.readexactly(length)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            size = int((await self.reader.readline()).split(b";")[0], 16)
            chunk = await self.reader.readexactly(size + 2)
            if size == 0:
                return
            yield chunk[:-2]

    async def request_upgrade(self, target: str, headers: list[Header]) -> int:
        """As a client: send the upgrade request, read the response; return its status."""
        pen = self.begin_exchange()
        pen.request(target, headers)
        if self.way is not None:
            pen.note("tunnel", way=self.way)
        await self.write(head(f"GET {target} HTTP/1.1", headers))
        status, answer, _ = await self.read_response()
        pen.response(status, answer)
        key = header_value(headers, "Sec-WebSocket-Key") or ""
        if status == 101 and header_value(answer, "Sec-WebSocket-Accept") == accept_of(key):
            pen.opened()
        return status

    async def receive_upgrade(self) -> str:
        """As a server: read the upgrade request; return its key."""
        start, headers = await self.read_head()
        self.target = start.split()[1]
        self.begin_exchange().request(self.target, headers)
        return header_value(headers, "Sec-WebSocket-Key") or ""

    async def switch(
        self,
        headers: list[Header],
        *frames: RawFrame,
        start: bytes = b"HTTP/1.1 101 Switching Protocols\r\n",
    ) -> None:
        """As a server: send a 101 with these header fields, and the frames in the same segment."""
        self.pen.response(101, headers)
        self.pen.opened()
        fields = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
        await self.write(start + fields + b"\r\n" + b"".join(self.noted(frame) for frame in frames))

    def noted(self, frame: RawFrame) -> bytes:
        """Note that this end sends a frame; return its bytes."""
        self._note(frame, sent=True)
        return frame.encode()

    def _note(self, frame: RawFrame, *, sent: bool) -> None:
        sender = self.pen.side if sent else self.pen.other
        self.pen.frame(
            sender, frame.opcode, frame.data, fin=frame.fin, rsv=frame.rsv, masked=frame.masked
        )

    async def send(self, *frames: RawFrame) -> None:
        """Send frames, each in its own write."""
        for frame in frames:
            await self.write(self.noted(frame))

    async def receive(self) -> RawFrame | None:
        """Receive and note one frame; None at the end."""
        frame = await RawFrame.read(self.reader)
        if frame is not None:
            self._note(frame, sent=False)
        return frame

    async def receive_all(self) -> None:
        """Receive and note until the other end closes its side of the TCP connection."""
        while await self.receive() is not None:
            pass

    async def close_after_other(self) -> None:
        """Receive until a Close comes, answer it with the same body, and end."""
        while (frame := await self.receive()) is not None:
            if frame.opcode == CLOSE:
                await self.send(RawFrame(CLOSE, frame.data, masked=self.masked))
                break
        await self.end()

    async def end(self) -> None:
        """Close the TCP connection with a FIN."""
        self.writer.close()
        await self.writer.wait_closed()

    def reset(self) -> None:
        """Close the TCP connection with a RST, and note it."""
        self.pen.cut(self.journal.side, "rst")
        reset(self.writer.transport)


def reset(transport: asyncio.WriteTransport) -> None:
    """Close a TCP connection with a RST: SO_LINGER with a time of zero."""
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


@asynccontextmanager
async def raw_server(
    journal: Journal, port: int, handle: Callable[[RawPeer], Awaitable[None]], **options: Any
) -> AsyncIterator[None]:
    """Serve on 127.0.0.1; at the end wait until each connection has been handled to its end.

    `options` are those of asyncio: `ssl=…`.
    """
    handled: list[asyncio.Task[None]] = []

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle(RawPeer(journal, reader, writer))
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handled.append(asyncio.create_task(run(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", port, **options):
        yield
        await asyncio.gather(*handled)


@asynccontextmanager
async def raw_client(journal: Journal, port: int, **options: Any) -> AsyncIterator[RawPeer]:
    """Connect to 127.0.0.1; `options` are those of asyncio: `ssl=…`, `server_hostname=…`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    try:
        yield RawPeer(journal, reader, writer)
    finally:
        writer.close()

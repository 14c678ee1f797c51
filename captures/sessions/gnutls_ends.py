"""Ends of TLS made by GnuTLS, which does with records what OpenSSL does not: asked by ctypes.

Each end carries bytes between a TCP connection within TLS and a plain socket of the library
`websockets`. It pads records, sends empty ones, and negotiates their size (RFC 8449).
"""

from __future__ import annotations

import asyncio
import ctypes
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ctypes import byref, c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import unix_serve

from recording.journal import Peers, Side
from recording.stage import Stage
from recording.websockets_log import WebsocketsLog
from sessions.websockets_peers import echo
from sessions.wss import NAME

# <gnutls/gnutls.h>
SERVER, CLIENT = 1, 2
CRD_CERTIFICATE, X509_FMT_PEM, NAME_DNS, SHUT_WR = 1, 1, 1, 1
E_AGAIN = -28
PIECE = 4096
# GnuTLS keeps the address of a name, not a copy.
HOST = NAME.encode()


class Datum(ctypes.Structure):
    """`gnutls_datum_t`."""

    _fields_ = (("data", c_void_p), ("size", c_uint))

    @property
    def hex(self) -> str:
        """Its bytes."""
        return ctypes.string_at(self.data, self.size).hex()


KEYLOG = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, ctypes.POINTER(Datum))


def library() -> ctypes.CDLL:
    """Return GnuTLS."""
    found = ctypes.CDLL("libgnutls.so.30")
    for name in ("gnutls_record_send2", "gnutls_record_recv"):
        getattr(found, name).restype = c_ssize_t
    found.gnutls_record_send2.argtypes = (c_void_p, c_char_p, c_size_t, c_size_t, c_uint)
    found.gnutls_record_recv.argtypes = (c_void_p, c_char_p, c_size_t)
    return found


@dataclass(frozen=True)
class Records:
    """How an end makes its records.

    `priority`: versions and suites, as GnuTLS writes them. `padding`: zeros behind what is in each
    record; it grows from record to record up to that. `empty`: how many records with nothing but
    padding go before each. `piece`: the most bytes of a message in a record. `limit`: what the end
    says of the largest record that it takes.
    """

    priority: str = "NORMAL"
    padding: int = 0
    empty: int = 0
    piece: int = PIECE
    limit: int = 0


class End:
    """One end of TLS: `inside` is where what is said within it goes to and comes from."""

    def __init__(self, stage: Stage, side: Side, records: Records) -> None:
        self.gnutls, self.side, self.records = library(), side, records
        self.inside = socket.socket(socket.AF_UNIX)
        self.session, self._credentials = c_void_p(), c_void_p()
        self._log = stage.keylog
        self._keylog = KEYLOG(self._note_secret)
        self._record = 0
        self._prepare(stage.scratch)

    def call(self, name: str, *arguments: Any) -> int:
        """Call a function; raise RuntimeError for an error."""
        status = int(getattr(self.gnutls, f"gnutls_{name}")(*arguments))
        if status < 0 and status != E_AGAIN:
            raise RuntimeError(f"GnuTLS {name}: {status}")
        return status

    def _prepare(self, scratch: Path) -> None:
        certificate, key = str(scratch / "cert.pem").encode(), str(scratch / "key.pem").encode()
        self.call("certificate_allocate_credentials", byref(self._credentials))
        kind = SERVER if self.side == "server" else CLIENT
        self.call("init", byref(self.session), kind)
        self.call("priority_set_direct", self.session, self.records.priority.encode(), None)
        if self.side == "server":
            files = (certificate, key, X509_FMT_PEM)
            self.call("certificate_set_x509_key_file", self._credentials, *files)
        else:
            trusted = (certificate, X509_FMT_PEM)
            self.call("certificate_set_x509_trust_file", self._credentials, *trusted)
            named = (NAME_DNS, HOST, c_size_t(len(HOST)))
            self.call("server_name_set", self.session, *named)
            self.gnutls.gnutls_session_set_verify_cert(self.session, HOST, 0)
            self.gnutls.gnutls_session_set_keylog_function(self.session, self._keylog)
        self.call("credentials_set", self.session, CRD_CERTIFICATE, self._credentials)
        if self.records.limit:
            limit = c_size_t(self.records.limit)
            self.call("record_set_max_recv_size", self.session, limit)

    def _note_secret(self, session: int, label: bytes, secret: Any) -> int:
        random = Datum()
        self.gnutls.gnutls_session_get_random(c_void_p(session), byref(random), None)
        with self._log.open("a", encoding="ascii") as log:
            log.write(f"{label.decode()} {random.hex} {secret.contents.hex}\n")
        return 0

    def run(self, outside: socket.socket) -> None:
        """Carry bytes in both directions until both are over; it blocks."""
        with outside, self.inside:
            self._run(outside)

    def _run(self, outside: socket.socket) -> None:
        self.gnutls.gnutls_transport_set_int2(self.session, outside.fileno(), outside.fileno())
        while self.call("handshake", self.session) == E_AGAIN:
            pass
        open_ends = {outside, self.inside}
        while open_ends:
            pending = outside in open_ends and self.call("record_check_pending", self.session)
            ready = [outside] if pending else select.select(list(open_ends), (), ())[0]
            for end in ready:
                more = self._from_outside() if end is outside else self._from_inside()
                if not more:
                    open_ends.discard(end)

    def _from_outside(self) -> bool:
        buffer = ctypes.create_string_buffer(1 << 14)
        size = self.call("record_recv", self.session, buffer, len(buffer))
        if size == 0:
            self.inside.shutdown(socket.SHUT_WR)
        elif size != E_AGAIN:
            self.inside.sendall(buffer.raw[:size])
        return size != 0

    def _from_inside(self) -> bool:
        data = self.inside.recv(PIECE)
        if not data:
            self.call("bye", self.session, SHUT_WR)
            return False
        while data:
            for _ in range(self.records.empty):
                self._send(b"")
            data = data[self._send(data[: self.records.piece]) :]
        return True

    def _send(self, data: bytes) -> int:
        padding = min(37 * self._record + 1, self.records.padding)
        self._record += 1
        return self.call("record_send2", self.session, data, len(data), padding, 0)


@asynccontextmanager
async def gnutls_server(stage: Stage, port: int, records: Records) -> AsyncIterator[None]:
    """Serve one connection: GnuTLS, and behind it an echo of `websockets` on a socket of Unix."""
    end = End(stage, "server", records)
    path = str(stage.scratch / f"{port}.socket")
    peers: list[Peers] = []
    logger = stage.logger("server")
    logger.handlers[:] = [WebsocketsLog(stage.journal("server"), None, lambda: peers[0])]
    listener = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        outside, remote = listener.accept()
        peers.append(Peers.seen_by("server", outside.getsockname(), remote))
        end.inside.connect(path)
        end.run(outside)

    options: dict[str, Any] = {"compression": None, "ping_interval": None, "logger": logger}
    async with unix_serve(echo, path, **options):
        serving = asyncio.create_task(asyncio.to_thread(accept))
        try:
            yield
            await asyncio.wait_for(serving, 5)
        finally:
            listener.close()


@asynccontextmanager
async def gnutls_client(
    stage: Stage, port: int, path: str, records: Records
) -> AsyncIterator[ClientConnection]:
    """Connect to a port through GnuTLS, and ask for a path; close at the end of the block."""
    end = End(stage, "client", records)
    outside = socket.create_connection(("127.0.0.1", port))
    peers = Peers.seen_by("client", outside.getsockname(), outside.getpeername())
    near, end.inside = socket.socketpair()
    near.setblocking(False)
    carrying = asyncio.create_task(asyncio.to_thread(end.run, outside))
    logger = stage.logger("client")
    logger.handlers[:] = [WebsocketsLog(stage.journal("client"), None, peers)]
    options: dict[str, Any] = {"compression": None, "ping_interval": None, "logger": logger}
    async with connect(f"ws://{NAME}:{port}{path}", sock=near, **options) as client:
        yield client
        await client.close(1000, "bye")
    await carrying

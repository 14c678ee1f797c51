"""Reads the debug log of the Python library `websockets` into a journal.

The library logs every header field and every frame it sends or parses, frames as objects, before an
extension compresses and after it inflates them. That log, not the wire, is the truth here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame

from recording.journal import Header, Journal, Peers, Pen, Side

SENT = ">"
#: What a session logs through `connection.logger` before it tears a connection down: fin or rst.
CUT = "! cut with %s"
#: What a server logs that was told for whom a proxy asks, before it reads the request.
THROUGH = "! through %s"
#: What a session logs where the library raised ConnectionResetError: its own log says EOF then too.
RESET_BY_OTHER = "< reset"
#: What a session logs where the other end wrote HTTP, which the library took for broken frames.
HTTP_BY_OTHER = "< http"


@dataclass
class _Connection:
    """What the handler keeps for one connection of the library."""

    pen: Pen
    headers: list[Header] = field(default_factory=list)
    #: Notes the request or response whose header lines are being logged.
    finish_head: Callable[[], None] | None = None

    def whose(self, way: str) -> Side:
        """Return the sender of what was logged with `>` or `<`."""
        return self.pen.side if way == SENT else self.pen.other

    def begin_head(self, note: Callable[..., None], start: object) -> None:
        """Collect header lines from here on, for a request's target or a response's status."""
        self.headers = []
        self.finish_head = partial(note, start, self.headers, time=time.monotonic_ns())

    def end_head(self) -> None:
        """Note the head: its last header line was logged just before."""
        if self.finish_head is not None:
            self.finish_head()
            self.finish_head = None


class WebsocketsLog(logging.Handler):
    """A logging handler that writes what `websockets` logs at DEBUG level into `journal`.

    `tunnel` is the way that this client takes through proxies. `leg`: the ends of another TCP
    connection that carries the same bytes, for a journal of that one; or who knows them then.
    """

    def __init__(
        self,
        journal: Journal,
        tunnel: str | None = None,
        leg: Peers | Callable[[], Peers] | None = None,
    ) -> None:
        """Write into `journal`."""
        super().__init__(logging.DEBUG)
        self._journal = journal
        self._tunnel = tunnel
        self._leg = leg
        self._connections: dict[Any, _Connection] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take one log record, told apart by its template; those not named here say nothing new."""
        websocket, arguments = getattr(record, "websocket", None), record.args
        if websocket is None or not isinstance(arguments, tuple):
            return
        connection = self._connection(websocket)
        way, _, template = str(record.msg).partition(" ")
        if template == "%s: %s":
            connection.headers.append((str(arguments[0]), str(arguments[1])))
            return
        connection.end_head()
        pen = connection.pen
        match template, arguments:
            case "GET %s HTTP/1.1", (target,):
                connection.begin_head(pen.request, target)
            case "%s %s %s", (_, target, _):
                connection.begin_head(pen.request, target)
            case "HTTP/1.1 %d %s", (status, _):
                connection.begin_head(pen.response, status)
            case "%s", (Frame() as frame,):
                self._frame(pen, connection.whose(way), frame, websocket.protocol.extensions)
            case "connection is %s", ("OPEN",):
                pen.opened()
            case "EOF", ():
                pen.note("eof", by=connection.whose(way))
            case "cut with %s", ("rst" | "fin" as how,):
                pen.cut(pen.side, how)
            case "through %s", (way,):
                pen.note("tunnel", way=way)
            case "http", ():
                pen.note("http", sender=connection.whose(way))
            case "reset", ():
                pen.cut(connection.whose(way), "rst")

    def _connection(self, websocket: Any) -> _Connection:
        known = self._connections.get(websocket.id)
        if known is None:
            leg = self._leg() if callable(self._leg) else self._leg
            peers = leg or Peers.seen_by(
                self._journal.side, websocket.local_address, websocket.remote_address
            )
            known = self._connections[websocket.id] = _Connection(self._journal.exchange(peers))
            if self._tunnel is not None:
                known.pen.note("tunnel", way=self._tunnel)
        return known

    @staticmethod
    def _frame(pen: Pen, sender: Side, frame: Frame, extensions: list[Any]) -> None:
        data = bytes(frame.data)
        if any(isinstance(extension, PerMessageDeflate) for extension in extensions):
            # The library compresses every data message once the extension is agreed, and logs the
            # frame as the application sees it: length and RSV1 on the wire are not known here, nor
            # whether another library, which may choose, compressed what it sent.
            compressed = True if sender == pen.side else None
            pen.fragment(sender, frame.opcode, data, fin=frame.fin, compressed=compressed)
        else:
            rsv = (frame.rsv1, frame.rsv2, frame.rsv3)
            pen.frame(sender, frame.opcode, data, fin=frame.fin, rsv=rsv)


def websockets_logger(journal: Journal, tunnel: str | None = None) -> logging.Logger:
    """Return a logger for `connect(logger=…)` or `serve(logger=…)` that writes into `journal`."""
    logger = logging.Logger(f"websockets.{journal.side}", logging.DEBUG)
    logger.addHandler(WebsocketsLog(journal, tunnel))
    return logger

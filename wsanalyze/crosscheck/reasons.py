"""Why tshark shows frames otherwise than we do: mostly known faults of it, each a test of facts.

A reason applies where its test holds for a difference; the first of REASONS that does is taken.
What none explains is unexplained. Faults as found in tshark 4.0.17, on captures made
for the purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsanalyze.crosscheck.matching import Difference
from wsanalyze.layers.connection import Connection
from wsanalyze.transport.conflict import Conflict


@dataclass(frozen=True, slots=True)
class Case:
    """A difference, with the connection that it is in (None: we have none there).

    `has_answer`: tshark shows a 101 in its stream. `shown`: how many frames tshark shows of the
    stream, `read`: how many we do. `from_server`: who sent it, None without a connection.
    """

    difference: Difference
    connection: Connection | None
    from_server: bool | None
    has_answer: bool
    shown: int
    read: int

    @property
    def missing(self) -> bool:
        """Whether tshark has no such frame."""
        return self.difference.kind == "missing"

    @property
    def response_packet(self) -> int | None:
        """The packet of the response, as far as we have it."""
        return None if self.connection is None else self.connection.response_packet


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: its name, what it is in a sentence, and whether a case is one of it.

    `of_tshark`: it is a fault of tshark, or something that it does not read.
    """

    name: str
    text: str
    applies: Callable[[Case], bool]
    of_tshark: bool = True


def _http(case: Case) -> bool:
    """Bytes of HTTP in the place of frames (FRM-13), and all that the same end writes behind it."""
    connection, other = case.connection, case.difference.theirs
    if connection is None or connection.observation is None or other is None:
        return False
    begun = connection.observation.http("server" if case.from_server else "client")
    return case.difference.ours is None and begun is not None and other.packet >= begun.packet


def _older_version(case: Case) -> bool:
    handshake = None if case.connection is None else case.connection.handshake
    return handshake is not None and handshake.framing in ("draft", "hixie")


def _http2(case: Case) -> bool:
    return case.missing and case.connection is not None and case.connection.http_stream is not None


def _not_websocket(case: Case) -> bool:
    """Frames behind an answer that we have, and that does not open a WebSocket of RFC 6455."""
    connection = case.connection
    if connection is None or case.difference.kind != "extra" or case.read:
        return False
    handshake = connection.handshake
    return handshake is not None and (
        connection.outcome in ("refused", "invalid") or handshake.framing is None
    )


def _no_handshake(case: Case) -> bool:
    """Without both heads, or where the capture cut one of them, tshark may show nothing at all."""
    connection = case.connection
    if not case.missing or connection is None:
        return False
    if connection.response_packet is None and not case.has_answer:
        return True
    return not case.shown and None in (connection.request_packet, connection.response_packet)


def _not_http(case: Case) -> bool:
    return (
        case.missing and case.response_packet is not None and not case.has_answer and not case.shown
    )


def _early(case: Case) -> bool:
    mine, response = case.difference.ours, case.response_packet
    if not case.missing or mine is None or response is None or mine.from_server:
        return False
    return mine.packet < response


def _behind_early(case: Case) -> bool:
    """Frames of a client that had sent bytes before the 101, where tshark begins to read."""
    connection = case.connection
    if connection is None or connection.observation is None or case.from_server is not False:
        return False
    return case.difference.kind != "packet" and bool(connection.observation.of("early"))


def _answer_first(case: Case) -> bool:
    connection = case.connection
    if not case.missing or connection is None or connection.request_packet is None:
        return False
    answered = case.response_packet
    return answered is not None and answered < connection.request_packet


def _unfinished(case: Case) -> bool:
    mine = case.difference.ours
    return case.missing and mine is not None and not mine.is_whole


def _cut_to_32_bits(case: Case) -> bool:
    mine, other = case.difference.ours, case.difference.theirs
    if mine is None or other is None:
        return False
    return mine.facts.length > 0xFFFFFFFF and mine.facts.length & 0xFFFFFFFF == other.facts.length


def _filled_late(case: Case) -> bool:
    """Shown when the hole before it was filled: at the packet that made it readable, or later."""
    mine, other = case.difference.ours, case.difference.theirs
    if case.difference.kind != "packet" or mine is None or other is None:
        return False
    return other.packet == mine.shown_at > mine.packet_end or (
        _out_of_order(case) > 0 and other.packet > mine.packet_end
    )


def _out_of_order(case: Case) -> int:
    connection = case.connection
    if connection is None:
        return 0
    return connection.server_out_of_order if case.from_server else connection.client_out_of_order


def _behind_hole(case: Case) -> bool:
    """Bytes of the sender are missing, and the frame reaches over that place or comes after it."""
    connection, mine, other = case.connection, case.difference.ours, case.difference.theirs
    if connection is None or connection.observation is None:
        return False
    sender = "server" if case.from_server else "client"
    holes = [hole for hole in connection.observation.holes if hole.sender == sender]
    if mine is not None:
        return any(mine.stop > hole.offset for hole in holes)
    return other is not None and any(other.packet >= hole.packet for hole in holes)


def _contested(case: Case) -> bool:
    """Segments of the sender contradict each other, at this frame or before it."""
    connection, mine, other = case.connection, case.difference.ours, case.difference.theirs
    if connection is None:
        return False
    conflicts: tuple[Conflict, ...] = connection.client_contested
    if case.from_server:
        conflicts = connection.server_contested
    if mine is not None:
        return any(mine.stop > each.offset for each in conflicts)
    return other is not None and any(other.packet >= each.first_packet for each in conflicts)


REASONS = (
    Reason(
        "older-version",
        "tshark has the frames of RFC 6455 alone; this connection speaks an older version",
        _older_version,
    ),
    Reason(
        "http2",
        "tshark shows what a stream of HTTP/2 carries as data, and no WebSocket in it",
        _http2,
    ),
    Reason(
        "not-websocket",
        "behind a 101 that does not open a WebSocket connection tshark invents frames",
        _not_websocket,
    ),
    Reason(
        "no-handshake",
        "tshark reads frames only behind a request and a 101, and the capture does not have both "
        "of this connection, or cut them",
        _no_handshake,
    ),
    Reason(
        "not-http",
        "tshark does not take the 101 of this connection for HTTP, as where another dissector "
        "claims one of its ports, or inside a CONNECT, and shows no frames of it",
        _not_http,
    ),
    Reason("early", "tshark never reads what a client sends before the 101", _early),
    Reason(
        "behind-early",
        "of a frame that the client began before the 101 tshark takes the rest for frames",
        _behind_early,
    ),
    Reason("http", "bytes that are HTTP and no frames (FRM-13)", _http, of_tshark=False),
    Reason(
        "answer-first",
        "the 101 stands before its request in the capture, and tshark reads no frames behind it; "
        "reordercap puts packets in the order of their times",
        _answer_first,
    ),
    Reason(
        "32-bit-length",
        "tshark cuts lengths of 64 bits to 32",
        _cut_to_32_bits,
    ),
    Reason(
        "filled-late",
        "tshark shows a frame at the packet that filled the hole before it, not at that of its "
        "last byte",
        _filled_late,
    ),
    Reason(
        "unfinished",
        "tshark shows a frame whose payload never comes as a whole as unassembled segments",
        _unfinished,
    ),
    Reason(
        "behind-hole",
        "bytes are missing from the capture: behind them tshark waits, or takes payload for frames",
        _behind_hole,
    ),
    Reason(
        "contradiction",
        "segments contradict each other, and tshark takes the first whatever its checksum says",
        _contested,
    ),
)


def reason_of(case: Case) -> Reason | None:
    """Return why, or None where it is not known."""
    return next((reason for reason in REASONS if reason.applies(case)), None)

# cython: language_level=3, wraparound=False, initializedcheck=False
"""HTTP/1 of which a beginning, a head or an answer is missing: frames are looked for."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.http1_connect import go_through, went_on
from wsanalyze.layers.http1_exchanges import Exchanges
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_lines import are_frames, asks_again
from wsanalyze.layers.http1_upgrade import begin_attempt, open_session
from wsanalyze.layers.http2_begin import begins_http2, open_http2
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.session import Session
from wsanalyze.layers.tunnel import opener

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_half import HELD, LOST

OTHER = 4


def as_http2(http: Exchanges, buffer: Buffer, start: int, stop: int) -> Layer | None:
    """Return who reads on where frames of HTTP/2 begin here; asked while nothing is known."""
    if not begins_http2(buffer.copy(start, stop), blind=True):
        return None
    asked_by = opener(http.conversation, http.place)
    http2 = open_http2(
        http.recorder, http.conversation, http.route, client_side=asked_by, midstream=True
    )
    if http2 is None:
        return None
    http.inner = http2
    http.switched = 1
    http.blind = 0
    http.recognition = None
    http.overfull()
    return http.inner


def astray(http: Exchanges) -> None:
    """Look for frames in what was kept of heads, which are none."""
    http.conversation.spoke = OTHER
    half: Half
    for side in (0, 1):
        half = http.high if side else http.low
        kept = bytes(half.head)
        half.head = bytearray()
        half.mode = LOST
        if kept and http.recognition is not None:
            offset = half.offset - len(kept)
            http.recognition.data(
                side, Buffer(kept), 0, len(kept), offset, half.time, half.packet, half.ordinal
            )


def asked_for_old(http: Exchanges) -> bool:
    """Say whether the open attempt asked for frames that a Recognition does not know."""
    attempt = http.attempt
    return attempt is not None and bool(http.upgrading) and attempt.framing != "rfc6455"


def frames_client(http: Exchanges) -> int:
    """Return the side that sends a client's frames where both speak WebSocket, else -1."""
    recognition = http.recognition
    if recognition is None:
        return -1
    if not http.upgrading:
        return recognition.client_side()
    return http.client_side if recognition.server_answers(1 - http.client_side) else -1


def frames_follow(http: Exchanges, line: bytes) -> bool:
    """Say whether a response lost to the capture was a 101: both sides speak in frames."""
    if not http.held.pieces:
        return False
    framing = http.attempt.framing if http.attempt is not None else None
    return are_frames(http.held.pieces[0].data, line, framing)


def speaks_alone(http: Exchanges) -> bool:
    """Read a client's frames where no answer is in the capture, if they are some."""
    held = http.held
    while held.pieces and not went_on(http) and asks_again(held.pieces[0].data):
        http.waiting.popleft()
        if http.read_held():
            return False
    attempt = http.attempt
    server: Half = http.low if http.client_side else http.high
    if not held.pieces or attempt is None or http.connecting is not None:
        return False
    if server.offset and not http.answer_lost:
        return False
    if closed_without_a_byte(http):
        attempt.sent_early(held.pieces)
        return False
    handshake = attempt.connection.handshake
    if not Recognition.client_goes_on(held.pieces, http.recorder, handshake):
        return False
    attempt.connection.outcome = "unseen"
    open_session(http, attempt)
    return True


def closed_without_a_byte(http: Exchanges) -> bool:
    """Say whether the capture has all that the server sent, from SYN to FIN, and that is nothing.

    Some clients go on where the connection was closed instead of answered (libcurl's does).
    """
    sent = http.conversation.direction(1 - http.client_side)
    return bool(sent.syn and sent.ended and sent.next == 0)


def last_look(http: Exchanges) -> None:
    """Decide whether it was WebSocket: nothing more will come."""
    if http.held.pieces and http.connecting is None and speaks_alone(http):
        return
    if went_on(http):
        server: Half = http.low if http.client_side else http.high
        if http.answer_lost or server.offset == 0:
            go_through(http, presumed=True)
            return
    if http.recognition is None or asked_for_old(http):
        return
    if http.blind:
        astray(http)
    http.recognition.finish()
    client_side = frames_client(http)
    if client_side >= 0:
        adopt(http, client_side)


def adopt(http: Exchanges, client_side: int) -> None:
    """Read a conversation as WebSocket that was recognised by its frames."""
    recognition = http.recognition
    if recognition is None:
        return
    http.recognition = None
    http.blind = 0
    pieces = recognition.pieces()
    if not pieces:
        # What was found is held no more: there was too much of it.
        http.recorder.reach("resync")
        return
    http.client_side = client_side
    attempt = http.attempt
    if attempt is None or not http.upgrading:
        if not http.recorder.has_room():
            return
        half: Half = Half()
        half.before = http.previous_time
        half.time, half.packet, half.ordinal = pieces[0][1][3:]
        attempt = begin_attempt(http, half, recognition.totals)
        attempt.connection.requested = None
        attempt.connection.request_packet = None
    attempt.connection.outcome = "unseen"
    behind = (http.low.offset, http.high.offset)
    lost = (http.low.mode != HELD, http.high.mode != HELD)
    session = open_session(http, attempt)
    for side in (0, 1):
        if lost[side] and isinstance(session, Session):
            offset, dropped = recognition.beginning(side, behind[side])
            session.lose_from(side, offset, dropped)
    if isinstance(session, Session):
        recognition.claim(session)
    for side, (_, data, missing, time, packet, ordinal) in pieces:
        if missing:
            session.gap(side, missing, time, packet, ordinal)
        else:
            session.data(side, Buffer(data), 0, len(data), time, packet, ordinal)


def recognized(
    http: Exchanges,
    half: Half,
    side: int,
    buffer: Buffer,
    at: int,
    stop: int,
    time: int,
    packet: int,
    ordinal: int,
) -> bool:
    """Look for frames where no head is; return False to let the connection go."""
    if asked_for_old(http):
        http.recognition = None
    recognition = http.recognition
    if recognition is None:
        return True
    recognition.data(side, buffer, at, stop, half.offset, time, packet, ordinal)
    client_side = frames_client(http)
    if client_side >= 0:
        adopt(http, client_side)
    elif recognition.exhausted:
        http.recorder.reach("midstream")
        http.recognition = None
        return not http.blind
    return True

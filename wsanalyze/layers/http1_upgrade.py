# cython: language_level=3, wraparound=False, initializedcheck=False
"""The way from HTTP/1 into WebSocket or HTTP/2: attempts, their answers, and who reads on."""

from __future__ import annotations

from wsanalyze.layer import Layer
from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.held import Piece, length_of, replay
from wsanalyze.layers.http1_exchanges import Exchanges
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http2_begin import open_http2
from wsanalyze.layers.old_session import OldSession
from wsanalyze.layers.session import Session
from wsanalyze.layers.undecided import Undecided, is_in_doubt
from wsanalyze.websocket.challenge import BODY_LENGTH
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import hixie_dialect

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_half import CHALLENGE, HEAD


def begin_attempt(http: Exchanges, half: Half, totals: list[int] | None = None) -> Attempt:
    """Begin an attempt, which ends the one before it on this connection.

    `totals`: the conversation's counts where that one ended, if that is not here.
    """
    before = http.attempt
    if before is not None:
        end_attempt(before, half.before, totals)
    else:
        before = http.place.before
    attempt = Attempt(
        http.recorder,
        http.conversation,
        http.client_side,
        before,
        time=half.time,
        packet=half.packet,
        ordinal=half.ordinal,
        route=http.route,
    )
    if totals is not None:
        attempt.counted = totals
    http.attempt = attempt
    return attempt


def end_attempt(attempt: Attempt, time: int, totals: list[int] | None = None) -> None:
    """End an attempt whose connection goes on with something else; `time` is the last one before.

    Its own heads may have come later: what follows came in the same packet, or is its answer.
    """
    connection = attempt.connection
    connection.ended_by = None
    attempt.settle(max(time, connection.requested or 0, connection.responded or 0), totals)


def observe_request(http: Exchanges, before: Attempt) -> None:
    """Take note of a request behind an attempt on the same connection."""
    observation = before.connection.observation
    http.refused = None
    if observation is None:
        return
    if http.reading is before:
        observation.pipelined += 1
    observation.requests_after += 1


def interim(http: Exchanges, attempt: Attempt, head: Head) -> None:
    """Keep a response that is not the last one, within the limit."""
    if len(attempt.interims) < http.recorder.limits.pipelined:
        attempt.interims.append(head)
    else:
        http.recorder.reach("pipelined")


def unasked(http: Exchanges, half: Half, head: Head) -> int:
    """Take a response whose request was not captured."""
    is_one = head.count("sec-websocket-accept") or hixie_dialect(head)
    if head.status == 101 and is_one and http.recorder.has_room():
        attempt = begin_attempt(http, half)
        attempt.connection.requested = None
        attempt.connection.request_packet = None
        attempt.answered(head, half.time, half.packet)
        open_session(http, attempt)
        return 0
    if head.status == 101:
        return 1
    http.begin_body(half, 1 - http.client_side, None, head)
    return 0


def conclude(http: Exchanges, half: Half, attempt: Attempt, method: str | None, head: Head) -> int:
    """Take the final response of an attempt: a session begins, or HTTP goes on."""
    late = attempt is not http.attempt
    capture = http.conversation.capture
    if late:
        # It was settled without an answer when the client asked again.
        http.recorder.settle(attempt.connection, capture, -1)
    if attempt.answered(head, half.time, half.packet):
        if late:
            resume(http, half, attempt)
        open_session(http, attempt)
        return 0
    if late:
        attempt.connection.ended = max(attempt.connection.ended, half.time)
        http.recorder.settle(attempt.connection, capture)
    http.upgrading = 0
    client = http.high if http.client_side else http.low
    if client.mode == CHALLENGE and client.remaining == BODY_LENGTH:
        # Nothing came of the eight bytes: somebody on the way kept them.
        client.mode = HEAD
    http.refused = attempt if attempt.connection.observation is not None else None
    http.reading = attempt
    http.begin_body(half, 1 - http.client_side, method, head)
    done = http.read_held()
    http.reading = None
    return done


def resume(http: Exchanges, half: Half, attempt: Attempt) -> None:
    """Let an attempt that was answered late be the open one, and end the one after it."""
    later = http.attempt
    if later is not None:
        end_attempt(later, half.before)
    http.attempt = attempt


def open_session(http: Exchanges, attempt: Attempt) -> Layer:
    """Hand the connection over to a Session, with what the client sent ahead."""
    client = http.high if http.client_side else http.low
    pieces = http.held.release()
    client.offset -= length_of(pieces)
    offsets = (http.low.offset, http.high.offset)
    session = Session(http.recorder, attempt.connection, http.client_side, offsets)
    framing = attempt.framing
    http.inner = session
    if attempt.request is None and is_in_doubt(attempt):
        http.inner = Undecided(session, attempt, http.client_side, http.hand_over)
    elif framing is None:
        # Whatever follows, it is not frames as RFC 6455 has them: none are made of it.
        session.unframed = 1
        session.gap(0, 0, 0, 0, 0)
        session.gap(1, 0, 0, 0, 0)
    elif framing != "rfc6455":
        http.inner = OldSession(session, attempt.connection, http.client_side)
        if client.mode == CHALLENGE:
            http.inner.expect(bytes(client.head), client.remaining)
            client.head = bytearray()
    attempt.sent_early([piece for piece in pieces if is_early(attempt, piece)])
    replay(pieces, http)
    return http.inner


def is_early(attempt: Attempt, piece: Piece) -> bool:
    """Say whether a piece was seen before the packet that brought the response."""
    answered = attempt.connection.response_packet
    return answered is not None and piece.packet < answered


def switch_to_http2(
    http: Exchanges, client_side: int, preface: tuple[int, int] | None = None
) -> int:
    """Go on in HTTP/2 behind a 101, or the first line of a preface that began there and then.

    `preface`: time and packet.
    """
    http2 = open_http2(http.recorder, http.conversation, http.route, client_side=client_side)
    if http2 is None:
        return 1
    if preface is not None:
        http2.go_on(preface)
    if http.attempt is not None:
        end_attempt(http.attempt, http.previous_time)
        http.attempt = None
    http.switched = 1
    http.inner = http2
    return 0

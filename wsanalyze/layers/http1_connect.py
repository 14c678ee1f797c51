# cython: language_level=3, wraparound=False, initializedcheck=False
"""The way from HTTP/1 into a tunnel: CONNECT, with an answer or without."""

from __future__ import annotations

from wsanalyze.layers.held import length_of, replay
from wsanalyze.layers.http1_exchanges import Exchange, Exchanges
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_lines import lets_through
from wsanalyze.layers.http1_upgrade import end_attempt
from wsanalyze.layers.route import Place
from wsanalyze.layers.tunnel import answered, inside, keep_message, refuse
from wsanalyze.tunnels.messages import CONNECT_ANSWER, CONNECT_REQUEST
from wsanalyze.tunnels.way import DEEPEST, depth
from wsanalyze.websocket.fields import Head

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_half import LOST

# What the column `tunnel` has for a CONNECT that is not in the capture.
CONNECT = "CONNECT"


def answers_lost_connect(http: Exchanges, half: Half, raw: bytes, begun_blind: int) -> bool:
    """Say whether a server's head opens the tunnel that is being read.

    Its CONNECT was not captured, or not all of it, or the answer was thought to be lost. What is in
    the tunnel follows.
    """
    client: Half = http.high if http.client_side else http.low
    # Nothing came before, and bytes of the client are missing; or it is being looked for.
    first_lost = half.before == 0 and client.offset > http.place.offsets[http.client_side]
    lost = begun_blind or first_lost or client.mode == LOST
    presumed, http.presumed = http.presumed, 0
    if not presumed and (http.waiting or not lost):
        return False
    return lets_through(raw)


def keep_head(http: Exchanges, half: Half, side: int, raw: bytes) -> None:
    """Keep the head of a CONNECT, or of its answer, where somebody wants to show it."""
    kind = CONNECT_REQUEST if side == http.client_side else CONNECT_ANSWER
    place = (half.time, half.packet)
    keep_message(http.recorder, http.conversation, http.route, side, kind, raw, place)


def connected(http: Exchanges, half: Half, exchange: Exchange, head: Head) -> int:
    """Take the final response to a CONNECT: a tunnel begins, or HTTP goes on."""
    asked = (http.recorder, http.conversation, http.route, http.client_side, exchange.way or "")
    answered(*asked, has_credentials=exchange.credentials)
    if opens_tunnel(exchange, head):
        if exchange.attempt is not None and exchange.attempt is http.attempt:
            exchange.attempt.answered(head, half.time, half.packet)
        return go_through(http)
    ends = (http.client_side, exchange.way or "", head.status, half.time, half.packet)
    goes_on = not head.has_token("connection", "close") and head.http_version != "1.0"
    refuse(http.recorder, http.conversation, http.route, *ends, kept_open=goes_on)
    http.connecting = None
    http.begin_body(half, 1 - http.client_side, exchange.method, head)
    return http.read_held()


def opens_tunnel(exchange: Exchange, head: Head) -> bool:
    """Say whether a response opens a tunnel (RFC 9110 §9.3.6)."""
    return exchange.method == "CONNECT" and head.status is not None and head.status // 100 == 2


def went_on(http: Exchanges) -> bool:
    """Say whether a client goes on as if its CONNECT was accepted, of which no answer is there.

    Who was refused asks again, or leaves.
    """
    if http.connecting is None or not http.held.pieces:
        return False
    return not b"CONNECT ".startswith(http.held.pieces[0].data[:8])


def go_through(http: Exchanges, *, presumed: bool = False) -> int:
    """Let a Probe read what both sides send from here on: they are in a tunnel.

    What the client had sent ahead comes first; it counts in its offset. `presumed`: that the
    way was opened is told by who goes on, no answer was read.
    """
    client: Half = http.high if http.client_side else http.low
    way, http.connecting = http.connecting, None
    pieces = http.held.release()
    http.upgrading = 0
    client.offset -= length_of(pieces)
    http.recognition = None
    before = http.attempt
    if before is not None:
        end_attempt(before, client.before)
        http.attempt = None
    if way is None or depth(http.route.tunnel) >= DEEPEST:
        return 1
    offsets = (http.low.offset, http.high.offset)
    place = Place(offsets, http.client_side, before or http.place.before, presumed=presumed)
    route, login = http.route, http.login
    http.inner = inside(http.recorder, http.conversation, route, way, place, login)
    done = replay(pieces, http)
    if http.first_ended >= 0 and not done:
        time, packet = http.conversation.last_time, http.conversation.last_packet
        done = http.inner.end(http.first_ended, http.first_reset, time, packet)
    return done


def go_through_unasked(http: Exchanges, side: int) -> bool:
    """Let a Probe read TLS behind a proxy's answer; say whether it does.

    Where the CONNECT led is not known, that there was one is (RFC 9110 §9.3.6).
    """
    if http.attempt is not None or http.waiting or depth(http.route.tunnel) >= DEEPEST:
        return False
    place = Place((http.low.offset, http.high.offset), side, http.place.before)
    http.inner = inside(http.recorder, http.conversation, http.route, CONNECT, place)
    return True

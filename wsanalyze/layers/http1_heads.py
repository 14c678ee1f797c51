# cython: language_level=3, wraparound=False, initializedcheck=False
"""Heads of HTTP/1: which request asks for WebSocket, and which one a response answers."""

from __future__ import annotations

from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.http1_connect import (
    answers_lost_connect,
    connected,
    keep_head,
    opens_tunnel,
)
from wsanalyze.layers.http1_exchanges import Exchange, Exchanges
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_lines import has_body, has_credentials, login_of, way_of
from wsanalyze.layers.http1_upgrade import (
    begin_attempt,
    conclude,
    interim,
    observe_request,
    switch_to_http2,
    unasked,
)
from wsanalyze.layers.tunnel import opener
from wsanalyze.observation import ProxyLogin
from wsanalyze.websocket.challenge import BODY_LENGTH
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import is_interim, is_upgrade_request
from wsanalyze.websocket.head import mentions_websocket, read_head

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_exchanges import HTTP
    from wsanalyze.layers.http1_half import CHALLENGE, EARLY, HEAD, LENGTH


def message(http: Exchanges, half: Half, side: int, raw: bytes) -> int:
    """Take a whole head; return 1 to let the connection go."""
    begun_blind = http.blind
    if http.blind:
        http.blind = 0
        http.recognition = None
        http.conversation.spoke = HTTP
    if not raw.startswith(b"HTTP/"):
        if http.client_side < 0:
            http.client_side = side
        if side != http.client_side:
            return 1
        return request(http, half, raw, begun_blind)
    if http.client_side < 0:
        http.client_side = opener(http.conversation, http.place)
    if http.client_side < 0:
        http.client_side = 1 - side
        http.given_up = 1
    if side == http.client_side:
        return 1
    if answers_lost_connect(http, half, raw, begun_blind):
        http.let_through = 1
        keep_head(http, half, side, raw)
        half.mode = HEAD
        return 0
    if not http.waiting and not http.given_up:
        http.early.add(side, raw, 0, half.time, half.packet, half.ordinal)
        half.mode = EARLY
        return 0
    return response(http, half, raw)


def request(http: Exchanges, half: Half, raw: bytes, begun_blind: int) -> int:
    """Take a request's head; where it was `begun_blind`, its first letters may be missing."""
    attempt: Attempt | None = None
    head: Head | None = None
    if http.attempt is not None:
        observe_request(http, http.attempt)
    method: str | None = raw.partition(b" ")[0].decode("latin-1")
    if mentions_websocket(raw):
        head = read_head(raw)
        if is_upgrade_request(head) and http.recorder.has_room():
            attempt = begin_attempt(http, half)
            attempt.asked(head)
            method = head.method
    if head is None and has_body(raw):
        head = read_head(raw)
    http.upgrading = attempt is not None
    http.connecting = http.login = None
    if begun_blind and method and "CONNECT".endswith(method):
        method = "CONNECT"
    if method == "CONNECT":
        http.connecting = way_of(raw)
        keep_head(http, half, http.client_side, raw)
        what = login_of(raw)
        http.login = None if what is None else ProxyLogin(what, half.time, half.packet)
    http.answer_lost = 0
    http.given_up = 0
    credentials = method == "CONNECT" and has_credentials(raw)
    http.waiting.append(Exchange(method, attempt, http.connecting, credentials))
    if len(http.waiting) > http.recorder.limits.pipelined:
        http.recorder.reach("pipelined")
        return 1
    if attempt is not None and attempt.challenges:
        # Whatever the head says of a body: these bytes are not told by it (hixie-76 §4.1).
        half.mode = CHALLENGE
        half.remaining = BODY_LENGTH
    else:
        http.begin_body(half, http.client_side, None, head)
    if http.early.pieces:
        return http.replay_early()
    return 0


def response(http: Exchanges, half: Half, raw: bytes) -> int:
    """Take a response's head."""
    length = http.plain_length(raw)
    if length >= 0:
        http.waiting.popleft()
        half.mode = LENGTH if length else HEAD
        half.remaining = length
        return 0
    head = read_head(raw)
    server = 1 - http.client_side
    if http.asked_again():
        http.waiting.popleft()
        if http.read_held():
            return 1
    exchange = http.waiting[0] if http.waiting else None
    if is_interim(head):
        if exchange is not None and exchange.attempt is not None:
            interim(http, exchange.attempt, head)
        half.mode = HEAD
        return 0
    if exchange is None:
        return unasked(http, half, head)
    http.waiting.popleft()
    if exchange.attempt is not None and not opens_tunnel(exchange, head):
        return conclude(http, half, exchange.attempt, exchange.method, head)
    if head.status == 101:
        # Only to who asked for it (RFC 7540 §3.2; RFC 9113 took it away).
        return switch_to_http2(http, http.client_side) if head.has_token("upgrade", "h2c") else 1
    if exchange.way is not None:
        keep_head(http, half, server, raw)
        return connected(http, half, exchange, head)
    http.begin_body(half, server, exchange.method, head)
    return 0

"""Streams of HTTP/2 whose request is not in the capture: looked at, and taken up or counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.buffer import Buffer
from wsanalyze.http2.frames import Data, Place
from wsanalyze.layers.http2_guess import Guess, Guesses
from wsanalyze.layers.http2_requests import replay

if TYPE_CHECKING:
    from wsanalyze.layers.http2 import Http2


def guess(http: Http2, side: int, piece: Data, buffer: Buffer, base: int, place: Place) -> None:
    """Look for frames on a stream whose request is not in the capture."""
    guesses = http.guesses
    if guesses is None:
        return
    number = piece.header.stream
    if side == http.client_side:
        guesses.begin(number)
    if piece.missing:
        guesses.gap(number, side, piece.missing, place)
    if piece.stop == piece.start and not piece.last:
        return
    within = base + piece.start, base + piece.stop
    edges = {"first": piece.first, "last": piece.last}
    found = guesses.data(number, side, buffer, within, place, **edges)
    if found is not None:
        guesses.drop(number)
        adopt(http, number, found)


def adopt(http: Http2, number: int, found: Guess) -> None:
    """Read a stream as WebSocket that was recognised by its frames."""
    http.client_side, recognition = found.client_side, found.recognition
    pieces = recognition.pieces()
    if pieces and http.recorder.has_room():
        _, (_, _, _, time, packet, ordinal) = pieces[0]
        stream = http.open(number, (time, packet, ordinal))
        stream.recognised(recognition, found.aligned)
        if number in http.early:
            replay(http, stream)
    elif not pieces:
        # What was found is held no more: there was too much of it.
        http.recorder.reach("resync")


def guess_unasked(http: Http2) -> None:
    """Look for frames in what a server sent to a client of whom the capture has nothing."""
    if http.highest or http.guesses is not None or not http.early.waiting:
        return
    http.guesses = Guesses(http.recorder)
    side = 1 - http.client_side
    for number_of in http.early.waiting:
        early = http.early.take(number_of)
        known = early[0].lost
        for what, _, place, lost in early:
            if lost != known or what == 0:
                known = lost
                http.guesses.lose(side)
            if isinstance(what, bytes):
                http.guesses.data(number_of, side, Buffer(what), (0, len(what)), place)
            elif isinstance(what, int):
                http.guesses.gap(number_of, side, what, place)


def conclude(http: Http2, number: int) -> None:
    """Decide of a stream of unknown kind: nothing more will come on it."""
    guesses = http.guesses
    recognition = guesses.of(number) if guesses is not None else None
    if guesses is None or recognition is None:
        return
    recognition.finish()
    found = guesses.guess(number)
    if found is None:
        guesses.give_up(number)
        return
    guesses.drop(number)
    adopt(http, number, found)


def last_guesses(http: Http2, guesses: Guesses) -> None:
    """Decide of all streams of unknown kind: nothing more will come."""
    for number_of in guesses.numbers():
        conclude(http, number_of)
        stream = http.streams.pop(number_of, None)
        if stream is not None:
            stream.finish(0, http.conversation.last_time)
    summary = http.recorder.summaries[http.conversation.capture]
    summary.http2_unknown_streams += guesses.in_vain

"""Is it HTTP/2, and who reads it: asked where a conversation begins, or changes its protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wsanalyze.http2.frames import PREFACE
from wsanalyze.http2.places import frames_begin
from wsanalyze.layer import Layer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import Place, Route
from wsanalyze.transport.conversation import Conversation

if TYPE_CHECKING:
    from wsanalyze.layers.http2 import Http2

OTHER = 4

# What a preface has that no request of HTTP/1 has.
LINE = PREFACE[:14]
# A SETTINGS frame on stream 0, as a server may send it before the client's preface comes.
FIRST = b"\x04\x00\x00\x00\x00\x00"

# What begins a request of HTTP/1 (RFC 9112 §3).
REQUEST = re.compile(rb"(?!PRI )[A-Z]{3,16} [!-~]+ HTTP/1\.[01]\r?\n")


def begins_http2(data: bytes, *, blind: bool) -> bool:
    """Say whether a side's first bytes are HTTP/2: the preface, or SETTINGS of a server.

    `blind`: the beginning is not in the capture; a chain of frames is enough then.
    """
    if data.startswith(LINE):
        return True
    if len(data) >= 9 and data[0] == 0 and data[3:9] == FIRST:
        return int.from_bytes(data[:3], "big") % 6 == 0 and data[1] == 0
    return blind and data[:1] == b"\x00" and frames_begin(data, 0)


def is_beginning(data: bytes, *, of_client: bool) -> bool:
    """Say whether first bytes of a side are what they have to be (RFC 9113 §3.4), as far as seen.

    Where TLS agreed on HTTP/2 and they are not, records before them are missing.
    """
    if of_client:
        return PREFACE.startswith(data[: len(PREFACE)])
    return data[:1] == b"\x00" and data[3:4] in (b"", FIRST[:1])


def begins_http1(data: bytes) -> bool:
    """Say whether a client's first bytes are a request of HTTP/1, whatever TLS agreed on."""
    return REQUEST.match(data) is not None


def open_http1(
    recorder: Recorder, conversation: Conversation, route: Route, client_side: int
) -> Layer:
    """Return who reads a client that says requests of HTTP/1 where its preface belongs."""
    # Which opens HTTP/2 where it changes to that.
    from wsanalyze.layers.http1 import Http1

    return Http1(recorder, conversation, [0, 0], route, Place(opened_by=client_side))


def open_http2(
    recorder: Recorder,
    conversation: Conversation,
    route: Route,
    *,
    client_side: int = -1,
    midstream: bool = False,
) -> Http2 | None:
    """Return who reads HTTP/2; None where the library for it is missing, which is said once."""
    try:
        from wsanalyze.layers.http2 import Http2
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hpack":
            raise
        conversation.spoke = OTHER
        recorder.summaries[conversation.capture].lack("hpack")
        return None
    return Http2(recorder, conversation, route, client_side, midstream)

"""Frames that are none: an end writes HTTP where they belong, from some frame on (FRM-13)."""

from __future__ import annotations

from collections.abc import Mapping

from wsanalyze.layers.connection import Connection
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.objects import Frame


def http_from(connection: Connection) -> dict[str, int]:
    """Return by sender the number of its first frame that is HTTP in truth, as all behind it are.

    A response that was written as if there was no upgrade, for example (FRM-13).
    """
    observation = connection.observation
    if observation is None:
        return {}
    begun = {sender: observation.http(sender) for sender in ("client", "server")}
    return {
        sender: event.frame
        for sender, event in begun.items()
        if event is not None and event.frame is not None
    }


def is_http(frame: Frame, begun: Mapping[str, int]) -> bool:
    """Say whether a frame is none but HTTP; `begun` is `http_from` of its connection."""
    return frame.sender in begun and frame.number >= begun[frame.sender]


def without_http(places: Ints, frames: LazyRows[Frame], http: Mapping[str, int]) -> Ints:
    """Return the numbers among some that are of frames in truth; `http`: see `http_from`."""
    for sender, first in http.items():
        is_his = frames.column("sender")[places] == (sender == "server")
        places = places[~(is_his & (places >= first))]
    return places

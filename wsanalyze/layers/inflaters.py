"""Who decompresses what a session sends: as the handshake agreed, or as RSV1 alone says."""

from __future__ import annotations

from wsanalyze.layers.recorder import Recorder
from wsanalyze.websocket.deflate import Inflater
from wsanalyze.websocket.extensions import Deflate


def agreed(deflate: Deflate, recorder: Recorder, *, watched: bool) -> tuple[Inflater, Inflater]:
    """Return the client's and the server's, for parameters that were agreed on (RFC 7692 §7.1)."""
    limits = recorder.limits
    client, server = (
        Inflater(
            takeover=not alone,
            limit=limits.message,
            ratio=limits.inflate_ratio,
            memory=recorder.windows,
            window_bits=bits,
            watched=watched,
        )
        for alone, bits in (
            (deflate.client_no_context_takeover, deflate.client_max_window_bits),
            (deflate.server_no_context_takeover, deflate.server_max_window_bits),
        )
    )
    return client, server


def supposed(recorder: Recorder) -> Inflater:
    """Return one end's where the handshake was not seen: what it decompresses must prove itself.

    See `Inflater`.
    """
    limits = recorder.limits
    return Inflater(
        takeover=True,
        limit=limits.message,
        ratio=limits.inflate_ratio,
        memory=recorder.windows,
        proven=True,
    )

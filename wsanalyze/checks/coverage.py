"""How much of a connection the capture has."""

from __future__ import annotations

from wsanalyze.layers.connection import Connection


def coverage_of(record: Connection) -> str:
    """Return what the capture has of a connection: `full`, `gap`, `midstream` or `truncated`."""
    tls = record.tls
    if tls is not None and (tls.client_sealed or tls.server_sealed):
        # It may be all there, but for whom there is a key.
        return "gap"
    if record.outcome == "unseen":
        return "midstream"
    if record.client_lost_bytes or record.client_unread_bytes:
        return "gap"
    if record.server_lost_bytes or record.server_unread_bytes:
        return "gap"
    observation = record.observation
    return "full" if observation is not None and observation.endings else "truncated"

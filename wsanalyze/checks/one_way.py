"""Captures of one direction: which end nothing was captured of. One cause of several findings."""

from __future__ import annotations

from wsanalyze.checks.facts import Facts


def maybe_unseen_end(facts: Facts) -> str | None:
    """Return the end of whose frames the capture has none although it sent some; else None."""
    record = facts.connection
    if record.outcome not in ("unseen", "unanswered") or record.connect_ms is not None:
        # Where packets of both ends opened it, who is silent has nothing to say.
        return None
    if bool(record.client_frames) == bool(record.server_frames):
        return None
    silent = "server" if record.client_frames else "client"
    lost, tls = getattr(record, f"{silent}_lost_bytes"), record.tls
    if tls is not None and getattr(tls, f"{silent}_sealed"):
        # It is in the capture, and closed to us (TLS-09).
        return None
    # A peer may have nothing to say; but then nothing of it is missing.
    return silent if lost or record.outcome == "unanswered" else None

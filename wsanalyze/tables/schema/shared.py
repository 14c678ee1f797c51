"""Columns that several tables have."""

from __future__ import annotations

from wsanalyze.tables.declaration import Column, Kind, category, count

SENDERS = ("client", "server")

CONNECTION = count("connection", "number of the connection, as in `connections`")
SENDER = category("sender", SENDERS, "who sent it")
CONFIDENCE = Column(
    "confidence",
    Kind.PORT,
    "bits of evidence that it begins where it was read, at least: the odds against chance are "
    "2^confidence to 1, 255 for more. It says nothing of payloads made to look like frames",
    "certain: read on from the handshake, no header lost before it",
    "bits",
)

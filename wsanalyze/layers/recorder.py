# cython: language_level=3, wraparound=False, initializedcheck=False
"""Where the layers put what they find: connections as records, frames and messages as columns."""

from __future__ import annotations

from wsanalyze.limits import Limits
from wsanalyze.recording import Recording
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.websocket.masking import Scratch

try:
    import cython
except ImportError:
    from wsanalyze import uncompiled as cython


@cython.final
@cython.cclass
class Recorder:
    """Shared by all layers of one pass: what to keep, and where.

    `frames` and `messages` are None where nobody asked for rows; counting goes on without them.
    `kept_total` bounds what is kept of payloads in all; `reached` counts limits by name.
    """

    def __init__(self, recording: Recording, limits: Limits) -> None:
        wants = recording.wants
        self.recording = recording
        self.limits = limits
        self.connections = recording.connections
        self.frames = recording.frames
        self.messages = recording.messages
        self.scratch = Scratch()
        self.hashes = wants.hashes and recording.messages is not None
        self.keep = 0
        if recording.messages is not None and wants.payloads != "none":
            full = wants.payloads == "full"
            self.keep = limits.payload if full else wants.preview_length
        self.kept = 0
        self.kept_total = limits.payload_total
        self.message_serial = 0
        self.reached = {}
        self.capture_names = []

    def reach(self, limit: str) -> None:
        """Count that a limit was reached."""
        self.reached[limit] = self.reached.get(limit, 0) + 1

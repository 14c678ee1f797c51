"""The errors that wsanalyze raises.

WsAnalyzeError
├── CaptureError   the input cannot be read: carries the file and the byte offset
├── UsageError     the caller asked for something that makes no sense
├── StorageError   there is no room for what has to be kept outside of memory
└── LimitError     a limit was reached; caught inside, never seen by callers

What is wrong with the *traffic* is never an exception: it is a finding, a count or a note.
"""

from __future__ import annotations

from collections.abc import Sequence


class WsAnalyzeError(Exception):
    """Every error that wsanalyze raises on purpose."""


class CaptureError(WsAnalyzeError):
    """An input that cannot be read as a capture.

    `capture` is its name, `offset` the byte at which reading failed (None where that says
    nothing), `what` the fact, `advice` what to do about it. Where several captures were given and
    none can be read, `others` are the errors of those after the first.
    """

    def __init__(
        self, capture: str, what: str, *, offset: int | None = None, advice: str = ""
    ) -> None:
        self.capture = capture
        self.what = what
        self.offset = offset
        self.advice = advice
        self.others: Sequence[CaptureError] = ()
        where = capture if offset is None else f"{capture}: byte {offset}"
        super().__init__(f"{where}: {what}" + (f" ({advice})" if advice else ""))


class UsageError(WsAnalyzeError):
    """The caller's arguments make no sense; the message says which and what would."""


class StorageError(WsAnalyzeError):
    """What does not fit into memory could not be written to a temporary file, or read back."""


class LimitError(WsAnalyzeError):
    """A limit was reached. It becomes a count and a finding, and never crosses the API."""

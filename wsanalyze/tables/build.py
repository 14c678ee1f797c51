"""Recording → tables with exactly the columns and types of the schema.

Rows are sorted by connection and place. They are made in batches of Arrow arrays, which is what
files are written of; a DataFrame is made of those where somebody asks for one. Frames, messages
and segments come from the typed columns without a loop, the other tables have a row per connection
or less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from wsanalyze.recording import Recording
from wsanalyze.tables.columns import FrameColumns, MessageColumns, SegmentColumns
from wsanalyze.tables.numbering import (
    Ints,
    Order,
    connection_numbers,
    in_place,
    message_numbers,
    order,
)
from wsanalyze.tables.schema import TABLES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from wsanalyze.checks.finding import Finding
    from wsanalyze.tables.runs import Run

Judge = Callable[[Recording], "list[Finding]"]


class Shelved(Protocol):
    """Who has earlier rows of `frames`, `messages` and `segments`."""

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a table."""


class Tables:
    """The tables of one recording, each made when it is first asked for."""

    def __init__(
        self, recording: Recording, shelf: Shelved | None = None, judge: Judge | None = None
    ) -> None:
        """Take the recording, which must not grow any more, and the shelf with its earlier rows.

        `judge` finds what is wrong, once, when a table asks for it; None: all checks do.
        """
        self.recording = recording
        self.shelf = shelf
        self._judge = judge
        self._made: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of that name (a key of `schema.TABLES`)."""
        from wsanalyze.tables.dtypes import frame

        if name not in self._made:
            self._made[name] = frame(TABLES[name], self.batches(name))
        return self._made[name]

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the table of that name, in order; nothing where there are none."""
        # Arrow takes 28 MB and a tenth of a second, and whoever looks at columns does without.
        from wsanalyze.tables.batches import batches

        return batches(self, name)

    @property
    def connections(self) -> pd.DataFrame:
        """One row per connection attempt."""
        return self.table("connections")

    @property
    def frames(self) -> pd.DataFrame:
        """One row per frame; without rows where the pass did not keep them."""
        return self.table("frames")

    @property
    def messages(self) -> pd.DataFrame:
        """One row per data message; without rows where the pass did not keep them."""
        return self.table("messages")

    @property
    def headers(self) -> pd.DataFrame:
        """One row per handshake header field."""
        return self.table("headers")

    @property
    def findings(self) -> pd.DataFrame:
        """One row per finding; few where the pass did not observe (`Wants.observe`)."""
        return self.table("findings")

    @cached_property
    def found(self) -> list[Finding]:
        """What the checks find; each connection is told how much concerns it."""
        return self.judge(self.recording)

    def judge(self, recording: Recording) -> list[Finding]:
        """Return what is wrong in a recording, as far as these tables look for it."""
        if self._judge is not None:
            return self._judge(recording)
        from wsanalyze.findings import audit

        return audit(recording)

    @property
    def segments(self) -> pd.DataFrame:
        """One row per TCP segment; without rows where the pass did not keep them."""
        return self.table("segments")

    @property
    def tls(self) -> pd.DataFrame:
        """One row per TLS connection; without rows where the pass did not keep them."""
        return self.table("tls")

    @property
    def summary(self) -> pd.DataFrame:
        """One row per capture."""
        return self.table("summary")

    @cached_property
    def numbers(self) -> Ints:
        """Connection number of each serial."""
        return connection_numbers(self.recording)

    @cached_property
    def frame_order(self) -> Order:
        """Order of the frames in the columns of a recording that has all of them."""
        kept = self.recording.frames
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def message_order(self) -> Order:
        """Order of the messages, likewise."""
        kept = self.recording.messages
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def segment_order(self) -> Order:
        """Order of the segments, likewise: by conversation, and as they were read."""
        kept = self.recording.segments
        assert kept is not None  # noqa: S101 - callers looked
        conversation = self.segment_arrays["conversation"]
        rows = in_place(conversation, self.segment_arrays["ordinal"], None)
        return Order(rows, conversation[rows])

    @cached_property
    def frame_arrays(self) -> dict[str, Any]:
        """The columns of all frames, in the order of the recording."""
        return _arrays(self.recording.frames)

    @cached_property
    def message_arrays(self) -> dict[str, Any]:
        """The columns of all messages, likewise."""
        return _arrays(self.recording.messages)

    @cached_property
    def segment_arrays(self) -> dict[str, Any]:
        """The columns of all segments, likewise."""
        return _arrays(self.recording.segments)

    @cached_property
    def frame_messages(self) -> Ints:
        """Number of the message of each frame in `frame_order`, -1 for none."""
        kept = self.recording.frames
        assert kept is not None  # noqa: S101 - callers looked
        place, arrays = self.frame_order, kept.arrays()
        columns = {
            name: np.asarray(arrays[name])[place.rows] for name in ("head", "sender", "message")
        }
        return message_numbers(place.connection, columns)


def _arrays(kept: FrameColumns | MessageColumns | SegmentColumns | None) -> dict[str, Any]:
    """Return columns as arrays; nothing is copied."""
    assert kept is not None  # noqa: S101 - callers looked
    return {name: np.asarray(column) for name, column in kept.arrays().items()}

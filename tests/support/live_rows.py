"""Rows that a live session wrote, beside those of a capture of the same packets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

import wsanalyze

KEYS = {"connections": ["connection"], "frames": ["connection", "frame"]}
KEYS |= {"messages": ["connection", "message"], "headers": ["connection", "sender", "position"]}
# What checks of several connections find comes later than a connection's row.
LATER = ["findings", "severity", "capture", "leg_before", "leg_behind"]
# Two captures of the same packets differ in these.
OF_CAPTURE = ["time", "time_end", "packet", "packet_end", "capture", "started", "requested"]
OF_CAPTURE += ["responded", "ended", "connect_ms", "handshake_ms", "duration_s", "tcp_stream"]
OF_CAPTURE += ["request_packet", "response_packet"]
# How much of a connection there is, is said as of when it was found.
OF_FINDINGS = ["connection", "check", "severity", "message", "sender", "time", "packet", "frame"]
OF_FINDINGS += ["evidence", "expected", "reference", "count"]


def assert_same(folder: Path, capture: Path, *, but: list[str], keylog: Path | None = None) -> None:
    """Assert that the tables in a folder are those of a capture, but for these columns."""
    analysis = wsanalyze.analyze(capture, keylog=keylog)
    for name, keys in KEYS.items():
        expected = analysis.table(name)
        left_out = [column for column in but if column in expected.columns]
        got = pd.read_parquet(folder / name).sort_values(keys, kind="stable", ignore_index=True)
        expected = expected.sort_values(keys, kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(
            got.drop(columns=left_out), expected.drop(columns=left_out), check_categorical=False
        )
    if "packet" not in but:
        assert findings(pd.read_parquet(folder / "findings")) == findings(analysis.findings)


def findings(table: pd.DataFrame) -> Counter[tuple[str, ...]]:
    """Return the rows of findings, each with how often it is there."""
    return Counter(map(tuple, table[OF_FINDINGS].astype(str).itertuples(index=False)))

"""Medians, ratios and the table that shows them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from .measure import Measurement


@dataclass
class Row:
    """One job on one file: its runs, or why there are none."""

    job: str
    runs: list[Measurement] = field(default_factory=list)
    problem: str | None = None
    """Why the job was left out: missing, or how it failed."""
    scale: float = 1.0
    """Size of the whole file in sizes of the slice that was run."""
    fixed_seconds: float = 0.0
    """Time on a single packet, which does not grow with the file."""
    packets: int | None = None
    """Packets in the slice."""

    def seconds(self) -> list[float]:
        """Wall times for the whole file; from a slice, without the fixed part, times the scale."""
        return [
            self.fixed_seconds + max(0.0, run.seconds - self.fixed_seconds) * self.scale
            for run in self.runs
        ]

    def median(self) -> float | None:
        """Median of the wall times in seconds; None without runs."""
        return statistics.median(self.seconds()) if self.runs else None

    def as_json(self) -> dict[str, object]:
        """Everything measured, as plain values."""
        return {
            "job": self.job,
            "problem": self.problem,
            "median_s": self.median(),
            "seconds": self.seconds(),
            "measured_seconds": [run.seconds for run in self.runs],
            "peak_bytes": [run.peak_bytes for run in self.runs],
            "status": [run.status for run in self.runs],
            "slice_packets": self.packets,
            "scale": self.scale,
            "fixed_seconds": self.fixed_seconds,
        }


@dataclass
class Table:
    """The rows for one file."""

    title: str
    rows: list[Row]
    against: tuple[str, ...] = ()
    """The jobs of ours that the others are divided by, where they ran."""

    def as_json(self) -> dict[str, object]:
        """The table as plain values."""
        return {"title": self.title, "rows": [row.as_json() for row in self.rows]}

    def text(self) -> str:
        """The table in Markdown, columns aligned."""
        bases = {row.job: row.median() for row in self.rows if row.job in self.against}
        head = ["job", "seconds (min-max)", "peak MB", *(f"x {name}" for name in bases)]
        lines = [head, *([*cells(row), *ratios(row, list(bases.values()))] for row in self.rows)]
        return f"## {self.title}\n\n{aligned(lines)}\n"


def cells(row: Row) -> list[str]:
    """A row's name, times and memory as shown."""
    if row.problem or not row.runs:
        return [row.job, row.problem or "not run", ""]
    seconds = row.seconds()
    mark = "~" if row.scale > 1 else ""
    times = f"{mark}{figure(statistics.median(seconds))} ({figure(min(seconds))}-"
    times += f"{figure(max(seconds))})"
    if row.scale > 1:
        measured = statistics.median(run.seconds for run in row.runs)
        times += f" from {row.packets:,} packets in {figure(measured)}"
    peak = statistics.median(run.peak_bytes for run in row.runs) / 1e6
    return [row.job, times, f"{peak:,.0f}"]


def ratios(row: Row, bases: list[float | None]) -> list[str]:
    """The row's median divided by each base."""
    median = row.median()
    return ["" if median is None or not base else figure(median / base) for base in bases]


def figure(value: float) -> str:
    """Three significant digits without an exponent: 0.0123, 1.23, 123, 12,300."""
    if value <= 0:
        return "0"
    digits = 0
    while value * 10**digits < 100 and digits < 5:
        digits += 1
    return f"{value:,.{digits}f}"


def aligned(lines: list[list[str]]) -> str:
    """A Markdown table; the first line is its head, figures are set right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    shown = [
        [line[0].ljust(widths[0]), *(map(str.rjust, line[1:], widths[1:]))]
        for line in [lines[0], rule, *lines[1:]]
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in shown)

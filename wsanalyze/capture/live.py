"""Packets while they come: what every live source is, and who opens which.

`dumpcap` as a child (dumpcap.py), a layer-2 socket of our own (layer2.py), or a stream that
somebody else writes (stream.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.stored import STANDARD_INPUT
from wsanalyze.errors import UsageError
from wsanalyze.limits import Limits

# What `source` may be; STANDARD_INPUT is chosen by naming it as the interface.
SOURCES = ("auto", "dumpcap", "socket")
# Frames on loopback are up to 65,549 bytes; segmentation offload makes some of 256 KiB.
SNAP_LENGTH = 262_144
BUFFER_MIB = 64


@dataclass(frozen=True, slots=True)
class Received:
    """Packets so far: `received` by us, lost by the kernel and by the interface (None: unknown).

    dumpcap tells what was lost when it ends.
    """

    received: int
    dropped_by_kernel: int | None
    dropped_by_interface: int | None


class LiveSource(Protocol):
    """Packets as they come, from interfaces or a stream.

    - `description`: for the start line, "dumpcap on eth0, lo (buffer 64 MiB, …)"; why no better
      source was taken stands in it, too
    - `infos`: one, as a file reader has; its interfaces and counts grow
    - `problems`: what happened since the caller last emptied it: "eth0 went down", "eth0 is back"
    - `ended`: nothing will come any more, and all that was received was handed out
    - `failure`: why it ended by itself, one line with advice; None where it was stopped, or the
      stream came to its end
    """

    description: str
    infos: list[CaptureInfo]
    problems: list[str]
    ended: bool
    failure: str | None

    def next(self, seconds: float) -> Batch | None:
        """Return the next packets; None where none came within `seconds`, or where `ended`.

        `capture` of the batch is 0, its numbers grow. It is refilled by the next call. A signal
        handler that raises is let through, and nothing is lost by it.
        """

    def stop(self) -> None:
        """Stop capturing: what was received still comes from `next`, then `ended`."""

    def statistics(self) -> Received:
        """Return the counts so far, of all interfaces together."""

    def close(self) -> None:
        """Stop at once and let go of children and descriptors; may be called twice."""


def open_live(
    interfaces: Sequence[str],
    *,
    source: str = "auto",
    capture_filter: str | None = None,
    promiscuous: bool = True,
    buffer_mib: int = BUFFER_MIB,
    snap_length: int = SNAP_LENGTH,
    user: str | None = None,
    limits: Limits | None = None,
) -> LiveSource:
    """Start to capture on interfaces, or read from standard input where `interfaces` is ["-"].

    `source`: "auto" takes dumpcap, then a socket of our own; each can be forced. `capture_filter`:
    an expression of libpcap (pcap-filter(7)). `user`: who to be once all is open, where we are
    root; None: who called sudo, where somebody did.
    Raises UsageError for what makes no sense, CaptureError where nothing can be opened: one line,
    with what to run.
    """
    if not interfaces:
        raise UsageError("name an interface (list them with: wsanalyze live --list), or -")
    if source not in SOURCES:
        raise UsageError(f"source {source!r}: it is one of {', '.join(SOURCES)}")
    if STANDARD_INPUT in interfaces and len(interfaces) > 1:
        raise UsageError("standard input cannot be read beside interfaces")
    raise NotImplementedError

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
from wsanalyze.capture.links import VIRTUAL, list_links
from wsanalyze.capture.privileges import check_user, give_up_root
from wsanalyze.capture.stored import STANDARD_INPUT
from wsanalyze.errors import CaptureError, UsageError
from wsanalyze.limits import Limits

# What `source` may be; STANDARD_INPUT is chosen by naming it as the interface.
SOURCES = ("auto", "dumpcap", "socket")
# Frames on loopback are up to 65,549 bytes; segmentation offload makes some of 256 KiB.
SNAP_LENGTH = 262_144
BUFFER_MIB = 64
# The kernel takes a number of bytes that 31 bits hold.
LARGEST_BUFFER_MIB = 2047


@dataclass(frozen=True, slots=True)
class Received:
    """Packets so far: `received` by us, lost by the kernel and by the interface (None: unknown).

    dumpcap tells what was lost when it ends.
    """

    received: int
    dropped_by_kernel: int | None
    dropped_by_interface: int | None


@dataclass(frozen=True, slots=True)
class Options:
    """How interfaces are opened; see `open_live`."""

    capture_filter: str | None = None
    promiscuous: bool = True
    buffer_mib: int = BUFFER_MIB
    snap_length: int = SNAP_LENGTH


class NotPossibleError(CaptureError):
    """A way to capture that this machine does not have, or does not permit: another one may do."""


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
    if STANDARD_INPUT in interfaces:
        return _standard_input(capture_filter, source, limits or Limits())
    check_user(user)
    options = Options(capture_filter or None, promiscuous, buffer_mib, snap_length)
    _check(interfaces, options)
    opened = _opened(interfaces, source, options, limits or Limits())
    try:
        name = give_up_root(user)
    except BaseException:
        opened.close()
        raise
    if name is not None:
        opened.description += f", from here on as {name}"
    return opened


def _standard_input(capture_filter: str | None, source: str, limits: Limits) -> LiveSource:
    from wsanalyze.capture.stream import open_standard_input

    if capture_filter:
        raise UsageError("a filter is for interfaces: give it to who writes the stream (tcpdump)")
    if source != "auto":
        raise UsageError(f"source {source} is for interfaces, not for standard input")
    return open_standard_input(limits)


def _check(interfaces: Sequence[str], options: Options) -> None:
    """Refuse what makes no sense before anything is opened."""
    if len(set(interfaces)) < len(interfaces):
        raise UsageError("an interface is named twice")
    if not 1 <= options.buffer_mib <= LARGEST_BUFFER_MIB:
        raise UsageError(f"buffer size {options.buffer_mib}: 1 to {LARGEST_BUFFER_MIB} MiB")
    if not 1 <= options.snap_length <= SNAP_LENGTH:
        raise UsageError(f"snap length {options.snap_length}: 1 to {SNAP_LENGTH} bytes")
    there = {link.name for link in list_links()} | VIRTUAL
    for name in interfaces:
        if name not in there:
            advice = "wsanalyze live --list names them"
            raise CaptureError(name, "no such interface", advice=advice)


def _opened(interfaces: Sequence[str], source: str, options: Options, limits: Limits) -> LiveSource:
    """Open with the source that was asked for, or the first that this machine has and permits."""
    from wsanalyze.capture.dumpcap import open_dumpcap
    from wsanalyze.capture.layer2 import open_layer2

    if source == "dumpcap":
        return open_dumpcap(interfaces, options, limits)
    if source == "socket":
        return open_layer2(interfaces, options, limits)
    try:
        return open_dumpcap(interfaces, options, limits)
    except NotPossibleError as first:
        try:
            opened = open_layer2(interfaces, options, limits)
        except NotPossibleError as second:
            raise NotPossibleError(
                ", ".join(interfaces),
                f"cannot be captured on: {first.what}; {second.what}",
                advice=f"run: {first.advice}",
            ) from None
        opened.description += f"; not dumpcap: {first.what}"
        return opened


@dataclass(frozen=True, slots=True)
class Offer:
    """An interface that could be captured on; `any`, all of them together, is one for dumpcap.

    `link` is its LINKTYPE_ number, None where only dumpcap knows it; `sources` which of "dumpcap"
    and "socket" would open it now.
    """

    name: str
    addresses: tuple[str, ...]
    up: bool
    loopback: bool
    link: int | None
    sources: tuple[str, ...]


def list_interfaces() -> list[Offer]:
    """Return the machine's interfaces, those that are up first, with what can open them.

    Last comes what is none by itself.
    """
    dumpcap, socket = why_not("dumpcap") is None, why_not("socket") is None
    offers = []
    for link in sorted(list_links(), key=lambda each: (not each.up, each.index)):
        sources = []
        if dumpcap and link.up:
            sources.append("dumpcap")
        if socket and link.up and link.link is not None:
            sources.append("socket")
        offers.append(
            Offer(link.name, link.addresses, link.up, link.loopback, link.link, tuple(sources))
        )
    if dumpcap:
        offers += [Offer(name, (), True, False, None, ("dumpcap",)) for name in sorted(VIRTUAL)]
    return offers


def why_not(source: str) -> NotPossibleError | None:
    """Return why "dumpcap" or "socket" cannot capture here, None where it can."""
    from wsanalyze.capture.dumpcap_command import check_dumpcap
    from wsanalyze.capture.packet_socket import check_socket

    try:
        (check_dumpcap if source == "dumpcap" else check_socket)()
    except NotPossibleError as error:
        return error
    return None

"""A capture from bytes to a recording: what is true of every one, and what it may cost."""

from __future__ import annotations

import io
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from capture.crafted_captures import pcapng
from support.invariants import check as check_invariants

from fuzz.captures import changed_capture, shipped
from fuzz.target import Target, magnitude
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

USUAL = Limits(packet=1 << 20, message=1 << 20, payload=1 << 16)
# Low enough that every one of them is reached now and then.
TIGHT = Limits(
    flows=4,
    followed=3,
    out_of_order=3000,
    out_of_order_total=4000,
    head=400,
    held=600,
    held_total=900,
    message=300,
    payload=50,
    payload_total=400,
    packet=1 << 20,
)

# What an input may cost: so much, whatever is in it, and so much for each byte of its packets. A
# frame of two bytes makes a row of its own in two tables, and a message a hash.
MEMORY, MEMORY_PER_BYTE = 8 << 20, 400
CALLS, CALLS_PER_BYTE = 50_000, 60
# The share of inputs that are measured: both ways of counting make it several times slower.
MEASURED = 16


def check(data: bytes) -> Hashable:
    """Read it, within bounds that are counted, and look whether all of it agrees."""
    dice = zlib.crc32(data)
    limits = TIGHT if dice & 1 else USUAL
    read_it = recorded if dice // 2 % MEASURED else within_bounds
    recording = read_it(data, limits)
    if recording is None:
        return None
    check_invariants(recording)
    check_counts(recording)
    return sketch(recording)


def recorded(data: bytes, limits: Limits) -> Recording | None:
    """Read a capture; None where it is none."""
    wants = Wants(payloads="full", segments=True)
    try:
        return read([io.BytesIO(data)], wants=wants, limits=limits)
    except CaptureError:
        return None


def within_bounds(data: bytes, limits: Limits) -> Recording | None:
    """Read it twice: once its memory is counted, once the calls that it makes."""
    recorded(b"", limits)
    tracemalloc.start()
    try:
        recording = recorded(data, limits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    calls = calls_of(lambda: recorded(data, limits))
    size = len(data)
    if recording is not None:
        size += recording.captures[0].captured_bytes
    assert peak <= MEMORY + MEMORY_PER_BYTE * size, f"{peak} bytes of memory for {size}"
    assert calls <= CALLS + CALLS_PER_BYTE * size, f"{calls} calls for {size} bytes"
    return recording


def calls_of(work: Callable[[], object]) -> int:
    """Return how many calls Python code makes: without kernels, a measure of all the work."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def check_counts(recording: Recording) -> None:
    """Nothing is counted that the bytes cannot hold."""
    assert recording.frames is not None
    assert recording.messages is not None
    captured = sum(each.captured_bytes for each in recording.captures)
    assert recording.frames.count * 2 <= captured
    assert recording.messages.count <= recording.frames.count
    assert len(recording.connections) * 8 <= captured
    assert len(recording.messages.digests) <= 32 * recording.messages.count


def sketch(recording: Recording) -> Hashable:
    """Return what was found, roughly."""
    (capture,) = recording.captures
    ends = frozenset((each.outcome, each.ended_by) for each in recording.connections)
    counts = (capture.frames, capture.messages, capture.lost_bytes, capture.cut_packets)
    counts += (capture.tcp_conversations, capture.udp_packets, capture.other_packets)
    reached = frozenset(name for name, times in capture.limits.items() if times)
    broken = (capture.problem or "").partition(": ")[2][:12]
    return ends, tuple(magnitude(each) for each in counts), reached, broken


def seeds() -> Sequence[bytes]:
    """Return the shipped captures that are small, and one with every kind of block."""
    return [pcapng(), *shipped()]


TARGET = Target(
    "pipeline",
    "Any capture ends in a recording that agrees with itself, for a bounded number of calls and "
    "bytes of memory.",
    seeds,
    changed_capture,
    check,
)

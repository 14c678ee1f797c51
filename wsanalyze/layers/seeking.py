# cython: language_level=3, wraparound=False, initializedcheck=False
"""A side that is lost: frames are looked for, and read on from where they were found."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.sender import Sender

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


def seek(
    recorder: Recorder,
    sender: Sender,
    buffer: Buffer,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    time: cython.longlong,
    packet: cython.longlong,
    ordinal: cython.longlong,
) -> cython.int:
    """Look for frames in the next bytes of a side; return 1 where some were found."""
    search = sender.search
    found: cython.int
    before: cython.longlong
    at: cython.longlong = sender.offset
    sender.offset += stop - start
    if search is None:
        sender.unread += stop - start
        return 0
    if start == stop:
        return 0
    before = search.held
    found = search.take(buffer, start, stop, at, time, packet, ordinal)
    recorder.held += search.held - before
    if found:
        return 1
    if recorder.held > recorder.limits.held_total:
        recorder.reach("held_total")
        recorder.held -= search.held
        search.shrink(0)
    return 0


def seek_on(
    recorder: Recorder,
    sender: Sender,
    length: cython.longlong,
    time: cython.longlong,
    packet: cython.longlong,
    ordinal: cython.longlong,
) -> cython.int:
    """Tell a side's search of another hole; return 1 where a frame that it found may go on in it.

    The hole is then to be told once more, to who reads that frame.
    """
    search = sender.search
    before: cython.longlong
    if search is not None:
        before = search.held
        found: cython.int = search.skip(length, sender.offset, time, packet, ordinal)
        recorder.held += search.held - before
        if found:
            return 1
    sender.offset += length
    return 0


def resume(layer: Layer, recorder: Recorder, side: cython.int, sender: Sender) -> cython.int:
    """Let a layer read on where frames were found, with what was held of them."""
    search = sender.search
    # What is read now was sent before what is known of the connection's end.
    reset = sender.reset
    if search is None:
        return 0
    recorder.held -= search.held
    sender.search = None
    sender.lost = 0
    sender.resyncs += 1
    sender.confidence = search.bits if search.bits < 255 else 255
    sender.unread += search.dropped
    for offset, data, missing, time, packet, ordinal in search.pieces:
        skipped = min(max(search.anchor - offset, 0), len(data) + missing)
        if skipped == len(data) + missing:
            sender.unread += len(data)
        elif missing:
            layer.gap(side, missing, time, packet, ordinal)
        else:
            if skipped or offset == search.anchor:
                sender.unread += skipped
                sender.offset = search.anchor
            layer.data(side, Buffer(data), skipped, len(data), time, packet, ordinal)
    sender.reset = reset
    return 0


def end_search(recorder: Recorder, sender: Sender) -> cython.int:
    """End a side's search; return 1 where it found frames after all, which are to be read first."""
    search = sender.search
    if search is None:
        return 0
    if search.finish():
        return 1
    recorder.held -= search.held
    search.shrink(0)
    sender.unread += search.dropped
    sender.search = None
    return 0

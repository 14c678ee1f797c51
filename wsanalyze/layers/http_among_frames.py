"""HTTP that an end writes where frames are due: its bytes are told apart and passed over."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.held import Held, length_of, replay
from wsanalyze.layers.observer import Observer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.writing import LONGEST, Writing, maybe_http


def begins(
    recorder: Recorder,
    observer: Observer | None,
    sender: Sender,
    buffer: Buffer,
    at: int,
    stop: int,
    place: tuple[int, int, int, int],
) -> bool:
    """Say whether HTTP, or what may become HTTP, begins where a frame is due: it is taken then.

    `place`: side, time, packet and ordinal. `sender.offset` is that of `at`.
    """
    verdict = maybe_http(sender.role, buffer.copy(at, min(stop, at + LONGEST)))
    if verdict is False:
        return False
    side, time, packet, ordinal = place
    sender.http = 1
    sender.offset += stop - at
    if verdict is None:
        sender.held = Held(recorder)
        sender.held.add(side, buffer.copy(at, stop), 0, time, packet, ordinal)
        return True
    _begin(observer, sender, time, packet)
    _take(observer, sender, buffer, at, stop, time)
    return True


def goes_on(
    observer: Observer | None,
    sender: Sender,
    buffer: Buffer,
    start: int,
    stop: int,
    place: tuple[int, int, int, int],
) -> bool:
    """Take the next bytes of what is, or may become, HTTP; say whether it is still that.

    Where it is not, nothing was taken: what is held is to be read as frames, and these bytes then.
    """
    held = sender.held
    side, time, packet, ordinal = place
    if held is not None:
        before = b"".join(piece.data for piece in held.pieces)
        begun = before + buffer.copy(start, min(stop, start + LONGEST))
        verdict = maybe_http(sender.role, begun)
        if verdict is False or held.exceeded() is not None:
            return False
        if verdict is None:
            held.add(side, buffer.copy(start, stop), 0, time, packet, ordinal)
            sender.offset += stop - start
            return True
        first, *_ = held.release()
        sender.held = None
        _begin(observer, sender, first.time, first.packet)
        _take(observer, sender, Buffer(before), 0, len(before), time)
    _take(observer, sender, buffer, start, stop, time)
    sender.offset += stop - start
    return True


def as_frames(layer: Layer, sender: Sender) -> None:
    """Let a layer read as frames what was held because it might have become HTTP."""
    held = sender.held
    if held is None:
        return
    # What is read now was sent before what is known of the connection's end.
    reset = sender.reset
    pieces = held.release()
    sender.http, sender.held = 0, None
    sender.judged = 1
    sender.offset -= length_of(pieces)
    replay(pieces, layer)
    sender.reset = reset


def _begin(observer: Observer | None, sender: Sender, time: int, packet: int) -> None:
    if observer is not None:
        name = "server" if sender.role else "client"
        observer.written[sender.role] = Writing(name, time, packet)


def _take(
    observer: Observer | None, sender: Sender, buffer: Buffer, start: int, stop: int, time: int
) -> None:
    if observer is not None:
        observer.written[sender.role].take(buffer, start, stop)
        watch = observer.watch(sender.role)
        watch.latest = max(watch.latest, time)

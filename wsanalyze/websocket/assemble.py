"""Messages out of the frames of one side: the layer above `scan_frames`, for bytes in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.deflate import Inflater
from wsanalyze.websocket.extensions import PERMESSAGE_DEFLATE, Deflate
from wsanalyze.websocket.frames import Frame
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.messages import MessageReader
from wsanalyze.websocket.opcodes import BINARY, CONTINUATION, TEXT, opcode_name

# What `Limits.message` and `Limits.inflate_ratio` are for captures; the reasons stand there.
MOST_BYTES = 64 * 1024 * 1024
MOST_RATIO = 500

# The whole payload is what the caller wants: it is bounded by what it has in memory already, and
# of a compressed message by the inflater.
EVERYTHING = (1 << 62) - 1

SENDERS = ("client", "server")


@dataclass(frozen=True, slots=True)
class Message:
    """One data message.

    `type` is `text` or `binary`; `payload` is unmasked, joined and decompressed, and ends where
    the message could not be followed any further; `frames` are its fragments. `complete` is False
    where it did not end, a payload was cut off, it could not be decompressed or a limit was
    reached. `utf8_valid` is None for binary messages, and where an incomplete text was good so far.
    """

    type: str
    payload: bytes
    frames: tuple[Frame, ...]
    compressed: bool
    complete: bool
    utf8_valid: bool | None


def assemble(
    frames: Iterable[Frame],
    deflate: Deflate | None = None,
    *,
    sender: str | None = None,
    limit: int = MOST_BYTES,
    ratio: int = MOST_RATIO,
) -> Iterator[Message]:
    """Yield the data messages in `frames`, which one side sent from the handshake on.

    `deflate` is what the handshake agreed on (`Handshake.deflate`); with it, `sender` says whose
    frames these are, `client` or `server`, because each side has parameters of its own. `limit`
    bounds the decompressed bytes of one message, `ratio` output bytes per input byte (looked at
    above 16 MiB).

    As in the tables, nothing is refused: control frames may come in between, a continuation of
    nothing and a reserved opcode are passed over, a message that another one interrupts or that
    never ends is yielded as incomplete. Sources: RFC 6455 §5.4, RFC 7692 §6.
    Raises ValueError where `deflate` comes without its sender.
    """
    inflater = None
    if deflate is not None:
        if sender not in SENDERS:
            raise ValueError(f"sender={sender!r}: with deflate, it must be 'client' or 'server'")
        if deflate.kind == PERMESSAGE_DEFLATE:
            alone = (
                deflate.client_no_context_takeover
                if sender == "client"
                else deflate.server_no_context_takeover
            )
            # Watched: what refers to a message before it, against the agreement, is read as well.
            inflater = Inflater(takeover=not alone, limit=limit, ratio=ratio, watched=True)
    # Not a generator itself: wrong arguments are told at the call.
    return _Assembler(inflater).messages(frames)


class _Assembler:
    """The open message of one side."""

    __slots__ = ("frames", "reader", "scratch")

    def __init__(self, inflater: Inflater | None) -> None:
        self.reader = MessageReader(EVERYTHING, False)
        self.reader.inflater = inflater
        self.scratch = Scratch()
        self.frames: list[Frame] = []

    def messages(self, frames: Iterable[Frame]) -> Iterator[Message]:
        """Yield each message when it ends."""
        reader = self.reader
        for frame in frames:
            if frame.opcode in (TEXT, BINARY):
                if reader.open:
                    # RFC 6455 §5.4: fragments of one message "MUST NOT be interleaved".
                    yield self.end(complete=False)
                # RFC 7692 §6: the first frame's RSV1 says it for the whole message.
                reader.start(frame.opcode, reader.inflater is not None and frame.rsv1)
                self.frames = []
            elif frame.opcode != CONTINUATION or not reader.open:
                continue
            self.take(frame)
            if frame.fin:
                yield self.end(complete=True)
        if reader.open:
            yield self.end(complete=False)

    def take(self, frame: Frame) -> None:
        """Add a fragment to the open message."""
        self.frames.append(frame)
        if frame.payload:
            data = Buffer(frame.payload)
            self.reader.feed(data, 0, len(frame.payload), False, 0, 0, self.scratch)
        if not frame.complete:
            self.reader.miss()

    def end(self, *, complete: bool) -> Message:
        """Return the open message, which ends here."""
        reader = self.reader
        reader.finish(complete)
        return Message(
            type=opcode_name(reader.opcode),
            payload=bytes(reader.kept),
            frames=tuple(self.frames),
            compressed=bool(reader.compressed),
            complete=bool(reader.complete),
            utf8_valid=bool(reader.utf8_valid) if reader.utf8_valid >= 0 else None,
        )

"""A frame as both dissectors have it, and our frames of a recording in that form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording


@dataclass(frozen=True, slots=True)
class Facts:
    """What is compared of a frame, beside its packet.

    `stream` is the TCP conversation as our tables number it, `port` the sender's, `rsv` the three
    bits (RSV1 is 4), `masking_key` None where it is not masked, `length` in bytes of payload.
    """

    stream: int
    port: int
    fin: int
    rsv: int
    opcode: int
    masking_key: int | None
    length: int


@dataclass(frozen=True, slots=True)
class OurFrame:
    """A frame of ours, and where it was.

    `connection` is the connection's serial. `packet` holds its first byte, `packet_end` its last;
    `readable` is the packet that completed everything before its first byte. `offset` is the place
    of its first byte in the sender's stream, `stop` that behind its last. `captured`: payload bytes
    that are in the capture.
    """

    facts: Facts
    connection: int
    from_server: bool
    packet: int
    packet_end: int
    readable: int
    offset: int
    stop: int
    captured: int

    @property
    def shown_at(self) -> int:
        """The packet at which somebody who reads in order sees the whole frame."""
        return max(self.packet_end, self.readable)

    @property
    def is_whole(self) -> bool:
        """Whether all of its payload is in the capture."""
        return self.captured >= self.facts.length


def our_frames(recording: Recording) -> Iterator[OurFrame]:
    """Yield the frames of a recording of one capture, in the order in which they ended."""
    columns = recording.frames
    if columns is None:
        return
    connections = {each.serial: each for each in recording.connections}
    names = (
        *("connection", "sender", "packet", "packet_end", "ordinal", "offset", "head", "second"),
        *("masking_key", "header_length", "length", "captured"),
    )
    arrays = columns.arrays()
    for row in zip(*(list(arrays[name]) for name in names), strict=True):
        serial, sender, packet, end, ordinal, offset, head, second, key, header, length, got = row
        connection = connections[serial]
        facts = Facts(
            -1 if connection.tcp_stream is None else connection.tcp_stream,
            port_of(connection, bool(sender)),
            head >> 7,
            head >> 4 & 7,
            head & 15,
            key if second & 0x80 else None,
            length,
        )
        # The ordinal is the place in the order of reading, which is the number in a lone capture.
        stop = offset + header + length
        yield OurFrame(facts, serial, bool(sender), packet, end, ordinal, offset, stop, got)


def port_of(connection: Connection, from_server: bool) -> int:
    """Return the TCP port of one end."""
    return connection.server_port if from_server else connection.client_port

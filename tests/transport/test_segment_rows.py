"""Rows of the table of segments, and their notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from support.layers import watch
from support.packets import ACK, FIN, RST, SYN, Packet
from support.segments import OPEN, client, server

from wsanalyze.tables.columns import NOTES


class TestSegmentRows:
    """One row per segment, numbered as Wireshark does, with at most one note."""

    def rows(self, packets: Sequence[Packet], **more: Any) -> list[dict[str, int]]:
        tap = watch(packets, segments=True, **more)
        assert tap.segments is not None
        columns = {name: list(column) for name, column in tap.segments.arrays().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def test_facts(self) -> None:
        packets = [
            *OPEN,
            client(0, b"abc", window=77),
            server(0, ack=3),
            server(0, b"XY", ack=3),
            client(3, flags=FIN | ACK, ack=2),
            server(2, flags=FIN | ACK, ack=4),
        ]
        names = ("packet", "direction", "flags", "seq", "ack", "length", "window")
        assert [tuple(row[name] for name in names) for row in self.rows(packets)] == [
            (1, 0, SYN, 0, -1, 0, 65535),
            (2, 1, SYN | ACK, 0, 1, 0, 65535),
            (3, 0, ACK, 1, 1, 0, 65535),
            (4, 0, ACK, 1, 1, 3, 77),
            (5, 1, ACK, 1, 4, 0, 65535),
            (6, 1, ACK, 1, 4, 2, 65535),
            (7, 0, FIN | ACK, 4, 3, 0, 65535),
            (8, 1, FIN | ACK, 3, 5, 0, 65535),
        ]

    # name: (packets behind the handshake, their notes)
    NOTED: ClassVar[dict[str, tuple[list[Packet], list[str | None]]]] = {
        "clean": ([client(0, b"ab"), server(0, ack=2), server(0, b"X", ack=2)], [None] * 3),
        "retransmission": ([client(0, b"ab"), client(0, b"ab")], [None, "retransmission"]),
        "SYN again": ([OPEN[0]], ["retransmission"]),
        "hole and filling": (
            [client(2, b"cd"), client(4, b"ef"), client(0, b"ab")],
            ["lost-before", None, "out-of-order"],
        ),
        "overlap": ([client(0, b"ab"), client(1, b"bc")], [None, "overlap"]),
        "overlap with what waits": (
            [client(2, b"cd"), client(3, b"de"), client(0, b"ab")],
            ["lost-before", "overlap", "out-of-order"],
        ),
        "conflict": (
            [client(2, b"cd"), client(2, b"XX"), client(0, b"ab")],
            ["lost-before", "overlap-conflict", "out-of-order"],
        ),
        "keep-alive": ([client(0, b"ab"), client(1, b"b"), client(1)], [None] + ["keep-alive"] * 2),
        "zero window": ([client(0, b"ab"), server(0, ack=2, window=0)], [None, "zero-window"]),
        "reset": ([client(0, b"ab"), server(0, flags=RST, window=0)], [None, "reset"]),
    }

    @pytest.mark.parametrize(("packets", "notes"), NOTED.values(), ids=NOTED)
    def test_notes(self, packets: list[Packet], notes: list[str | None]) -> None:
        rows = self.rows([*OPEN, *packets])
        assert [NOTES[row["note"]] for row in rows[3:]] == notes

    def test_columns_grow(self) -> None:
        rows = self.rows([*OPEN, *(client(i, b"x") for i in range(1000))])
        assert [row["packet"] for row in rows] == list(range(1, 1004))
        assert [row["seq"] for row in rows[3:]] == list(range(1, 1001))
        assert [row["ordinal"] for row in rows] == list(range(1, 1004))

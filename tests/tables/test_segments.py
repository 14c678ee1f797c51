"""Which connection a TCP segment belongs to, and what its row says."""

from __future__ import annotations

import pytest

from tables.recordings import T0, connection, recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.flags import FLAG_TEXTS


def segment(**facts: int) -> dict[str, int]:
    """Return a row of SegmentColumns; `packet` is the ordinal unless given."""
    return {"packet": facts.get("ordinal", 0), "time": T0} | facts


def test_connections_on_one_conversation_share_its_segments_by_order() -> None:
    record = recording(
        [
            connection(0, conversation=4, requested_ordinal=10),
            connection(1, conversation=2, requested_ordinal=11),
            connection(2, conversation=4, requested_ordinal=20),
        ],
        segments=[segment(conversation=4, ordinal=place) for place in (1, 10, 19, 20, 30)]
        + [segment(conversation=2, ordinal=place) for place in (2, 40)]
        + [segment(conversation=3, ordinal=5)],
    )
    table = Tables(record).segments
    assert list(zip(table["connection"], table["packet"], strict=True)) == [
        (0, 1),
        (0, 10),
        (0, 19),
        (1, 2),
        (1, 40),
        (2, 20),
        (2, 30),
    ]


@pytest.mark.parametrize(
    ("direction", "client_direction", "sender"),
    [(0, 0, "client"), (1, 0, "server"), (0, 1, "server"), (1, 1, "client")],
)
def test_sender(direction: int, client_direction: int, sender: str) -> None:
    record = recording(
        [connection(client_direction=client_direction)], segments=[segment(direction=direction)]
    )
    assert Tables(record).segments["sender"].tolist() == [sender]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (0, ""),
        (0x02, "SYN"),
        (0x12, "SYN,ACK"),
        (0x11, "FIN,ACK"),
        (0x18, "PSH,ACK"),
        (0x14, "RST,ACK"),
        (0x1FF, "FIN,SYN,RST,PSH,ACK,URG,ECE,CWR,NS"),
    ],
)
def test_flags(flags: int, text: str) -> None:
    assert FLAG_TEXTS[flags] == text
    record = recording([connection()], segments=[segment(flags=flags)])
    assert Tables(record).segments["flags"].tolist() == [text]


def test_unknown_sequence_numbers_and_no_note_are_na() -> None:
    record = recording(
        [connection()], segments=[segment(seq=-1, ack=-1), segment(ordinal=1, seq=0, ack=7, note=1)]
    )
    table = Tables(record).segments
    assert table[["seq", "ack", "note"]].isna().values.tolist() == [[True] * 3, [False] * 3]
    assert table.iloc[1][["seq", "ack", "note"]].tolist() == [0, 7, "retransmission"]


def test_no_segments_of_other_conversations_alone() -> None:
    record = recording([connection()], segments=[segment(conversation=8)])
    assert Tables(record).segments.empty

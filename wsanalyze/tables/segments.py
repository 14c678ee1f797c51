"""The `segments` table: the TCP segments of conversations that have WebSocket connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.tables.arrays import batch, coded, of_texts, plain, times
from wsanalyze.tables.flags import FLAG_TEXTS
from wsanalyze.tables.numbering import Columns, Ints
from wsanalyze.tables.rows import in_order
from wsanalyze.tables.runs import Run, Stretches, blocks, concatenated, together
from wsanalyze.tables.schema import SEGMENTS


def build(recording: Recording, runs: Sequence[Run]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table; none where the pass kept no segments.

    Several connections on one conversation share its segments by the order of reading: a segment
    belongs to the last connection that was requested before it, and what came before the first
    request belongs to the first.
    """
    connections = in_order(recording.connections)
    if not connections:
        return
    client_direction = np.array([each.client_direction for each in connections])
    for number, columns in blocks(runs, owned(runs, connections)):
        yield _batch(columns, number, client_direction[number])


def owned(runs: Sequence[Run], connections: Sequence[Connection]) -> Stretches:
    """Return the stretches of the runs that belong to connections, with the numbers of those."""
    by_conversation: dict[int, list[tuple[int, int]]] = {}
    for number, each in enumerate(connections):
        # In order of their requests, as they are numbered.
        by_conversation.setdefault(each.conversation, []).append((each.requested_ordinal, number))
    conversations = np.array(sorted(by_conversation), dtype=np.int64)
    first = np.array([by_conversation[each][0][1] for each in conversations.tolist()])
    shared = [each for each, owners in by_conversation.items() if len(owners) > 1]
    stretches = together(runs, lambda mine: mine.owner)
    place = np.searchsorted(conversations, stretches.owner)
    known = np.flatnonzero(
        conversations[np.minimum(place, len(conversations) - 1)] == stretches.owner
    )
    is_shared = np.isin(stretches.owner[known], shared)
    alone, others = known[~is_shared], stretches[known[is_shared]]
    mine = stretches[alone]
    parts = [Stretches(first[place[alone]], mine.run, mine.start, mine.stop)]
    for row in range(len(others)):
        one = others[row : row + 1]
        parts.append(_divided(runs, one, by_conversation[int(one.owner[0])]))
    return concatenated(parts)


def _divided(runs: Sequence[Run], mine: Stretches, owners: list[tuple[int, int]]) -> Stretches:
    """Return one stretch divided among the connections of its conversation."""
    run, start, stop = int(mine.run[0]), int(mine.start[0]), int(mine.stop[0])
    ordinals = runs[run].read(start, stop, ("ordinal",))["ordinal"]
    requested = np.array([ordinal for ordinal, _ in owners])
    cuts = start + np.searchsorted(ordinals, requested[1:])
    starts, stops = np.append(start, cuts), np.append(cuts, stop)
    there = np.flatnonzero(stops > starts)
    numbers = np.array([number for _, number in owners])
    return Stretches(numbers[there], np.full(len(there), run), starts[there], stops[there])


def _batch(columns: Columns, number: Ints, client_direction: Ints) -> pa.RecordBatch:
    flags = plain((columns["flags"] & 0x1FF).astype(np.int16))
    return batch(
        SEGMENTS,
        {
            "connection": plain(number),
            "packet": plain(columns["packet"]),
            "time": times(columns["time"]),
            "sender": coded(SEGMENTS.column("sender"), columns["direction"] != client_direction),
            "flags": of_texts(FLAG_TEXTS).take(flags),
            "seq": plain(columns["seq"], columns["seq"] < 0),
            "ack": plain(columns["ack"], columns["ack"] < 0),
            "length": plain(columns["length"]),
            "window": plain(columns["window"].astype(np.int64)),
            # Note 0 is "nothing", which is NA.
            "note": coded(SEGMENTS.column("note"), columns["note"].astype(np.int8) - 1),
        },
    )

"""Who cut which connections, as text: a line for each cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsanalyze.checks.who_cut import OF_CUTS
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import prose
from wsanalyze.views.folding import NAMED
from wsanalyze.views.quantities import counted, number
from wsanalyze.views.wrapping import Line, wrapped

# Causes that are told.
CAUSES = 6


def connections_named(found: Sequence[int]) -> str:
    """Return connections by their numbers, the first ones of many: `connections 0, 2`."""
    noun = "connection" if len(found) == 1 else "connections"
    # A number is as short as the words that one more is there.
    first = found if len(found) <= NAMED + 1 else found[:NAMED]
    more = f" and {number(len(found) - NAMED)} more" if len(found) > len(first) else ""
    return f"{noun} {', '.join(map(str, first))}{more}"


def cut_lines(audited: Audited, width: int) -> Iterator[Line]:
    """Yield who cut which connections, where some were cut."""
    groups = audited.cuts
    if not groups:
        return
    yield [("Who cut it", "bold")]
    for group in groups[:CAUSES]:
        text = f"{prose(group.cause)}: {connections_named(group.connections)}"
        yield from (
            [(f"{'    ' if place else '  '}{each}", "")]
            for place, each in enumerate(wrapped(text, width - 4))
        )
    if len(groups) > CAUSES:
        rest = counted(sum(len(each.connections) for each in groups[CAUSES:]), "more connection")
        yield [(f"  … and {rest}, cut otherwise: each is told below", "")]
    counted_only = sum(
        each.count for each in audited.findings if each.connection is None and each.check in OF_CUTS
    )
    if counted_only:
        say = "says, which is" if counted_only == 1 else "say, which are"
        text = f"  … and what {counted(counted_only, 'more finding')} {say} counted alone"
        yield [(text, "")]
    yield []

"""Very many connections: exact lines, none wider than the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from wsanalyze.views.escape import cells
from wsanalyze.views.listing import Listing, Row

ROWS = [
    Row("9", "192.0.2.1:5 → 192.0.2.2:80", "ws://a/b", "refused", "red", " 403", "↑ 0", "2.00 s"),
    Row("10", "[::1]:5 → [::1]:80", "wss://é/" + "x" * 90, "unseen", "yellow", "", "↑ 1", "1 h"),
]


def printed(width: int, color: bool = False) -> str:
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=color)
    console.print(Listing(ROWS, width, wide=width >= 150), end="", crop=False)
    return sink.getvalue()


def test_two_lines_each() -> None:
    assert [line.rstrip() for line in printed(60).splitlines()] == [
        " #  client → server             resource",
        "    frames       time  outcome",
        " 9  192.0.2.1:5 → 192.0.2.2:80  ws://a/b",
        "    ↑ 0        2.00 s  refused 403",
        "10  [::1]:5 → [::1]:80          wss://é/xxxxxxxxxxxxxxxxxxx…",
        "    ↑ 1           1 h  unseen",
    ]


def test_one_line_each_where_there_is_room() -> None:
    lines = printed(160).splitlines()
    assert [" ".join(line.split()) for line in lines[:2]] == [
        "# client → server frames time outcome resource",
        "9 192.0.2.1:5 → 192.0.2.2:80 ↑ 0 2.00 s refused 403 ws://a/b",
    ]
    assert lines[2].index("wss:") == lines[1].index("ws:") == lines[0].index("resource")


@pytest.mark.parametrize("width", [1, 10, 40, 80, 150, 300])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(sum(map(cells, line)) for line in printed(width).splitlines()) <= width


def test_outcomes_have_their_colors() -> None:
    assert "\x1b[31mrefused\x1b[0m" in printed(80, color=True)
    assert "\x1b" not in printed(80)

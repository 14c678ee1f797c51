"""Ladder diagrams: the same rows as text and as SVG, in lanes, with silences folded."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from story.told import analysis, told

from wsanalyze.errors import UsageError
from wsanalyze.story.model import Event
from wsanalyze.tables.build import Tables
from wsanalyze.tables.objects import AnalyzedConnection
from wsanalyze.views.escape import cells
from wsanalyze.views.ladder import Ladder
from wsanalyze.views.rungs import MOST, rungs_of

SVG = "{http://www.w3.org/2000/svg}"


def arrows(ladder: Ladder) -> list[tuple[str, int, int]]:
    return [(each.packet, each.start, each.stop) for each in ladder.rungs() if each.kind == "arrow"]


def test_arrows_go_from_who_sends() -> None:
    assert arrows(Ladder(told("hixie-76.pcapng", frames=(0, 0)))) == [
        ("1", 0, 1),
        ("2", 1, 0),
        ("3", 0, 1),
        ("4", 0, 1),
        ("6", 1, 0),
        ("10", 0, 1),
        ("18", 0, 1),
        ("19", 1, 0),
        ("20", 1, 0),
        ("21", 0, 1),
    ]


def test_two_legs_have_three_lanes() -> None:
    ladder = Ladder(told("nginx-proxy.pcapng", 0))
    assert ladder.lanes == (
        "client 127.0.0.1:40985",
        "proxy 127.0.0.1:9114",
        "server 127.0.0.1:9014",
    )
    assert {pair for _, *pair in map(tuple, arrows(ladder)) for pair in [tuple(pair)]} == {
        (0, 1),
        (1, 0),
        (1, 2),
        (2, 1),
    }


def test_silences_are_folded_and_labelled() -> None:
    folds = [each.label for each in Ladder(told("idle-crowd.pcapng", 1)).rungs()]
    assert "1 min 02 s" in folds
    assert not [each for each in Ladder(told("chat-ws.pcapng")).rungs() if each.kind == "fold"]


def test_a_capture_that_ends_first_says_so() -> None:
    last = list(Ladder(told("capture-ends-open.pcap")).rungs())[-1]
    assert (last.kind, last.start, last.stop) == ("note", 0, 1)


def test_long_diagrams_are_cut_and_counted() -> None:
    story = told("chat-ws.pcapng")
    one = story.events[-1]
    many = Ladder(replace(story, events=(one,) * (MOST + 5)))
    rows = list(many.rungs())
    assert len(rows) == MOST + 1
    assert rows[-1].label == "… and 5 more"
    assert many.svg.count('class="shaft"') == MOST


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(("name", "number"), [("chat-ws.pcapng", 0), ("nginx-proxy.pcapng", 0)])
def test_lanes_are_straight(name: str, number: int, width: int) -> None:
    ladder = Ladder(told(name, number))
    rows = [line for line in ladder.text(width).splitlines()[2:] if "│" in line]
    columns = set()
    for row in rows:
        at, places = 0, []
        for character in row:
            if character == "│":
                places.append(at)
            at += cells(character)
        columns.add((places[0], places[-1]))
    assert len(columns) == 1
    if width >= 80:
        assert columns.pop()[1] < width


SENT_AGAIN = Event("tcp", "client", 0, 1, 1, "data", note="retransmission")
MISSING = Event("gap", "server", 0, 2, 2, "not in the capture", length=9)
SEALED = Event("gap", "server", 0, 3, 3, "sealed", length=9, sealed=True)
SAID = Event("websocket", "client", 0, 4, 4, "text")


def test_what_was_sent_again_is_missing_or_sealed_is_drawn_each_in_another_way() -> None:
    """And the legend says what each of them is."""
    events = (SENT_AGAIN, MISSING, SEALED, SAID)
    ladder = Ladder(replace(told("chat-ws.pcapng"), events=events))
    styles = [each.style for each in ladder.rungs() if each.kind == "arrow"]
    assert styles == ["noted", "gap", "sealed", "websocket"]
    *rows, again, missing, sealed = ladder.text(100).splitlines()
    assert [dash for row, dash in zip(rows[-4:], "╌┈═─", strict=True) if dash * 3 in row] == [
        *("╌", "┈", "═", "─")
    ]
    assert again.strip().startswith("╌╌╌► of note in TCP")
    assert missing.strip() == "┈┈┈► not in the capture"
    assert sealed.strip().startswith("═══► sealed: in the capture, and no key")
    assert all(text in ladder.svg for text in ("of note in TCP", "sealed: in the capture"))
    dashes = re.findall(r"\.(noted|gap|sealed) \.shaft{stroke-dasharray:([\d. ]+)}", ladder.svg)
    assert len({dash for _, dash in dashes}) == len(dashes) == 3


def test_the_legend_has_what_there_is() -> None:
    ladder = Ladder(replace(told("chat-ws.pcapng"), events=(SAID, SEALED)))
    assert ladder.text(100).splitlines()[-1].strip().startswith("═══► sealed")
    assert "not in the capture" not in ladder.svg
    plain = Ladder(replace(told("chat-ws.pcapng"), events=(SAID,)))
    assert "►" in plain.text(100).splitlines()[-1]
    assert "sample" not in plain.svg


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_legend_fits(width: int) -> None:
    events = (SENT_AGAIN, MISSING, SEALED)
    ladder = Ladder(replace(told("chat-ws.pcapng"), events=events))
    assert all(sum(map(cells, line)) <= width for line in ladder.text(width).splitlines()[-3:])


def test_svg_is_well_formed_and_asks_for_nothing() -> None:
    for name in ("chat-wss.pcapng", "nginx-idle.pcapng", "lossy-path-client.pcapng"):
        svg = Ladder(told(name)).svg
        root = ET.fromstring(svg)  # noqa: S314 - our own
        assert root.tag == f"{SVG}svg"
        drawn = [each for each in root.iter(f"{SVG}path") if each.get("class") == "shaft"]
        assert len(drawn) == len(arrows(Ladder(told(name))))
        assert not re.search(r"<script|href|url\(|@import|on\w+=|http://(?!www\.w3\.org)", svg)


def test_svg_has_colours_for_light_and_dark() -> None:
    assert "prefers-color-scheme:dark" in Ladder(told("chat-ws.pcapng")).svg


def test_text_in_svg_is_escaped() -> None:
    event = Event("http", "client", 0, 1, 1, "</text><script>\x1b\u202e&\"'", "<b>")
    svg = Ladder(replace(told("chat-ws.pcapng"), events=(event,))).svg
    assert "&lt;/text&gt;&lt;script&gt;\\x1b\\u202e&amp;&quot;&#x27;" in svg
    ET.fromstring(svg)  # noqa: S314 - our own


def test_connections_draw_themselves() -> None:
    (connection,) = analysis("chat-ws.pcapng")
    ladder = connection.ladder()
    assert ladder._repr_html_() == ladder.svg
    assert "Hello" in str(ladder)
    assert repr(ladder).startswith("<ladder of connection 0: ")
    assert len(str(connection.ladder(frames=(0, 0)))) < len(str(ladder))


def test_a_connection_of_no_analysis_cannot() -> None:
    recording = analysis("chat-ws.pcapng").recording
    alone = AnalyzedConnection(Tables(recording), 0, recording.connections[0])
    with pytest.raises(UsageError, match="no analysis"):
        alone.ladder()


def test_times_before_zero_are_explained() -> None:
    """A leg may be told whose client asked its proxy before: the diagram begins with that."""
    rungs = list(rungs_of(told("nginx-proxy.pcapng", 1)))
    assert (rungs[0].kind, rungs[0].time) == ("note", "")
    assert "negative" in rungs[0].label
    assert rungs[1].time.startswith("-")
    assert not any("negative" in rung.label for rung in rungs_of(told("nginx-proxy.pcapng", 0)))


def test_a_clock_that_goes_back_is_said() -> None:
    story = told("chat-ws.pcapng")
    early = replace(story.events[5], time=story.events[5].time - 7_000_000_000)
    turned = replace(story, events=(*story.events[:5], early, *story.events[6:]))
    notes = [rung.label for rung in rungs_of(turned) if rung.kind == "note"]
    assert sum("goes back by 7.00 s" in label for label in notes) == 1
    assert sum("seconds go back" in label for label in notes) == 1
    assert [rung.label for rung in rungs_of(turned) if rung.kind == "fold"] == ["7.00 s"]


def test_a_label_that_has_no_room_between_narrow_lanes_stands_beside_its_arrow() -> None:
    lines = Ladder(told("socks-tunnels.pcapng", 14)).text(100).splitlines()
    (asked,) = [line for line in lines if "SOCKS5 CONNECT" in line]
    assert "►│ SOCKS5 CONNECT 127.0.0.1:9161, 10 B " in asked
    (answered,) = [line for line in lines if line.split()[1] == "416"]
    assert "101 Switching Protocols, 303 B │◄──" in answered
    assert {len(line) for line in lines[2:] if "⋮" not in line} == {len(lines[2])}

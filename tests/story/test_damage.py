"""Damaged captures: whatever is left of a connection can be told, and drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.chance import chance

import wsanalyze
from story.told import CAPTURES
from wsanalyze.errors import WsAnalyzeError
from wsanalyze.story.quiz import questions
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder import Ladder

NAMES = (
    "fragments.pcapng",
    "hixie-76.pcapng",
    "hostile-contents.pcapng",
    "hybi-early.pcapng",
    "nginx-proxy.pcapng",
    "snapped.pcap",
    "websockets-deflate.pcapng",
    "wss-http2.pcapng",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_is_told(tmp_path: Path, name: str, seed: int) -> None:
    source, data = chance(seed), bytearray((CAPTURES / name).read_bytes())
    for _ in range(source.choice((1, 5, 40, 300))):
        data[source.randrange(200, len(data))] = source.randrange(256)
    path = tmp_path / name
    path.write_bytes(data)
    try:
        analysis = wsanalyze.analyze(path)
    except WsAnalyzeError:
        return
    for connection in list(analysis)[:3]:
        story = analysis.explain(connection.number, frames=(0, 40))
        lines = ["".join(text for text, _ in line) for line in explained_lines(story, 60)]
        assert all(character.isprintable() for line in lines for character in line)
        ET.fromstring(Ladder(story).svg)  # noqa: S314 - our own
        assert all(bool(each.answers) != bool(each.choices) for each in questions(story))

"""What is told of a connection of which one end has no secret: it is there, and sealed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from story.told import one_sided

from wsanalyze.analysis import Analysis
from wsanalyze.story.quiz_end import of_end
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder import Ladder
from wsanalyze.views.summary import print_summary

pytest.importorskip("cryptography")

CLIENT, SERVER = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"


def told(analysis: Analysis) -> str:
    lines = explained_lines(analysis.explain(0), 400)
    return "\n".join("".join(piece for piece, _ in line).strip() for line in lines)


def summed_up(analysis: Analysis) -> str:
    sink = io.StringIO()
    print_summary(analysis.recording, Console(file=sink, width=200))
    return sink.getvalue()


def test_a_client_without_a_secret(tmp_path: Path) -> None:
    analysis = one_sided(tmp_path, CLIENT)
    text = told(analysis)
    assert "its request could not be read; " in text
    assert "The request could not be read: no key that is known opens what the client sent." in text
    assert "The key is in the request, which could not be read." in text
    assert "Who sent the first Close is not known: what the client sent could not be read." in text
    assert "not in the capture" not in text
    assert "Ended by" not in text
    shown = summed_up(analysis)
    assert "1 decrypted (of 1 there is no secret for one end), 0 not" in shown
    assert "1 attempt: 1 without a whole handshake that could be read" in shown
    assert "wss, request not readable" in shown
    assert "request not readable 101, first Close not known; " in shown


def test_a_server_without_a_secret(tmp_path: Path) -> None:
    analysis = one_sided(tmp_path, SERVER)
    text = told(analysis)
    assert "its answer could not be read; " in text
    assert "The answer could not be read: no key that is known opens what the server sent." in text
    assert "the server sent         what could not be read" in text
    assert "Who sent the first Close is not known: what the server sent could not be read." in text
    assert "not in the capture" not in text
    assert "answer not readable, first Close not known; " in summed_up(analysis)


def test_nobody_is_asked_who_closed_first(tmp_path: Path) -> None:
    asked = {each.topic for each in of_end(one_sided(tmp_path, CLIENT).explain(0))}
    assert "close-code" in asked
    assert not asked & {"who-closed", "both-closed", "no-close"}


@pytest.mark.parametrize(("missing", "sender"), [(CLIENT, "client"), (SERVER, "server")])
def test_each_sealed_segment_is_drawn(tmp_path: Path, missing: str, sender: str) -> None:
    analysis = one_sided(tmp_path, missing)
    story = analysis.explain(0)
    drawn = {each.packet: each.length for each in story.events if each.label == "sealed"}
    # All that it sent behind its Finished, but for what TCP sent again.
    behind = max(each.packet for each in story.secure.steps if each.sender == sender)  # type: ignore[union-attr]
    segments = analysis.segments
    sent = segments[(segments["sender"] == sender) & (segments["length"] > 0)]
    sent = sent[sent["note"].isna() & (sent["packet"] > behind)]
    assert drawn == dict(zip(sent["packet"], sent["length"], strict=True))
    assert len(drawn) > 3
    assert {each.sender for each in story.events if each.label == "sealed"} == {sender}
    assert not story.holes
    assert "sealed, " in Ladder(story).text(100)

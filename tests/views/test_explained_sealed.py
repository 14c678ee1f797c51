"""What is told of a connection of which one end has no secret: it is there, and sealed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from story.told import CAPTURES, one_sided

import wsanalyze
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Story
from wsanalyze.story.quiz_end import of_end
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder import Ladder
from wsanalyze.views.summary import print_summary

pytest.importorskip("cryptography")

CLIENT, SERVER = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
# HTTP/2 in TLS; TLS in TLS by CONNECT of HTTP/1.1, and of HTTP/2.
HTTP2, TUNNEL, STREAM = "wss-http2.pcapng", "wss-tunnels.pcapng", "http2-connect.pcapng"


def told(analysis: Analysis, number: int = 0) -> str:
    lines = explained_lines(analysis.explain(number), 400)
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
    assert "═══► sealed: in the capture" in Ladder(story).text(100)
    assert all(each.sealed is (each.label == "sealed") for each in story.events)


def wss_to(analysis: Analysis, port: int) -> int:
    """Return the first connection of wss to a port."""
    rows = analysis.connections
    found = rows[(rows["server_port"] == port) & (rows["scheme"] == "wss")]
    return int(found["connection"].iloc[0])


def drawn_of(story: Story, number: int, sender: str) -> dict[int | None, int]:
    """Return packets and lengths of what is drawn as sealed of one end of a connection."""
    return {
        each.packet: each.length or 0
        for each in story.events
        if "sealed" in each.label and each.sender == sender and each.connection in (number, None)
    }


def sealed_bytes(analysis: Analysis, sender: str) -> set[int]:
    """Return how many bytes TLS-09 says of each TLS connection of which it says some."""
    tls = analysis.recording.tls
    return {getattr(each, f"{sender}_sealed") for each in tls} - {0}


@pytest.mark.parametrize(("missing", "sender"), [(CLIENT, "client"), (SERVER, "server")])
def test_every_stream_of_http2_has_what_is_sealed(
    tmp_path: Path, missing: str, sender: str
) -> None:
    analysis = one_sided(tmp_path, missing, HTTP2)
    segments = analysis.segments
    sent = segments[(segments["sender"] == sender) & (segments["length"] > 0)]
    assert len(analysis.connections) == 3
    for number in range(3):
        story = analysis.explain(number)
        behind = max(each.packet for each in story.secure.steps if each.sender == sender)  # type: ignore[union-attr]
        rest = sent[sent["note"].isna() & (sent["packet"] > behind)]
        drawn = drawn_of(story, number, sender)
        assert drawn == dict(zip(rest["packet"], rest["length"], strict=True))
        assert {sum(drawn.values())} == sealed_bytes(analysis, sender)
        details = {each.detail for each in story.events if each.label == "sealed"}
        assert details == {"of any stream"}


@pytest.mark.parametrize(
    ("capture", "port"), [(TUNNEL, 9182), (STREAM, 9323)], ids=["connect", "stream"]
)
@pytest.mark.parametrize(("missing", "sender"), [(CLIENT, "client"), (SERVER, "server")])
def test_what_is_sealed_within_another_tls(
    tmp_path: Path, capture: str, port: int, missing: str, sender: str
) -> None:
    analysis = one_sided(tmp_path, missing, capture, -1)
    number = wss_to(analysis, port)
    drawn = drawn_of(analysis.explain(number), number, sender)
    # In the packets in which its frames are where all is known.
    whole = wsanalyze.analyze(CAPTURES / capture)
    frames = whole.frames[whole.frames["connection"] == wss_to(whole, port)]
    of_sender = frames[frames["sender"] == sender]
    assert len(of_sender) > 2
    assert set(of_sender["packet"]) <= set(drawn)
    # As much as TLS-09 says.
    assert {sum(drawn.values())} == sealed_bytes(analysis, sender)


@pytest.mark.parametrize(
    ("capture", "port"),
    [(HTTP2, 9321), (TUNNEL, 9182), (STREAM, 9323)],
    ids=["http2", "connect", "stream"],
)
@pytest.mark.parametrize(("other", "sender"), [(CLIENT, "client"), (SERVER, "server")])
def test_what_no_record_of_opens_with_its_secret(
    tmp_path: Path, capture: str, port: int, other: str, sender: str
) -> None:
    missing, wrong = (
        one_sided(tmp_path / str(each), other, capture, -1, wrong=each) for each in (False, True)
    )
    numbers = wss_to(missing, port), wss_to(wrong, port)
    known = drawn_of(missing.explain(numbers[0]), numbers[0], sender)
    drawn = drawn_of(wrong.explain(numbers[1]), numbers[1], sender)
    # A record that is tried is in the packet that completes it.
    assert set(drawn) == set(known)
    assert sum(drawn.values()) == sum(known.values())
    assert {sum(drawn.values())} == sealed_bytes(wrong, sender)


def test_which_of_two_tls_is_sealed(tmp_path: Path) -> None:
    analysis = one_sided(tmp_path, CLIENT, TUNNEL, -1)
    number = wss_to(analysis, 9182)
    gaps = {each.label for each in analysis.explain(number).events if each.layer == "gap"}
    assert gaps == {"inner: sealed"}


def test_words_about_http2_of_which_an_end_is_sealed(tmp_path: Path) -> None:
    client, server = (told(one_sided(tmp_path, each, HTTP2)) for each in (CLIENT, SERVER))
    for text in (client, server):
        assert "not in the capture." not in text
        assert "The other end's Close, if there was one, could not be read." in text
    assert "The server says that it knows extended CONNECT; whether it had before " in client
    assert "Whether the server knows extended CONNECT could not be read." in server


def test_a_close_within_a_tunnel_that_is_sealed(tmp_path: Path) -> None:
    analysis = one_sided(tmp_path, CLIENT, STREAM, -1)
    text = told(analysis, wss_to(analysis, 9323))
    assert "The other end's Close, if there was one, could not be read." in text

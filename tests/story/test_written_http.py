"""HTTP in the place of frames, as it is told: once, as text, and without its secrets."""

from __future__ import annotations

import io

import pytest
from support.packets import ACK, CLIENT, SERVER, SYN, pcap_of, segment
from support.sessions import frame, request, response

import wsanalyze
from story.told import told
from wsanalyze.story.model import Story
from wsanalyze.views.explained import explained_lines

TEXT = (
    "GET /next?token=s3cretS3CRET123456 HTTP/1.1\r\nHost: a\r\n"
    "Authorization: Bearer s3cretS3CRET123456\r\n\r\nbody"
)


def story_of(text: str, *, show_secrets: bool = False) -> Story:
    """Return the story of a session in which the server's frame and a client's text cross."""
    packets = [segment(CLIENT, SERVER, 0, 0, SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    numbers = [1, 1]
    sent = [(0, request()), (1, response() + frame(b"hello")), (0, text.encode())]
    for side, data in sent:
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        packets.append(segment(*ends, numbers[side], numbers[1 - side], ACK, data))
        numbers[side] += len(data)
    analysis = wsanalyze.analyze(io.BytesIO(pcap_of(packets)))
    return analysis.explain(0, show_secrets=show_secrets)


def lines(story: Story) -> str:
    return "\n".join("".join(text for text, _ in line) for line in explained_lines(story, 120))


def test_what_is_told_of_it() -> None:
    story = story_of(TEXT, show_secrets=True)
    (written,) = story.written
    assert (written.sender, written.packet, written.length) == ("client", 5, len(TEXT))
    assert written.text == TEXT
    assert [each.check for each in written.findings] == ["FRM-13"]
    assert story.frame_count == 1
    assert story.events[-1].label == "HTTP, no frame"
    assert (story.events[-1].length, story.events[-1].severity) == (len(TEXT), "error")


def test_it_goes_without_its_secrets() -> None:
    story = story_of(TEXT)
    shown = lines(story) + repr(story)
    assert "S3CRET" not in shown
    assert "GET /next?... HTTP/1.1" in lines(story)
    assert "are in the capture" not in lines(story).partition("HTTP, no frame")[2][:400]


@pytest.mark.parametrize(("number", "sender"), [(0, "client"), (2, "server")])
def test_recorded_ones(number: int, sender: str) -> None:
    story = told("http-behind-upgrade.pcapng", number)
    (written,) = story.written
    assert written.sender == sender
    assert written.text.startswith("HTTP/1.1 200 OK\r\n" if sender == "server" else "GET ")
    assert lines(story).count("FRM-13") >= 1

"""A story put together: every connection has one, and its bytes are those of the capture."""

from __future__ import annotations

import io

import pytest

import wsanalyze
from story.told import CAPTURES, analysis, told
from wsanalyze.errors import UsageError
from wsanalyze.views.rungs import lanes_of

# The ends of connection 0 of nginx-proxy.pcapng, beside the proxy.
CLIENT, BACKEND = "127.0.0.1:40985", "127.0.0.1:9014"
# In clear text, one packet a frame, so that what a frame is told to be stands in a packet.
CLEAR = ("chat-ws.pcapng", "websockets-plain.pcapng", "fragments.pcapng", "hixie-76.pcapng")
EVERY = (
    "chat-wss.pcapng",
    "connect-tunnels.pcapng",
    "deflate-parameters.pcapng",
    "from-the-middle.pcapng",
    "hixie-75.pcapng",
    "http2-streams.pcapng",
    "http2-upgrade.pcapng",
    "hybi-drafts.pcapng",
    "hybi-early.pcapng",
    "nginx-proxy.pcapng",
    "socks-tunnels.pcapng",
    "unruly-peers.pcapng",
    "vxlan-fragments.pcapng",
    "wss-http2.pcapng",
    "wss-tls12.pcapng",
    "wss-tunnels.pcapng",
)


@pytest.mark.parametrize("name", CLEAR)
def test_the_bytes_of_a_frame_stand_in_the_capture(name: str) -> None:
    raw = (CAPTURES / name).read_bytes()
    story = told(name)
    assert story.frames
    for frame in story.frames:
        assert len(frame.header) == frame.header_length
        assert frame.header + frame.masked[:400] in raw, frame.number


@pytest.mark.parametrize("name", EVERY)
def test_bytes_are_found_whatever_they_travelled_in(name: str) -> None:
    """TLS, tunnels, HTTP/2, old drafts: the header says what the table of frames says."""
    for connection in analysis(name):
        story = told(name, connection.number)
        assert story.frame_count == len(connection.frames)
        for told_frame, frame in zip(story.frames, connection.frames, strict=False):
            assert told_frame.header, (connection.number, frame.number)
            assert len(told_frame.payload) == min(frame.captured, 4096)
            if told_frame.dialect == "rfc6455":
                assert told_frame.header[:2] == bytes((frame.head, frame.second))


def test_frames_of_a_window_and_what_is_left_out() -> None:
    story = told("chat-ws.pcapng", frames=(5, 7))
    assert [frame.number for frame in story.frames] == [5, 6, 7]
    assert [(each.first, each.last) for each in story.left_out] == [(0, 4), (8, 19)]
    before, behind = story.left_out
    assert (before.client + before.server, behind.client + behind.server) == (5, 12)
    assert sum(count for _, count in behind.kinds) == 12


def test_a_frame_far_behind_is_told_with_its_bytes() -> None:
    story = told("large-messages.pcap", frames=(4, 4))
    (frame,) = story.frames
    assert frame.number == 4
    assert frame.header


def test_no_such_connection() -> None:
    with pytest.raises(UsageError, match="no connection 1: there are 1"):
        analysis("chat-ws.pcapng").explain(1)


def test_without_a_second_reading_there_are_facts_and_no_bytes() -> None:
    data = (CAPTURES / "chat-ws.pcapng").read_bytes()
    story = wsanalyze.analyze(io.BytesIO(data), segments=True).explain(0)
    assert [frame.header for frame in story.frames] == [b""] * 12
    assert story.proof == told("chat-ws.pcapng").proof
    assert story.opening == told("chat-ws.pcapng").opening


def test_both_legs_of_a_proxied_connection() -> None:
    story = told("nginx-proxy.pcapng", 0)
    behind = told("nginx-proxy.pcapng", story.other_leg or 0)
    assert story.proxy == "127.0.0.1:9114"
    assert (behind.other_leg, behind.proxy) == (0, story.proxy)
    # Each has the ends of its own TCP connection; the diagram has those of both.
    assert (story.client, story.server, story.beyond) == (CLIENT, story.proxy, BACKEND)
    assert (behind.server, behind.beyond, behind.behind_proxy) == (BACKEND, CLIENT, True)
    assert behind.client not in (CLIENT, story.proxy)
    assert lanes_of(story) == lanes_of(behind)
    assert lanes_of(story) == (f"client {CLIENT}", f"proxy {story.proxy}", f"server {BACKEND}")
    assert behind.events == story.events or len(behind.events) == len(story.events)
    assert {event.leg for event in story.events} == {0, 1}
    asked = [(event.leg, event.packet) for event in story.events if event.label.startswith("GET")]
    assert asked == [(0, 4), (1, 9)]


@pytest.mark.parametrize(("name", "number"), [("hybi-drafts.pcapng", 2), ("squid-proxy.pcapng", 9)])
def test_the_sample_key_of_the_document_makes_no_legs(name: str, number: int) -> None:
    assert told(name, number).other_leg is None


def test_frames_over_several_captures_are_in_order_of_time() -> None:
    story = wsanalyze.analyze(
        [CAPTURES / "lossy-path-client.pcapng", CAPTURES / "lossy-path-server.pcapng"]
    ).explain(0)
    times = [event.time for event in story.events]
    assert times == sorted(times)


def test_bytes_in_memory_can_be_read_again() -> None:
    data = (CAPTURES / "chat-ws.pcapng").read_bytes()
    story = wsanalyze.analyze(data).explain(0)
    assert story.frames == told("chat-ws.pcapng").frames
    assert story.opening == told("chat-ws.pcapng").opening
    assert len(wsanalyze.analyze(data).segments) > 0

"""What HTTP/2 did around recorded WebSockets, as their sessions played it."""

from __future__ import annotations

import pytest

from story.told import told
from wsanalyze.story.model import Story

UNRULY = "http2-unruly.pcapng"


def labels(story: Story) -> list[tuple[str, str]]:
    """Return what the client and the server did, without what TCP did."""
    return [(each.sender, each.label) for each in story.events if each.layer != "tcp"]


def test_how_it_begins() -> None:
    begun = told(UNRULY, 0).multiplexed
    assert begun is not None
    assert begun.preface is not None
    assert [(each.sender, [pair[:2] for pair in each.values]) for each in begun.settings] == [
        ("client", []),
        ("server", [("ENABLE_CONNECT_PROTOCOL", 1)]),
    ]
    assert (begun.enabled, begun.others, begun.requests, begun.whole) == (1, 0, 0, True)


@pytest.mark.parametrize(("number", "enabled"), [(1, 0), (25, 0), (2, 1)])
def test_whether_extended_connect_was_enabled(number: int, enabled: int) -> None:
    begun = told(UNRULY, number).multiplexed
    assert begun is not None
    assert begun.enabled == enabled


def test_what_shares_the_connection() -> None:
    begun = told("http2-requests.pcapng", 1).multiplexed
    assert begun is not None
    assert (begun.others, begun.requests) == (2, 5)


def test_http_1_has_none_of_it() -> None:
    assert told("websockets-plain.pcapng").multiplexed is None


def test_a_stream_from_its_beginning_to_its_end() -> None:
    assert labels(told(UNRULY, 0)) == [
        ("client", "HTTP/2 preface"),
        ("client", "SETTINGS"),
        ("server", "SETTINGS"),
        ("client", "CONNECT /sound (HTTP/2 stream 1)"),
        ("server", "200"),
        ("client", "text"),
        ("server", "text"),
        ("client", "close 1000"),
        ("server", "close 1000"),
        ("server", "END_STREAM"),
        ("client", "END_STREAM"),
    ]


@pytest.mark.parametrize(
    ("number", "last"),
    [
        (6, ("server", "RST_STREAM PROTOCOL_ERROR")),
        (20, ("server", "RST_STREAM INTERNAL_ERROR")),
        (23, ("server", "GOAWAY ENHANCE_YOUR_CALM")),
        (31, ("server", "GOAWAY FRAME_SIZE_ERROR")),
    ],
)
def test_what_ended_it(number: int, last: tuple[str, str]) -> None:
    assert labels(told(UNRULY, number))[-1] == last


def test_a_goaway_names_the_last_stream() -> None:
    (goaway,) = [each for each in told(UNRULY, 23).events if each.label.startswith("GOAWAY")]
    assert (goaway.detail, goaway.severity) == ("last stream 1", "warning")


def test_a_window_that_is_used_up() -> None:
    (stall,) = [each for each in told(UNRULY, 19).events if each.label == "window used up"]
    assert (stall.sender, stall.detail) == ("client", "for 1.4 s")


def test_the_end_names_codes_and_what_tcp_did_below() -> None:
    ends = told(UNRULY, 20).closing.ends
    assert [(each.name, each.code, each.below) for each in ends] == [
        ("RST_STREAM", "INTERNAL_ERROR", False),
        ("FIN", None, True),
        ("FIN", None, True),
    ]
    ends = told(UNRULY, 23).closing.ends
    assert (ends[0].name, ends[0].code) == ("GOAWAY", "ENHANCE_YOUR_CALM")


def test_legs_that_are_translated_stand_in_one_diagram() -> None:
    """In front a stream of HTTP/2, behind HTTP/1.1; and the other way."""
    for number, in_front in ((0, False), (1, True), (10, False), (11, True)):
        story = told("http2-translated.pcapng", number)
        assert story.behind_proxy == in_front
        assert story.other_leg == (number - 1 if in_front else number + 1)
        heads = {each.leg: each.label for each in story.events if " /" in each.label}
        assert len(heads) == 2


def test_a_scheme_that_is_not_that_of_its_leg() -> None:
    def meaning(name: str, number: int) -> str:
        request = told(name, number).request
        assert request is not None
        (line,) = [each for each in request.lines if each.name == ":scheme"]
        return line.meaning or ""

    assert "clear text" in meaning("http2-haproxy.pcapng", 1)
    assert "clear text" not in meaning(UNRULY, 0)
    assert "clear text" not in meaning("wss-http2.pcapng", 0)


@pytest.mark.parametrize(
    ("name", "number", "says"),
    [
        ("http2-haproxy.pcapng", 1, "These heads have both all the same"),
        ("http2-haproxy.pcapng", 5, "This request has a Sec-WebSocket-Key all the same"),
        ("http2-translated.pcapng", 0, "This answer has a Sec-WebSocket-Accept all the same"),
    ],
)
def test_keys_that_nobody_needs(name: str, number: int, says: str) -> None:
    proof = told(name, number).proof
    assert proof is not None
    assert says in proof.why
    assert "the accept value is that of the key" in proof.why or number != 1


def test_where_there_is_no_key_nothing_is_said_of_one() -> None:
    proof = told(UNRULY, 0).proof
    assert proof is not None
    assert "all the same" not in proof.why

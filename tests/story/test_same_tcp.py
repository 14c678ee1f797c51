"""Several requests on one TCP connection: each story has the others, and how TCP ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.dialogues import methods, reply5, request5
from support.packets import ACK, CLIENT, FIN, SERVER, SYN, pcap_of, segment

import wsanalyze
from story.told import analysis, told
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Event
from wsanalyze.views.explained import explained_lines

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nwho?\n"
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
PAGE = b"GET /login HTTP/1.1\r\nHost: chat.example\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TEXT = b"\x81\x02hi"
# An end, and the same one sent again.
END, AGAIN = b"", b"again"
Said = tuple[str, bytes]
Analyzed = Callable[..., Analysis]


def conversation(*said: Said) -> bytes:
    """Return a capture of one TCP connection: what each end says is a packet, a second apart."""
    ends = {"client": (CLIENT, SERVER), "server": (SERVER, CLIENT)}
    packets = [segment(CLIENT, SERVER, 0, 0, SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    packets.append(segment(CLIENT, SERVER, 1, 1, ACK))
    next_of = {"client": 1, "server": 1}
    for sender, data in said:
        other = "server" if sender == "client" else "client"
        at = next_of[sender]
        if data in (END, AGAIN):
            packets.append(segment(*ends[sender], at, next_of[other], FIN | ACK))
            continue
        packets.append(segment(*ends[sender], at, next_of[other], ACK, data))
        next_of[sender] += len(data)
    return pcap_of(packets)


@pytest.fixture
def analyzed(tmp_path: Path) -> Analyzed:
    def analyze(*said: Said) -> Analysis:
        path = tmp_path / "said.pcap"
        path.write_bytes(conversation(*said))
        return wsanalyze.analyze(path)

    return analyze


def shown(events: tuple[Event, ...]) -> list[tuple[int | None, str, str]]:
    return [(event.packet, event.sender, event.label) for event in events][3:]


def text_of(analysis: Analysis, number: int) -> str:
    lines = explained_lines(analysis.explain(number), 100)
    # However it is wrapped.
    text = " ".join(" ".join(text for text, _ in line) for line in lines)
    return " ".join(text.split())


TWICE = (
    ("client", REQUEST),
    ("server", UNAUTHORIZED),
    ("client", REQUEST),
    ("server", SWITCHING),
    ("server", TEXT),
    ("server", END),
    ("client", END),
)


class TestASecondRequest:
    def test_the_story_of_the_first_has_it(self, analyzed: Analyzed) -> None:
        story = analyzed(*TWICE).explain(0)
        assert shown(story.events) == [
            (4, "client", "GET /chat"),
            (5, "server", "401 Unauthorized"),
            (6, "client", "GET, connection 1"),
            (7, "server", "101, connection 1"),
            (7, "", "connection 1 goes on"),
            (9, "server", "FIN, ACK"),
            (10, "client", "FIN, ACK"),
        ]
        (other,) = story.others
        assert (other.number, other.packet, other.status) == (1, 6, 101)
        assert (other.outcome, other.frames) == ("established", 1)

    def test_the_story_of_the_second_has_the_first(self, analyzed: Analyzed) -> None:
        story = analyzed(*TWICE).explain(1)
        assert shown(story.events)[:4] == [
            (4, "client", "GET, connection 0"),
            (5, "server", "401, connection 0"),
            (6, "client", "GET /chat"),
            (7, "server", "101 Switching Protocols"),
        ]
        assert [(each.number, each.outcome) for each in story.others] == [(0, "refused")]

    def test_the_text_says_so_and_where_tcp_ended(self, analyzed: Analyzed) -> None:
        text = text_of(analyzed(*TWICE), 0)
        assert "Connection 1 is a request behind this one, in packet 6" in text
        assert "established (101, packet 7), 1 frame; -c 1 tells it" in text
        assert "The end" in text

    def test_nothing_that_the_other_asked_for_is_told(self, analyzed: Analyzed) -> None:
        secret = REQUEST.replace(b"/chat", b"/chat?token=c2VjcmV0LXNlY3JldC1zZWNyZXQ")
        analysis = analyzed(("client", REQUEST), ("server", UNAUTHORIZED), ("client", secret))
        assert "c2VjcmV0" not in repr(analysis.explain(0))


class TestOtherHttp:
    def test_what_comes_behind_a_refusal(self, analyzed: Analyzed) -> None:
        head, body = UNAUTHORIZED[:-5], UNAUTHORIZED[-5:]
        story = analyzed(
            ("client", REQUEST),
            ("server", head),
            ("server", body),
            ("client", PAGE),
            ("server", FOUND),
        ).explain(0)
        assert [(each.packet, each.label, each.length) for each in story.events[5:]] == [
            (6, "data behind the answer", 5),
            (7, "other data", len(PAGE)),
            (8, "other data", len(FOUND)),
        ]
        assert story.more_requests == 1

    def test_what_comes_before_a_session(self, analyzed: Analyzed) -> None:
        story = analyzed(
            ("client", PAGE),
            ("server", FOUND),
            ("client", REQUEST),
            ("server", SWITCHING),
            ("server", TEXT),
        ).explain(0)
        assert shown(story.events) == [
            (4, "client", "other HTTP"),
            (5, "server", "other HTTP"),
            (6, "client", "GET /chat"),
            (7, "server", "101 Switching Protocols"),
            (8, "server", "text"),
        ]

    def test_it_is_bounded(self, analyzed: Analyzed) -> None:
        said = [each for _ in range(30) for each in (("client", PAGE), ("server", FOUND))]
        story = analyzed(*said, ("client", REQUEST)).explain(0)
        assert sum(each.label == "other HTTP" for each in story.events) == 40
        (more,) = [each for each in story.events if "more segments" in each.label]
        assert (more.label, more.length) == ("20 more segments with data", 10 * len(PAGE + FOUND))


class TestTheEnd:
    def test_of_a_refusal(self, analyzed: Analyzed) -> None:
        refused = (("client", REQUEST), ("server", UNAUTHORIZED), ("server", END), ("client", END))
        story = analyzed(*refused).explain(0)
        assert [(each.sender, each.how, each.packet) for each in story.closing.ends] == [
            ("server", "fin", 6),
            ("client", "fin", 7),
        ]

    def test_of_a_request_that_nobody_answered(self, analyzed: Analyzed) -> None:
        story = analyzed(("client", REQUEST), ("client", END), ("server", END)).explain(0)
        assert [each.packet for each in story.closing.ends] == [5, 6]
        assert story.closing.ended_by == "client-fin"

    def test_of_a_request_that_was_asked_again(self, analyzed: Analyzed) -> None:
        text = text_of(analyzed(*TWICE), 0)
        assert "TCP goes on: connection 1 asks in packet 6." in text

    def test_a_fin_that_is_sent_again_is_told_as_such(self, analyzed: Analyzed) -> None:
        said = (*TWICE[2:5], ("server", END), ("server", AGAIN), ("client", END))
        analysis = analyzed(*said)
        story = analysis.explain(0)
        assert [(each.sender, each.packet, each.again) for each in story.closing.ends] == [
            ("server", 7, False),
            ("server", 8, True),
            ("client", 9, False),
        ]
        fins = [each for each in story.events if each.label.startswith("FIN")]
        assert [(each.packet, each.note) for each in fins] == [
            (7, None),
            (8, "retransmission"),
            (9, None),
        ]
        assert "FIN, sent again" in text_of(analysis, 0)
        assert analysis.connections.server_retransmissions.tolist() == [1]

    def test_of_a_socks_dialogue_that_was_refused(self, analyzed: Analyzed) -> None:
        story = analyzed(
            ("client", methods(0)),
            ("server", b"\x05\x00"),
            ("client", request5()),
            ("server", reply5(5)),
            ("server", END),
            ("client", END),
        ).explain_refused(0)
        assert [(each.sender, each.packet) for each in story.closing.ends] == [
            ("server", 8),
            ("client", 9),
        ]
        assert [each.packet for each in story.events] == list(range(1, 10))


def test_recorded_requests_that_follow_one_another() -> None:
    """A client that is asked for credentials asks again on the same connection."""
    first, second = told("refused-upgrades.pcapng", 0), told("refused-upgrades.pcapng", 1)
    assert [(each.number, each.packet, each.status) for each in first.others] == [(1, 8, 101)]
    assert [(each.number, each.packet, each.status) for each in second.others] == [(0, 4, 401)]
    # Its server's FIN was not acknowledged in time.
    assert [(each.packet, each.again) for each in second.closing.ends] == [
        (14, False),
        (17, True),
        (20, False),
    ]


def test_recorded_tunnels_on_streams_of_one_connection() -> None:
    story = told("http2-connect.pcapng", 0)
    assert [each.number for each in story.others] == [2]
    # Bytes of TLS around the tunnels are no HTTP of anybody's.
    assert not any("HTTP" in each.label and each.layer == "tcp" for each in story.events)
    text = text_of(analysis("http2-connect.pcapng"), 0)
    assert "HTTP/2 carries several tunnels at once" in text


def test_recorded_http_before_the_request() -> None:
    events = told("http-before-upgrade.pcapng", 0).events
    before = [each.packet for each in events if each.label == "other HTTP"]
    assert (before[0], before[-1], len(before)) == (4, 26, 19)


def test_what_only_a_101_must_have_is_not_asked_of_a_refusal() -> None:
    story = told("refused-upgrades.pcapng", 2)
    assert story.outcome == "refused"
    assert story.proof is None
    assert story.response is not None
    meanings = {line.name.lower(): line.meaning or "" for line in story.response.lines}
    assert "must name" not in "".join(meanings.values())

"""What a diagram draws, in order."""

from __future__ import annotations

from pathlib import Path

from report.made import conversation
from support.packets import ACK, CLIENT, FIN, RST, SERVER, pcap_of, segment

import wsanalyze
from story.told import told
from wsanalyze.story.model import Event


def shown(events: tuple[Event, ...]) -> list[tuple[int | None, str, str]]:
    return [(event.packet, event.sender, event.label) for event in events]


def test_a_whole_connection() -> None:
    assert shown(told("hixie-76.pcapng", frames=(0, 0)).events) == [
        (1, "client", "SYN"),
        (2, "server", "SYN, ACK"),
        (3, "client", "ACK"),
        (4, "client", "GET /plain"),
        (6, "server", "101 WebSocket Protocol Handshake"),
        (10, "client", "text"),
        (11, "", "frames 1 to 7"),
        (18, "client", "close"),
        (19, "server", "close"),
        (20, "server", "FIN, ACK"),
        (21, "client", "FIN, ACK"),
    ]


def test_tls_and_the_codes_of_closes() -> None:
    events = told("chat-wss.pcapng").events
    labels = [(event.packet, event.label) for event in events if event.layer == "tls"]
    assert labels[0] == (4, "ClientHello")
    assert labels[-1] == (43, "alert close_notify")
    assert [event.label for event in events if event.label.startswith("close")] == [
        "close 4000",
        "close 4000",
    ]


def test_what_tcp_sent_again_is_seen_and_bounded() -> None:
    events = told("lossy-path-client.pcapng").events
    noted = [event for event in events if event.note is not None]
    assert {event.note for event in noted} >= {"retransmission", "out-of-order"}
    assert len(noted) <= 40
    story = told("lossy-path-client.pcapng")
    counted = sum(count for _, note, count in story.notes if note != "duplicate")
    assert counted >= len(noted)


def test_gaps_are_seen() -> None:
    events = told("snapped.pcap").events
    assert any(event.layer == "gap" and event.length for event in events)


def test_frames_that_are_left_out_end_somewhere() -> None:
    (left,) = [event for event in told("keepalive.pcap", frames=(0, 0)).events if not event.sender]
    assert left.until is not None
    assert left.until > left.time
    assert left.frame == 1


def test_a_frame_is_not_left_out_alone() -> None:
    """It takes no more room than a line that says so; frames 18 and 19 are Closes."""
    events = told("chat-ws.pcapng", frames=(1, 16)).events
    drawn = [(each.frame, each.label) for each in events if each.frame is not None]
    assert [frame for frame, _ in drawn] == list(range(20))
    assert drawn[0] == (0, "ping")
    two = told("chat-ws.pcapng", frames=(2, 16)).events
    assert next(each.label for each in two if each.frame == 0) == "frames 0 to 1"


def test_findings_mark_their_events() -> None:
    marked = [event for event in told("unruly-peers.pcapng", 3).events if event.severity == "error"]
    assert [(event.label, event.frame) for event in marked] == [("pong", 1)]


def test_compressed_text_is_shown_as_it_was_meant() -> None:
    event = next(each for each in told("websockets-deflate.pcapng").events if each.frame == 0)
    assert event.label == "text (compressed)"
    assert event.detail.startswith('{"symbol": "OWL"')
    assert event.length == 48


def test_a_reset_that_nobody_sent_is_marked() -> None:
    events = told("injected-reset.pcapng", 1).events
    resets = [
        (each.packet, each.note, each.severity) for each in events if each.label.startswith("RST")
    ]
    assert resets == [(36, None, "warning"), (38, None, None), (39, None, "warning")]


def test_pings_of_random_bytes_are_shown_in_hex() -> None:
    story = told("nginx-60s.pcapng", 3, (0, 60))
    pings = [each for each in story.events if each.label == "ping" and each.connection == 3]
    payloads = [each.payload for each in story.pings]
    for event, payload in zip(pings, payloads, strict=True):
        try:
            shown = payload.decode()
        except UnicodeDecodeError:
            shown = f"bytes {payload.hex(' ')}"
        assert event.detail == shown
    assert sum(each.detail.startswith("bytes ") for each in pings) > 3


def test_ends_of_tcp_are_bounded_and_counted(tmp_path: Path) -> None:
    """The first 20 FINs and RSTs are rows, all others one."""
    fins = [segment(SERVER, CLIENT, 9000, 9000, FIN | ACK)] * 29
    resets = [segment(SERVER, CLIENT, 9000, 0, RST)] * 2
    path = tmp_path / "ends.pcap"
    path.write_bytes(conversation([], []) + pcap_of([*fins, *resets])[24:])
    events = wsanalyze.analyze(path).explain(0).events
    ends = [each for each in events if each.label.startswith(("FIN", "RST"))]
    (more,) = [each for each in events if "more segments" in each.label]
    assert len(ends) == 20
    assert more.label.startswith("11 more segments")
    assert sum(int(each.split()[0]) for each in more.detail.split(", ")) == 11

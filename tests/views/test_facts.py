"""The lines about a capture."""

from __future__ import annotations

from tables.recordings import SECOND, T0

from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.facts import facts


def test_an_empty_capture() -> None:
    assert facts(CaptureSummary("a.pcap", format="pcap")) == [
        ("capture", "a.pcap (pcap), 0 packets, 0 B"),
        ("TCP", "0 conversations"),
        ("WebSocket", "no connection attempts"),
    ]


def test_a_capture_that_cannot_be_read() -> None:
    assert facts(CaptureSummary("a\x1b", problem="is\nempty")) == [
        ("capture", "a\\x1b"),
        ("problem", "is\\x0aempty"),
    ]


def test_everything_that_went_wrong_is_said() -> None:
    capture = CaptureSummary(
        "a\x1b.pcap",
        format="pcapng",
        compression="gzip",
        packets=1,
        wire_bytes=100,
        first_time=T0,
        last_time=T0 + SECOND,
        dropped=2,
        cut_packets=3,
        not_decoded_link=1,
        unknown_links=["187", "220"],
        not_decoded_fragment=2,
        not_decoded_esp=4,
        tcp_conversations=3,
        conversations_websocket=1,
        conversations_tls=2,
        attempts=2,
        attempts_established=1,
        attempts_unseen=1,
        frames=1,
        messages=1,
        lost_bytes=1000,
        limits={"flows": 1, "head": 0, "held": 2},
        problem="byte 9: cut\n",
        duplicate_packets=4,
        untimed_packets=1,
        clamped_times=5,
    )
    assert facts(capture) == [
        ("capture", "a\\x1b.pcap (pcapng, gzip), 1 packet, 100 B"),
        ("time", "2026-01-02 03:04:05.000 UTC, 1.00 s"),
        ("clock", "1 packet without a time, 5 packets outside 1677 to 2262"),
        ("TCP", "3 conversations: 1 WebSocket, 2 TLS, not decrypted"),
        ("WebSocket", "2 attempts: 1 established, 1 without a whole handshake; 1 frame, 1 message"),
        (
            "lost",
            "2 packets dropped while capturing, 1.0 kB of WebSocket connections never captured, "
            "3 packets cut by the snap length",
        ),
        ("seen twice", "4 packets"),
        (
            "not analysed",
            "1 packet of an unknown link type (187, 220), 2 packets that are IP fragments of "
            "incomplete datagrams, 4 packets encrypted with IPsec ESP",
        ),
        ("limits reached", "flows 1 time, held 2 times"),
        ("problem", "byte 9: cut\\x0a"),
    ]

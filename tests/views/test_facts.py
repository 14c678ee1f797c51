"""The lines about a capture."""

from __future__ import annotations

import pytest
from tables.recordings import SECOND, T0

from wsanalyze.tables.capture_summary import LACKING, CaptureSummary
from wsanalyze.views.facts import facts, refused_tunnels


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
        (
            "encrypted",
            "2: no secrets are known; --keylog FILE takes what programs log (SSLKEYLOGFILE)",
        ),
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


def test_tunnels_that_cannot_be_read() -> None:
    capture = CaptureSummary("a.pcap", format="pcap")
    for reason in ("one", "another", "another"):
        capture.passes_over(reason)
    assert ("not analysed", "3 tunnels: another (2); one (1)") in facts(capture)


def closed(count: int, **attributes: object) -> list[tuple[str, str]]:
    capture = CaptureSummary("a.pcap", format="pcap", conversations_tls=count, **attributes)  # type: ignore[arg-type]
    return [fact for fact in facts(capture) if fact[0] in ("TLS", "encrypted")]


def test_why_tls_stayed_closed_is_counted() -> None:
    reasons = {
        "no secret for this client random in 1 file, 12 lines": 4,
        "the secret of its client random opens none of its records": 1,
    }
    assert closed(5, tls_reasons=reasons, keylog_files=1, keylog_lines=12, tls_decrypted=2) == [
        ("TLS", "2 decrypted, 5 not; key logs of 12 lines"),
        (
            "encrypted",
            "4: no secret for their client random in 1 file, 12 lines; "
            "1: the secret of its client random opens none of its records; "
            "`wsanalyze export -t tls` names them",
        ),
    ]


def test_tls_of_which_one_end_has_no_secret() -> None:
    assert closed(0, keylog_files=1, keylog_lines=22, tls_decrypted=6, tls_without_secret=5) == [
        ("TLS", "6 decrypted (of 5 there is no secret for one end), 0 not; key logs of 22 lines")
    ]


def test_many_reasons_are_not_all_told() -> None:
    reasons = {f"the handshake ended with alert {number}": 1 for number in range(7)}
    (_, (_, said)) = closed(7, tls_reasons=reasons, keylog_files=1, keylog_lines=1)
    assert "alert 3; 3 for other reasons; `wsanalyze" in said
    summary = CaptureSummary("a.pcap")
    for number in range(1000):
        summary.stays_closed(f"alert {number}")
    assert (len(summary.tls_reasons), summary.tls_reasons["other reasons"]) == (51, 950)


def test_key_logs_without_a_secret() -> None:
    assert closed(7, keylog_files=1)[1:] == [("encrypted", "7: the key logs hold no secrets")]
    # As the table `tls` says it.
    reasons = {"the key logs hold no secrets: 1 file, 5 lines": 7}
    (_, (_, said)) = closed(7, keylog_files=1, tls_reasons=reasons)
    assert said.startswith("7: the key logs hold no secrets: 1 file, 5 lines; ")


def test_what_is_no_key_log_is_said_to_be_none() -> None:
    counts = {"keylog_files": 1, "keylog_lines": 19}
    assert closed(7, **counts, keylog_not_understood=19)[0] == (
        "TLS",
        "0 decrypted, 7 not; key logs of 19 lines, none of which is understood: no key log",
    )
    assert closed(7, **counts, keylog_not_understood=18)[0][1].endswith("18 of them not understood")


def test_without_secrets_it_is_said_who_left() -> None:
    reasons = {
        "no secrets are known": 2,
        "the handshake ended with alert unknown_ca (48) of the client": 3,
        "the handshake is not in the capture": 1,
    }
    assert closed(9, tls_reasons=reasons) == [
        (
            "encrypted",
            "6: no secrets are known; "
            "3: the handshake ended with alert unknown_ca (48) of the client; "
            "--keylog FILE takes what programs log (SSLKEYLOGFILE); "
            "`wsanalyze export -t tls` names them",
        )
    ]


def test_tls_with_nothing_within() -> None:
    capture = CaptureSummary("a.pcap", format="pcap", tcp_conversations=2, tls_decrypted=1)
    capture.conversations_tls_empty = capture.conversations_empty = 1
    assert ("TCP", "2 conversations: 1 TLS, decrypted, with nothing within, 1 without payload") in (
        facts(capture)
    )


def test_a_package_that_is_missing_stands_beside_damage() -> None:
    capture = CaptureSummary("a.pcap", problem="byte 9: cut")
    capture.lack("hpack")
    capture.lack("cryptography")
    capture.lack("hpack")
    assert capture.missing_packages == ["hpack", "cryptography"]
    assert capture.damage == "byte 9: cut"
    assert capture.problem == "; ".join(("byte 9: cut", LACKING["hpack"], LACKING["cryptography"]))
    capture.end_with(None)
    assert capture.damage is None


def test_of_several_connections_the_plural_is_said_of_whole_words() -> None:
    reason = "no private key fits its key exchange"
    (_, (_, said)) = closed(2, tls_reasons={reason: 2}, keylog_files=1, keylog_lines=1)
    assert said.startswith("2: no private key fits their key exchange")


@pytest.mark.parametrize(
    ("reason", "several"),
    [
        ("it has no protected records", "they have no protected records"),
        ("a private key opens no connection with this cipher suite", "with their cipher suite"),
        ("no secret for this client random in 1 file", "no secret for their client random in"),
    ],
)
def test_a_reason_of_several_connections(reason: str, several: str) -> None:
    assert closed(1, tls_reasons={reason: 1}, keylog_files=1)[1][1].startswith(f"1: {reason}")
    assert several in closed(2, tls_reasons={reason: 2}, keylog_files=1)[1][1]


def test_a_key_log_for_a_capture_without_tls() -> None:
    assert closed(0, keylog_files=1, keylog_lines=5) == [
        ("TLS", "none was seen; key logs of 5 lines")
    ]


def test_handshakes_that_were_decrypted_and_broken_off() -> None:
    summary = CaptureSummary("a.pcap", format="pcap", tls_decrypted=4, conversations_tls_empty=4)
    assert "broken off" not in dict(facts(summary))
    for _ in range(3):
        summary.breaks_off("the handshake ended with alert unknown_ca (48) of the client")
    summary.breaks_off("the client left before the ServerHello (RST)")
    assert dict(facts(summary))["broken off"] == (
        "3: the handshake ended with alert unknown_ca (48) of the client; 1: the client left "
        "before the ServerHello (RST)"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 tunnel, by a proxy: `wsanalyze explain CAPTURE --refused 0` tells it"),
        (2, "2 tunnels, by proxies: `wsanalyze explain CAPTURE --refused N` tells one, from 0 on"),
    ],
)
def test_refused_tunnels(count: int, text: str) -> None:
    assert refused_tunnels(count) == ("refused", text)

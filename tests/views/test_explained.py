"""The text of an explained connection: facts of the capture in it, and nothing that steers."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from story.told import CAPTURES, analysis, told
from support.packets import ACK, CLIENT, FIN, SERVER, SYN, pcap_of, segment
from support.segments import OPEN, client, server
from support.sessions import frame, masked
from support.sessions import request as session_request
from support.sessions import response as session_response

import wsanalyze
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.story.model import Story
from wsanalyze.views.escape import cells
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.explained_parts import byte_text, hexadecimal, readable
from wsanalyze.views.ladder import Ladder

NASTY = (
    b"<script>alert(1)</script>",
    b"</script><img src=x onerror=alert(1)>",
    b"\x1b[2J\x1b]0;owned\x07\x1b[31m",
    "\u202e\u2066gpj.exe\u2069\u200b\u200d\ufeff".encode(),
    b'=HYPERLINK("http://evil.example")',
    b"\xff\xfe\xc0\x80\xed\xa0\x80",
    b"::error file=x::y ##[error]z",
    b"\r\n\r\n\x00\x08\x7f\x9b31m",
    "\U000e0041\U000e0042 a\u0300\u0301\u0302\u0303\u0304".encode(),
    b"&lt;b&gt; \\x1b \\\\ \" '",
)


def text(story: Story, width: int) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in explained_lines(story, width))


def hostile(folder: Path, payload: bytes) -> Story:
    """Return the story of a connection in which everything that can be is `payload`."""
    target = payload.replace(b" ", b"").replace(b"\r", b"").replace(b"\n", b"")
    line = payload.replace(b"\r", b"").replace(b"\n", b"")
    request = (
        b"GET /%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"%s: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n" % (target, line, line, line, line)
    )
    response = (
        b"HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\nServer: %s\r\n\r\n" % (line, line, line)
    )
    ours = masked(payload) + masked(payload[:125], 9) + masked(b"\x03\xe8" + payload[:100], 8)
    theirs = frame(payload[:125], 10) + frame(b"\x0f\xa0" + payload[:100], 8)
    packets = [
        segment(CLIENT, SERVER, 0, 0, SYN),
        segment(SERVER, CLIENT, 0, 1, SYN | ACK),
    ]
    client = server = 1
    for data, is_client in ((request, True), (response, False), (ours, True), (theirs, False)):
        ends = (CLIENT, SERVER) if is_client else (SERVER, CLIENT)
        at = client if is_client else server
        packets.append(segment(*ends, at, 0, ACK, data))
        client, server = (at + len(data), server) if is_client else (client, at + len(data))
    path = folder / "hostile.pcap"
    path.write_bytes(pcap_of(packets))
    story = wsanalyze.analyze(path).explain(0)
    assert story.frame_count >= 5
    return story


@pytest.mark.parametrize("payload", NASTY)
@pytest.mark.parametrize("width", [20, 80])
def test_nothing_steers(tmp_path: Path, payload: bytes, width: int) -> None:
    story = hostile(tmp_path, payload)
    shown = text(story, width) + "\n" + Ladder(story).text(width)
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "##[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    svg = Ladder(story).svg
    assert all(character.isprintable() for character in svg.replace("\n", ""))
    assert "<script" not in svg
    assert "<img" not in svg
    assert svg.count("<") == svg.count(">")


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("width", [80, 200])
def test_what_real_clients_sent_does_not_steer(number: int, width: int) -> None:
    story = told("hostile-contents.pcapng", number, (0, 60))
    shown = text(story, width) + "\n" + Ladder(story).text(width)
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "##[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert all(sum(map(cells, line)) <= width for line in shown.splitlines())
    svg = Ladder(story).svg
    assert not re.search("<(script|img|b|i)\\b", svg)
    assert all(character.isprintable() for character in svg.replace("\n", ""))


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("chat-wss.pcapng", 0),
        ("cut-connections.pcapng", 2),
        ("fragments.pcapng", 1),
        ("hixie-76.pcapng", 0),
        ("hybi-early.pcapng", 2),
        ("lossy-path-client.pcapng", 0),
        ("nginx-proxy.pcapng", 0),
        ("secrets-and-tunnels.pcapng", 3),
        ("websockets-deflate.pcapng", 0),
        ("wss-http2.pcapng", 0),
        ("wss-tunnels.pcapng", 6),
    ],
)
def test_it_fits(name: str, number: int, width: int) -> None:
    for line in text(told(name, number), width).splitlines():
        assert sum(map(cells, line)) <= width, line


def test_a_close_whose_code_is_missing_is_none_without_one(tmp_path: Path) -> None:
    path, said = tmp_path / "hole.pcap", len(session_response())
    close = frame(b"\x03\xe8because", 8)
    packets = [*OPEN, client(0, session_request()), server(0, session_response())]
    packets += [server(said, close[:2]), server(said + 4, close[4:])]
    path.write_bytes(pcap_of(packets))
    shown = text(wsanalyze.analyze(path).explain(0), 200)
    assert "Close whose code is missing" in shown
    assert "its code is not in the capture (RFC 6455 §5.5.1)" in shown
    assert "without a code" not in shown


def test_the_facts_stand_in_it() -> None:
    shown = text(told("chat-ws.pcapng"), 200)
    story = told("chat-ws.pcapng")
    assert story.proof is not None
    assert story.proof.steps is not None
    for fact in (
        story.proof.steps.concatenation,
        story.proof.steps.digest,
        story.proof.steps.accept,
        story.frames[2].masking_key.hex(" ") if story.frames[2].masking_key else "",
        '"Hello"',
        "Close 4000",
    ):
        assert fact in shown


def test_who_is_a_proxy_is_said() -> None:
    """Addresses are those of the connection that is told; the proxy is named where it cut."""
    front, behind = (text(told("nginx-60s.pcapng", number), 200) for number in (0, 1))
    assert "\n127.0.0.1:40965 → 127.0.0.1:9163, ws, /dashboard?visit=1\n" in front
    assert "Its server is a proxy, which passes it on as connection 1, to 127.0.0.1:9062." in front
    assert "Ended by: the server, here the proxy, closed TCP without a Close frame." in front
    assert "\n127.0.0.1:40987 → 127.0.0.1:9062, ws, /dashboard?visit=1\n" in behind
    assert "which passes on connection 0, from 127.0.0.1:40965 to 127.0.0.1:9163." in behind
    assert "Ended by: the client, here the proxy, closed TCP without a Close frame." in behind


def test_a_reset_of_the_proxy_is_named() -> None:
    behind = text(told("haproxy-proxy.pcapng", 3), 200)
    assert "Ended by: a RST in the name of the client, here the proxy, without a Close" in behind


def test_no_two_lines_are_empty_together() -> None:
    for name in ("nginx-60s.pcapng", "chat-wss.pcapng", "hixie-76.pcapng"):
        assert "\n\n\n" not in text(told(name), 100)


def test_every_connection_can_be_told() -> None:
    for name in ("faulty-requests.pcapng", "faulty-answers.pcapng", "oddities.pcapng"):
        for connection in analysis(name):
            story = told(name, connection.number)
            assert "The end" in text(story, 80)
            assert all(ch.isprintable() for ch in text(story, 80).replace("\n", ""))


def test_what_was_not_kept_is_said() -> None:
    data = (CAPTURES / "chat-ws.pcapng").read_bytes()
    story = wsanalyze.analyze(io.BytesIO(data), segments=True).explain(0)
    assert "not kept" in text(story, 80)


def test_no_ping_is_too_wide() -> None:
    """One has a payload of 130 bytes, and no Pong of its own."""
    for name, number in (("judged-violations.pcapng", 6), ("oddities.pcapng", 9)):
        lines = text(told(name, number), 80).splitlines()
        assert max(sum(map(cells, line)) for line in lines) <= 80


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", '"plain"'),
        (b"\xff\x1b", '"\\xff\\x1b"'),
        ("\u202e".encode(), '"\\u202e"'),
        (b"\\xff", '"\\\\xff"'),
        (b"a" * 50, '"' + "a" * 9 + '"…'),
        (b"a" * 11, '"' + "a" * 9 + '"…'),
        ("aaaaaaaaa…".encode(), '"aaaaaaaaa…"'),
    ],
)
def test_bytes_as_text(data: bytes, expected: str) -> None:
    assert readable(data, 10) == expected


def test_bytes_in_hex() -> None:
    assert hexadecimal(b"abc", 3) == "61 62 63"
    assert hexadecimal(b"abc", 2) == "61 62 …"
    assert [byte_text(byte) for byte in b"a \x00\xff"] == ["a", "␠", ".", "."]


@pytest.mark.parametrize("payload", NASTY)
def test_nothing_in_a_tls_handshake_steers(payload: bytes) -> None:
    """A server name, a protocol, a certificate's subject: strangers wrote them."""
    story = told("chat-wss.pcapng")
    assert story.secure is not None
    said = payload.decode("latin-1")
    steps = tuple(
        replace(
            step,
            facts=tuple((label, said) for label, _ in step.facts),
            parts=tuple(replace(part, text=said) for part in step.parts),
        )
        for step in story.secure.steps
    )
    secure = replace(story.secure, steps=steps, sni=said, alpn=said, version=said, cipher=said)
    events = tuple(
        replace(each, detail=said) if each.layer == "tls" else each for each in story.events
    )
    story = replace(story, secure=secure, events=events)
    shown = text(story, 80) + "\n" + Ladder(story).text(80)
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "##[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert "<script" not in Ladder(story).svg


def test_at_the_end_stands_what_went_wrong_and_what_to_do() -> None:
    story = told("nginx-60s.pcapng", 0)
    last = text(story, 100).rpartition("What went wrong, and what to do")[2]
    # Of the legs that the proxy ended, PRX-13 says more than CLS-08.
    bad = [each for each in story.findings if each.severity != "info" and each.check != "CLS-08"]
    assert len(bad) < len([each for each in story.findings if each.severity != "info"])
    shown = re.findall(r"(?:error|warning) ([A-Z0-9]+-\d+)", last)
    assert sorted({each.check for each in bad}) == sorted(shown)
    advice = {each.id: each.advice for each in catalogue()}
    told_in_one_line = " ".join(last.split())
    for each in bad:
        assert f"What to do: {' '.join(advice[each.check].split())}" in told_in_one_line
        assert f"packet {each.packet}" in last


def test_of_one_check_it_is_said_once_with_its_packets() -> None:
    story = told("nginx-60s.pcapng", 0)
    one = next(each for each in story.findings if each.severity != "info")
    many = tuple(replace(one, packet=number) for number in range(1, 9))
    last = text(replace(story, findings=many), 100).rpartition("what to do\n")[2]
    assert last.count(one.check) == 1
    assert "packets 1, 2, 3, 4, 5 …" in last


def test_where_nothing_went_wrong_there_is_no_advice() -> None:
    story = told("nginx-60s.pcapng", 0)
    harmless = tuple(each for each in story.findings if each.severity == "info")
    assert "What went wrong" not in text(replace(story, findings=harmless), 100)


def test_no_section_lists_what_another_finding_says_all_of() -> None:
    shown = text(told("firewall.pcap"), 400)
    others = shown.partition("What else was found")[2]
    assert "warning PRX-12" in others
    assert "warning PRX-13" not in others
    assert "1 further finding (PRX-13): PRX-12 tells all of it" in others


def test_who_closed_first_is_not_known_where_the_close_may_be_missing(tmp_path: Path) -> None:
    """The client's Close is the last segment but one, which the capture does not have."""
    request, response = session_request(), session_response()
    said = [(0, request), (1, response), (0, masked(b"a")), (0, masked(b"\x0b\xb8", 8))]
    said += [(1, frame(b"\x0b\xb8", 8))]
    packets, at = [segment(flags=SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)], [1001, 1]
    for side, data in said:
        ends = (SERVER, CLIENT) if side else (CLIENT, SERVER)
        packets.append(segment(*ends, at[side], at[1 - side], ACK, data))
        at[side] += len(data)
    packets.append(segment(CLIENT, SERVER, at[0], at[1], FIN | ACK))
    del packets[5]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_of(packets))
    shown = " ".join(text(wsanalyze.analyze(path).explain(0), 100).split())
    assert (
        "Who sent the first Close is not known: something that the client sent before is not in "
        "the capture." in shown
    )
    assert "Ended by" not in shown


def test_http2_is_told_from_its_preface_to_the_code_of_its_end() -> None:
    shown = " ".join(text(told("http2-unruly.pcapng", 20), 100).split())
    for part in (
        "2 HTTP/2 begins",
        "the preface",
        "ENABLE_CONNECT_PROTOCOL 1",
        "So the server had said that it knows extended CONNECT before the client asked",
        "This is an extended CONNECT (RFC 8441).",
        "RST_STREAM (INTERNAL_ERROR)",
        "FIN of TCP, after the stream's end",
        "Ended by: the client sent the first Close.",
    ):
        assert part in shown, part


def test_a_client_that_did_not_wait_for_the_settings() -> None:
    shown = " ".join(text(told("http2-unruly.pcapng", 25), 100).split())
    assert "The server had not said that it knows extended CONNECT when the client asked" in shown


def test_what_ended_a_stream_is_called_what_it_is() -> None:
    shown = " ".join(text(told("http2-unruly.pcapng", 21), 100).split())
    assert "The other end sent no Close before the stream was reset." in shown
    shown = " ".join(text(told("http2-unruly.pcapng", 23), 100).split())
    assert "Ended by: GOAWAY (ENHANCE_YOUR_CALM) of the server, without a Close frame." in shown


def section(story: Story, title: str) -> str:
    """Return a section with its heading, in one line, however it is wrapped."""
    parts = re.split(r"\n(?=\d+  )", text(story, 200))
    found = next(part for part in parts if part.partition("\n")[0].endswith(title))
    return " ".join(found.split())


class TestWhatAnExpertReads:
    def test_frames_of_hixie_are_not_told_by_rfc_6455(self) -> None:
        said = section(told("hixie-76.pcapng"), "Frames")
        assert "RFC 6455" not in said
        assert "It is a message of text in UTF-8 (draft-hixie-76 §4.2)" in said
        # An empty one has its two bytes, as every other one.
        assert said.count("ff ends it at once") == 2

    def test_a_fragment_of_a_binary_message_is_no_text(self) -> None:
        story = told("fragments.pcapng")
        binary = next(each for each in story.messages if each.type == "binary")
        for number in binary.frames[1:]:
            if number <= story.frames[-1].number:
                (part,) = re.findall(
                    rf"Frame {number}: .*?(?=Frame {number + 1}: |\Z)",
                    section(story, "Frames"),
                    re.DOTALL,
                )
                assert "as text" not in part
        assert "continues the message that its sender has begun" in section(story, "Frames")

    def test_a_message_that_breaks_what_was_agreed_is_not_said_to_keep_to_it(self) -> None:
        said = section(told("deflate-violations.pcapng", 1), "Frames")
        assert said.count("to compress each message alone (no_context_takeover)") == 2
        assert "but this one cannot be read without earlier ones" in said

    def test_what_is_http_has_no_length_to_miss(self) -> None:
        said = section(told("http-behind-upgrade.pcapng"), "Frames")
        assert "HTTP, no frame, client" in said
        assert "are in the capture" not in said

    def test_who_cut_it_is_said_once(self) -> None:
        said = section(told("cut-connections.pcapng", 5), "The end")
        assert "The client reset TCP (RST) without a Close frame" in said
        assert "Ended by" not in said

    def test_a_time_limit_is_of_who_stands_between(self) -> None:
        story = told("nginx-60s.pcapng")
        assert "whoever has that limit cuts then" in section(story, "Silences")
        (*others, last) = story.silences
        own = replace(story, legs=(), silences=(*others, replace(last, ended_by="client")))
        assert "the client ended it" in section(own, "Silences")
        assert "whoever" not in section(own, "Silences")


@pytest.mark.parametrize(("number", "section"), [(0, "RFC 8446 §6.1"), (4, "RFC 5246 §7.2.1")])
def test_what_close_notify_means_is_of_the_version_that_was_spoken(
    number: int, section: str
) -> None:
    pytest.importorskip("cryptography")
    shown = " ".join(text(told("wss-denied.pcapng", number), 200).split())
    assert f"nobody knows whether all has come ({section})" in shown


@pytest.mark.parametrize(
    ("capture", "number", "said"),
    [
        ("wss-suites", 2, "the 16 bytes more as sent are the tag of the cipher"),
        ("wss-suites", 5, "24 bytes more as sent are 8 of the nonce, in front, and the tag behind"),
        ("wss-suites", 7, "the 16 bytes more as sent are the tag (RFC 7905 §2)"),
        ("wss-suites", 8, "24 bytes more as sent are 8 of the nonce, in front, and the tag behind"),
        ("wss-suites", 9, "16 bytes more as sent are 8 of the nonce, in front, and the tag behind"),
        ("wss-suites", 16, "are the IV in front, and MAC and padding behind (RFC 5246 §6.2.3.2)"),
        ("wss-suites", 17, "are what the cipher adds (RFC 5246 §6.2.3)"),
        ("wss-http2-chromium", 0, "its first 9 bytes are the header of a frame of HTTP/2"),
    ],
)
def test_what_a_record_has_around_what_is_said(capture: str, number: int, said: str) -> None:
    pytest.importorskip("cryptography")
    shown = " ".join(text(told(f"{capture}.pcapng", number), 200).split())
    assert said in shown
    assert ("of HTTP/2 (RFC 9113 §4.1)" in shown) is ("http2" in capture)

"""What a story leaves out where nobody asked for secrets."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from support.both_legs import BACK_TOKEN, FRONT_TOKEN, both_legs
from support.http2 import DATA, END_HEADERS, HEADERS, PUSH_PROMISE, SETTINGS, WINDOW_UPDATE, h2
from support.segments import conversation
from support.sessions import http
from support.sessions import request as session_request

import wsanalyze
from story.told import CAPTURES, told
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Written
from wsanalyze.story.secrets import is_head, without_secrets
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder import Ladder
from wsanalyze.websocket.handshake import Handshake


@pytest.fixture(scope="module")
def handshake() -> Handshake:
    (read,) = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng")
    assert read.facts.handshake is not None
    return read.facts.handshake


def texts(story: object) -> str:
    lines = explained_lines(story, 200)  # type: ignore[arg-type]
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_credentials_and_tokens() -> None:
    name = "secrets-and-tunnels.pcapng"
    analysis = wsanalyze.analyze(CAPTURES / name)
    for connection in analysis:
        handshake = connection.handshake
        if handshake is None:
            continue
        story = analysis.explain(connection.number)
        shown = texts(story) + Ladder(story).svg
        for field in ("cookie", "authorization"):
            for value in handshake.request_head.values(field):
                assert value not in shown


def test_all_of_it_where_it_was_asked_for() -> None:
    story = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").explain(0, show_secrets=True)
    assert story.secure is not None
    assert any(b"GET /chat" in record.content for _, record in story.secure.records)
    hidden = told("chat-wss.pcapng").secure
    assert hidden is not None
    assert not any(b"HTTP/" in record.content for _, record in hidden.records)


@pytest.mark.parametrize("number", [0, 1])
def test_the_other_leg_goes_without_its_own(number: int) -> None:
    analysis = wsanalyze.analyze(io.BytesIO(both_legs()))
    story = analysis.explain(number)
    assert story.other_leg == 1 - number
    shown = texts(story) + Ladder(story).svg + repr(story.events) + analysis.ladder(number).svg
    assert "access_token=" in shown
    assert [each for each in (FRONT_TOKEN, BACK_TOKEN) if each in shown] == []
    asked = repr(analysis.explain(number, show_secrets=True).events)
    assert FRONT_TOKEN in asked
    assert BACK_TOKEN in asked


def test_a_query_without_a_token_stays() -> None:
    request = told("chat-ws.pcapng").request
    assert request is not None
    assert "room=1" in request.start_line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"HTTP/1.1 101", True),
        (b"PRI * HTTP/2.0", True),
        (b"\x00\x00\x06\x04\x00", False),
        (b"\x00\x00\x06\x01\x04", True),
        (b"\x81\x05Hello", False),
    ],
)
def test_heads_in_records(content: bytes, expected: bool) -> None:
    assert is_head(content) is expected


def test_records_are_those_behind_the_response() -> None:
    """What comes before is heads, and what clients log in with: in as many records as they like."""
    (read,) = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng")
    whole = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").explain(0, show_secrets=True)
    hidden = without_secrets(whole, read.facts.handshake)
    assert whole.secure is not None
    assert hidden.secure is not None
    assert whole.response is not None
    since = whole.response.time or 0
    assert any(record.time <= since for _, record in whole.secure.records)
    assert hidden.secure.records
    assert all(record.time > since for _, record in hidden.secure.records)
    unanswered = without_secrets(replace(whole, response=None), read.facts.handshake)
    assert unanswered.secure is not None
    assert unanswered.secure.records == ()


FORBIDDEN = http(
    "HTTP/1.1 403 Forbidden", "Set-Cookie: sid=s3cret", "Content-Length: 6", body=b"s3cret"
)
LOGIN = http("HTTP/1.1 200 OK", "Set-Cookie: sid=s3cret", "Content-Length: 0")


def secured(tmp_path: Path, said: list[tuple[int, bytes]], alpn: str = "http/1.1") -> Analysis:
    """Return the analysis of a capture of TLS 1.3 in which this was said, with its key log."""
    pytest.importorskip("cryptography")
    from support.stacked import encrypted

    pair = encrypted(said, alpn=alpn)
    capture, keys = tmp_path / "said.pcap", tmp_path / "said.keys"
    capture.write_bytes(conversation(pair.flights))
    keys.write_bytes(pair.keylog)
    return wsanalyze.analyze(capture, keylog=keys)


def test_of_a_refused_request_the_status_line_is_left_of_the_records(tmp_path: Path) -> None:
    """An earlier answer on the same connection is none to it."""
    earlier = http("GET /login HTTP/1.1", "Host: chat.example")
    said = [(0, earlier), (1, LOGIN), (0, session_request("Cookie: sid=s3cret")), (1, FORBIDDEN)]
    analysis = secured(tmp_path, said)
    secure = analysis.explain(0).secure
    assert secure is not None
    ((sender, record),) = secure.records
    assert (sender, record.content) == ("server", b"HTTP/1.1 403 Forbidden\r\n")
    assert record.length == len(FORBIDDEN) + 1
    shown = texts(analysis.explain(0))
    assert b"HTTP/1.1 403 For".hex(" ") in shown
    assert b"s3cret".hex(" ") not in shown
    assert b"s3cret".hex(" ") not in texts(analysis.explain(0, show_secrets=True))


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (0, b"HTTP/1.1 403 Forbidden\r\n"),
        (1, b"HTTP/1.1 401 Unauthorized\r\n"),
        (3, b"HTTP/1.1 403 Forbidden\r\n"),
        (4, b"HTTP/1.1 401 Unauthorized\r\n"),
    ],
)
def test_so_it_is_of_recorded_refusals_in_either_version_of_tls(number: int, line: bytes) -> None:
    pytest.importorskip("cryptography")
    secure = wsanalyze.analyze(CAPTURES / "wss-denied.pcapng").explain(number).secure
    assert secure is not None
    assert [(sender, record.content) for sender, record in secure.records] == [("server", line)]


def test_a_status_line_with_a_secret_is_not_shown_as_a_record(tmp_path: Path) -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
    said = [(0, session_request()), (1, http(f"HTTP/1.1 403 {jwt}", "Content-Length: 0"))]
    secure = secured(tmp_path, said).explain(0).secure
    assert secure is not None
    assert secure.records == ()


def test_of_a_refused_stream_frames_without_fields_are_left(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    from support.stacked import SECURE, Script

    script = Script()
    script.begin().headers(0, 1, SECURE).headers(1, 1, [(":status", "403")])
    script.body(1, 1, b"s3cret")
    analysis = secured(tmp_path, script.flights, "h2")
    story = analysis.explain(0)
    assert (story.outcome, story.http_stream) == ("refused", 1)
    assert story.secure is not None
    assert story.secure.records
    assert all(each.content[3] == SETTINGS for _, each in story.secure.records)
    assert "before and after decryption" in texts(story)


WINDOW = h2(WINDOW_UPDATE, 0, 0, bytes(4))
FIELDS = h2(HEADERS, END_HEADERS, 3, b"\x10\x01c\x06s3cret")


@pytest.mark.parametrize(
    ("content", "is_shown"),
    [
        (h2(DATA, 0, 1, b"\x81\x00"), True),
        (WINDOW + h2(DATA, 0, 1, bytes(300)), True),
        (WINDOW + FIELDS, False),
        (h2(DATA, 0, 1, b"\x81\x00") + FIELDS, False),
        (h2(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02\x10\x01c\x06s3cret"), False),
        (h2(DATA, 0, 3, b"password=s3cret"), False),
        (FIELDS[12:], False),
        (WINDOW + FIELDS[:5], False),
    ],
)
def test_a_record_of_http2_is_shown_where_each_of_its_frames_may_be(
    content: bytes, is_shown: bool, handshake: Handshake
) -> None:
    whole = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").explain(0, show_secrets=True)
    story = replace(whole, http_stream=1)
    assert story.secure is not None
    assert story.secure.version == "TLS 1.3"
    behind = story.secure.records[-1][1]
    for kept in (content + b"\x17\0\0", content[:256]):
        record = replace(behind, content=kept, length=len(content) + 3)
        secure = replace(story.secure, records=(("client", record),))
        hidden = without_secrets(replace(story, secure=secure), handshake)
        assert hidden.secure is not None
        assert bool(hidden.secure.records) is is_shown


@pytest.mark.parametrize("content", [b"Cookie: sid=s3cret", b"GET /?pw=s3cret"])
def test_a_head_goes_on_in_the_next_record(content: bytes, handshake: Handshake) -> None:
    """Behind a response that refuses, and behind the beginning of HTTP in the place of frames."""
    whole = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").explain(0, show_secrets=True)
    assert whole.secure is not None
    sender, record = whole.secure.records[-1]
    secure = replace(whole.secure, records=((sender, replace(record, content=content)),))
    begun = Written(sender, record.time - 1, 1, 9, "GET / HTT", ())
    for story in (replace(whole, outcome="refused"), replace(whole, written=(begun,))):
        hidden = without_secrets(replace(story, secure=secure), handshake)
        assert hidden.secure is not None
        assert hidden.secure.records == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-WebSocket-Version", "13 Proxy-Authorization: Basic YW5uYTpzM2NyZXQ="),
        ("X", "y\rAuthorization: Basic YW5uYTpzM2NyZXQ="),
        ("Proxy-Authorization\0", "Basic YW5uYTpzM2NyZXQ="),
        ("X-Authorization", "Basic YW5uYTpzM2NyZXQ="),
    ],
)
def test_credentials_in_odd_fields(name: str, value: str) -> None:
    (read,) = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng")
    story = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").explain(0)
    assert story.request is not None
    line = replace(story.request.lines[0], name=name, value=value)
    story = replace(story, request=replace(story.request, lines=(line,)))
    hidden = without_secrets(story, read.facts.handshake)
    assert "YW5uYTpzM2NyZXQ" not in str(hidden.request)


def test_a_record_of_http2_is_found_behind_the_heads_of_a_page() -> None:
    """The first two records of each side are prefaces, settings and heads of other requests."""
    pytest.importorskip("cryptography")
    stories = [told("wss-http2-chromium.pcapng", number) for number in range(3)]
    kept = [story.secure.records for story in stories if story.secure is not None]
    assert [bool(records) for records in kept] == [True, True, True]

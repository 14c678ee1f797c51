"""The short way: a handshake that is taken for spotless, or plainly good, breaks no rule."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
PMD = "permessage-deflate"

# For each field what is right first, then what is nearly right; None leaves it out.
ASKED: dict[str, list[str | None]] = {
    "Host": ["example.com", "[::1]:80", "a_b", "a b", "", None],
    "Upgrade": ["websocket", "WebSocket", "websocket, h2c", "websocket/13", "h2c", None],
    "Connection": ["Upgrade", "keep-alive, Upgrade", "close, upgrade", "keep-alive", None],
    "Sec-WebSocket-Key": [KEY, "AQIDBAUGBwgJCgsMDQ4PEC==", KEY[:-1], "", None],
    "Sec-WebSocket-Version": ["13", "8", "013", "13, 8", None],
    "Origin": [None, "http://example.com", "null", ""],
    "User-Agent": [None, "Mozilla/5.0 (X11; rv:130.0) Gecko/20100101", "curl/8"],
    "Sec-Fetch-Mode": [None, "websocket"],
    "Sec-WebSocket-Protocol": [None, "chat", "chat, chat", ""],
    "Sec-WebSocket-Extensions": [
        *(None, PMD, f"{PMD}; client_max_window_bits", f"{PMD}; client_max_window_bits=7"),
        *(f"{PMD}, {PMD}", f"{PMD};", f"{PMD},,", "x-webkit-deflate-frame", ""),
    ],
    "Sec-WebSocket-Key1": [None, "1 2"],
    "Sec-WebSocket-Draft": [None, "2"],
    "Sec-WebSocket-Accept": [None, ACCEPT],
    "Content-Length": [None, "0", "8"],
    "Transfer-Encoding": [None, "chunked"],
    "Cookie": [None, "a=b", "a\tb", "\x00"],
}
ANSWERED: dict[str, list[str | None]] = {
    "Upgrade": ["websocket", "WEBSOCKET", "websocket, h2c", "h2c", None],
    "Connection": ["Upgrade", "upgrade", "Upgrade, keep-alive", "close", None],
    "Sec-WebSocket-Accept": [ACCEPT, ACCEPT.lower(), KEY, "", None],
    "Sec-WebSocket-Protocol": [None, "chat", "Chat", "chat, chat", ""],
    "Sec-WebSocket-Extensions": [
        *(None, PMD, f"{PMD}; client_max_window_bits=10", f"{PMD}; server_max_window_bits=10"),
        *(f"{PMD}, {PMD}", "x-webkit-deflate-frame", ""),
    ],
    "Sec-WebSocket-Version": [None, "13"],
    "Sec-WebSocket-Location": [None, "ws://example.com/"],
    "WebSocket-Location": [None, "ws://example.com/"],
    "Content-Length": [None, "0"],
    "Transfer-Encoding": [None, "chunked"],
    "Set-Cookie": [None, "a=b", "a\x01"],
}
ASK = [
    *("GET / HTTP/1.1", "GET /chat?x=1 HTTP/1.1", "GET /#x HTTP/1.1", "GET http://a/ HTTP/1.1"),
    *("GET chat HTTP/1.1", "GET / HTTP/1.0", "GET / HTTP/2.0", "POST / HTTP/1.1", "get / HTTP/1.1"),
]
SWITCH = [
    *("HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101", "HTTP/1.0 101 X", "HTTP/1.1 200 OK"),
    *("HTTP/1.1 426 Upgrade Required", "HTTP/1.1 400 X", "HTTP/1.1 x", "GET / HTTP/1.1"),
]


@st.composite
def heads(draw: st.DrawFn, starts: list[str], fields: dict[str, list[str | None]]) -> str:
    """A good head in which a few things are changed: values, order, repeated or folded lines."""
    changed = draw(st.sets(st.sampled_from(["start", "lines", *fields]), max_size=3))
    start = draw(st.sampled_from(starts)) if "start" in changed else starts[0]
    lines = []
    for name, values in fields.items():
        value = draw(st.sampled_from(values)) if name in changed else values[0]
        if value is not None:
            lines.append(f"{name}: {value}")
    if "lines" in changed:
        extra = draw(st.sampled_from([*lines, "x", ": y", " folded", "A : b", "A: b"]))
        lines.insert(draw(st.integers(0, len(lines))), extra)
        lines = draw(st.permutations(lines)) if draw(st.booleans()) else lines
    return "\r\n".join([start, *lines, "", ""])


REQUESTS, RESPONSES = heads(ASK, ASKED), heads(SWITCH, ANSWERED)
GOOD = "\r\n".join([ASK[0], *(f"{name}: {v[0]}" for name, v in ASKED.items() if v[0]), "", ""])
BACK = "\r\n".join([SWITCH[0], *(f"{n}: {v[0]}" for n, v in ANSWERED.items() if v[0]), "", ""])


def shake(request: str, response: str) -> Handshake:
    ask, answer = request.encode("latin-1"), response.encode("latin-1")
    return Handshake(read_head(ask), read_head(answer))


@given(REQUESTS, RESPONSES)
@example(GOOD, BACK.replace("101", "200"))
@example(GOOD, BACK.replace("101", "426"))
def test_spotless_is_without_faults(request: str, response: str) -> None:
    handshake = shake(request, response)
    assert not handshake.is_spotless or handshake.faults == ()


@given(REQUESTS, RESPONSES)
def test_what_is_established_at_once_has_no_fatal_fault(request: str, response: str) -> None:
    handshake = shake(request, response)
    void = any(fault.fatal for fault in handshake.faults)
    assert handshake.outcome != "established" or not void


@given(REQUESTS, RESPONSES, st.data())
def test_so_it_is_with_any_byte_changed(request: str, response: str, data: st.DataObject) -> None:
    whole = request + response
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + data.draw(st.characters(max_codepoint=255)) + whole[place + 1 :]
    handshake = shake(changed[: len(request)], changed[len(request) :])
    assert not handshake.is_spotless or handshake.faults == ()


@given(REQUESTS, RESPONSES)
@example(GOOD, BACK)
def test_what_is_known_of_the_plainly_good_is_what_the_rules_say(
    request: str, response: str
) -> None:
    handshake = shake(request, response)
    head = handshake.response_head
    assert head is not None
    assert handshake.version == handshake._version_by_rules
    assert handshake.framing == handshake._framing_by_rules(head)


def test_the_short_way_is_taken() -> None:
    assert shake(GOOD, BACK).is_spotless

"""The lenient head reader (RFC 9112 §2 to §5)."""

from __future__ import annotations

import h11
import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsanalyze.websocket.head import MAX_ODDITIES, head_end, mentions_websocket, read_head

REQUEST = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
ENDS = st.sampled_from([b"\r\n", b"\n"])
BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r", b"\n", b":", b"\0", b"a", b"\t"]),
    max_size=60,
).map(b"".join)


def codes(data: bytes) -> list[str]:
    return [oddity.code for oddity in read_head(data).oddities]


class TestHeadEnd:
    @pytest.mark.parametrize(
        "blank", [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n", b"\r\r\n\r\n", b"\r\r\n\n"]
    )
    def test_every_kind_of_blank_line_ends_it(self, blank: bytes) -> None:
        head = b"GET / HTTP/1.1\r\nHost: a" + blank
        assert head_end(head + b"\x81\x00") == len(head)
        assert head_end(bytearray(head)) == len(head)

    def test_unfinished(self) -> None:
        assert head_end(b"") == -1
        assert head_end(REQUEST[:-1]) == -1
        assert head_end(b"GET / HTTP/1.1\r\nA: b\r\n \r\n") == -1

    def test_the_first_blank_line_counts(self) -> None:
        assert head_end(b"a\n\nb\r\n\r\n") == 3
        assert head_end(b"a\r\n\r\nb\n\n") == 5
        assert head_end(b"a\n\n\r\n") == 3

    def test_blank_lines_in_front_of_the_start_line_do_not_end_it(self) -> None:
        assert head_end(b"\r\n\r\n\r\n") == -1
        assert head_end(b"\r\n\n\r\n" + REQUEST) == 5 + len(REQUEST)

    @given(BYTES)
    @example(REQUEST)
    @example(b"\r\n" + REQUEST)
    @example(b"\r\n\r\r\n\r\n")
    def test_byte_by_byte_gives_the_same_end(self, data: bytes) -> None:
        whole = head_end(data)
        for size in range(len(data) + 1):
            found = head_end(data[:size], max(0, size - 1))
            if found >= 0:
                assert found == size == whole
                return
        assert whole == -1

    @given(BYTES, st.integers(0, 200))
    @example(REQUEST, len(REQUEST) - 2)
    def test_split_anywhere_gives_the_same_end(self, data: bytes, split: int) -> None:
        first = head_end(data[:split])
        found = first if first >= 0 else head_end(data, min(split, len(data)))
        assert found == head_end(data)


class TestRequest:
    def test_example_of_rfc_6455(self) -> None:
        head = read_head(REQUEST + b"\x81\x00")
        assert (head.kind, head.method, head.target, head.http_version) == (
            "request",
            "GET",
            "/chat",
            "1.1",
        )
        assert head.status is None
        assert head.reason is None
        assert len(head.fields) == 7
        assert head.oddities == ()
        assert head.raw == REQUEST
        assert head.start_line == "GET /chat HTTP/1.1"

    def test_a_field_says_where_it_stands(self) -> None:
        head = read_head(b"GET / HTTP/1.1\r\nHost:a\r\nX-B: \t c d \t\r\n\r\n")
        second = head.fields[1]
        assert (second.name, second.value, second.position) == ("X-B", "c d", 1)
        assert head.raw[second.offset : second.offset + second.length] == b"X-B: \t c d \t"

    def test_text_round_trips_through_latin_1(self) -> None:
        value = bytes(range(0xA0, 0x100))
        head = read_head(b"GET / HTTP/1.1\r\nX: \xa0" + value + b"\x85\r\n\r\n")
        assert head.fields[0].value.encode("latin-1") == b"\xa0" + value + b"\x85"
        assert head.oddities == ()

    @pytest.mark.parametrize(
        ("line", "method", "target", "version"),
        [
            (b"GET /a b HTTP/1.1", "GET", "/a b", "1.1"),
            (b"GET  /a  HTTP/1.1", "GET", "/a", "1.1"),
            (b"GET /a", "GET", "/a", None),
            (b"GET /a HTTP/1.1 ", "GET", "/a", "1.1"),
            (b"GET /a http/1.1", "GET", "/a", "1.1"),
            (b"GET /a FOO/1.1", "GET", "/a", "FOO/1.1"),
            (b"GET HTTP/1.1", "GET", None, "1.1"),
            (b"GET /\xe4 HTTP/1.1", "GET", "/\xe4", "1.1"),
            (b"G\xe4T / HTTP/1.1", "G\xe4T", "/", "1.1"),
            (b"GET", "GET", None, None),
            (b"GET / HTTP/1.10", "GET", "/", "1.10"),
        ],
    )
    def test_bad_request_lines_are_read_as_far_as_they_go(
        self, line: bytes, method: str, target: str | None, version: str | None
    ) -> None:
        head = read_head(line + b"\r\nHost: a\r\n\r\n")
        assert (head.kind, head.method, head.target, head.http_version) == (
            "request",
            method,
            target,
            version,
        )
        (oddity,) = head.oddities
        assert (oddity.code, oddity.offset, oddity.evidence) == ("bad-start-line", 0, line)
        assert head.values("host") == ["a"]


class TestResponse:
    def test_switching_protocols(self) -> None:
        head = read_head(b"HTTP/1.1 101 Switching Protocols\r\nServer: x\r\n\r\n")
        assert (head.kind, head.http_version, head.status, head.reason) == (
            "response",
            "1.1",
            101,
            "Switching Protocols",
        )
        assert head.method is None
        assert head.target is None

    @pytest.mark.parametrize("line", [b"HTTP/1.1 101", b"HTTP/1.1 101 "])
    def test_no_reason_phrase_is_no_fault(self, line: bytes) -> None:
        head = read_head(line + b"\r\n\r\n")
        assert (head.status, head.reason, head.oddities) == (101, "", ())

    @pytest.mark.parametrize(
        ("line", "version", "status", "reason"),
        [
            (b"HTTP/1.1 1010 Odd", "1.1", None, "Odd"),
            (b"HTTP/1.1 abc Odd", "1.1", None, "Odd"),
            (b"HTTP/1.1 \xb2\xb2\xb2 Odd", "1.1", None, "Odd"),
            (b"HTTP/1.1  101 Odd", "1.1", 101, "Odd"),
            (b"http/1.1 101 Odd", "1.1", 101, "Odd"),
            (b"HTTP/2 101 Odd", "2", 101, "Odd"),
            (b"HTTP/", "", None, ""),
        ],
    )
    def test_bad_status_lines_are_read_as_far_as_they_go(
        self, line: bytes, version: str, status: int | None, reason: str
    ) -> None:
        head = read_head(line + b"\r\n\r\n")
        assert (head.kind, head.http_version, head.status, head.reason) == (
            "response",
            version,
            status,
            reason,
        )
        assert [oddity.code for oddity in head.oddities] == ["bad-start-line"]


class TestOddities:
    @pytest.mark.parametrize(
        ("lines", "code", "offset", "evidence"),
        [
            (b"Host: a\n", "bare-lf", 23, b"\n"),
            (b"Host: a\rb\r\n", "bare-cr", 23, b"\r"),
            (b"Host: a\0b\r\n", "nul", 23, b"\0"),
            (b"Host: a\x01b\r\n", "control", 23, b"\x01"),
            (b"Host: a\r\n b\r\n", "obs-fold", 25, b" b"),
            (b"Host : a\r\n", "space-before-colon", 16, b"Host :"),
            (b"Host a\r\n", "no-colon", 16, b"Host a"),
            (b": a\r\n", "empty-name", 16, b":"),
            (b"H(st: a\r\n", "bad-name", 16, b"H(st"),
            (b" Host: a\r\n", "leading-whitespace", 16, b" Host: a"),
        ],
    )
    def test_each_has_its_code_place_and_evidence(
        self, lines: bytes, code: str, offset: int, evidence: bytes
    ) -> None:
        head = read_head(b"GET / HTTP/1.1\r\n" + lines + b"X: y\r\n\r\n")
        (oddity,) = head.oddities
        assert (oddity.code, oddity.offset, oddity.evidence) == (code, offset, evidence)
        assert head.values("x") == ["y"]

    def test_a_fold_becomes_one_space(self) -> None:
        head = read_head(b"GET / HTTP/1.1\r\nA: b \r\n  c\r\n\td \r\nE:\r\n f\r\n\r\n")
        assert [(field.name, field.value) for field in head.fields] == [("A", "b c d"), ("E", "f")]
        first = head.fields[0]
        assert head.raw[first.offset : first.offset + first.length] == b"A: b \r\n  c\r\n\td "

    def test_whitespace_before_the_colon_does_not_belong_to_the_name(self) -> None:
        assert read_head(b"GET / HTTP/1.1\r\nHost \t: a\r\n\r\n").value("host") == "a"

    def test_a_line_behind_the_start_line_with_whitespace_is_no_field(self) -> None:
        head = read_head(b"GET / HTTP/1.1\r\n A: b\r\nC: d\r\n\r\n")
        assert [field.name for field in head.fields] == ["C"]

    def test_blank_lines_in_front(self) -> None:
        head = read_head(b"\r\n\n" + REQUEST)
        assert [oddity.code for oddity in head.oddities] == ["leading-blank-line"]
        assert head.method == "GET"
        assert head.start_line == "GET /chat HTTP/1.1"

    @pytest.mark.parametrize("length", [0, 3, 18, 20, 30, len(REQUEST) - 1])
    def test_a_head_cut_short(self, length: int) -> None:
        assert codes(REQUEST[:length])[-1] == "incomplete"

    @pytest.mark.parametrize(
        "last", [b"\r", b"\rx", b"\r\r", b"\r ", b"A: b\r", b"A: b\r=", b"A\r:"]
    )
    @pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nA: b\r\n"])
    def test_a_last_line_without_its_end(self, first: bytes, last: bytes) -> None:
        head = read_head(first + last)
        assert [oddity.code for oddity in head.oddities][-1] == "incomplete"
        assert head.raw == first + last
        assert len(head.fields) <= 2

    def test_all_lf(self) -> None:
        head = read_head(REQUEST.replace(b"\r\n", b"\n"))
        assert {oddity.code for oddity in head.oddities} == {"bare-lf"}
        assert len(head.oddities) == 9
        assert head.value("sec-websocket-version") == "13"

    def test_too_many_are_cut_and_said_to_be(self) -> None:
        found = codes(b"GET / HTTP/1.1\r\n" + b"a: b\n" * 5000 + b"\r\n")
        assert found == ["bare-lf"] * MAX_ODDITIES + ["more-oddities"]


class TestAnything:
    @given(BYTES | BYTES.map(lambda tail: REQUEST[:-2] + tail))
    def test_no_bytes_raise(self, data: bytes) -> None:
        head = read_head(data)
        assert data.startswith(head.raw)
        offsets = [oddity.offset for oddity in head.oddities]
        assert offsets == sorted(offsets)
        assert [field.position for field in head.fields] == list(range(len(head.fields)))

    @given(BYTES, st.integers(0, 6))
    def test_wherever_the_bytes_stop(self, data: bytes, behind: int) -> None:
        head = read_head(REQUEST[:-2] + data[:behind])
        assert len(head.fields) <= len(REQUEST.splitlines()) + behind

    @given(BYTES)
    @example(b"a\n\n\r\n")
    def test_the_head_ends_where_head_end_says(self, data: bytes) -> None:
        end = head_end(data)
        head = read_head(data)
        if end >= 0:
            assert len(head.raw) == end
        assert ("incomplete" in codes(data)) == (end < 0)

    def test_long_lines_take_linear_time(self) -> None:
        read_head(b"GET / HTTP/1.1\r\nA: " + b"x " * 500_000)
        read_head(b"GET / HTTP/1.1\r\nA: b\r\n" + b" c\r\n" * 100_000)
        read_head(b"G" * 1_000_000)


TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=12)
VALUES = st.text("".join(map(chr, [*range(0x21, 0x7F), 0x20, 0x09, *range(0xA1, 0x100)])))
FIELDS = st.lists(st.tuples(TOKENS, VALUES.map(lambda text: text.strip(" \t"))), max_size=8)
# h11 has opinions about the values of these, which are no matter of the head's grammar.
SPECIAL = {"content-length", "transfer-encoding", "host", "connection", "expect"}


class TestOracles:
    @given(st.sampled_from(["GET", "POST", "x-Y"]), st.text("/abc?=&%", min_size=1), FIELDS)
    def test_requests_as_h11_reads_them(
        self, method: str, target: str, fields: list[tuple[str, str]]
    ) -> None:
        fields = [("Host", "a"), *(pair for pair in fields if pair[0].lower() not in SPECIAL)]
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        data = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
        head = read_head(data)
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(data)
        event = connection.next_event()
        assert isinstance(event, h11.Request)
        assert head.oddities == ()
        assert head.method == event.method.decode()
        assert head.target == event.target.decode()
        assert [
            (field.name.encode("latin-1"), field.value.encode("latin-1")) for field in head.fields
        ] == event.headers.raw_items()

    @given(st.integers(200, 599), st.text("abc DEF"), FIELDS)
    def test_responses_as_h11_reads_them(
        self, status: int, reason: str, fields: list[tuple[str, str]]
    ) -> None:
        fields = [pair for pair in fields if pair[0].lower() not in SPECIAL]
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}:{value}" for name, value in fields)]
        data = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
        head = read_head(data)
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.receive_data(data)
        event = connection.next_event()
        assert isinstance(event, h11.Response)
        assert (head.status, head.reason) == (event.status_code, event.reason.decode())
        assert [
            (field.name.encode("latin-1"), field.value.encode("latin-1")) for field in head.fields
        ] == event.headers.raw_items()

    def test_the_example_as_httptools_reads_it(self) -> None:
        seen: list[tuple[bytes, bytes]] = []

        class Protocol:
            def on_header(self, name: bytes, value: bytes) -> None:
                seen.append((name, value))

        parser = httptools.HttpRequestParser(Protocol())
        with pytest.raises(httptools.HttpParserUpgrade):
            parser.feed_data(REQUEST)
        head = read_head(REQUEST)
        assert [(field.name.encode(), field.value.encode()) for field in head.fields] == seen
        assert parser.get_method().decode() == head.method


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REQUEST, True),
        (b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nSEC-WEBSOCKET-KEY: x\r\n\r\n", True),
        (bytearray(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), False),
    ],
)
def test_mentions_websocket(data: bytes | bytearray, expected: bool) -> None:
    assert mentions_websocket(data) is expected

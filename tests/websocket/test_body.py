"""Body framing and the chunked coding (RFC 9112 §6, §7)."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.body import ChunkedReader, body_framing
from wsanalyze.websocket.head import read_head


def framing(start: str, *fields: str, method: str | None = "GET") -> tuple[object, ...]:
    head = read_head("\r\n".join([start, *fields, "", ""]).encode("latin-1"))
    result = body_framing(method, head)
    return result.kind, result.length, [oddity.code for oddity in result.oddities]


REQUEST = "POST / HTTP/1.1"
OK = "HTTP/1.1 200 OK"


class TestFraming:
    def test_nothing_said(self) -> None:
        assert framing(REQUEST) == ("none", None, [])
        assert framing(OK) == ("until-close", None, [])

    @pytest.mark.parametrize("start", ["HTTP/1.1 101 X", "HTTP/1.1 204 X", "HTTP/1.1 304 X"])
    def test_responses_that_never_have_a_body(self, start: str) -> None:
        assert framing(start, "Content-Length: 5") == ("none", None, [])
        assert framing(start, "Transfer-Encoding: chunked") == ("none", None, [])

    def test_head_and_connect(self) -> None:
        assert framing(OK, "Content-Length: 5", method="HEAD") == ("none", None, [])
        assert framing(OK, "Content-Length: 5", method="CONNECT") == ("tunnel", None, [])
        refused = framing("HTTP/1.1 407 X", "Content-Length: 5", method="CONNECT")
        assert refused == ("length", 5, [])

    @pytest.mark.parametrize("start", [REQUEST, OK])
    def test_length(self, start: str) -> None:
        assert framing(start, "Content-Length: 0") == ("length", 0, [])
        assert framing(start, "Content-Length: 007") == ("length", 7, [])
        assert framing(start, "Content-Length: 9223372036854775") == (
            "length",
            9223372036854775,
            [],
        )

    def test_equal_lengths_are_one(self) -> None:
        expected = ("length", 5, ["repeated-content-length"])
        assert framing(OK, "Content-Length: 5, 5") == expected
        assert framing(OK, "Content-Length: 5", "content-length: 5") == expected

    @pytest.mark.parametrize(("start", "kind"), [(REQUEST, "none"), (OK, "until-close")])
    def test_lengths_that_say_nothing(self, start: str, kind: str) -> None:
        assert framing(start, "Content-Length: 5, 6") == (kind, None, ["unequal-content-lengths"])
        for value in ("", "-5", "+5", "5x", "0x5", "5 5", "\xb2", "9" * 5000):
            assert framing(start, f"Content-Length: {value}") == (
                kind,
                None,
                ["bad-content-length"],
            )

    @pytest.mark.parametrize("start", [REQUEST, OK])
    def test_chunked(self, start: str) -> None:
        assert framing(start, "Transfer-Encoding: chunked") == ("chunked", None, [])
        assert framing(start, "Transfer-Encoding: gzip, Chunked") == ("chunked", None, [])
        assert framing(start, "Transfer-Encoding: gzip", "Transfer-Encoding: chunked") == (
            "chunked",
            None,
            [],
        )

    def test_transfer_encoding_overrides_content_length(self) -> None:
        assert framing(OK, "Content-Length: 5", "Transfer-Encoding: chunked") == (
            "chunked",
            None,
            ["te-and-cl"],
        )

    def test_codings_that_do_not_end_in_chunked(self) -> None:
        assert framing(OK, "Transfer-Encoding: chunked, gzip") == ("until-close", None, [])
        assert framing(REQUEST, "Transfer-Encoding: gzip") == ("none", None, ["te-not-chunked"])

    def test_transfer_encoding_in_http_1_0(self) -> None:
        assert framing("HTTP/1.0 200 OK", "Transfer-Encoding: chunked") == (
            "chunked",
            None,
            ["te-below-1.1"],
        )


def follow(data: bytes, sizes: int) -> tuple[ChunkedReader, int]:
    """Feed `data` in pieces of `sizes` bytes; return the reader and where it stopped."""
    reader = ChunkedReader()
    position = 0
    while position < len(data) and not reader.done and reader.broken is None:
        position = reader.feed(data, position, min(position + sizes, len(data)))
    return reader, position


EXAMPLE = b"4\r\nWiki\r\n5;a=b\r\npedia\r\nE \r\n in\r\n\r\nchunks.\r\n0\r\nT: x\r\n\r\n"


class TestChunked:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    @pytest.mark.parametrize("tail", [b"", b"\x81\x00", b"HTTP/1.1 200 OK\r\n\r\n"])
    def test_ends_at_the_same_place_however_it_is_fed(self, size: int, tail: bytes) -> None:
        reader, position = follow(EXAMPLE + tail, size)
        assert reader.done
        assert position == len(EXAMPLE)
        assert reader.feed(b"more", 0, 4) == 0

    def test_says_what_need_not_be_looked_at(self) -> None:
        reader = ChunkedReader()
        assert reader.feed(b"100000\r\nabc", 0, 11) == 11
        assert reader.remaining == 0x100000 - 3
        assert reader.skip(10) == 10
        assert reader.skip(1 << 30) == 0x100000 - 13
        assert reader.remaining == 0
        assert reader.feed(b"\r\n0\r\n\r\n", 0, 7) == 7
        assert reader.done

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_any_buffer(self, kind: type) -> None:
        data = kind(b"??" + EXAMPLE + b"!")
        reader = ChunkedReader()
        assert reader.feed(data, 2, len(data)) == 2 + len(EXAMPLE)
        assert reader.done

    def test_bare_lf_is_taken_and_counted(self) -> None:
        reader, position = follow(b"1\na\n0\n\n", 3)
        assert (reader.done, position, reader.bare_lf) == (True, 7, 4)

    @pytest.mark.parametrize(
        ("data", "broken"),
        [
            (b"x\r\n", "bad-chunk-size"),
            (b"-1\r\n", "bad-chunk-size"),
            (b"\r\n", "bad-chunk-size"),
            (b"0x5\r\n", "bad-chunk-size"),
            (b"ffffffffffffffffffff\r\n", "bad-chunk-size"),
            (b"1\r\nab\r\n", "bad-chunk-end"),
            (b"1\r\na\rb", "bad-chunk-end"),
            (b"1;" + b"x" * 5000, "chunk-line-too-long"),
            (b"0\r\n" + b"T: x\r\n" * 20000, "trailers-too-long"),
        ],
    )
    @pytest.mark.parametrize("size", [1, 100, 1 << 20])
    def test_broken(self, data: bytes, broken: str, size: int) -> None:
        reader, _ = follow(data, size)
        assert reader.broken == broken
        assert not reader.done
        assert reader.feed(b"0\r\n\r\n", 0, 5) == 0

    @given(st.binary(), st.integers(1, 20))
    def test_no_bytes_raise(self, data: bytes, size: int) -> None:
        whole, end = follow(data, len(data) + 1)
        parts, _ = follow(data, size)
        assert (whole.done, whole.broken) == (parts.done, parts.broken)
        assert 0 <= end <= len(data)

    @given(st.lists(st.binary(min_size=1, max_size=40)), st.binary(max_size=10))
    def test_h11_sees_the_same_end(self, chunks: list[bytes], tail: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = b"".join(b"%X\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        body += b"0\r\n\r\n"
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(head + body + tail)
        events = []
        while not isinstance(event := connection.next_event(), type(h11.PAUSED)):
            events.append(event)
            if isinstance(event, h11.EndOfMessage):
                break
        reader, position = follow(body + tail, 1 << 20)
        assert isinstance(events[-1], h11.EndOfMessage)
        assert reader.done
        assert connection.trailing_data[0] == tail == (body + tail)[position:]

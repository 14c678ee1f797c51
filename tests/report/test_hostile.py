"""Captures that would break a page: heads of megabytes, clocks that lie, lengths beyond numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.packets import ACK, CLIENT, SECOND, SERVER, SYN, T0, pcap_of, segment
from support.sessions import frame, masked, request, response

from report.pages import data_of, opened, written

LATEST = (2**32 - 1) * SECOND
CHUNK = 60_000


def packets_of(asked: bytes, answered: bytes, *ours: bytes) -> list[bytes]:
    """Return the packets of a connection whose heads are of any length."""
    packets = [segment(CLIENT, SERVER, 0, 0, SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    at = {CLIENT: 1, SERVER: 1}
    for sender, receiver, data in (
        (CLIENT, SERVER, asked),
        (SERVER, CLIENT, answered),
        *((CLIENT, SERVER, each) for each in ours),
    ):
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            packets.append(segment(sender, receiver, at[sender], at[receiver], ACK, part))
            at[sender] += len(part)
    return packets


def is_quiet(browser: Browser, folder: Path, capture: bytes) -> str:
    """Open the page of a capture, and each of its first frames; return its text."""
    path = folder / "hostile.pcap"
    path.write_bytes(capture)
    data = data_of(path)
    json.dumps(data, allow_nan=False)
    file = written(folder, data)
    seen = opened(browser, file)
    for number in range(3):
        seen.page.evaluate("address => { location.hash = address }", f"#c=0&f={number}")
        seen.page.wait_for_timeout(50)
    seen.assert_quiet(file)
    text = seen.page.locator("main").inner_text()
    assert not {"undefined", "NaN", "Infinity", "[object"} & set(text.split())
    seen.page.context.close()
    return text


def test_heads_of_ten_megabytes(browser: Browser, tmp_path: Path) -> None:
    """Neither is read to its end: the request is no attempt then, the answer is missing."""
    long = f"X-Long: {'<script>' * 1_310_720}"
    asked = packets_of(request(long), response())
    assert "no connection attempts" in is_quiet(browser, tmp_path, pcap_of(asked))
    answered = packets_of(request(), response(long), masked(b"said"))
    text = is_quiet(browser, tmp_path, pcap_of(answered))
    assert "Connection 0" in text
    assert len(text) < 100_000


def test_thousands_of_fields(browser: Browser, tmp_path: Path) -> None:
    lines = [f"X-{number}: value" for number in range(3000)]
    assert "Connection 0" in is_quiet(
        browser, tmp_path, pcap_of(packets_of(request(*lines), response(), masked(b"said")))
    )


@pytest.mark.parametrize(
    "times",
    [
        lambda number: 0 * number,
        lambda number: LATEST + number,
        lambda number: T0 - number * 3600 * SECOND,
        lambda number: LATEST if number % 2 else 0,
    ],
    ids=["zero", "far", "backwards", "to and fro"],
)
def test_clocks_that_lie(browser: Browser, tmp_path: Path, times: Callable[[int], int]) -> None:
    packets = packets_of(request(), response(), masked(b"one"), masked(b"ping", 9), masked(b"two"))
    capture = pcap_of(packets, times=[times(number) for number in range(len(packets))])
    text = is_quiet(browser, tmp_path, capture)
    assert "Connection 0" in text
    assert "3 frames" in text.replace("\n", " ")


@pytest.mark.parametrize("length", [2**53 + 1, 2**63 - 1, 2**64 - 1])
def test_lengths_beyond_what_numbers_hold(browser: Browser, tmp_path: Path, length: int) -> None:
    huge = b"\x82\xff" + length.to_bytes(8, "big") + b"\1\2\3\4" + b"abcd"
    text = is_quiet(
        browser, tmp_path, pcap_of(packets_of(request(), response(), masked(b"one"), huge))
    )
    assert "Connection 0" in text


@pytest.mark.parametrize(
    "host",
    [
        "<script>alert(1)</script>",
        "</script><img/src=x/onerror=alert(1)>",
        "\xe2\x80\xae\xe2\x81\xa6gpj.example",
        '=HYPERLINK("http://evil.example")',
        "a" * 5000,
        "\x1b[31mowned",
    ],
    ids=["script", "image", "bidi", "formula", "long", "ansi"],
)
def test_what_a_tunnel_is_called_is_text(browser: Browser, tmp_path: Path, host: str) -> None:
    connect = f"CONNECT {host}:80 HTTP/1.1\r\nHost: {host}:80\r\n\r\n".encode("latin-1")
    packets = packets_of(connect, b"HTTP/1.1 200 OK\r\n\r\n")
    at = {CLIENT: 1 + len(connect), SERVER: 1 + len(b"HTTP/1.1 200 OK\r\n\r\n")}
    for sender, data in ((CLIENT, request()), (SERVER, response()), (CLIENT, masked(b"said"))):
        receiver = SERVER if sender == CLIENT else CLIENT
        packets.append(segment(sender, receiver, at[sender], at[receiver], ACK, data))
        at[sender] += len(data)
    text = is_quiet(browser, tmp_path, pcap_of(packets))
    assert "Connection 0" in text
    assert "tunnel" in text
    assert not {"\u202e", "\u2066", "\x1b"} & set(text)


def test_every_byte_and_every_separator(browser: Browser, tmp_path: Path) -> None:
    every = bytes(range(256)) + "\u2028\u2029\ufeff\u202e\0".encode() + b"\xed\xa0\x80"
    ours = [masked(every), masked(every, 2), masked(every[:125], 9), frame(every[128:250], 10)]
    assert "Connection 0" in is_quiet(
        browser, tmp_path, pcap_of(packets_of(request(), response(), *ours))
    )

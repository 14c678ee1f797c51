"""What is not a capture is called by its name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from crafted_captures import read

from wsanalyze.capture.foreign import BEGINNINGS, looks_like
from wsanalyze.errors import CaptureError

EVENT_TRACE = struct.pack("<III", 65536, 0x148, 0x148) + bytes(200)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"hello world\nthis is a log\n", "text"),
        (b'{"a": 1}', "JSON"),
        (b'{"log": {"version": "1.2", "entries": []}}', "an HTTP archive (HAR)"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"CLIENT_RANDOM 00 11\n", "a TLS key log"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\xff\xfeh\0i\0", "text"),
        (bytes(257) + b"ustar" + bytes(10), "a tar archive"),
        (EVENT_TRACE, "a Windows event trace (.etl)"),
        (bytes(1000), "nothing but zeros"),
        (b"\x0a\x0a\x0d\x0a", "a pcapng file damaged by a transfer in text mode"),
        (b"\xde\xad\xbe\xef\0\0", "no known format (it begins with de ad be ef 00 00)"),
        (b"\xd4\xc3", "only 2 bytes"),
    ],
)
def test_what_it_looks_like(head: bytes, what: str) -> None:
    assert looks_like(head)[0] == what


@pytest.mark.parametrize(("beginning", "what", "advice"), BEGINNINGS)
def test_the_table_of_beginnings(beginning: bytes, what: str, advice: str) -> None:
    assert looks_like(beginning + bytes(20)) == (what, advice)


def test_names_help_only_where_content_says_nothing() -> None:
    assert looks_like(b"\1\2\3\4\5", "a.erf")[0] == "an Endace ERF capture"
    assert looks_like(b"\1\2\3\4\5", "a.ETL")[0] == "a Windows event trace (.etl)"
    assert looks_like(b"\x7fELF\1\1", "a.etl")[0] == "an ELF program"


def test_the_error_is_one_line_with_name_place_and_advice(tmp_path: Path) -> None:
    path = tmp_path / "notes.pcap"
    path.write_bytes(b"tcpdump: listening on eth0\n")
    with pytest.raises(CaptureError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: byte 0: not a capture: text (give the capture itself: tcpdump -w FILE writes one)"
    )
    path.write_bytes(gzip.compress(b"snoop\0\0\0" + bytes(20)))
    with pytest.raises(CaptureError, match="inside gzip: a snoop capture"):
        read(path)

"""Recorded wss sessions whose secrets come late: behind their packets, or logged meanwhile."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pandas as pd
import pytest
from test_tls import CAPTURES, DECRYPTION_SECRETS, keylog_of, without_secrets

import wsanalyze
from wsanalyze.capture.secrets_ahead import secrets_of_file
from wsanalyze.limits import Limits
from wsanalyze.pipeline import TLS_KEY_LOG, read
from wsanalyze.recording import Recording, Wants

pytest.importorskip("cryptography")

NAMES = ["chat-wss.pcapng", "wss-tls12.pcapng", "wss-suites.pcapng", "wss-handshakes.pcapng"]
names = pytest.mark.parametrize("name", NAMES)


def secrets_last(data: bytes) -> bytes:
    """Return a pcapng file (little-endian) with its Decryption Secrets Blocks at the end."""
    return without_secrets(data) + secrets_blocks(data)


def secrets_blocks(data: bytes) -> bytes:
    return b"".join(block for block in blocks_of(data) if block[:4] == DECRYPTION_SECRETS)


def padded(data: bytes) -> bytes:
    """Return a capture with a block between that no window spans."""
    length = 3 * 1024 * 1024
    size = length.to_bytes(4, "little")
    block = (0x0BAD).to_bytes(4, "little") + size + bytes(length - 12) + size
    blocks = secrets_blocks(data)
    return data.removesuffix(blocks) + block + blocks


@names
def test_blocks_behind_their_packets(tmp_path: Path, name: str) -> None:
    path = tmp_path / "late.pcapng"
    path.write_bytes(padded(secrets_last((CAPTURES / name).read_bytes())))
    first, late = wsanalyze.analyze(CAPTURES / name), wsanalyze.analyze(path)
    for table in ("connections", "frames", "messages", "tls", "findings"):
        drop = [c for c in ("capture",) if c in first.table(table).columns]
        pd.testing.assert_frame_equal(
            first.table(table).drop(columns=drop), late.table(table).drop(columns=drop)
        )
    assert late.summary["keylog_lines"][0] == first.summary["keylog_lines"][0]


def test_nobody_asked_for_tls(tmp_path: Path) -> None:
    """The summary wants no facts of TLS; it is read all the same, for secrets may come."""
    path = tmp_path / "late.pcapng"
    path.write_bytes(padded(secrets_last((CAPTURES / "chat-wss.pcapng").read_bytes())))
    recording = read([path], wants=Wants(), limits=Limits())
    assert [each.scheme for each in recording.connections] == ["wss"]


def test_blocks_in_a_stream() -> None:
    """A stream cannot be looked at beforehand: records wait while their connection lasts."""
    original = (CAPTURES / "chat-wss.pcapng").read_bytes()
    packets = blocks_of(without_secrets(original))
    far = padded(b"".join(packets[:-8]) + secrets_blocks(original))
    stream = Unseekable(far + b"".join(packets[-8:]))
    assert said_in(read([stream], wants=Wants(), limits=Limits())) == (True, 7, 7)
    behind = Unseekable(padded(b"".join(packets) + secrets_blocks(original)))
    assert read([behind], wants=Wants(), limits=Limits()).connections == []


def blocks_of(data: bytes) -> list[bytes]:
    found = []
    while data:
        stop = int.from_bytes(data[4:8], "little")
        found.append(data[:stop])
        data = data[stop:]
    return found


class Unseekable(io.RawIOBase):
    """A stream without a size."""

    name = "stream"

    def __init__(self, data: bytes) -> None:
        self.inside = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        return self.inside.readinto(view)


def said_in(recording: Recording) -> tuple[bool, int, int]:
    (only,) = recording.connections
    return only.scheme == "wss", only.client_messages, only.server_messages


def test_a_key_log_that_is_still_written(tmp_path: Path) -> None:
    """The first half of a capture comes through a pipe, then its secrets, then the rest."""
    original = (CAPTURES / "chat-wss.pcapng").read_bytes()
    data, log = without_secrets(original), tmp_path / "keys.log"
    log.write_bytes(b"")
    lines = keylog_of(CAPTURES / "chat-wss.pcapng")
    reading, writing = os.pipe()
    half = len(data) // 2

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(data[:half])
            with log.open("ab") as file:
                # Half a line is left until its end is there.
                file.write(lines[:300])
                file.flush()
                file.write(lines[300:])
            pipe.write(data[half:])

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        recording = read([pipe], wants=Wants(), limits=Limits(), keylogs=[log])
    thread.join()
    assert said_in(recording) == (True, 7, 7)


@names
def test_what_is_found_beforehand(tmp_path: Path, name: str) -> None:
    data = (CAPTURES / name).read_bytes()
    path = tmp_path / "late.pcapng"
    path.write_bytes(padded(secrets_last(data)))
    expected = secrets_of_file(str(CAPTURES / name))
    assert len(expected) == secrets_blocks(data).count(b"KSLT")
    assert secrets_of_file(str(path)) == expected
    # Cut anywhere, it finds what is before.
    path.write_bytes(data[: len(data) // 2])
    assert secrets_of_file(str(path)) == expected
    assert secrets_of_file(str(tmp_path / "none")) == []
    path.write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(40))
    assert secrets_of_file(str(path)) == []


def test_a_block_that_says_it_is_huge_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file can be terabytes of nothing: what is longer than all that is kept is not kept."""
    head = (CAPTURES / "chat-wss.pcapng").read_bytes()
    head = head[: int.from_bytes(head[4:8], "little")]
    secret = b"KSLT" + (200).to_bytes(4, "little") + bytes(200)
    length = (len(secret) + 12).to_bytes(4, "little")
    path = tmp_path / "huge.pcapng"
    path.write_bytes(head + (10).to_bytes(4, "little") + length + secret + length)
    assert secrets_of_file(str(path)) == [(TLS_KEY_LOG, bytes(200))]
    monkeypatch.setattr("wsanalyze.capture.secrets_ahead.SECRETS", 100)
    assert secrets_of_file(str(path)) == []

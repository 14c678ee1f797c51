"""Every kind of source gives the same tables: what is read, not how it arrives, decides."""

from __future__ import annotations

import bz2
import gzip
import http.client
import io
import lzma
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cli.running import COMMAND, environment
from support.records import records_of
from support.variants import zstd

import wsanalyze

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
CAPTURE = CAPTURES / "websockets-deflate.pcapng"
DATA = CAPTURE.read_bytes()
TABLES = ("connections", "headers", "frames", "messages")


class OnlyRead:
    """Something file-like with nothing but `read`, which gives little at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(min(size, 700) if size >= 0 else 700)


class AsPath:
    """An os.PathLike that is no pathlib.Path."""

    def __fspath__(self) -> str:
        return str(CAPTURE)


def check_same(found: wsanalyze.Analysis) -> None:
    wanted = wsanalyze.analyze(CAPTURE)
    for name in TABLES:
        ours, theirs = getattr(found, name), getattr(wanted, name)
        if name == "connections":
            ours, theirs = ours.drop(columns="capture"), theirs.drop(columns="capture")
        pd.testing.assert_frame_equal(ours, theirs)
    assert found.summary["problem"].isna().all()
    assert found.summary["packets"].sum() == wanted.summary["packets"].sum()


@pytest.mark.parametrize(
    "source",
    [
        lambda: str(CAPTURE),
        lambda: CAPTURE,
        AsPath,
        lambda: DATA,
        lambda: bytearray(DATA),
        lambda: memoryview(DATA),
        lambda: io.BytesIO(DATA),
        lambda: io.BufferedReader(io.BytesIO(DATA)),  # type: ignore[type-var]
        lambda: OnlyRead(DATA),
        lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(DATA))),
        lambda: bz2.BZ2File(io.BytesIO(bz2.compress(DATA))),
        lambda: lzma.LZMAFile(io.BytesIO(lzma.compress(DATA))),  # noqa: SIM115 - it holds no file
        lambda: io.BytesIO(zstd.compress(DATA)),
        # A file of gzip, read by gzip of a file of gzip.
        lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(gzip.compress(DATA)))),
        lambda: [CAPTURE],
        lambda: (str(CAPTURE),),
    ],
)
def test_files_and_bytes(source: Callable[[], Any]) -> None:
    check_same(wsanalyze.analyze(source()))


def test_files_that_are_open() -> None:
    with CAPTURE.open("rb") as file:
        check_same(wsanalyze.analyze(file))
        assert not file.closed
    with tempfile.SpooledTemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        check_same(wsanalyze.analyze(file))  # type: ignore[arg-type]


class Server(BaseHTTPRequestHandler):
    """Answers with the capture, in chunks, or with a length."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(DATA), 1000):
                part = DATA[i : i + 1000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/chunked", "/whole"])
def test_a_download(server: int, path: str) -> None:
    """A response of http.client, which cannot seek, is read while it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server)
    connection.request("GET", path)
    with connection.getresponse() as response:
        check_same(wsanalyze.analyze(response))
    connection.close()


def pieces(data: bytes) -> Iterator[bytes]:
    for i in range(0, len(data), 900):
        yield data[i : i + 900]


def test_a_pipe_that_is_still_written(tmp_path: Path) -> None:
    """Reading waits for the writer, and ends where it stops."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pen:
            for piece in pieces(DATA):
                pen.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    check_same(wsanalyze.analyze(path))
    writer.join()


def test_a_pipe_is_waited_for_without_asking_again_and_again() -> None:
    """Each read takes what one write brought: nothing is polled."""
    outlet, inlet = os.pipe()
    reads = 0

    class Counted(io.FileIO):
        def readinto(self, view: Any) -> int | None:
            nonlocal reads
            reads += 1
            return super().readinto(view)

    def write() -> None:
        with os.fdopen(inlet, "wb", 0) as pen:
            for piece in pieces(DATA):
                pen.write(piece)

    writer = threading.Thread(target=write)
    with Counted(outlet, "rb") as file:
        writer.start()
        check_same(wsanalyze.analyze(file))
        writer.join()
    assert reads <= len(list(pieces(DATA))) + 2


@pytest.mark.parametrize("lost", [1, 40, 500])
def test_a_writer_that_stops_within_a_packet(lost: int) -> None:
    """What had come whole is in the tables, and where it ended is told."""
    one, other = socket.socketpair()
    with one, one.makefile("rb") as file:
        other.sendall(DATA[:-lost])
        other.close()
        found = wsanalyze.analyze(file)
    packets = found.summary["packets"].iloc[0]
    assert f"cut off after packet {packets}" in found.summary["problem"].iloc[0]
    assert 0 < packets < len(records_of(CAPTURE)) + 1
    assert len(found.frames) > 0


def test_a_file_that_grows_is_read_up_to_its_present_end(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcapng"
    path.write_bytes(DATA[: len(DATA) // 2])
    before = wsanalyze.analyze(path)
    assert "cut off after packet" in before.summary["problem"].iloc[0]
    with path.open("ab") as file:
        file.write(DATA[len(DATA) // 2 :])
    check_same(wsanalyze.analyze(path))
    assert 0 < len(before.frames) < len(wsanalyze.analyze(path).frames)


def test_standard_input_in_pieces() -> None:
    """As `tcpdump -w - | wsanalyze export -` has it; a killed writer costs its last packet."""
    command = [*COMMAND, "export", "-", "-t", "frames", "-f", "csv", "-q", "-o", "-"]
    expected = len(wsanalyze.analyze(CAPTURE).frames)
    for data, status in ((DATA, 0), (DATA[:-30], 4)):
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for piece in pieces(data):
                process.stdin.write(piece)
                process.stdin.flush()
            process.stdin.close()
            lines = process.stdout.read().splitlines()
        assert process.returncode == status
        assert len(lines) == expected + 1

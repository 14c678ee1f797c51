"""Any input is read as it arrives: paths, standard input, files of every kind."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from crafted_captures import packets, pcap

from wsanalyze.capture.stored import Stored, open_stored
from wsanalyze.errors import CaptureError, UsageError

DATA = pcap(5)


class OnlyRead:
    """Something file-like with nothing but `read`."""

    def __init__(self, data: bytes | str) -> None:
        self.data = data

    def read(self, size: int) -> bytes | str:
        part, self.data = self.data[:size], self.data[size:]
        return part


def test_paths(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA)
    stored = open_stored(path)
    assert (stored.name, stored.total_bytes) == (str(path), len(DATA))
    stored.close()
    stored.close()
    assert packets(path) == packets(str(path)) == packets(DATA)


@pytest.mark.parametrize("buffering", [0, -1, 16], ids=["unbuffered", "buffered", "small buffer"])
def test_open_files_are_read_from_where_they_stand_and_left_open(
    tmp_path: Path, buffering: int
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"prefix" + DATA)
    with path.open("rb", buffering=buffering) as file:
        file.read(6)
        stored = open_stored(file)
        assert (stored.name, stored.total_bytes) == (str(path), len(DATA))
        assert packets(file) == packets(DATA)
        assert not file.closed


def test_other_files() -> None:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        assert packets(file) == packets(DATA)
    assert packets(OnlyRead(DATA)) == packets(DATA)
    assert open_stored(OnlyRead(DATA)).name == "<stream>"


def test_text_is_refused() -> None:
    with pytest.raises(UsageError, match="mode 'rb'"):
        open_stored(io.StringIO("x"))
    with pytest.raises(UsageError, match="gives text"):
        packets(OnlyRead("text"))
    with pytest.raises(UsageError, match="not int"):
        open_stored(3)


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_gives_what_has_arrived(buffering: int) -> None:
    outlet, inlet = os.pipe()
    with os.fdopen(outlet, "rb", buffering=buffering) as file, os.fdopen(inlet, "wb", 0) as pen:
        stored = open_stored(file)
        assert stored.total_bytes is None
        view = memoryview(bytearray(100_000))
        pen.write(b"abc")
        assert stored.readinto(view) == 3
        pen.write(b"de")
        assert stored.readinto(view) == 2
        assert stored.bytes_read == 5


def test_a_source_that_does_not_block_is_waited_for() -> None:
    outlet, inlet = os.pipe()
    os.set_blocking(outlet, False)
    with os.fdopen(outlet, "rb", buffering=0) as file, os.fdopen(inlet, "wb", 0) as pen:
        later = threading.Timer(0.05, pen.write, [b"abc"])
        later.start()
        assert open_stored(file).readinto(memoryview(bytearray(10))) == 3
        later.join()


def test_a_socket() -> None:
    one, other = socket.socketpair()
    with one, other, one.makefile("rb") as file:
        other.sendall(DATA)
        other.close()
        assert packets(file) == packets(DATA)


def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(DATA,))
    writer.start()
    assert packets(path) == packets(DATA)
    writer.join()


def test_standard_input() -> None:
    program = (
        "import sys; from wsanalyze.capture.source import open_capture\n"
        "reader = open_capture('-')\n"
        "print(reader.info.name, reader.next().count, reader.next())"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=DATA, capture_output=True, check=True)
    assert done.stdout == b"standard input 5 None\n"


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="standard input: is closed"):
        open_stored("-")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"nothing: no such file \(check the path\)"):
        open_stored(tmp_path / "nothing")
    with pytest.raises(CaptureError, match="is a directory"):
        open_stored(tmp_path)
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_stored("a\0b")
    (tmp_path / "x").write_bytes(DATA)
    with pytest.raises(CaptureError, match="cannot be opened: Not a directory"):
        open_stored(tmp_path / "x" / "y")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA)
    path.chmod(0)
    with pytest.raises(CaptureError, match="permission denied"):
        open_stored(path)


def test_only_what_was_opened_here_is_closed() -> None:
    file = io.BytesIO(DATA)
    Stored("x", file, owned=False).close()
    assert not file.closed
    Stored("x", file, owned=True).close()
    assert file.closed

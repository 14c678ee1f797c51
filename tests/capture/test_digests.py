"""Size and SHA-256 of what was looked at, or nothing where nobody could compare with it."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from pathlib import Path

import pytest

from wsanalyze.capture.digests import digests_of, marks_of

HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


def of(contents: bytes) -> tuple[int, str]:
    return len(contents), sha256(contents).hexdigest()


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(HEADER)
    assert digests_of([str(path)], [path], marks_of([path])) == [of(HEADER)]


def test_of_a_directory_each_capture(tmp_path: Path) -> None:
    (tmp_path / "b.pcap").write_bytes(HEADER)
    (tmp_path / "a.pcap").write_bytes(HEADER + bytes(16))
    (tmp_path / "notes.txt").write_text("none")
    names = [str(tmp_path / "a.pcap"), str(tmp_path / "b.pcap")]
    found = digests_of(names, [tmp_path], marks_of([tmp_path]))
    assert found == [of(HEADER + bytes(16)), of(HEADER)]


def test_a_file_that_grew_or_was_replaced_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(HEADER)
    before = marks_of([path])
    with path.open("ab") as file:
        file.write(bytes(16))
    assert digests_of([str(path)], [path], before) == [None]
    before = marks_of([path])
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert digests_of([str(path)], [path], before) == [None]
    path.unlink()
    assert digests_of([str(path)], [path], before) == [None]


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sources = ["-", str(pipe), str(tmp_path / "nowhere"), "\0"]
    assert marks_of([*sources, tmp_path]) == {}
    assert digests_of(sources, sources, {}) == [None] * 4


def test_bytes_and_open_files_are_what_was_read(tmp_path: Path) -> None:
    memory = io.BytesIO(HEADER)
    memory.seek(5)
    assert digests_of(["<stream>"], [memory], {}) == [of(HEADER)]
    assert memory.tell() == 5
    path = tmp_path / "a.pcap"
    path.write_bytes(HEADER)
    with path.open("rb") as file:
        assert digests_of([str(path)], [file], {}) == [of(HEADER)]


def test_a_file_of_that_name_is_not_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("<stream>").write_bytes(HEADER + b"other")
    memory, file = io.BytesIO(HEADER), "<stream>"
    before, names = marks_of([file]), ["<stream>", "<stream>"]
    stored = of(HEADER + b"other")
    assert digests_of(names, [memory, file], before) == [of(HEADER), stored]
    assert digests_of(names, [file, memory], before) == [stored, of(HEADER)]
    assert digests_of(["<stream>"], [file], before) == [stored]


def test_each_has_its_own_beside_a_folder(tmp_path: Path) -> None:
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(HEADER + name.encode())
    sources = [tmp_path, io.BytesIO(HEADER)]
    names = [str(tmp_path / "a.pcap"), str(tmp_path / "b.pcap"), "<stream>"]
    expected = [of(HEADER + b"a.pcap"), of(HEADER + b"b.pcap"), of(HEADER)]
    assert digests_of(names, sources, marks_of(sources)) == expected
    (tmp_path / "c.pcap").write_bytes(HEADER)
    assert digests_of(names, sources, {}) == [None] * 3


def test_a_stream_that_does_not_go_back_has_none() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert digests_of(["<stream>"], [file], {}) == [None]

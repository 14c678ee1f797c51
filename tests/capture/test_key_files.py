"""Key logs as files: folders, lines of any length, and several as one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wsanalyze.capture.key_files import FOLLOWED, LONGEST, MANY, PATIENCE, KeyLogs, as_one, lines_of
from wsanalyze.errors import UsageError
from wsanalyze.tls import keylog
from wsanalyze.tls.keylog import Secrets


def read(*paths: Path) -> list[list[bytes]]:
    return [list(lines) for lines in lines_of(paths)]


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.log").write_bytes(b"three\n")
    (tmp_path / "a.log").write_bytes(b"one\r\ntwo")
    (tmp_path / "empty").mkdir()
    assert read(tmp_path / "b.log", tmp_path) == [
        [b"three\n"],
        [b"one\r\n", b"two"],
        [b"three\n"],
    ]
    assert read(tmp_path / "empty") == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "keys.log.packed"
    path.write_bytes(pack(b"one\ntwo\n" * 50_000))
    assert read(path) == [[b"one\n", b"two\n"] * 50_000]
    assert read(tmp_path) == read(path)
    with as_one([path]) as whole:
        assert whole is not None
        assert whole.read_bytes() == b"one\ntwo\n" * 50_000
    logs = KeyLogs([path])
    assert [list(lines) for lines in logs.lines()] == read(path)
    assert list(logs.appended()) == []


def test_compressed_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "keys.log.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n")[:-6] + b"xxxxxx")
    assert read(path) == [[b"one\n", b"two\n"]]
    path.write_bytes(gzip.compress(b"one\n")[:12])
    assert len(read(path)) == 1


def test_what_is_unpacked_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.capture.key_files.MOST_UNPACKED", 8)
    path = tmp_path / "keys.log.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    assert read(path) == [[b"one\n", b"two\n"]]


def test_captures_in_a_folder_are_no_key_logs(tmp_path: Path) -> None:
    """Their bytes were lines that nobody understands."""
    (tmp_path / "keys.log").write_bytes(b"one\n")
    (tmp_path / "a.pcapng").write_bytes(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\n\n")
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(b"\xd4\xc3\xb2\xa1\x02\0\x04\0\n"))
    assert read(tmp_path) == [[b"one\n"]]
    logs = KeyLogs([tmp_path])
    assert [list(lines) for lines in logs.lines()] == [[b"one\n"]]
    (tmp_path / "b.pcapng").write_bytes(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\n\n")
    assert list(logs.appended()) == []


@pytest.mark.parametrize("length", [LONGEST, 3 * LONGEST + 5, 2_000_000])
def test_of_a_line_that_is_too_long_the_rest_is_no_line(tmp_path: Path, length: int) -> None:
    """Else it counted many times, and a comment's end could be a secret."""
    path = tmp_path / "long"
    path.write_bytes(b"#" * length + b"\nnext\n" + b"x" * length)
    assert read(path) == [[b"#" * LONGEST, b"next\n", b"x" * LONGEST]]


def test_folders_that_take_long_are_not_looked_at_for_each_connection(tmp_path: Path) -> None:
    for number in range(MANY):
        (tmp_path / str(number)).touch()
        # Clocks of file systems are coarse: what is written below is to be newer.
        os.utime(tmp_path / str(number), (number, number))
    now = 1.0
    logs = KeyLogs([tmp_path], lambda: now)
    log = tmp_path / "0"

    def after(text: bytes) -> list[list[bytes]]:
        with log.open("ab") as file:
            file.write(text)
        return list(logs.appended())

    assert [after(b"a\n"), after(b"b\n")] == [[[b"a"]], [[b"b"]]]
    (tmp_path / "one more").touch()
    os.utime(tmp_path / "one more", (0, 0))
    assert [after(b"c\n"), after(b"d\n")] == [[[b"c"]], []]
    now += PATIENCE * (MANY + 1)
    assert after(b"") == [[b"d"]]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As a shell makes it of `--keylog <(…)`."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"one\ntwo\n",))
    writer.start()
    logs = KeyLogs([path])
    assert [list(lines) for lines in logs.lines()] == [[b"one\n", b"two\n"]]
    writer.join()
    assert list(logs.appended()) == []


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device")
def test_nobody_waits_for_who_writes_a_pipe_that_took_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(b"1\n")
    logs = KeyLogs([path])
    assert [list(lines) for lines in logs.lines()] == [[b"1\n"]]
    path.unlink()
    os.mkfifo(path)
    assert list(logs.appended()) == []


def test_what_has_no_end_is_no_key_log() -> None:
    with pytest.raises(UsageError, match="key log /dev/zero: a line without an end"):
        read(Path("/dev/zero"))


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"key log .*none: cannot be read"):
        read(tmp_path / "none")


def test_as_one(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"one")
    second.write_bytes(b"two\n")
    with as_one([]) as path:
        assert path is None
    with as_one([first]) as path:
        assert path == first
    with as_one([first, second]) as path:
        assert path is not None
        assert path.read_bytes() == b"one\ntwo\n"
        assert path.stat().st_mode & 0o077 == 0
    assert not path.exists()


class TestFollowed:
    """Files that are written while a capture is read."""

    def test_what_was_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_bytes(b"one\ntw")
        logs = KeyLogs([path])
        assert [list(lines) for lines in logs.lines()] == [[b"one\n", b"tw"]]
        # What has no end yet is read again, and once its end is there.
        assert list(logs.appended()) == []
        path.write_bytes(b"one\ntwo\nthree\n")
        assert list(logs.appended()) == [[b"two", b"three"]]
        assert list(logs.appended()) == []

    def test_a_file_begun_anew(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_bytes(b"a long line\n")
        logs = KeyLogs([path])
        assert sum(1 for lines in logs.lines() for _ in lines) == 1
        path.write_bytes(b"short\n")
        assert list(logs.appended()) == [[b"short"]]

    def test_a_new_file_in_a_folder(self, tmp_path: Path) -> None:
        logs = KeyLogs([tmp_path])
        assert list(logs.lines()) == []
        (tmp_path / "new").write_bytes(b"line\n")
        assert list(logs.appended()) == [[b"line"]]

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_bytes(b"")
        logs = KeyLogs([path])
        assert [list(lines) for lines in logs.lines()] == [[]]
        path.unlink()
        assert list(logs.appended()) == []

    def test_only_the_files_changed_last(self, tmp_path: Path) -> None:
        logs = KeyLogs([tmp_path])
        for number in range(FOLLOWED + 5):
            file = tmp_path / str(number)
            file.write_bytes(b"%d\n" % number)
            os.utime(file, (number, number))
        found = [lines[0] for lines in logs.appended()]
        assert found == [b"%d" % number for number in range(FOLLOWED + 4, 4, -1)]


def test_a_fifo_that_is_followed_is_read_as_far_as_it_has_come(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    logs = KeyLogs([path], follows=True)
    assert list(logs.lines()) == []
    assert list(logs.appended()) == []
    for _ in range(2):
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, b"one\ntw")
        assert list(logs.appended()) == [[b"one"]]
        os.write(writer, b"o\n" + b"x" * 3 * LONGEST)
        assert list(logs.appended()) == [[b"two", b"x" * LONGEST]]
        os.write(writer, b"x" * 3 * LONGEST)
        assert list(logs.appended()) == []
        os.write(writer, b"x\nthree\n")
        assert list(logs.appended()) == [[b"three"]]
        os.close(writer)
        assert list(logs.appended()) == []


def test_one_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys"
    logs = KeyLogs([path], follows=True)
    assert list(logs.lines()) == []
    assert logs.missing == [path]
    assert list(logs.appended()) == []
    path.parent.mkdir()
    path.write_bytes(b"one\ntw")
    assert list(logs.appended()) == [[b"one"]]
    with path.open("ab") as file:
        file.write(b"o\n")
    assert list(logs.appended()) == [[b"two"]]
    assert list(logs.appended()) == []
    assert (logs.missing, logs.problems) == ([], [])


def test_only_by_who_follows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        [list(lines) for lines in KeyLogs([tmp_path / "keys"]).lines()]


def test_what_comes_later_may_be_a_fifo_or_compressed_or_a_folder(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("fifo", "packed", "folder")]
    logs = KeyLogs(paths, follows=True)
    assert list(logs.lines()) == []
    os.mkfifo(paths[0])
    paths[1].write_bytes(gzip.compress(b"packed\n"))
    paths[2].mkdir()
    (paths[2] / "keys").write_bytes(b"in a folder\n")
    assert list(logs.appended()) == [[b"packed\n"], [b"in a folder"]]
    writer = os.open(paths[0], os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, b"from a fifo\n")
    assert list(logs.appended()) == [[b"from a fifo"]]
    os.close(writer)
    assert list(logs.appended()) == []


def test_what_comes_later_and_may_not_be_read_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another user's browser, where root was given up."""
    path = tmp_path / "keys"
    logs = KeyLogs([path], follows=True)
    assert list(logs.lines()) == []
    path.write_bytes(b"one\n")

    def refused(*_arguments: object) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        assert list(logs.appended()) == []
        assert list(logs.appended()) == []
    assert logs.problems == [f"key log {path}: cannot be read: Permission denied"]
    assert list(logs.appended()) == [[b"one"]]


def test_a_line_without_an_end_is_one_where_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    logs = KeyLogs([path], follows=True)
    assert list(logs.lines()) == []
    for word in (b"one", b"two"):
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, word)
        assert list(logs.appended()) == []
        os.close(writer)
        assert list(logs.appended()) == [[word]]


def test_the_longest_line_that_is_understood_is_read(tmp_path: Path) -> None:
    assert LONGEST > keylog.LONGEST
    path = tmp_path / "keys"
    path.write_bytes(b"PMS_CLIENT_RANDOM %s %s\n" % (b"11" * 32, b"22" * 1024))
    known = Secrets(10)
    for lines in lines_of([path]):
        known.add(lines)
    assert known.reader.premasters == {b"\x11" * 32: b"\x22" * 1024}


def test_a_fifo_that_may_not_be_read_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wsanalyze.capture.key_files.os.open", refused)
    with pytest.raises(UsageError, match="pipe: cannot be read: "):
        list(KeyLogs([path], follows=True).lines())

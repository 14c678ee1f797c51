"""Key logs as files: folders, lines of any length, and several as one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wsanalyze.capture.key_files import FOLLOWED, MANY, PATIENCE, KeyLogs, as_one, lines_of
from wsanalyze.capture.key_lines import LONGEST
from wsanalyze.errors import UsageError
from wsanalyze.tls import keylog
from wsanalyze.tls.keylog import Secrets


def read(*paths: Path) -> list[list[bytes]]:
    return [list(lines) for lines in lines_of(paths)]


def begun(logs: KeyLogs) -> list[list[bytes]]:
    return [list(lines) for _, lines in logs.lines()]


def appended(logs: KeyLogs) -> list[list[bytes]]:
    return [list(lines) for _, lines in logs.appended()]


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.log").write_bytes(b"three\n")
    (tmp_path / "a.log").write_bytes(b"one\r\ntwo")
    (tmp_path / "empty").mkdir()
    assert read(tmp_path / "b.log", tmp_path) == [
        [b"three"],
        [b"one\r", b"two"],
        [b"three"],
    ]
    assert read(tmp_path / "empty") == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "keys.log.packed"
    path.write_bytes(pack(b"one\ntwo\n" * 50_000))
    assert read(path) == [[b"one", b"two"] * 50_000]
    assert read(tmp_path) == read(path)
    with as_one([path]) as whole:
        assert whole is not None
        assert whole.read_bytes() == b"one\ntwo\n" * 50_000
    logs = KeyLogs([path])
    assert begun(logs) == read(path)
    assert appended(logs) == []


def test_compressed_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "keys.log.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n")[:-6] + b"xxxxxx")
    assert read(path) == [[b"one", b"two"]]
    path.write_bytes(gzip.compress(b"one\n")[:12])
    assert len(read(path)) == 1


def test_what_is_unpacked_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.capture.key_files.MOST_UNPACKED", 8)
    path = tmp_path / "keys.log.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    assert read(path) == [[b"one", b"two"]]


def test_captures_in_a_folder_are_no_key_logs(tmp_path: Path) -> None:
    """Their bytes were lines that nobody understands."""
    (tmp_path / "keys.log").write_bytes(b"one\n")
    (tmp_path / "a.pcapng").write_bytes(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\n\n")
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(b"\xd4\xc3\xb2\xa1\x02\0\x04\0\n"))
    assert read(tmp_path) == [[b"one"]]
    logs = KeyLogs([tmp_path])
    assert begun(logs) == [[b"one"]]
    (tmp_path / "b.pcapng").write_bytes(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\n\n")
    assert appended(logs) == []


@pytest.mark.parametrize("length", [LONGEST, 3 * LONGEST + 5, 2_000_000])
def test_of_a_line_that_is_too_long_the_rest_is_no_line(tmp_path: Path, length: int) -> None:
    """Else it counted many times, and a comment's end could be a secret."""
    path = tmp_path / "long"
    path.write_bytes(b"#" * length + b"\nnext\n" + b"x" * length)
    assert read(path) == [[b"#" * LONGEST, b"next", b"x" * LONGEST]]


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
        return appended(logs)

    assert [after(b"a\n"), after(b"b\n")] == [[[b"a"]], [[b"b"]]]
    (tmp_path / "one more").touch()
    os.utime(tmp_path / "one more", (0, 0))
    assert [after(b"c\n"), after(b"d\n")] == [[[b"c"]], []]
    now += PATIENCE * (MANY + 1)
    assert after(b"") == [[b"d"]]


def test_nobody_waits_for_who_writes_a_pipe_that_took_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(b"1\n")
    logs = KeyLogs([path])
    assert begun(logs) == [[b"1"]]
    path.unlink()
    os.mkfifo(path)
    assert appended(logs) == []


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device")
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
        assert begun(logs) == [[b"one"]]
        # What has no end yet is read again, and once its end is there.
        assert appended(logs) == []
        path.write_bytes(b"one\ntwo\nthree\n")
        assert appended(logs) == [[b"two", b"three"]]
        assert appended(logs) == []

    def test_a_file_begun_anew(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_bytes(b"a long line\n")
        logs = KeyLogs([path])
        assert begun(logs) == [[b"a long line"]]
        path.write_bytes(b"short\n")
        assert appended(logs) == [[b"short"]]

    @pytest.mark.parametrize("after", [b"", b"x" * 100 + b"\n"])
    def test_one_that_was_emptied_and_is_longer_again(self, tmp_path: Path, after: bytes) -> None:
        """As a program does that opens its log anew: between two looks both have happened."""
        path = tmp_path / "keys.log"
        path.write_bytes(b"first\n")
        logs = KeyLogs([path])
        assert begun(logs) == [[b"first"]]
        path.write_bytes(b"other\n" + after)
        os.utime(path, ns=(1, 1))
        assert appended(logs) == [(b"other\n" + after).splitlines()]
        assert appended(logs) == []

    def test_one_that_was_replaced(self, tmp_path: Path) -> None:
        path, other = tmp_path / "keys.log", tmp_path / "other"
        path.write_bytes(b"first\n")
        logs = KeyLogs([path])
        assert begun(logs) == [[b"first"]]
        other.write_bytes(b"first\nsecond\n")
        other.rename(path)
        assert appended(logs) == [[b"first", b"second"]]

    def test_more_than_is_read_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wsanalyze.capture.key_files.APPENDED", 5)
        path = tmp_path / "keys.log"
        path.write_bytes(b"")
        logs = KeyLogs([path])
        assert begun(logs) == [[]]
        path.write_bytes(b"one\ntwo\nthree\n")
        assert [appended(logs) for _ in range(4)] == [[[b"one"]], [[b"two"]], [[b"three"]], []]

    def test_of_several_together(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wsanalyze.capture.key_files.APPENDED", 6)
        paths = [tmp_path / name for name in ("first", "second")]
        logs = KeyLogs(paths, follows=True)
        assert begun(logs) == []
        for number, path in enumerate(paths):
            path.write_bytes(b"%d\n%d\n" % (number, number))
            os.utime(path, (number, number))
        assert [appended(logs) for _ in range(3)] == [
            [[b"1", b"1"], [b"0"]],
            [[b"0"]],
            [],
        ]

    def test_a_new_file_in_a_folder(self, tmp_path: Path) -> None:
        logs = KeyLogs([tmp_path])
        assert begun(logs) == []
        (tmp_path / "new").write_bytes(b"line\n")
        assert appended(logs) == [[b"line"]]

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_bytes(b"")
        logs = KeyLogs([path])
        assert begun(logs) == [[]]
        path.unlink()
        assert appended(logs) == []

    def test_only_the_files_changed_last(self, tmp_path: Path) -> None:
        logs = KeyLogs([tmp_path])
        for number in range(FOLLOWED + 5):
            file = tmp_path / str(number)
            file.write_bytes(b"%d\n" % number)
            os.utime(file, (number, number))
        found = [lines[0] for lines in appended(logs)]
        assert found == [b"%d" % number for number in range(FOLLOWED + 4, 4, -1)]


def test_one_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys"
    logs = KeyLogs([path], follows=True)
    assert begun(logs) == []
    assert logs.missing == [path]
    assert appended(logs) == []
    path.parent.mkdir()
    path.write_bytes(b"one\ntw")
    assert appended(logs) == [[b"one"]]
    with path.open("ab") as file:
        file.write(b"o\n")
    assert appended(logs) == [[b"two"]]
    assert appended(logs) == []
    assert (logs.missing, logs.problems) == ([], [])


def test_only_by_who_follows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        begun(KeyLogs([tmp_path / "keys"]))


def test_what_comes_later_may_be_a_fifo_or_compressed_or_a_folder(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("fifo", "packed", "folder")]
    logs = KeyLogs(paths, follows=True)
    assert begun(logs) == []
    os.mkfifo(paths[0])
    paths[1].write_bytes(gzip.compress(b"packed\n"))
    paths[2].mkdir()
    (paths[2] / "keys").write_bytes(b"in a folder\n")
    assert appended(logs) == [[b"packed"], [b"in a folder"]]
    writer = os.open(paths[0], os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, b"from a fifo\n")
    assert appended(logs) == [[b"from a fifo"]]
    os.close(writer)
    assert appended(logs) == []


def test_what_comes_later_and_may_not_be_read_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another user's browser, where root was given up."""
    path = tmp_path / "keys"
    logs = KeyLogs([path], follows=True)
    assert begun(logs) == []
    path.write_bytes(b"one\n")

    def refused(*_arguments: object) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        assert appended(logs) == []
        assert appended(logs) == []
    assert logs.problems == [f"key log {path}: cannot be read: Permission denied"]
    assert appended(logs) == [[b"one"]]


def test_the_longest_line_that_is_understood_is_read(tmp_path: Path) -> None:
    assert LONGEST > keylog.LONGEST
    path = tmp_path / "keys"
    path.write_bytes(b"PMS_CLIENT_RANDOM %s %s\n" % (b"11" * 32, b"22" * 1024))
    known = Secrets(10)
    for lines in lines_of([path]):
        known.add(lines)
    assert known.reader.premasters == {b"\x11" * 32: (b"\x22" * 1024,)}


LINE = b"CLIENT_RANDOM %s %s" % (b"11" * 32, b"22" * 48)
KEY = [b"-----BEGIN PRIVATE KEY-----", b"TUlJ" * 16, b"QUJD" * 16, b"-----END PRIVATE KEY-----"]


def known(path: Path, *pieces: bytes) -> Secrets:
    """Return what a log says that gets pieces one after the other, the first before it is read."""
    first, *more = pieces
    path.write_bytes(first)
    secrets, logs = Secrets(100), KeyLogs([path])
    for log, lines in logs.lines():
        secrets.add(lines, log)
    for piece in more:
        with path.open("ab") as file:
            file.write(piece)
        for log, got in logs.appended():
            secrets.append(got, log)
    return secrets


def test_a_private_key_in_two_pieces(tmp_path: Path) -> None:
    """Wherever it is cut, it is one key, and the lines around it are lines."""
    data = LINE + b"\n" + b"\n".join(KEY) + b"\n" + LINE + b"\n"
    whole = b"\n".join(KEY) + b"\n"
    for cut in range(len(LINE), len(data), 5):
        secrets = known(tmp_path / f"keys-{cut}", data[:cut], data[cut:])
        assert secrets.private_keys == [whole], cut
        assert (secrets.count, secrets.lines >= 2) == (1, True)


def test_keys_of_two_logs_that_are_written_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    keys = [[KEY[0], each * 16, KEY[3]] for each in (b"AAAA", b"BBBB")]
    for path, key in zip(paths, keys, strict=True):
        path.write_bytes(b"\n".join(key[:2]) + b"\n")
    secrets, logs = Secrets(100), KeyLogs(paths)
    for log, lines in logs.lines():
        secrets.add(lines, log)
    for path in paths:
        with path.open("ab") as file:
            file.write(KEY[3] + b"\n")
    for log, got in logs.appended():
        secrets.append(got, log)
    assert sorted(secrets.private_keys) == [b"\n".join(key) + b"\n" for key in keys]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_editors_and_windows_write(tmp_path: Path, encoding: str, end: str) -> None:
    """PowerShell's `>` writes UTF-16, its editors a mark in front of UTF-8."""
    text = end.join(each.decode() for each in (*KEY, LINE)) + end
    data = ("\ufeff" + text).encode("utf-16-be") if "be" in encoding else text.encode(encoding)
    for cut in (len(data), 1, 2, 3, len(data) // 2, len(data) // 2 + 1):
        secrets = known(tmp_path / f"keys-{cut}", data[:cut], data[cut:])
        assert secrets.reader.by_random == {b"\x11" * 32: {"CLIENT_RANDOM": b"\x22" * 48}}, cut
        assert len(secrets.private_keys) == 1
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "keys").write_bytes(data)
    assert len(begun(KeyLogs([folder]))) == 1
    assert KeyLogs([folder]).left_out == set()


def test_what_is_no_ascii_in_utf_16_is_no_hex(tmp_path: Path) -> None:
    """U+0130 ends with the byte of `0`."""
    data = LINE.decode().replace("1", "\u0131") + "\n"
    secrets = known(tmp_path / "keys", data.encode("utf-16"))
    assert (secrets.count, secrets.not_understood) == (0, 1)

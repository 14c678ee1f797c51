"""Directories and rotated files: found by content, read in time order, few open at once."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from crafted_captures import Dribble, pcap, pcap_header, pcapng

from wsanalyze.capture import several
from wsanalyze.capture.several import expand, open_captures
from wsanalyze.errors import CaptureError, UsageError


def order(stream: several.Merged | several.Reader) -> list[tuple[int, int]]:
    """Return `(capture, number)` of each packet."""
    found = []
    with stream:
        while (batch := stream.next()) is not None:
            found += [(batch.capture, packet[0]) for packet in batch.packets()]
    return found


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def rotated(directory: Path, count: int, each: int = 3) -> list[str]:
    paths = []
    for i in range(count):
        path = directory / f"{i:04}.pcap"
        path.write_bytes(pcap(each, start=10**18 + i * each * 10**9))
        paths.append(str(path))
    return paths


def test_a_directory_is_its_captures_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.gz").write_bytes(gzip.compress(pcap(1)))
    (tmp_path / "a").write_bytes(pcapng(1))
    (tmp_path / "notes.pcap").write_bytes(b"hello\n")
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c").write_bytes(pcap(1))
    found = [str(tmp_path / "a"), str(tmp_path / "b.gz")]
    assert expand([tmp_path]) == expand([str(tmp_path)]) == found
    assert expand(["-", tmp_path, Path("x")]) == ["-", *found, "x"]


def test_a_directory_without_captures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="without captures: it has no files"):
        expand([tmp_path])
    (tmp_path / "x").write_bytes(b"hello")
    with pytest.raises(CaptureError, match=r"it has 1 other files \(subdirectories"):
        expand([tmp_path])


def test_one_capture_is_read_as_it_is(tmp_path: Path) -> None:
    (path,) = rotated(tmp_path, 1)
    assert order(open_captures([path])) == [(0, 1), (0, 2), (0, 3)]


def test_rotated_files_in_any_order(tmp_path: Path) -> None:
    paths = rotated(tmp_path, 6)
    shuffled = [4, 0, 5, 2, 1, 3]
    found = order(open_captures([paths[i] for i in shuffled]))
    assert found == [(shuffled.index(i), n) for i in range(6) for n in (1, 2, 3)]


def test_a_thousand_files_are_not_open_at_once(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to count open files")
    paths = rotated(tmp_path, 1000)
    before = open_files()
    most = 0
    numbers = []
    with open_captures(paths[::-1]) as stream:
        while (batch := stream.next()) is not None:
            most = max(most, open_files() - before)
            numbers += [batch.capture] * batch.count
    assert most <= 3
    assert numbers == [999 - i for i in range(1000) for _ in range(3)]
    assert [info.packets for info in stream.infos] == [3] * 1000


def test_overlapping_files_are_open_together(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_bytes(pcap(3, start=10**18, step=2 * 10**9))
    two.write_bytes(pcap(3, start=10**18 + 10**9, step=2 * 10**9))
    assert order(open_captures([two, one])) == [(1, 1), (0, 1), (1, 2), (0, 2), (1, 3), (0, 3)]


def test_files_and_streams_together(tmp_path: Path) -> None:
    (path,) = rotated(tmp_path, 1)
    later = Dribble(pcap(1, start=2 * 10**18))
    earlier = io.BytesIO(pcap(1, start=10**17))
    assert order(open_captures([later, path, earlier])) == [
        (2, 1),
        (1, 1),
        (1, 2),
        (1, 3),
        (0, 1),
    ]


def test_captures_without_packets(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pcap_header())
    (path,) = rotated(tmp_path, 1)
    stream = open_captures([tmp_path / "x", path])
    assert order(stream) == [(1, 1), (1, 2), (1, 3)]
    assert [info.packets for info in stream.infos] == [0, 3]


def test_one_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (path,) = rotated(tmp_path, 1)
    with pytest.raises(CaptureError, match="no such file"):
        open_captures([path, tmp_path / "nothing"])


def test_one_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (path,) = rotated(tmp_path, 1)
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "below").mkdir()
    sources = [tmp_path / "text", tmp_path / "nothing", path, tmp_path / "below"]
    stream = open_captures(sources, skip_unreadable=True)
    assert order(stream) == [(2, 1), (2, 2), (2, 3)]
    assert [info.name for info in stream.infos] == [str(source) for source in sources]
    assert [info.format for info in stream.infos] == [None, None, "pcap", None]
    problems = [info.problem for info in stream.infos]
    assert [problem and problem.offset for problem in problems] == [0, None, None, None]
    assert [problem and problem.what.split(":")[0] for problem in problems] == [
        "not a capture",
        "no such file (check the path)",
        None,
        "a directory without captures",
    ]


def test_none_that_can_be_read_is_an_error_for_each(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a: no such file") as caught:
        open_captures([tmp_path / "a", tmp_path, tmp_path / "b"], skip_unreadable=True)
    assert [other.capture for other in caught.value.others] == [str(tmp_path), str(tmp_path / "b")]
    for alone in (tmp_path / "a", tmp_path):
        with pytest.raises(CaptureError) as caught:
            open_captures([alone], skip_unreadable=True)
        assert list(caught.value.others) == []


def test_what_was_opened_is_closed_when_another_cannot_be(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to count open files")
    (path,) = rotated(tmp_path, 1)
    before = open_files()
    with pytest.raises(CaptureError):
        open_captures([path, path, tmp_path / "nothing"])
    assert open_files() == before


def test_a_stream_named_twice_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="standard input is named twice"):
        open_captures(["-", "x", "-"])
    stream = io.BytesIO(pcap(1))
    with pytest.raises(UsageError, match="a stream can be read once"):
        open_captures([stream, stream])
    assert order(open_captures([io.BytesIO(pcap(1)), io.BytesIO(pcap(1))])) == [(0, 1), (1, 1)]


def test_one_that_vanishes_is_a_problem_of_its_own(tmp_path: Path) -> None:
    paths = rotated(tmp_path, 2)
    stream = open_captures(paths)
    Path(paths[1]).unlink()
    assert order(stream) == [(0, 1), (0, 2), (0, 3)]
    problem = stream.infos[1].problem
    assert problem is not None
    assert problem.what == "no such file, when it was opened again"

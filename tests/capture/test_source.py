"""open_capture: any capture becomes batches; nothing readable is one clear error."""

from __future__ import annotations

import gc
import io
import os
import warnings
from pathlib import Path

import pytest
from crafted_captures import Dribble, packets, pcap, pcap_header, pcap_record, pcapng, read

from wsanalyze.capture.source import is_capture, open_capture
from wsanalyze.errors import CaptureError


def test_batches_until_none() -> None:
    reader = open_capture(io.BytesIO(pcap(20_000)))
    counts = []
    while (batch := reader.next()) is not None:
        counts.append(batch.count)
        assert reader.info.packets == sum(counts)
    assert sum(counts) == 20_000
    assert len(counts) > 1
    assert reader.next() is None
    assert reader.infos == [reader.info]


def test_packets_are_given_as_soon_as_they_are_whole() -> None:
    outlet, inlet = os.pipe()
    with os.fdopen(outlet, "rb") as file, os.fdopen(inlet, "wb", 0) as pen:
        pen.write(pcap_header() + pcap_record() + pcap_record()[:5])
        with open_capture(file) as reader:
            batch = reader.next()
            assert batch is not None
            assert batch.count == 1
            pen.write(pcap_record()[5:] + pcap_record() * 2)
            batch = reader.next()
            assert batch is not None
            assert [packet[0] for packet in batch.packets()] == [2, 3, 4]
            pen.close()
            assert reader.next() is None
            assert reader.info.problem is None


def test_bytes_read_for_progress(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(pcap(5000))
    with open_capture(path, window=10_000) as reader:
        assert reader.info.total_bytes == len(pcap(5000))
        before = 0
        while reader.next() is not None:
            assert before <= reader.info.bytes_read <= len(pcap(5000))
            before = reader.info.bytes_read
        assert reader.info.bytes_read == len(pcap(5000))
    assert read(Dribble(pcap(2)))[1].total_bytes is None


def test_closing_early_is_the_end() -> None:
    reader = open_capture(io.BytesIO(pcap(20_000)), window=1000)
    assert reader.next() is not None
    reader.close()
    reader.close()
    assert reader.next() is None
    assert reader.info.problem is None


def test_the_file_is_closed_where_opening_fails(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"no capture at all")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with pytest.raises(CaptureError):
            open_capture(path)
        gc.collect()


def test_a_failing_disk_is_a_problem_behind_the_packets() -> None:
    class Failing(Dribble):
        def readinto(self, view: object) -> int:
            if not self.data:
                raise OSError(5, "Input/output error")
            return super().readinto(view)

    found, info = read(Failing(pcap(3) + b"abc", 50))
    assert found == packets(pcap(3))
    assert info.problem.what == "reading failed: Input/output error"
    assert info.problem.offset == len(pcap(3))
    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        read(Failing(b"", 50))
    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        read(Failing(pcap_header()[:20], 50))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"\xd4", "only 1 bytes"),
        (pcap_header()[:23], "ends within its header, after 23 bytes"),
        (pcapng(1)[:27], "ends within its header, after 27 bytes"),
        (b"\x1f\x8b\x08", "the gzip data is cut off"),
        (b"\x1f\x8b\x08\xff" + bytes(30), "the gzip data cannot be decompressed"),
        (b"hello\n", "not a capture: text"),
    ],
)
def test_nothing_readable_is_an_error_of_one_line(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "some.pcap"
    path.write_bytes(data)
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    message = str(caught.value)
    assert what in message
    assert message.startswith(f"{path}: byte ")
    assert message.endswith(")")
    assert "\n" not in message


def test_a_file_that_shrinks_is_cut_not_killed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(pcap(5000))
    with open_capture(path, window=5000) as reader:
        assert reader.next() is not None
        os.truncate(path, 100)
        while reader.next() is not None:
            pass
        assert reader.info.problem is None or "cut off" in reader.info.problem.what


def test_captures_are_known_by_content(tmp_path: Path) -> None:
    for name, data, answer in (
        ("a.txt", pcap(1), True),
        ("b", pcapng(1), True),
        ("c.pcap", b"hello", False),
        ("d.pcap", b"", False),
    ):
        (tmp_path / name).write_bytes(data)
        assert is_capture(tmp_path / name) is answer
    assert is_capture(tmp_path / "cannot be opened: for open_capture to say")

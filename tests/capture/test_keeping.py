"""Packets kept as pcapng: what was written is what is read, whatever happens to the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.packets import ETHERNET, T0, Wire, segment

from wsanalyze.capture import keeping
from wsanalyze.capture.info import CaptureInfo, Interface
from wsanalyze.capture.keeping import PacketWriter
from wsanalyze.capture.live import Received
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
Packet = tuple[int, int, int, int, bytes]


def source() -> CaptureInfo:
    info = CaptureInfo("eth0, tun0", snap_length=262_144)
    info.interfaces = [
        Interface("eth0", ETHERNET, 262_144, 1_000_000_000),
        Interface("tun0", 101, 262_144, 1_000_000_000),
    ]
    return info


def packets(count: int, size: int = 100, link: int = ETHERNET) -> list[Packet]:
    return [(i, T0 + i, link, size + i, bytes([i & 255]) * size) for i in range(1, count + 1)]


def read(path: Path) -> list[Packet]:
    found = []
    with open_capture(path) as reader:
        while (batch := reader.next()) is not None:
            found += batch.packets()
        assert reader.info.problem is None
    return found


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "kept.pcapng"
    writer = PacketWriter(path, source())
    given = packets(3) + packets(2, 7, 101) + packets(1, 5, ETHERNET | 4 << 16)
    writer.write_packets(given)
    writer.close(Received(6, 2, 1))
    assert [each[1:] for each in read(path)] == [each[1:] for each in given]
    with open_capture(path) as reader:
        while reader.next() is not None:
            pass
        assert [(each.name, each.link) for each in reader.info.interfaces] == [
            ("eth0", 1),
            ("tun0", 101),
            ("eth0", 1),
        ]
        assert reader.info.interfaces[0].received == 6
        assert reader.info.dropped == 3
    assert (writer.packets, writer.files, writer.problem) == (6, 1, None)


def test_tshark_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.pcapng"
    writer = PacketWriter(path, source())
    for batch in Wire().batches([segment(data=b"hello"), segment(data=b"bye")]):
        writer.write(batch)
    writer.close(Received(2, None, None))
    done = subprocess.run(
        ["capinfos", "-c", "-M", str(path)], capture_output=True, text=True, check=True
    )
    assert "Number of packets:   2" in done.stdout


def test_it_can_be_read_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "kept.pcapng"
    writer = PacketWriter(path, source())
    assert read(path) == []
    given = packets(20)
    for i, packet in enumerate(given, 1):
        writer.write_packets([packet])
        assert read(path) == given[:i]
    writer.close()
    writer.close()


def test_rotation_by_size(tmp_path: Path) -> None:
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_bytes=5000)
    given = packets(100)
    writer.write_packets(given[:60])
    writer.write_packets(given[60:])
    writer.close()
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files][:2] == ["kept_00001.pcapng", "kept_00002.pcapng"]
    assert len(files) == writer.files == 3
    assert all(each.stat().st_size <= 5000 for each in files)
    assert [each[1:] for path in files for each in read(path)] == [each[1:] for each in given]
    assert writer.path == files[-1]


def test_a_packet_that_is_larger_than_a_file(tmp_path: Path) -> None:
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_bytes=1)
    writer.write_packets(packets(3))
    writer.close()
    assert [len(read(path)) for path in sorted(tmp_path.iterdir())] == [1, 1, 1]


def test_rotation_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_seconds=60)
    given = packets(4)
    writer.write_packets(given[:2])
    now = 159.0
    writer.write_packets(given[2:3])
    now = 161.0
    writer.write_packets(given[3:])
    writer.close()
    assert [len(read(path)) for path in sorted(tmp_path.iterdir())] == [3, 1]


def test_a_file_is_as_old_as_its_first_packet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the session had to wait for it."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_seconds=60)
    given = packets(4)
    now = 1000.0
    writer.write_packets(given[:2])
    now = 1059.0
    writer.write_packets(given[2:3])
    now = 9999.0
    writer.write_packets(given[3:])
    writer.close()
    assert {path.name: len(read(path)) for path in sorted(tmp_path.iterdir())} == {
        "kept_00001.pcapng": 3,
        "kept_00002.pcapng": 1,
    }


@pytest.mark.parametrize("size", range(300, 900, 4))
def test_no_file_is_larger_than_it_shall_be(size: int, tmp_path: Path) -> None:
    """What the last one ends with, the counts of the interface, included."""
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_bytes=size)
    given = packets(20)
    writer.write_packets(given)
    writer.close(Received(20, 1, 1))
    found = {path: read(path) for path in sorted(tmp_path.iterdir())}
    assert [packet[1:] for each in found.values() for packet in each] == [
        packet[1:] for packet in given
    ]
    assert all(path.stat().st_size <= size or len(found[path]) == 1 for path in found)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted: run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_the_disk_is_full(small_disk: Path, at_once: int) -> None:
    path = small_disk / "kept.pcapng"
    writer = PacketWriter(path, source())
    given = packets(1000, 999)
    for i in range(0, len(given), at_once):
        writer.write_packets(given[i : i + at_once])
    assert writer.problem == (
        f"{path}: cannot be written: No space left on device; "
        f"packets are kept no longer ({writer.packets} were)"
    )
    # Whole packets, all that were counted, and nothing else.
    assert read(path) == given[: writer.packets]
    writer.write_packets(given)
    writer.close(Received(1000, 0, 0))
    assert read(path) == given[: writer.packets]


def test_the_disk_is_full_when_the_next_file_begins(small_disk: Path) -> None:
    writer = PacketWriter(small_disk / "kept.pcapng", source(), rotate_bytes=20_000)
    given = packets(1000, 999)
    for packet in given:
        writer.write_packets([packet])
    writer.close()
    assert writer.problem is not None
    assert "No space left" in writer.problem
    found = [each for path in sorted(small_disk.iterdir()) for each in read(path)]
    assert [each[1:] for each in found] == [each[1:] for each in given[: writer.packets]]


def test_a_next_file_without_room_for_a_packet_is_none(small_disk: Path) -> None:
    writer = PacketWriter(small_disk / "kept.pcapng", source(), rotate_bytes=20_000)
    for packet in packets(1000, 999):
        writer.write_packets([packet])
    writer.close()
    assert [each.name for each in sorted(small_disk.iterdir()) if not read(each)] == []


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file.*kept\.pcapng"):
        PacketWriter(tmp_path / "missing" / "kept.pcapng", source())
    with pytest.raises(OSError, match="Is a directory"):
        PacketWriter(tmp_path, source())


def test_the_folder_is_gone_when_the_next_file_begins(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = PacketWriter(folder / "kept.pcapng", source(), rotate_bytes=1)
    writer.write_packets(packets(1))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    writer.write_packets(packets(1))
    assert writer.problem is not None
    assert "No such file" in writer.problem
    writer.close()


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_bytes=1000)
    writer.write_packets(packets(100))
    assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
    writer.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_fifo_that_nobody_reads_is_told_of_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match=r"nobody reads it: .*fifo"):
        PacketWriter(tmp_path / "fifo", source())


def test_who_reads_a_fifo_gets_the_packets(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    given = packets(200, size=2000)
    with (
        (tmp_path / "read.pcapng").open("wb") as output,
        subprocess.Popen(["cat", tmp_path / "fifo"], stdout=output),
    ):
        writer = begun(tmp_path / "fifo")
        writer.write_packets(given)
        writer.close()
    assert writer.problem is None
    assert read(tmp_path / "read.pcapng") == given


def test_who_stops_reading_a_fifo_does_not_stop_the_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PATIENCE", 10)
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = PacketWriter(tmp_path / "fifo", source())
    writer.write_packets(packets(100, size=2000))
    assert writer.problem is not None
    assert "who reads it has stopped reading; packets are kept no longer (0 were)" in writer.problem
    os.close(reader)
    writer.close()


def test_a_terminal_is_no_place_for_packets() -> None:
    ours, theirs = os.openpty()
    with pytest.raises(UsageError, match="it is a terminal"):
        PacketWriter(Path(os.ttyname(theirs)), source())
    os.close(ours)
    os.close(theirs)


def test_a_terminal_that_is_not_there_is_no_fifo() -> None:
    """A session of its own has none."""
    program = (
        "import pathlib\n"
        "from wsanalyze.capture.info import CaptureInfo\n"
        "from wsanalyze.capture.keeping import PacketWriter\n"
        "PacketWriter(pathlib.Path('/dev/tty'), CaptureInfo('eth0'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == (
        "OSError: [Errno 6] No such device or address: '/dev/tty'"
    )


@pytest.mark.parametrize("how", ["the path", "a link", "a hard link", "a descriptor", "rotation"])
def test_what_must_be_kept_apart_is_not_written_over(how: str, tmp_path: Path) -> None:
    needed = tmp_path / ("kept_00001.pcapng" if how == "rotation" else "needed")
    needed.write_bytes(b"needed")
    given = tmp_path / "kept.pcapng"
    if how == "a link":
        given.symlink_to(needed)
    elif how == "a hard link":
        given.hardlink_to(needed)
    elif how != "rotation":
        given = needed
    with needed.open("rb") as opened:
        apart = opened.fileno() if how == "a descriptor" else needed
        with pytest.raises(UsageError, match="read or written by this session already"):
            PacketWriter(
                given,
                source(),
                rotate_bytes=1000 if how == "rotation" else None,
                apart=[tmp_path / "missing", apart],
            )
    assert needed.read_bytes() == b"needed"


def test_nor_by_the_next_file(tmp_path: Path) -> None:
    needed = tmp_path / "kept_00002.pcapng"
    needed.write_bytes(b"needed")
    writer = PacketWriter(tmp_path / "kept.pcapng", source(), rotate_bytes=1, apart=[needed])
    writer.write_packets(packets(3))
    writer.close()
    assert writer.problem is not None
    assert "read or written by this session already" in writer.problem
    assert needed.read_bytes() == b"needed"
    assert len(read(tmp_path / "kept_00001.pcapng")) == 1


def test_what_was_there_before_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "kept.pcapng"
    path.write_bytes(bytes(100_000))
    writer = PacketWriter(path, source())
    writer.write_packets(packets(2))
    writer.close()
    assert len(read(path)) == 2


def begun(path: Path) -> PacketWriter:
    """Return a writer into a FIFO, once its reader is there."""
    for _ in range(1000):
        try:
            return PacketWriter(path, source())
        except OSError:
            time.sleep(0.01)
    pytest.fail("nobody reads")

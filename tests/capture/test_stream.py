"""What comes on a pipe: every packet as soon as it is whole, and no wait beyond what was said."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.live import drain, exchange, needs_capture, until, until_end
from support.packets import T0, file_header, record, segment
from support.ports import free_port

from wsanalyze.capture.live import open_live
from wsanalyze.capture.source import open_capture
from wsanalyze.capture.stream import StreamSource
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = [ROOT / "captures" / name for name in ("aiohttp-chat.pcapng", "keepalive.pcap")]
PACKET = record(segment(data=b"hello"), T0)


class Pipe:
    """A pipe that a test writes, and the source that reads it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.reading, self.writing = os.pipe()
        self.source = StreamSource(self.reading, "standard input", limits or Limits())

    def write(self, data: bytes) -> None:
        assert os.write(self.writing, data) == len(data)

    def end(self) -> None:
        os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.source.close()
    for descriptor in (made.reading, made.writing):
        with suppress(OSError):
            os.close(descriptor)


def expected(path: Path) -> list[tuple[int, int, int, int, bytes]]:
    packets = []
    with open_capture(path) as reader:
        while (batch := reader.next()) is not None:
            packets += batch.packets()
    return packets


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.suffix)
def test_what_comes_is_what_a_file_holds(path: Path) -> None:
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        source = StreamSource(cat.stdout.fileno(), "standard input", Limits())
        packets = until_end(source)
    assert packets == expected(path)
    assert source.failure is None
    assert source.infos[0].format == path.suffix[1:]
    assert source.statistics().received == len(packets)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.suffix)
def test_byte_by_byte(path: Path, pipe: Pipe) -> None:
    data = path.read_bytes()[:3000]
    packets = []
    for i in range(len(data)):
        pipe.write(data[i : i + 1])
        batch = pipe.source.next(0)
        if batch is not None:
            packets += batch.packets()
    assert len(packets) > 5
    assert packets == expected(path)[: len(packets)]


def test_a_packet_is_handed_out_when_it_is_whole(pipe: Pipe) -> None:
    pipe.write(file_header() + PACKET[:-1])
    assert pipe.source.next(0) is None
    pipe.write(PACKET[-1:] + PACKET[:5])
    batch = pipe.source.next(0)
    assert batch is not None
    assert batch.count == 1
    assert pipe.source.next(0.05) is None
    assert not pipe.source.ended


def test_nothing_comes(pipe: Pipe) -> None:
    assert pipe.source.next(0.05) is None
    assert not pipe.source.ended
    pipe.end()
    assert until_end(pipe.source) == []
    assert pipe.source.failure is not None
    assert pipe.source.failure.startswith("standard input: byte 0: is empty")


def test_it_ends_within_a_packet(pipe: Pipe) -> None:
    pipe.write(file_header() + PACKET + PACKET[:20])
    pipe.end()
    assert len(until_end(pipe.source)) == 1
    assert pipe.source.failure == (
        f"standard input: byte {24 + len(PACKET)}: "
        f"cut off after packet 1: 20 of {len(PACKET)} bytes"
    )
    problem = pipe.source.infos[0].problem
    assert problem is not None
    assert problem.offset == 24 + len(PACKET)


def test_it_is_damaged(pipe: Pipe) -> None:
    pipe.write(file_header() + PACKET + b"\xff" * 100)
    assert len(until_end(pipe.source)) == 1
    assert pipe.source.failure is not None
    assert "claims 4294967295 bytes" in pipe.source.failure


def test_a_header_that_claims_too_much_is_not_waited_for(pipe: Pipe) -> None:
    pipe.write(bytes.fromhex("0a0d0d0a fcffffff 4d3c2b1a 01000000 ffffffffffffffff 00000000"))
    assert until_end(pipe.source) == []
    assert pipe.source.failure is not None
    assert "a section header of" in pipe.source.failure


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"tcpdump: permission denied and more text", "not a capture: text"),
        (b"\x1f\x8b\x08\0" + bytes(40), "compressed with gzip (decompress it first"),
        (bytes(40), "nothing but zeros"),
    ],
)
def test_what_is_no_capture(pipe: Pipe, data: bytes, said: str) -> None:
    pipe.write(data)
    assert until_end(pipe.source) == []
    assert pipe.source.failure is not None
    assert said in pipe.source.failure
    assert "\n" not in pipe.source.failure


def test_stopping_reads_what_is_in_the_pipe(pipe: Pipe) -> None:
    pipe.write(file_header() + PACKET * 3 + PACKET[:10])
    assert len(drain(pipe.source)) == 3
    assert pipe.source.failure is None


def test_stopping_ends_though_more_and_more_comes(tmp_path: Path) -> None:
    once = tmp_path / "packets"
    once.write_bytes(PACKET * 10_000)
    header = tmp_path / "header"
    header.write_bytes(file_header())
    script = f"cat {header}; while cat {once}; do :; done"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        source = StreamSource(endless.stdout.fileno(), "standard input", Limits())
        assert source.next(20) is not None
        drain(source)
        assert source.failure is None
        endless.stdout.close()
        endless.kill()


def test_limits_hold_for_a_pipe() -> None:
    pipe = Pipe(Limits(packet=1000))
    pipe.write(file_header() + record(segment(data=bytes(2000)), T0))
    assert until_end(pipe.source) == []
    assert pipe.source.failure is not None
    assert "over 1000" in pipe.source.failure
    os.close(pipe.reading)
    pipe.end()


def test_standard_input_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader), os.fdopen(follower) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        with pytest.raises(CaptureError, match=r"is a terminal .*tcpdump -U -w -"):
            open_live(["-"])


def test_standard_input_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CaptureError, match="is closed"):
        open_live(["-"])


@needs_capture
@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is missing")
def test_tcpdump_writes_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    command = ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-w", "-", "udp", "port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        while b"listening on" not in child.stderr.readline():
            pass
        with os.fdopen(os.dup(child.stdout.fileno())) as standard_input:
            monkeypatch.setattr("sys.stdin", standard_input)
            live = open_live(["-"])
            exchange(port, ())
            packets: list[object] = []

            def came() -> bool:
                batch = live.next(0.1)
                packets.extend([] if batch is None else batch.packets())
                return len(packets) == 1

            until(came)
            child.terminate()
            assert until_end(live) == []
            assert live.failure is None
            live.close()

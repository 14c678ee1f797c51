"""A Window keeps what is unused, and grows only for what has arrived."""

from __future__ import annotations

import io

from crafted_captures import Dribble, pcap_header, pcap_record, read

from wsanalyze.capture.stored import Stored
from wsanalyze.capture.window import Window


def window(data: bytes, size: int) -> Window:
    return Window(Stored("x", io.BytesIO(data), owned=False), size)


def test_unused_bytes_move_to_the_front() -> None:
    held = window(b"abcdefghij", 6)
    assert held.fill()
    held.start = 4
    assert held.fill()
    assert (held.peek(10), held.base, held.offset) == (b"efghij", 4, 4)
    held.start = 6
    assert not held.fill()
    assert (held.peek(10), held.offset) == (b"", 10)


def test_it_grows_for_one_large_record() -> None:
    held = window(bytes(100), 8)
    assert held.fill_to(50)
    assert held.stop == 50
    assert len(held.buffer) == 50


def test_it_grows_only_as_bytes_arrive() -> None:
    held = window(bytes(100), 64)
    assert not held.fill_to(60_000_000)
    assert len(held.buffer) <= 200
    assert held.stop == 100


def test_a_record_that_lies_costs_nothing() -> None:
    data = pcap_header(network=189) + pcap_record(bytes(100), captured=60_000_000, wire=60_000_000)
    _, info = read(data, window=64)
    assert info.problem.what == "cut off after packet 0: 116 of 60000016 bytes"


def test_an_error_of_the_system_ends_it() -> None:
    class Broken(io.RawIOBase):
        def readinto(self, _view: object) -> int:
            raise OSError(5, "Input/output error")

    held = Window(Stored("x", Broken(), owned=False), 10)
    assert not held.fill()
    assert held.error is not None


def test_it_takes_what_has_arrived() -> None:
    held = Window(Stored("x", Dribble(bytes(10), 3), owned=False), 100)
    assert held.fill()
    assert held.stop == 3

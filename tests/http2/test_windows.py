"""Flow control: who may send how much, and who waits since when (RFC 9113 §5.2, §6.9)."""

from __future__ import annotations

from wsanalyze.http2.windows import MOST_LOOKS, Windows


def opened(known: bool = True) -> Windows:
    windows = Windows(known)
    windows.open(1)
    windows.open(3)
    return windows


def test_a_stream_that_is_used_up() -> None:
    windows = opened()
    windows.update(0, 1_000_000)
    windows.sent(1, 65534, 5)
    assert windows.stalled == {}
    windows.sent(1, 1, 6)
    assert windows.stalled == {1: 6}
    assert windows.update(3, 10) == {}
    assert windows.update(1, 10) == {1: 6}
    assert windows.stalled == {}


def test_the_connection_holds_up_all_streams() -> None:
    windows = opened()
    windows.sent(9, 65535, 4)
    assert windows.stalled == {1: 4, 3: 4}
    assert windows.update(1, 10) == {}
    assert windows.update(0, 1) == {1: 4, 3: 4}


def test_settings_change_streams_that_are_open() -> None:
    windows = opened()
    assert windows.settings(0, 3) == {}
    assert windows.stalled == {1: 3, 3: 3}
    assert windows.settings(65535, 4) == {1: 3, 3: 3}


def test_nothing_is_known_in_the_middle_or_behind_a_hole() -> None:
    windows = opened(known=False)
    windows.sent(1, 1_000_000, 1)
    assert windows.stalled == {}
    windows = opened()
    windows.forget()
    windows.sent(1, 1_000_000, 1)
    windows.open(5)
    windows.sent(5, 1_000_000, 1)
    assert windows.stalled == {}


def test_a_flood_of_settings_is_not_followed_for_ever() -> None:
    windows = Windows(known=True)
    for stream in range(1000):
        windows.open(stream)
    assert windows.settings(0, 1) == {}
    assert len(windows.stalled) == 1000
    for time in range(MOST_LOOKS // 1000):
        windows.settings(0, time)
    assert (windows.stalled, windows.connection, windows.initial) == ({}, None, None)
    assert windows.settings(65535, 9) == {}
    windows.open(1001)
    windows.sent(1001, 1_000_000, 10)
    assert windows.stalled == {}

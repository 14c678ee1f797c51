"""Places in the order of reading by time: how far the packets had come some seconds ago."""

from __future__ import annotations

from wsanalyze.monitoring.clock import Places


def test_a_place_is_told_when_its_time_has_passed() -> None:
    places = Places(10, 1)
    assert places.note(0, 5) == -1
    assert places.note(9, 7) == -1
    assert places.note(10, 9) == 5
    assert places.note(18.9, 9) == 5
    assert places.note(19, 9) == 7


def test_places_between_two_steps_are_not_remembered() -> None:
    places = Places(10, 1)
    for tenth in range(10):
        places.note(tenth / 10, tenth)
    assert places.note(10, 99) == 0
    assert places.note(10.95, 99) == 0
    assert places.note(20, 100) == 99


def test_what_is_remembered_is_bounded() -> None:
    places = Places(10, 1)
    for second in range(1000):
        places.note(second, second)
    assert len(places._marks) <= 11

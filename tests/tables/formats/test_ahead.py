"""Work in threads comes out in order, and errors where they belong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wsanalyze.tables.formats.ahead import AHEAD, WORKERS, ahead, converted


def failing(count: int) -> Iterator[int]:
    yield from range(count)
    raise OSError(28, "No space left on device")


def test_order() -> None:
    assert list(ahead(range(50))) == list(range(50))
    assert list(converted(str, range(50))) == [str(number) for number in range(50)]
    assert list(ahead([])) == list(converted(str, [])) == []


def test_what_is_made_ahead_is_bounded() -> None:
    made: list[int] = []

    def making() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    for number in ahead(making()):
        assert len(made) <= number + AHEAD + 2
    made.clear()
    for text in converted(str, making()):
        assert len(made) <= int(text) + WORKERS + 1


def test_errors_come_behind_what_was_made_before() -> None:
    for numbers in (ahead(failing(3)), converted(int, failing(3))):
        with pytest.raises(OSError, match="No space"):
            list(numbers)


def test_leaving_early() -> None:
    numbers = ahead(failing(1))
    assert next(numbers) == 0
    numbers.close()  # type: ignore[attr-defined]

"""Objects that are made of columns when somebody looks."""

from __future__ import annotations

import numpy as np
import pytest

from wsanalyze.tables.lazy_rows import AT_ONCE, LazyRows

Pair = tuple[int, int, int]


def rows(count: int = 6) -> LazyRows[Pair]:
    """Return (number, ten times its row, own), of rows from the last to the first."""
    order = np.arange(count)[::-1].copy()
    columns = {"ten": np.arange(count) * 10}

    def make(number: int, cells: dict[str, int]) -> Pair:
        return number, cells["ten"], cells["own"]

    return LazyRows(columns, order, make, own={"own": np.arange(count) + 100})


def test_items_are_those_of_a_list() -> None:
    expected = [(number, 50 - 10 * number, 100 + number) for number in range(6)]
    assert list(rows()) == expected
    assert [rows()[place] for place in range(6)] == expected
    assert rows()[-1] == expected[-1]
    assert rows() == expected
    assert rows() != expected[:5]
    with pytest.raises(IndexError):
        rows()[6]


@pytest.mark.parametrize("part", [slice(2, 4), slice(None), slice(-2, None), slice(1, 6, 2)])
def test_a_part_keeps_its_numbers(part: slice) -> None:
    assert list(rows()[part]) == list(rows())[part]
    assert rows()[part].column("ten").tolist() == [ten for _, ten, _ in list(rows())[part]]
    assert list(rows()[part][:1]) == list(rows())[part][:1]


def test_columns_are_those_of_the_rows() -> None:
    assert rows().column("ten").tolist() == [50, 40, 30, 20, 10, 0]
    assert rows().column("own").tolist() == [100, 101, 102, 103, 104, 105]


def test_chosen_rows_come_in_their_order_however_many_there_are() -> None:
    many = rows(2 * AT_ONCE + 1)
    assert [number for number, _, _ in many] == list(range(2 * AT_ONCE + 1))
    assert [number for number, _, _ in many.at(np.array([7, 3, 2 * AT_ONCE]))] == [
        7,
        3,
        2 * AT_ONCE,
    ]


def test_without_rows_there_is_nothing() -> None:
    assert list(rows(0)) == []
    assert not rows(0)
    assert repr(rows(0)) == "<no rows>"
    assert repr(rows(2)) == "<2 rows: (0, 10, 100) …>"


@pytest.mark.parametrize(
    ("order", "is_view"),
    [([2, 3, 4], True), ([2, 4, 3], False), ([2, 3, 5], False), ([5], True), ([4, 3, 2], False)],
)
def test_rows_one_behind_the_other_are_not_copied(order: list[int], is_view: bool) -> None:
    column = np.arange(6) * 10
    some = LazyRows({"ten": column}, np.array(order), lambda number, cells: (number, cells["ten"]))
    assert some.column("ten").tolist() == [10 * each for each in order]
    assert np.shares_memory(some.column("ten"), column) is is_view
    assert list(some) == [(number, 10 * each) for number, each in enumerate(order)]

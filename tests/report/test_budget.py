"""What is shown where not all of it can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from report.pages import CAPTURES, data_of, named
from wsanalyze.report.budget import Budget, shares


def test_short_ones_are_whole_and_long_ones_are_cut_alike() -> None:
    assert shares([5, 100, 300], 205) == [5, 100, 100]
    assert shares([5, 100, 300], 1000) == [5, 100, 300]
    assert shares([], 10) == []


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 5000))
def test_nothing_is_wasted_and_nothing_invented(counts: list[int], most: int) -> None:
    given_ = shares(counts, most)
    assert all(0 <= some <= count for some, count in zip(given_, counts, strict=True))
    assert sum(given_) <= most
    # What is left over is less than one for each that was cut.
    cut = sum(some < count for some, count in zip(given_, counts, strict=True))
    assert sum(given_) == sum(counts) or most - sum(given_) < max(cut, 1)


def test_rows_of_ladders_are_shared() -> None:
    """Of each that is cut the last row says how many are not there."""
    whole = named("implementations")["connections"]
    budget = Budget(rows=10 * len(whole))
    cut = data_of(CAPTURES / "implementations.pcapng", budget=budget)["connections"]
    kinds = [each["ladder"]["rungs"]["kind"] for each in cut]
    assert sum(kind == "arrow" for each in kinds for kind in each) <= 10 * len(whole)
    labels = [each["ladder"]["rungs"]["label"][-1] for each in cut]
    assert any(label.startswith("… and ") for label in labels)

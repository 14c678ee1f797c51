"""A property that is worked out once."""

from __future__ import annotations

from wsanalyze.lazy import lazy


class Asked:
    def __init__(self) -> None:
        self.times = 0

    @lazy
    def answer(self) -> int:
        """The answer."""
        self.times += 1
        return 42


def test_it_is_worked_out_when_it_is_first_asked_for_and_stays() -> None:
    asked, other = Asked(), Asked()
    assert asked.times == 0
    assert [asked.answer, asked.answer] == [42, 42]
    assert (asked.times, other.times) == (1, 0)


def test_of_the_class_it_is_the_property_with_its_description() -> None:
    assert Asked.answer.__doc__ == "The answer."

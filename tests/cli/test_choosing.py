"""Words that name checks, and words that nearly do."""

from __future__ import annotations

import pytest

from cli.fakes import FAKES
from wsanalyze.cli.choosing import checks_of, known, words_of
from wsanalyze.errors import UsageError


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.checks.catalogue.catalogue", lambda: FAKES)


def test_words_of_comma_lists() -> None:
    assert words_of(["a, b", ",", "", "c,"]) == ("a", "b", "c")


def test_without_words_all_checks_are_chosen() -> None:
    assert checks_of((), ()) == FAKES
    assert checks_of([","], [""]) == FAKES


def test_order_is_the_catalogues() -> None:
    assert checks_of(["TEST-3,TST-01"], ()) == (FAKES[0], FAKES[2])


@pytest.mark.parametrize(
    ("word", "like"),
    [
        ("TST-11", "'TST-01'"),
        ("several-conections", "'several-connections'"),
        ("handshakes", "'handshake'"),
        ("tset", "'test'"),
    ],
)
def test_what_was_meant(word: str, like: str) -> None:
    with pytest.raises(UsageError, match="did you mean") as error:
        known(word)
    assert like in str(error.value)


def test_long_words_are_cut() -> None:
    with pytest.raises(UsageError) as error:
        known("x" * 100_000)
    assert len(str(error.value)) < 200


def test_nothing_left() -> None:
    with pytest.raises(UsageError, match="no check is left"):
        checks_of(["TST"], ["test"])

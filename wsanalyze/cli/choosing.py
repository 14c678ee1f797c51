"""Checks chosen by the words that users type: IDs, names, families and tags."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from wsanalyze.checks.catalogue import chosen, named
from wsanalyze.checks.check import Check
from wsanalyze.errors import UsageError


def words_of(given: Iterable[str]) -> tuple[str, ...]:
    """Return the words of comma lists."""
    words = (word.strip() for text in given for word in text.split(","))
    return tuple(word for word in words if word)


def checks_of(select: Iterable[str], ignore: Iterable[str]) -> tuple[Check, ...]:
    """Return the checks that are selected (all, where nothing is) and not ignored.

    UsageError for a word that names none, with words that are like it, and where none is left.
    """
    wanted, unwanted = words_of(select), words_of(ignore)
    for word in (*wanted, *unwanted):
        known(word)
    checks = chosen(wanted, unwanted)
    if not checks and (wanted or unwanted):
        raise UsageError("no check is left: what is selected is ignored, too")
    return checks


def known(word: str) -> tuple[Check, ...]:
    """Return the checks that a word names; UsageError with words that are like it for none."""
    found = named(word)
    if not found:
        like = [f"{each!r}" for each in _alike(word)]
        advice = f"did you mean {' or '.join(like)}?" if like else "`wsanalyze checks` lists them"
        raise UsageError(f"{word[:60]!r} names no check: {advice}")
    return found


def _alike(word: str) -> list[str]:
    every = chosen()
    ids = {each.id.lower(): each.id for each in every} | {
        each.family.lower(): each.family for each in every
    }
    names = {text: text for each in every for text in (each.name, *each.tags)}
    spellings = ids | names
    close = get_close_matches(word.lower()[:60], spellings, n=3, cutoff=0.6)
    return [spellings[each] for each in close]

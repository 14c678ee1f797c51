"""Every check there is, and how users name them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from wsanalyze.checks.check import Check

# The files with checks, in the order in which a catalogue is read.
FAMILIES = (
    "handshake_request",
    "handshake_fields",
    "handshake_response",
    "refusals",
    "extensions",
    "frames",
    "messages",
    "control",
    "close",
    "closing",
    "deflate",
    "security",
    "security_messages",
    "encryption",
    "randomness",
    "key_reuse",
    "proxies",
    "proxy_answers",
    "explicit_proxies",
    "cuts",
    "cut_limits",
    "bursts",
    "transport",
    "capture_quality",
    "legacy",
    "cross",
    "clients",
    "http2",
    "http2_connection",
)


@cache
def catalogue() -> tuple[Check, ...]:
    """Return every check, family by family, in order of their IDs within one."""
    found: list[Check] = []
    for family in FAMILIES:
        module = import_module(f"wsanalyze.checks.{family}")
        found += [value for value in vars(module).values() if isinstance(value, Check)]
    order = list(dict.fromkeys(each.family for each in found))
    return tuple(sorted(found, key=lambda each: (order.index(each.family), each.id)))


def named(word: str) -> tuple[Check, ...]:
    """Return the checks that a word names: an ID, a name, a family, the beginning of IDs, or a tag.

    Letter case does not matter. Nothing where there is no such check.
    """
    wanted = word.lower()
    return tuple(each for each in catalogue() if _is_named(each, wanted))


def _is_named(each: Check, word: str) -> bool:
    if not word:
        return False
    return each.id.lower().startswith(word) or word == each.name or word in each.tags


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the checks that are selected (all, where nothing is) and not ignored."""
    wanted = {each.id for word in select for each in named(word)}
    unwanted = {each.id for word in ignore for each in named(word)}
    left = (each for each in catalogue() if each.id not in unwanted)
    return tuple(each for each in left if not wanted or each.id in wanted)

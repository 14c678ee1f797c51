"""Secrets kept out of a report: those of every handshake, wherever they come again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from wsanalyze.checks.redaction import BEGUN, SHOWN, concealed
from wsanalyze.checks.tokens import handshake_secrets
from wsanalyze.websocket.credentials import is_credential
from wsanalyze.websocket.handshake import Handshake

# Returns a text without secrets.
Hide = Callable[[str], str]
# The secrets of all connections, by how each begins.
Known = Mapping[str, str]
# Shorter ones would be found in texts that do not have them.
SHORTEST = 12
# What stands behind a text that was cut.
GOES_ON = "…"
# So many are looked for one after the other; more of them by how every place of a text begins.
FEW = 40

# How secrets begin, in order.
Beginnings = Sequence[str]


def known_secrets(handshakes: Iterable[Handshake | None]) -> Known:
    """Return the secrets of handshakes that can be told from other text, by their first characters.

    What one connection was given, another one says: a token comes in a message and is used later.
    """
    found: dict[str, str] = {}
    for handshake in handshakes:
        for secret in _secrets(handshake):
            if len(secret) >= SHORTEST:
                found.setdefault(secret[:BEGUN], secret)
    return found


def beginnings(secrets: Iterable[str]) -> Beginnings:
    """Return how secrets begin, in order: a text that is cut within one ends with a part of it."""
    return sorted({secret[:BEGUN] for secret in secrets})


def hider(
    handshake: Handshake | None,
    known: Known,
    *,
    show: bool,
    cut: Beginnings = (),
) -> Hide:
    """Return what replaces secrets, and JSON Web Tokens; nothing where `show`.

    They are those of its own handshake, and the `known` ones of all others. Of a text that ends
    with `…`, what is left of one in front of that goes, too; `cut` are `beginnings` of the known.
    """
    if show:
        return _same
    mine: dict[str, list[str]] = {}
    for secret in _secrets(handshake):
        mine.setdefault(secret[:BEGUN], []).append(secret)
    lengths = sorted({len(begun) for begun in mine}, reverse=True)
    return partial(_without, mine, lengths, known, (cut, beginnings(mine)))


def in_bytes(data: bytes, hide: Hide, *, cut: bool = False) -> tuple[bytes, bool]:
    """Return bytes whose text has no secrets, and whether something was replaced.

    `cut`: whether the text goes on behind them.
    """
    text = data.decode("utf-8", "surrogateescape")
    hidden = hide(text + GOES_ON).removesuffix(GOES_ON) if cut else hide(text)
    if hidden == text:
        return data, False
    return hidden.encode("utf-8", "surrogateescape"), True


def _same(text: str) -> str:
    return text


def _without(
    mine: Mapping[str, list[str]],
    lengths: Sequence[int],
    known: Known,
    cut: Iterable[Beginnings],
    text: str,
) -> str:
    own = [secret for begun in _begun_in(text, mine, lengths) for secret in mine[begun]]
    hidden = concealed(text, sorted(own, key=len, reverse=True))
    hidden = concealed(hidden, [known[begun] for begun in _begun_in(text, known, (BEGUN,))])
    if not hidden.endswith(GOES_ON):
        return hidden
    whole = hidden.removesuffix(GOES_ON)
    for length in range(min(BEGUN - 1, len(whole)), SHOWN, -1):
        if any(_is_stump(whole[-length:], begun) for begun in cut):
            return whole[:-length] + GOES_ON
    return hidden


def _is_stump(text: str, begun: Beginnings) -> bool:
    """Tell whether something that goes on behind it begins with a text."""
    place = bisect_right(begun, text)
    return place < len(begun) and begun[place].startswith(text)


def _begun_in(text: str, begun: Collection[str], lengths: Sequence[int]) -> Collection[str]:
    """Return which beginnings of secrets, that have these lengths, stand in a text."""
    if len(begun) <= FEW:
        return [each for each in begun if each in text]
    places = (text[at : at + length] for length in lengths for at in range(len(text) - length + 1))
    return dict.fromkeys(each for each in places if each in begun)


def _secrets(handshake: Handshake | None) -> list[str]:
    if handshake is None:
        return []
    found = {*handshake_secrets(handshake), *_credentials(handshake)}
    return sorted(found, key=len, reverse=True)


def _credentials(handshake: Handshake) -> Iterator[str]:
    """Yield what credentials consist of: cookies' values, what stands behind `Bearer`."""
    for head in (handshake.request_head, handshake.response_head):
        for field in head.fields if head is not None else ():
            if not is_credential(field.name):
                continue
            for piece in field.value.replace(";", " ").split():
                value = piece.partition("=")[2] if "cookie" in field.name.lower() else piece
                if len(value) >= SHORTEST:
                    yield value

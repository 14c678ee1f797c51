"""Several secrets that may be a connection's: the first one that opens a record is the one.

The tag, or the MAC, decides: one that is wrong costs a try, and hides no right one behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsanalyze.tls.ciphers import Bytes, Opener

# Secrets that are tried for one connection, at most: a key log and a capture say three or four each
# that may fit, private keys and a session that is resumed some more.
MOST = 16


class Candidates:
    """Secrets of which one is right, the likeliest first; one alone as soon as a record told."""

    __slots__ = ("is_proven", "secrets")

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self.secrets = tuple(dict.fromkeys(secrets))[:MOST]
        self.is_proven = False

    def offer(self, secrets: Iterable[bytes]) -> None:
        """Take others instead, unless it is known which is right."""
        if not self.is_proven:
            self.secrets = Candidates(secrets).secrets

    def prove(self, secret: bytes) -> None:
        """Take note of the one that is right."""
        self.secrets, self.is_proven = (secret,), True


class Choice:
    """What opens records with each of the candidates; `derive` makes that of one, for each side."""

    def __init__(
        self, candidates: Candidates, derive: Callable[[bytes], tuple[Opener, ...]]
    ) -> None:
        self.candidates = candidates
        self._derive = derive
        self._openers: dict[bytes, tuple[Opener, ...]] = {}

    def openers_of(self, secret: bytes) -> tuple[Opener, ...]:
        """Return what opens the records of both sides (or of one) with one of the candidates."""
        found = self._openers.get(secret)
        if found is None:
            found = self._openers[secret] = self._derive(secret)
        return found

    def opener(self, side: int = 0, *, is_final: bool = True) -> Opener:
        """Return what opens the records of a side: by trying, where there is a choice.

        `is_final`: whether no other candidates will be offered.
        """
        first = self.openers_of(self.candidates.secrets[0])[side]
        if is_final and len(self.candidates.secrets) == 1:
            return first
        return Chooser(self, side, first)

    def prove(self, secret: bytes) -> None:
        """Go on with the one that is right."""
        self.candidates.prove(secret)
        self._openers = {secret: self._openers[secret]}


class Chooser:
    """Opens the records of one side, with whichever candidate opens the first of them: `chosen`."""

    def __init__(self, choice: Choice, side: int, first: Opener) -> None:
        self._choice = choice
        self._side = side
        self.chosen: Opener | None = None
        self.overhead, self.least = first.overhead, first.least

    def open(self, sequence: int, header: bytes, body: Bytes) -> bytes | None:
        """Return what is in a record: None where it authenticates with none of them."""
        if self.chosen is not None:
            return self.chosen.open(sequence, header, body)
        choice = self._choice
        for secret in choice.candidates.secrets:
            opener = choice.openers_of(secret)[self._side]
            content = opener.open(sequence, header, body)
            if content is not None:
                choice.prove(secret)
                self.chosen = opener
                return content
        return None

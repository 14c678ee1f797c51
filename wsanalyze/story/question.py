"""One question about a connection, and how an answer to it is compared."""

from __future__ import annotations

from dataclasses import dataclass

# The longest answer that is looked at.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `topic` names its kind; text from the wire in it is as sent.

    With `choices`, the first one is right: who asks puts them into another order. Without, one of
    `answers` is, however it is spelled (see `plain`); the first is the one to show. `because` says
    why.
    """

    topic: str
    text: str
    answers: tuple[str, ...]
    because: str
    choices: tuple[str, ...] = ()

    def is_right(self, answer: str) -> bool:
        """Say whether an answer is right; choices are compared by who asks."""
        return plain(answer) in map(plain, self.answers)


def plain(answer: str) -> str:
    """Return an answer as it is compared: small letters, no spaces, colons or `0x`."""
    text = answer[:LONGEST].strip().lower().removeprefix("0x")
    return "".join(text.split()).replace(":", "").replace("_", "").rstrip(".")


def yes_or_no(*, right: bool) -> tuple[str, ...]:
    """Return the answers to a question for yes or no."""
    return ("yes", "y") if right else ("no", "n")

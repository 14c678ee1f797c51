"""What a check is: what it is called, what it looks at, what it says to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding

CONNECTION = "connection"
CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the catalogue. Calling it with facts yields what it found.

    - `id` and `name`: `HSR-04` and what users may type instead, `wrong-accept`
    - `title`: one line; `explanation`: for a student; `advice`: what to do
    - `severity`: `error`, `warning` or `info`, of a finding that does not say another
    - `tags`: for `--select`; `references`: documents and sections
    - `scope`: `connection` (called with Facts) or `capture` (called with CaptureFacts, once)
    - `faults`: called only where the handshake has a Fault with one of these codes
    - `events`: called only where an event of one of these kinds was observed
    - `fields`: called only where one of these header fields (in lower case) is in the request or
      the response; `?` stands for a parameter in the request's address
    - `circumstances`: called only where one of these words of `circumstances.CIRCUMSTANCES` holds.
      Where none of the four is given, it is called for every connection; where several are, one of
      any suffices
    - `of_heads`: what it finds is told by the heads but for key, accept value and Date, with the
      scheme, outcome, server and tunnel. Where it found nothing of a handshake without faults, it
      is not called for others that say the same (`wsanalyze/checks/alike.py`)
    - `quotes_samples`: its evidence is new in each connection (a key, a masked header); where text
      tells several findings at once, it shows the first one's
    - `measures`: the numbers in its messages are quantities; where text tells several at once, it
      gives their range
    - `instead_of`: IDs of checks whose findings with the same evidence in the same packet need no
      telling beside its own, which says more
    - `example`: a capture in `captures/` that shows it, and the path or number of its connection
    """

    id: str
    name: str
    title: str
    severity: str
    tags: tuple[str, ...]
    references: tuple[str, ...]
    explanation: str
    advice: str
    function: Callable[[Any], Iterable[Finding]]
    scope: str = CONNECTION
    faults: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    circumstances: tuple[str, ...] = ()
    of_heads: bool = False
    quotes_samples: bool = False
    measures: bool = False
    instead_of: tuple[str, ...] = ()
    example: str = ""

    @property
    def family(self) -> str:
        """The part of the ID before the number: `HSR`."""
        return self.id.partition("-")[0]

    def __call__(self, facts: Facts | CaptureFacts) -> Iterable[Finding]:
        """Yield what the check finds in these facts."""
        return self.function(facts)


def check(
    id: str,  # noqa: A002 - what it is
    name: str,
    title: str,
    *,
    severity: str,
    tags: tuple[str, ...],
    references: tuple[str, ...],
    explanation: str,
    advice: str,
    scope: str = CONNECTION,
    faults: bool | tuple[str, ...] = (),
    events: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
    circumstances: tuple[str, ...] = (),
    of_heads: bool = False,
    quotes_samples: bool = False,
    measures: bool = False,
    instead_of: tuple[str, ...] = (),
    example: str = "",
) -> Callable[[Callable[[Any], Iterable[Finding]]], Check]:
    """Declare a function to be a check; see Check for what is told of it.

    `faults=True` stands for the code that is the check's own ID.
    """
    codes = ((id,) if faults else ()) if isinstance(faults, bool) else faults

    def declared(function: Callable[[Any], Iterable[Finding]]) -> Check:
        return Check(
            id=id,
            name=name,
            title=title,
            severity=severity,
            tags=tags,
            references=references,
            explanation=explanation,
            advice=advice,
            function=function,
            scope=scope,
            faults=codes,
            events=events,
            fields=fields,
            circumstances=circumstances,
            of_heads=of_heads,
            quotes_samples=quotes_samples,
            measures=measures,
            instead_of=instead_of,
            example=example,
        )

    return declared

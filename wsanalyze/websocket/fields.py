"""HTTP/1 heads as values: what was sent, and what is odd about it (RFC 9110 §5, RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

# RFC 9110 §5.6.2: tchar. RFC 2616's `token` of RFC 6455 is the same set.
TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
_TOKEN = re.compile(f"[{TCHAR}]+")

_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

# RFC 9110 §5.6.3: OWS = *( SP / HTAB ).
WHITESPACE = " \t"


@dataclass(frozen=True, slots=True)
class Oddity:
    """A place where a head, a body's framing or an extension element leaves the grammar.

    `code` names it in kebab case, `offset` is where it starts in the bytes that were read,
    `evidence` the bytes at fault, shortened.
    """

    code: str
    offset: int
    evidence: bytes


class Field(NamedTuple):
    """One field line, with the lines folded onto it.

    `name` and `value` are latin-1 text, so that `.encode("latin-1")` gives the bytes back. `name`
    is as sent; `value` is as sent without the whitespace around it, each fold one space (RFC 9112
    §5.2). `position` counts fields from 0; `offset` and `length` say where the line stands in the
    head, folds included and the last line end not.
    """

    name: str
    value: str
    position: int
    offset: int
    length: int


# Where the fields of each lower-case name stand.
Places = Mapping[str, Sequence[int]]
# Heads with up to so many fields share their places with others that have the same names: so do
# nearly all that one program sends. Of so many sets of names it is remembered.
SHARED_NAMES, NAME_SETS = 64, 128


def _places(names: Sequence[str]) -> Places:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name.lower(), []).append(place)
    return places


_shared_places = lru_cache(maxsize=NAME_SETS)(_places)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one HTTP/1 message: start line and fields, everything as sent.

    `kind` is `request` or `response`. Where a start line has no such part, `method`, `target`,
    `http_version`, `status` and `reason` are None; an empty reason phrase is "". `http_version` is
    `1.1` for `HTTP/1.1`, and as sent where it does not begin with `HTTP/`. `raw` is all bytes that
    were read. A head from HTTP/2 or HTTP/3 is the same value with `http_version` `2` or `3`, its
    pseudo-header fields among the fields.
    """

    kind: str
    method: str | None
    target: str | None
    http_version: str | None
    status: int | None
    reason: str | None
    fields: tuple[Field, ...]
    oddities: tuple[Oddity, ...]
    raw: bytes
    # Places by lower-case name: every rule asks for a few names, and a head answers many rules.
    _by_name: Places = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple([line[0] for line in self.fields])
        by_name = _shared_places(names) if len(names) <= SHARED_NAMES else _places(names)
        object.__setattr__(self, "_by_name", by_name)

    @property
    def start_line(self) -> str:
        """The start line as sent, without its line end."""
        line, _, _ = self.raw.lstrip(b"\r\n").partition(b"\n")
        return line.removesuffix(b"\r").decode("latin-1")

    def lines(self, name: str) -> list[Field]:
        """Return the fields of that name, in any letter case (RFC 9110 §5.1), in order."""
        return [self.fields[place] for place in self._by_name.get(name.lower(), ())]

    def maybe_line(self, name: str) -> Field | None:
        """Return the first field of that name, or None where there is none."""
        places = self._by_name.get(name.lower())
        return self.fields[places[0]] if places else None

    def values(self, name: str) -> list[str]:
        """Return the values of all lines of that name, in any letter case, in order."""
        return [self.fields[place].value for place in self._by_name.get(name.lower(), ())]

    def value(self, name: str) -> str | None:
        """Return the value of the first line of that name, or None where there is none."""
        places = self._by_name.get(name.lower())
        return self.fields[places[0]].value if places else None

    @property
    def names(self) -> Set[str]:
        """The names of all fields, in lower case."""
        return self._by_name.keys()

    def has_any(self, names: Set[str]) -> bool:
        """Tell whether a field has one of these names, given in lower case."""
        return not self._by_name.keys().isdisjoint(names)

    def count(self, name: str) -> int:
        """Return how many lines have that name."""
        return len(self._by_name.get(name.lower(), ()))

    def tokens(self, name: str) -> list[str]:
        """Return the elements of a comma list over all lines of that name, as sent.

        Commas in quoted strings do not separate, empty elements are left out (RFC 9110 §5.6.1.2).
        """
        return [element for value in self.values(name) for element in split_list(value) if element]

    def has_token(self, name: str, token: str) -> bool:
        """Tell whether the comma list of that name has the element `token`, in any letter case."""
        wanted = token.lower()
        return any(element.lower() == wanted for element in self.tokens(name))


def is_token(text: str) -> bool:
    """Tell whether `text` is a token: one or more tchar (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def split_list(text: str, separator: str = ",") -> list[str]:
    """Split a list at `separator` outside quoted strings; elements trimmed, empty ones kept.

    A quoted string that never ends reaches to the end of the text (RFC 9110 §5.6.1, §5.6.4).
    """
    if '"' not in text:
        return [element.strip(WHITESPACE) for element in text.split(separator)]
    elements = []
    start = position = 0
    while position < len(text):
        character = text[position]
        if character == '"':
            end = quoted_end(text, position)
            position = end if end >= 0 else len(text)
            continue
        if character == separator:
            elements.append(text[start:position].strip(WHITESPACE))
            start = position + 1
        position += 1
    elements.append(text[start:].strip(WHITESPACE))
    return elements


def quoted_end(text: str, start: int) -> int:
    """Return the position behind the quoted string that starts at `start`, or -1 if it never ends.

    RFC 9110 §5.6.4: a backslash takes the meaning from the character behind it.
    """
    match = _QUOTED.match(text, start)
    return match.end() if match else -1


def unquoted(text: str) -> str:
    """Return what a quoted string stands for, its quotes and escapes taken away.

    RFC 9110 §5.6.4. Where the closing quote is missing, everything behind the opening one counts.
    """
    inner = text[1:] if quoted_end(text, 0) < 0 else text[1:-1]
    return _ESCAPED.sub(r"\1", inner)

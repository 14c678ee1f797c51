"""Which fields of HTTP carry credentials, by their names, and which values are no secret."""

from __future__ import annotations

import re

# What names of such fields have: those of RFC 6265, 7235 and 6750, and what people make up.
_WORDS = (
    r"(?:cookie|authori[sz]ation|token|secret|passw|passphrase|csrf|xsrf|credential|session|"
    r"signature|jwt|(?:api|access|private|subscription|auth|client|shared|license)[-_]?key|"
    r"(?<![a-z])auth(?![a-z]))"
)
_NAME = re.compile(_WORDS)
# Some readers of a name pass these over.
_ODD = re.compile(r"[\s\x00-\x20]")
# What says which fields may be sent has none itself.
_NONE = ("access-control-",)
# A field within a text: folded into the value of another one, or behind a line end of somebody's,
# which may be quoted.
_FOLDED = re.compile(
    rf"((?:\A|[\s\0,;'\"]|\\[rnt0]|\\x[0-9a-f]{{2}})[\w.-]{{0,40}}?{_WORDS}[\w.-]{{0,40}}[\s\0]*:\s*)"
    r"\S",
    re.IGNORECASE,
)
# What values of fields about a connection are made of, by the documents.
_BLANKS = r"[\s,;'\"]"
_KNOWN = (
    r"(?:trailers|gzip|deflate|compress|br|zstd|identity|chunked|close|keep-alive|upgrade|te|h2c|"
    r"websocket|http2-settings|(?:http|tls)/[0-9.]{1,3}|(?:timeout|max)=[0-9]{1,6}|"
    r"q=[01](?:\.[0-9]{1,3})?|[0-9]{1,6}|get|head|post|put|delete|options|patch|connect|https?|wss?)"
)
_HARMLESS = re.compile(rf"{_BLANKS}*(?:{_KNOWN}(?:{_BLANKS}+{_KNOWN})*{_BLANKS}*)?", re.IGNORECASE)


def is_credential(name: str) -> bool:
    """Say whether a field of this name carries what only its sender and receiver should know."""
    plain = _ODD.sub("", name).lower()
    return _NAME.search(plain) is not None and not plain.startswith(_NONE)


def folded_at(text: str) -> int | None:
    """Return where in a text the value of such a field begins, None where none does."""
    found = _FOLDED.search(text)
    return None if found is None else found.end(1)


def is_harmless(value: str) -> bool:
    """Say whether a value is made of words that documents define, and of small numbers, alone.

    What has three characters is no secret, either.
    """
    return len(value) <= 3 or (len(value) <= 100 and _HARMLESS.fullmatch(value) is not None)

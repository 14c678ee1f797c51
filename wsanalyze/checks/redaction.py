"""Secrets in evidence: enough to find them again, too little to use them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

# First characters that are shown of a secret of usual length.
SHOWN = 4

# As much of a secret is looked for as a text that is cut still has.
BEGUN = 12

# A JSON Web Token, or its beginning (RFC 7519 §3: Base64url of a JSON object, a dot, another).
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
_USERINFO = re.compile(r"//[^/?#\s]*@")
# No address without one of these has a secret.
_MARKS = frozenset("@?#")
_QUERY = re.compile(r"[?#]\S*")
_NUMBER = re.compile(r"[0-9 -]*")


def redacted(text: str) -> str:
    """Return the first characters of a secret, its length and the beginning of its SHA-256.

    Of short ones less is shown: never more than a quarter. Of numbers there are too few: whoever
    tries them all finds the one with that digest, so that none is given.
    """
    shown = text[: min(SHOWN, len(text) // 4)]
    if _NUMBER.fullmatch(text):
        return f"{shown}… ({len(text)} characters)"
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{shown}… ({len(text)} characters, SHA-256 {digest}…)"


def concealed(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, nor anything that looks like a JSON Web Token.

    A text may hold only their beginning: it is cut to some length.
    """
    for secret in secrets:
        begun = secret[:BEGUN]
        if begun in text:
            rest = rf"{re.escape(begun)}[^\s'\"]*"
            text = re.sub(rest, lambda found: redacted(found[0]), text)
    return _JWT.sub(lambda found: redacted(found[0]), text)


def address(text: str, *, show: bool = False) -> str:
    """Return a URL, target or start line without userinfo, query and fragment, unless `show`.

    That is where tokens are; what is left says which resource was meant.
    """
    if show or _MARKS.isdisjoint(text):
        return text
    return _QUERY.sub("?...", _USERINFO.sub("//", text))

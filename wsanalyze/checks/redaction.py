"""Secrets in evidence: enough to find them again, too little to use them."""

from __future__ import annotations

import re
from hashlib import sha256

# First characters that are shown of a secret of usual length.
SHOWN = 4

_USERINFO = re.compile(r"//[^/?#\s]*@")
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


def address(text: str, *, show: bool = False) -> str:
    """Return a URL, target or start line without userinfo, query and fragment, unless `show`.

    That is where tokens are; what is left says which resource was meant.
    """
    return text if show else _QUERY.sub("?...", _USERINFO.sub("//", text))

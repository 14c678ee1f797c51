"""Secrets in evidence: enough to find them again, too little to use or to guess them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from hashlib import sha256

from wsanalyze.websocket.addresses import parameters, without_secrets
from wsanalyze.websocket.credentials import folded_at, logins, schemed

# First characters that are shown of a secret of usual length.
SHOWN = 4

# Characters below which a secret is short.
SHORT = 12

# As much of a secret is looked for as a text that is cut still has.
BEGUN = 12

# A JSON Web Token, or its beginning (RFC 7519 §3: Base64url of a JSON object, a dot, another).
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
# What is this long, has letters and digits and no words apart in it, nobody has made up.
_RUN = re.compile(r"[A-Za-z0-9_-]{20,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")
# What ends a word.
_BEHIND = re.compile(r"[\s'\"]")
# What a message quotes, as `websocket.faults.shown` does: words of the wire, and none of ours.
_QUOTED = re.compile(r"(?<!\w)(?:'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\")(?!\w)")


def redacted(text: str) -> str:
    """Return the first characters of a secret, its length and the beginning of its SHA-256.

    Of short ones nothing is shown, of others never more than a quarter. What people choose can be
    guessed: whoever tries all likely ones finds the one with that digest. There is one of what a
    machine has drawn alone.
    """
    shown = "" if len(text) < SHORT else text[: min(SHOWN, len(text) // 4)]
    if not is_drawn(text):
        return f"{shown}… ({len(text)} characters)"
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{shown}… ({len(text)} characters, SHA-256 {digest}…)"


def is_drawn(text: str) -> bool:
    """Say whether a secret looks drawn by a machine: too many could be it to try them all."""
    run = max(_RUN.findall(text), key=len, default="")
    has_both = any(map(str.isdigit, run)) and any(map(str.isalpha, run))
    return has_both and not any(map(_is_credentials, _BASE64.findall(text)))


def _is_credentials(run: str) -> bool:
    """Say whether this is user and password in base64 (RFC 7617 §2)."""
    try:
        data = b64decode(run + "=" * (-len(run) % 4))
    except ValueError:
        return False
    return b":" in data and data.isascii() and data.decode("ascii").isprintable()


def concealed(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, nor anything that looks like a JSON Web Token.

    A text may hold only their beginning: it is cut to some length.
    """
    for secret in secrets:
        if secret and secret[:BEGUN] in text:
            text = _without(text, _places_of(secret, text))
    return _JWT.sub(lambda found: redacted(found[0]), text)


def _places_of(secret: str, text: str) -> list[tuple[int, int]]:
    """Return where a secret stands in a text, or its beginning and what goes on behind that.

    (A handshake may have thousands of secrets: a pattern for each would have to be compiled.)
    """
    begun, places = secret[:BEGUN], []
    start = text.find(begun)
    while start >= 0:
        # Blanks and quotes may be in it.
        known = secret if text.startswith(secret, start) else begun
        behind = _BEHIND.search(text, start + len(known))
        end = len(text) if behind is None else behind.start()
        places.append((start, end))
        start = text.find(begun, end)
    return places


def unfolded(text: str) -> str:
    """Return the value of a field, or words about it, without credentials that are folded into it.

    Where such a field ends cannot be told: nothing behind it is left.
    """
    place = folded_at(text)
    return text if place is None else text[:place] + redacted(text[place:])


def cleared(text: str) -> str:
    """Return what was sent, or words about it, without what looks like a secret wherever it is.

    Those are fields that are folded into another one, what stands behind schemes of authentication
    as `Bearer`, logins of addresses, and parameters whose names say that they are secret. What is
    shown of a target, an authority or a field goes through here.
    """
    return without_shapes(unfolded(text))


def quoting(text: str) -> str:
    """Return words of ours without what looks like a secret in what they quote, or name.

    Folded fields are looked for in quotes alone: `secret: password field` may be our own words.
    """
    return without_shapes(_QUOTED.sub(_unfolded_quote, text))


def sent(text: str) -> str:
    """Return what a finding has found, mostly a field, without what looks like a secret in it.

    Whoever tells of a field that carries credentials has left out what they are, not which.
    """
    name, colon, value = text.partition(":")
    return without_shapes(f"{name}{colon}{unfolded(value)}")


def _unfolded_quote(found: re.Match[str]) -> str:
    said = found[0]
    return said[0] + unfolded(said[1:-1]) + said[-1]


def without_shapes(text: str) -> str:
    """Return a text without credentials that can be told by their shape, whoever wrote the text."""
    text = _without(text, schemed(text))
    text = _without(text, [(start, end) for _, start, end in parameters(text)])
    return _without(text, logins(text))


def _without(text: str, places: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in places:
        parts += [text[at:start], redacted(text[start:end])]
        at = end
    return "".join((*parts, text[at:])) if parts else text


def address(text: str, *, show: bool = False) -> str:
    """Return a URL, target or start line without its secrets, unless `show`.

    Tokens are in userinfo, query, fragment and parameters; what is left says which resource was
    meant.
    """
    return text if show else without_secrets(text)

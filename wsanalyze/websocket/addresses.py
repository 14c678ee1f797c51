"""Addresses as they may be shown: without who logs in, and without what may hold a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

# Who logs in behind a scheme without slashes. Browsers take any number of slashes and backslashes
# for what begins an authority, or none (URL Standard, "special authority ignore slashes state").
_USERINFO = re.compile(r"\A((?:\S{1,20} )?(?:wss?|https?):(?![/\\]))[^/\\?#]*@", re.IGNORECASE)
# Slashes, and the authority behind them. Nothing is looked at twice: a stranger may send thousands
# of tabs, which browsers pass over.
_AUTHORITY = re.compile(r"(?<![/\\\t])([/\\\t]{2,}+|(?<=:)[/\\])([^/\\?#]*[^/\\?#\t])")
# Behind these stand a query, a fragment, and parameters of the path such as `jsessionid`.
_HIDDEN = re.compile("[?#;]")
# The end of a start line (RFC 9112 §3), which is no part of its address.
_VERSION = re.compile(r"\sHTTP/[0-9.]{0,3}\s{0,2}\Z")
# No address without one of these has a secret.
_MARKS = frozenset("@?#;")

# Names of parameters, in a query, a fragment or the path. All of it may be percent-encoded, several
# times, where one address is a parameter of another.
_PARAMETER = re.compile(
    r"(?:[?&;#]|%(?:25){0,3}(?:3[BbFf]|2[36]))(?:amp;)?\s?"
    r"((?:[^?&;=#\s%'\"]|%(?!(?:25){0,3}(?:3[BbDdFf]|2[36]))){1,100})(?:=|%(?:25){0,3}3[Dd])"
)
# Their values. A quote may be in one, where it does not end what somebody quotes.
_VALUE = re.compile(r"(?:[^&;#\s'\"]|['\"](?=[\w%]))++")
# What ends with it has been left out already.
_LEFT_OUT = "…"
# Names of those that carry what should not be read by others; `token[]` is one of several.
_SECRET_NAME = re.compile(
    r"(?:[\w.-]{0,40}(?:token|jwt|secret|passwd|password|signature|credential|api[-_]?key|sess(?:ion)?id)"
    r"|key|sig|sid|pw|pwd|pass|otp|pin|code|auth|authorization|ticket|session(?:[-_]?(?:id|key))?)"
    r"(?:\[\w{0,20}\])?",
    re.IGNORECASE,
)
# What a flag or a number of such a name has, which is no secret.
_NO_SECRET = re.compile(r"true|false|null|none|undefined|.{1,3}", re.IGNORECASE)


def parameters(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield parameters of addresses in a text that look like secrets: name, place of the value."""
    if "=" not in text and "%3" not in text:
        return
    told = 0
    for found in _PARAMETER.finditer(text):
        if found.start() < told or not _SECRET_NAME.fullmatch(unquote(found[1])):
            continue
        value = _VALUE.match(text, found.end())
        if value is None:
            continue
        if value[0].endswith(_LEFT_OUT):
            # Nor does what begins within it: thousands would each be read up to there.
            told = value.end()
        elif not _NO_SECRET.fullmatch(value[0]):
            told = value.end()
            yield found[1], *value.span()


def without_login(text: str) -> str:
    """Return an address, or a start line, without userinfo (RFC 3986 §3.2.1)."""
    if "@" not in text:
        return text
    begun = _USERINFO.match(text)
    scheme, rest = ("", text) if begun is None else (begun[1], text[begun.end() :])
    return scheme + _AUTHORITY.sub(lambda found: found[1] + found[2].rpartition("@")[2], rest)


def public_part(text: str) -> tuple[str, str]:
    """Return an address, or a start line, up to what may hold a token, and `?`, `#` or `;` there.

    It has no userinfo (RFC 3986 §3.2.1); nothing comes second where nothing is left out.
    """
    if _MARKS.isdisjoint(text):
        return text, ""
    place = without_login(text)
    hidden = _HIDDEN.search(place)
    return (place, "") if hidden is None else (place[: hidden.start()], hidden[0])


def without_secrets(text: str) -> str:
    """Return an address, or a start line, without userinfo, query, fragment and parameters."""
    place, mark = public_part(text)
    if not mark:
        return place
    version = _VERSION.search(text)
    return f"{place}{mark}...{version[0] if version is not None else ''}"

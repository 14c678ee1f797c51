"""Which fields of HTTP carry credentials, by their names, and which values are no secret."""

from __future__ import annotations

import re

# What names of such fields have: those of RFC 6265, 7235 and 6750, and what people make up.
_WORDS = (
    r"(?:cookie|authori[sz]ation|token|secret|passw|passphrase|csrf|xsrf|credential|session|"
    r"signature|jwt|(?:api|access|private|subscription|auth|client|shared|license)[-_]?key|"
    r"(?<![a-z])auth(?![a-z]))"
)
# What people shorten: behind an `X-` within a text, where whole words are common.
_SHORT = r"(?:pass|pw|pwd|otp|pin|ticket|sid|bearer|o?auth2?|principal)"
_MADE_UP = (
    rf"(?:(?<![a-z])x[-_](?:[a-z]{{1,12}}[-_]){{0,3}}(?:{_SHORT}|key)"
    r"|(?<![a-z])xauth|(?<![a-z])authentication)(?![a-z])"
)
_NAME = re.compile(rf"{_WORDS}|{_MADE_UP}|\A{_SHORT}\Z")
# Some readers of a name pass these over.
_ODD = re.compile(r"[\s\x00-\x20]")
# What says which fields may be sent has none itself.
_NONE = ("access-control-",)
# What no name has (RFC 9110 §5.1, §5.6.2), and more than blanks. It is looked at where it begins,
# and not once more from each of its characters: a stranger may send thousands.
_BEHIND_NAME = re.compile(
    r"(?:(?<=\A.)|(?<=[!#$%&'*+.^`|~\w-]))[^!#$%&'*+.^`|~\w-]+(?=[^\s\0])", re.ASCII | re.DOTALL
)
# A field within a text: folded into the value of another one, or behind a line end of somebody's,
# which may be quoted. A port is no value, and what has been left out is left out already.
_FOLDED = re.compile(
    rf"((?:(?<![\w.-])|\\[rnt0]|\\x[0-9a-f]{{2}})[\w.-]{{0,40}}?(?:{_WORDS}|{_MADE_UP})[\w.-]{{0,40}}"
    r"(?:[\s\x00-\x20\x7f-\xff]|\\[rnt0]|\\x[0-9a-f]{2})*"
    r":(?![0-9]{1,5}(?![^/?#\s,;'\")]))\s*)(?!\S{0,4}…|//)\S",
    re.IGNORECASE,
)
# Credentials as fields have them: a scheme (RFC 9110 §11.1; those of IANA's registry and a few
# others) and a token. What a scheme is told of (`realm=`) is none.
_SCHEMES = (
    r"(?:basic|bearer|concealed|digest|dpop|gnap|hoba|mutual|negotiate|ntlm|oauth|privatetoken|"
    r"scram-sha-(?:1|256)|vapid|apikey|api-key|token)"
)
_BEHIND_SCHEME = re.compile(
    rf"(?<![\w-])({_SCHEMES}(?:\s+|%20|\\t))(?!(?:realm|tokens?|credentials|auth\w*)\b)"
    r"([A-Za-z0-9._~+/-]{6,}(?:=(?![\w\"])|==)*)(?!\s*=[\w\"])",
    re.IGNORECASE,
)
# What tells a token from the word behind `Basic` in a sentence.
_DRAWN = re.compile(r"[0-9=_~+]|[a-z][A-Z]|[A-Z]{2}")
# A quote within a password, which does not end what somebody quotes.
_QUOTE = r"['\"](?=[\w%])"
# Who logs in, wherever an address or an authority stands (RFC 3986 §3.2.1), also where a slash in
# the password ends the authority, an `@` is in it, or the address is a parameter of another one. A
# port has none behind it.
_LOGIN = re.compile(
    rf"(?:(?<=//)|(?<=/\\)|(?<=\\\\))(?:[^/\\?#\s'\"\[]|{_QUOTE}){{1,256}}@"
    r"|(?<![^\s'\"/\\=,;<>()])[^\s'\"/\\?#@=,;<>()\[\]:]{1,64}"
    rf":(?!//|[0-9]{{0,5}}(?:[/?#\s]|\Z))(?:[^\s'\"]|{_QUOTE}){{1,256}}@"
    r"|(?<=%2[Ff]%2[Ff])[^/\\?#&\s'\"@\[]{1,256}?(?=%40)"
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


def name_alone(name: str) -> str:
    """Return the name of a field without the value that somebody wrote into it, if it is such."""
    behind = _BEHIND_NAME.search(name) if is_credential(name) else None
    return name if behind is None else f"{name[: behind.end()]}…"


def folded_at(text: str) -> int | None:
    """Return where in a text the value of such a field begins, None where none does."""
    found = _FOLDED.search(text)
    return None if found is None else found.end(1)


def logins(text: str) -> list[tuple[int, int]]:
    """Return the places of all logins in addresses and authorities of a text, without the `@`."""
    if "@" not in text and "%40" not in text:
        return []
    places = (found.span() for found in _LOGIN.finditer(text))
    return [(start, end - (text[end - 1] == "@")) for start, end in places]


def schemed(text: str) -> list[tuple[int, int]]:
    """Return the places of what stands behind schemes of authentication, as `Bearer`, in a text.

    Where the text begins with the scheme it is credentials; elsewhere what looks like a token is.
    """
    return [
        found.span(2)
        for found in _BEHIND_SCHEME.finditer(text)
        if not found.start() or _DRAWN.search(found[2])
    ]


def is_harmless(value: str) -> bool:
    """Say whether a value is made of words that documents define, and of small numbers, alone.

    What has three characters is no secret, either.
    """
    return len(value) <= 3 or (len(value) <= 100 and _HARMLESS.fullmatch(value) is not None)

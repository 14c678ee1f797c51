"""What in a request is a token: parameters of its address, and subprotocols."""

from __future__ import annotations

import re

from wsanalyze.checks.redaction import cleared, concealed
from wsanalyze.websocket.addresses import parameters
from wsanalyze.websocket.handshake import Handshake

# Subprotocols by which clients hand over tokens, because browsers cannot set other fields: the
# token stands behind such a name, or is offered next to it.
_BEARER = re.compile(
    r"(?:base64url\.bearer\.authorization(?:\.k8s\.io)?|(?:authorization\.)?bearer|"
    r"(?:(?:access|auth|id)[-_.]?)?token|auth(?:orization)?|api[-_.]?key|ticket|jwt)(?:[-_.:;=](.+))?",
    re.IGNORECASE,
)
# (Begun within a word, each of many such beginnings would be read to the end.)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
# Letters and digits, as in what is random, and in hardly any name of a protocol.
_OPAQUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9._~+/=-]{16,}")


def bearer(offered: list[str]) -> str | None:
    """Return the subprotocol that is a token or holds one, None where there is none."""
    named = False
    for subprotocol in offered:
        if ("eyJ" in subprotocol and _JWT.search(subprotocol)) or (
            named and _OPAQUE.fullmatch(subprotocol)
        ):
            return subprotocol
        match = _BEARER.fullmatch(subprotocol)
        named = match is not None and match[1] is None
        if match is not None and match[1] is not None and _OPAQUE.fullmatch(match[1]):
            return subprotocol
    return None


def tokens(target: str | None) -> list[tuple[str, str]]:
    """Return the parameters of an address that look like secrets, each name once."""
    if target is None:
        return []
    return list({name: target[start:end] for name, start, end in parameters(target)}.items())


def secrets_of(handshake: Handshake) -> list[str]:
    """Return what is secret in a handshake's address, Host and subprotocols, the longest first.

    Queries and logins come with the mark before or behind them: without it, a short one would be
    found in any text.
    """
    target, host = handshake.target or "", handshake.host or ""
    query = re.search(r"[?#].+", target, re.DOTALL)
    login = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(//[^/?#]*@)", target)
    found = {
        query[0] if query else "",
        login[1] if login else "",
        "".join(host.rpartition("@")[:2]),
        bearer(handshake.subprotocols_offered) or "",
        bearer(_answered(handshake)) or "",
    }
    return sorted(found - {""}, key=lambda secret: (-len(secret), secret))


def _answered(handshake: Handshake) -> list[str]:
    """Return the subprotocols of the response, of which there should be one."""
    head = handshake.response_head
    values = [] if head is None else head.values("sec-websocket-protocol")
    return [each.strip() for value in values for each in value.split(",")]


def handshake_secrets(handshake: Handshake) -> list[str]:
    """Return the same, but of a query only what looks like a secret: a lesson has the rest."""
    query = (handshake.target or "").partition("?")[2]
    others = [each for each in secrets_of(handshake) if query not in each or not query]
    return [*(value for _, value in tokens(handshake.target)), *others]


def public(text: str, handshake: Handshake) -> str:
    """Return words about a handshake, or a part of it, without its secrets."""
    return concealed(cleared(text), handshake_secrets(handshake))

"""Secrets kept out of a report: those of the handshake, wherever they come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from wsanalyze.checks.redaction import concealed
from wsanalyze.story.secrets import CREDENTIALS, handshake_secrets
from wsanalyze.websocket.handshake import Handshake

# Returns a text without secrets.
Hide = Callable[[str], str]
# Shorter ones would be found in texts that do not have them.
SHORTEST = 12


def hider(handshake: Handshake | None, *, show: bool) -> Hide:
    """Return what replaces the handshake's secrets, and JSON Web Tokens; nothing where `show`."""
    if show:
        return _same
    secrets = handshake_secrets(handshake) if handshake is not None else []
    if handshake is not None:
        secrets = sorted({*secrets, *_credentials(handshake)}, key=len, reverse=True)
    return partial(_concealed, secrets)


def in_bytes(data: bytes, hide: Hide) -> tuple[bytes, bool]:
    """Return bytes whose text has no secrets, and whether something was replaced."""
    text = data.decode("utf-8", "surrogateescape")
    hidden = hide(text)
    if hidden == text:
        return data, False
    return hidden.encode("utf-8", "surrogateescape"), True


def _same(text: str) -> str:
    return text


def _concealed(secrets: list[str], text: str) -> str:
    return concealed(text, secrets)


def _credentials(handshake: Handshake) -> Iterator[str]:
    """Yield what credentials consist of: cookies' values, what stands behind `Bearer`."""
    for head in (handshake.request_head, handshake.response_head):
        for field in head.fields if head is not None else ():
            if field.name.lower() not in CREDENTIALS:
                continue
            for piece in field.value.replace(";", " ").split():
                value = piece.partition("=")[2] if "cookie" in field.name.lower() else piece
                if len(value) >= SHORTEST:
                    yield value

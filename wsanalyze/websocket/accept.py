"""The answer to a Sec-WebSocket-Key (RFC 6455 §4.2.2 item 5.4), and the steps that lead to it."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha1

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# §4.1 item 4 of the response: "ignoring any leading and trailing whitespace", which RFC 2616 §2.2
# defines as LWS.
_WHITESPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class AcceptSteps:
    """How an accept value comes about, for a reader who wants to follow it.

    `key` is the key as sent, trimmed; `concatenation` is key and GUID; `digest` is the SHA-1 of
    that in forty hex digits; `accept` is the digest's twenty bytes in base64.
    """

    key: str
    concatenation: str
    digest: str
    accept: str


def accept_steps(key: str | bytes) -> AcceptSteps:
    """Return every step from a key to its accept value (RFC 6455 §4.2.2 item 5.4).

    `key` is the field value as sent, as bytes or decoded from latin-1. It is *not* base64-decoded:
    any text has an accept value.
    """
    text = _trimmed(key)
    concatenation = text + GUID
    # SHA-1 is what the protocol asks for; nothing secret depends on it (§10.8).
    digest = sha1(concatenation, usedforsecurity=False)
    return AcceptSteps(
        text.decode("latin-1"),
        concatenation.decode("latin-1"),
        digest.hexdigest(),
        b64encode(digest.digest()).decode("ascii"),
    )


def accept_value(key: str | bytes) -> str:
    """Return the Sec-WebSocket-Accept that answers `key` (RFC 6455 §4.2.2 item 5.4)."""
    digest = sha1(_trimmed(key) + GUID, usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")


def accept_mistake(key: str, accept: str) -> str | None:
    """Name the way in which `accept` fails to answer `key`, or return None where it is right.

    One of `whitespace` (inside the value), `case`, `truncated`, `unpadded`, `url-safe`, `hex`
    (the digest's hex digits), `hex-base64` (base64 of those), `key` (the key itself), `no-key`
    (answers an empty key), `no-guid` (SHA-1 of the key alone), `empty`, and `other`.
    """
    sent = _trimmed(accept)
    steps = accept_steps(key)
    right = steps.accept.encode("ascii")
    if sent == right:
        return None
    if not sent:
        return "empty"
    if b"".join(sent.split()) == right:
        return "whitespace"
    if sent == right.rstrip(b"="):
        return "unpadded"
    for mistake, value in _wrong_values(steps):
        if sent == value:
            return mistake
    if sent.lower() == steps.digest.encode("ascii"):
        return "hex"
    if sent.lower() == right.lower():
        return "case"
    if right.startswith(sent):
        return "truncated"
    return "other"


def _wrong_values(steps: AcceptSteps) -> tuple[tuple[str, bytes], ...]:
    """Return the values that known mistakes of server implementations lead to."""
    key = steps.key.encode("latin-1")
    return (
        ("key", key),
        ("url-safe", urlsafe_b64encode(bytes.fromhex(steps.digest))),
        ("hex-base64", b64encode(steps.digest.encode("ascii"))),
        ("no-key", accept_value(b"").encode("ascii")),
        ("no-guid", b64encode(sha1(key, usedforsecurity=False).digest())),
    )


def _trimmed(text: str | bytes) -> bytes:
    # Text from the wire is latin-1; other characters can only come from a caller's own text.
    data = text.encode("latin-1", "replace") if isinstance(text, str) else bytes(text)
    return data.strip(_WHITESPACE)

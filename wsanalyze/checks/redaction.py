"""Secrets in evidence: enough to find them again, too little to use them."""

from __future__ import annotations

from hashlib import sha256

# First characters that are shown of a secret of usual length.
SHOWN = 4


def redacted(text: str) -> str:
    """Return the first characters of a secret, its length and the beginning of its SHA-256.

    Of short ones less is shown: never more than a quarter.
    """
    shown = text[: min(SHOWN, len(text) // 4)]
    digest = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{shown}… ({len(text)} characters, SHA-256 {digest}…)"

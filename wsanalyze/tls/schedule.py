"""Keys from secrets: the PRF of TLS 1.0 to 1.2 (RFC 5246 §5, RFC 2246 §5), HKDF of 1.3."""

from __future__ import annotations

import hashlib
import hmac

MASTER_SECRET = 48


def expand_label(secret: bytes, label: bytes, context: bytes, length: int, algorithm: str) -> bytes:
    """Return HKDF-Expand-Label of a secret (RFC 8446 §7.1), with a hash as `hashlib` names it."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    found, block = b"", b""
    for number in range(1, -(-length // hashlib.new(algorithm).digest_size) + 1):
        block = hmac.digest(secret, block + info + bytes([number]), algorithm)
        found += block
    return found[:length]


def next_secret(secret: bytes, algorithm: str) -> bytes:
    """Return the traffic secret that follows a KeyUpdate (RFC 8446 §7.2)."""
    return expand_label(secret, b"traffic upd", b"", len(secret), algorithm)


def prf(secret: bytes, label: bytes, seed: bytes, length: int, algorithm: str) -> bytes:
    """Return bytes of the PRF; `algorithm` is "md5+sha1" before TLS 1.2."""
    if algorithm != "md5+sha1":
        return _p_hash(secret, label + seed, length, algorithm)
    half = (len(secret) + 1) // 2
    left = _p_hash(secret[:half], label + seed, length, "md5")
    right = _p_hash(secret[-half:], label + seed, length, "sha1")
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _p_hash(secret: bytes, seed: bytes, length: int, algorithm: str) -> bytes:
    found, link = b"", seed
    while len(found) < length:
        link = hmac.digest(secret, link, algorithm)
        found += hmac.digest(secret, link + seed, algorithm)
    return found[:length]


def key_block(
    master: bytes, client_random: bytes, server_random: bytes, length: int, algorithm: str
) -> bytes:
    """Return the key block that MAC keys, keys and IVs are cut of (RFC 5246 §6.3)."""
    return prf(master, b"key expansion", server_random + client_random, length, algorithm)

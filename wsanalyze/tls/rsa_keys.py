"""Premaster secrets that a client encrypted with its server's RSA key (RFC 5246 §7.4.7.1).

Like ciphers.py it needs the package `cryptography`, and is imported where such a key was given.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wsanalyze.tls.schedule import MASTER_SECRET, prf

PREMASTER = 48


def loaded(keys: Iterable[bytes]) -> list[RSAPrivateKey]:
    """Return the RSA keys among private keys in PEM; none that is encrypted."""
    found = []
    for pem in keys:
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPrivateKey):
            found.append(key)
    return found


def fitting(keys: Iterable[RSAPrivateKey], sealed: bytes) -> list[RSAPrivateKey]:
    """Return the keys that may have sealed it: what was sealed is as long (RFC 8017 §7.2.1)."""
    return [each for each in keys if (each.key_size + 7) // 8 == len(sealed)]


def maybe_premaster(key: RSAPrivateKey, sealed: bytes, version: int) -> bytes | None:
    """Return the premaster secret that a client encrypted; None where the key does not fit.

    `version` is the one of the ClientHello, with which it begins.
    """
    try:
        found = key.decrypt(sealed, PKCS1v15())
    except ValueError:
        return None
    begins_right = found[:2] == version.to_bytes(2, "big")
    return found if len(found) == PREMASTER and begins_right else None


def master_secret(
    premaster: bytes, client_random: bytes, server_random: bytes, algorithm: str
) -> bytes:
    """Return the master secret (RFC 5246 §8.1); `algorithm` as `prf` has it."""
    seed = client_random + server_random
    return prf(premaster, b"master secret", seed, MASTER_SECRET, algorithm)


def extended_master_secret(premaster: bytes, digest: bytes, algorithm: str) -> bytes:
    """Return the master secret bound to the handshake (RFC 7627 §4).

    `digest`: of all handshake messages from the ClientHello to the ClientKeyExchange.
    """
    return prf(premaster, b"extended master secret", digest, MASTER_SECRET, algorithm)

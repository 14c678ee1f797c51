"""Cipher suites: how a name becomes a cipher, its key length, its MAC and its hash.

RFC 8446 §B.4; RFC 5246 §A.5 and §C; RFC 5288, 5289 (GCM), 6655, 7251 (CCM), 7905 (ChaCha20).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wsanalyze.tls.suite_names import SUITE_NAMES

GCM, CCM, CHACHA, CBC = "GCM", "CCM", "CHACHA20", "CBC"

NAME = re.compile(
    r"TLS_(?:(?P<exchange>\w+)_WITH_)?"
    r"(?:AES_(?P<bits>128|256)_(?P<mode>GCM|CCM_8|CCM|CBC)|(?P<chacha>CHACHA20_POLY1305))"
    r"(?:_(?P<hash>SHA|SHA256|SHA384))?"
)
HASHES = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite whose records can be read.

    `hash` is that of the PRF or HKDF as `hashlib` names it, `mac` that of a CBC suite's MAC.
    Lengths are bytes. `exchange` is "" in TLS 1.3, which agrees on it apart.
    """

    name: str
    exchange: str
    mode: str
    key_length: int
    tag_length: int
    hash: str
    mac: str | None

    @property
    def is_tls_1_3(self) -> bool:
        """Whether it is one of TLS 1.3, and of no version before."""
        return not self.exchange


def suite_name(number: int) -> str:
    """Return the name of a cipher suite, or its number in hex where it has none."""
    return SUITE_NAMES.get(number, f"0x{number:04x}")


def maybe_suite(number: int) -> Suite | None:
    """Return how the records of a suite are protected; None where they cannot be read here."""
    name = suite_name(number)
    match = NAME.fullmatch(name)
    if match is None:
        return None
    exchange, algorithm = match["exchange"] or "", HASHES.get(match["hash"] or "SHA256", "")
    if match["chacha"]:
        return Suite(name, exchange, CHACHA, 32, 16, algorithm, None)
    mode, length = match["mode"], int(match["bits"]) // 8
    if mode == CBC:
        # RFC 5246 §5: SHA-256 is the hash of every suite that names no stronger one.
        stronger = "sha384" if algorithm == "sha384" else "sha256"
        return Suite(name, exchange, CBC, length, 0, stronger, algorithm)
    tag_length = 8 if mode == "CCM_8" else 16
    return Suite(name, exchange, mode[:3], length, tag_length, algorithm, None)

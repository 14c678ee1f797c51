"""Records opened with keys that are known: AEAD suites and AES-CBC.

RFC 8446 §5.2 and §5.3; RFC 5246 §6.2.3; RFC 7366 (encrypt-then-MAC). This is the only module that
needs the package `cryptography`: it is imported where records are to be opened, and not before.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from wsanalyze.tls.hellos import TLS_1_0, TLS_1_2
from wsanalyze.tls.schedule import expand_label, key_block
from wsanalyze.tls.suites import CBC, CCM, CHACHA, GCM, Suite

BLOCK = 16
EXPLICIT = 8
# Sequence number, content type and version as the header has them, length: RFC 5246 §6.2.3.3.
ADDITIONAL = struct.Struct(">Q3sH").pack

Bytes = bytes | memoryview


class Opener(Protocol):
    """Opens the records of one sender under one set of keys.

    `overhead` is how much longer a record's body is than what is in it, -1 where that varies;
    `least` how long a body is at least.
    """

    overhead: int
    least: int

    def open(self, sequence: int, header: bytes, body: Bytes) -> bytes | None:
        """Return what is in a record: None where it does not authenticate.

        `header` are its five bytes, `body` what follows. In TLS 1.3 the content type and padding
        are still at its end.
        """
        ...


def _aead(suite: Suite, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if suite.mode == CHACHA:
        return ChaCha20Poly1305(key)
    if suite.mode == CCM:
        return AESCCM(key, tag_length=suite.tag_length)
    return AESGCM(key)


class Opener13:
    """TLS 1.3: the nonce is made of the sequence number, the header is authenticated."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        """Take a traffic secret of a sender."""
        key = expand_label(secret, b"key", b"", suite.key_length, suite.hash)
        self.iv = int.from_bytes(expand_label(secret, b"iv", b"", 12, suite.hash), "big")
        self.decrypt = _aead(suite, key).decrypt
        self.overhead = self.least = suite.tag_length + 1

    def open(self, sequence: int, header: bytes, body: Bytes) -> bytes | None:
        """Return content, content type and padding; None where it does not authenticate."""
        if len(body) < self.overhead:
            return None
        try:
            return self.decrypt((self.iv ^ sequence).to_bytes(12, "big"), body, header)
        except InvalidTag:
            return None


class Opener12:
    """TLS 1.2 with an AEAD suite."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        """Take the key and the part of the nonce that both ends know."""
        self.decrypt = _aead(suite, key).decrypt
        self.iv = iv
        self.number = int.from_bytes(iv, "big")
        self.explicit = 0 if suite.mode == CHACHA else EXPLICIT
        self.overhead = self.least = suite.tag_length + self.explicit

    def open(self, sequence: int, header: bytes, body: Bytes) -> bytes | None:
        """Return the content; None where it does not authenticate."""
        length = len(body) - self.overhead
        if length < 0:
            return None
        authenticated = ADDITIONAL(sequence, header, length)
        try:
            if self.explicit:
                return self.decrypt(self.iv + body[:EXPLICIT], body[EXPLICIT:], authenticated)
            nonce = (self.number ^ sequence).to_bytes(12, "big")
            return self.decrypt(nonce, body, authenticated)
        except InvalidTag:
            return None


class OpenerCbc:
    """TLS 1.0 to 1.2 with AES-CBC.

    In TLS 1.0 a record goes on with the last block of the one before (RFC 2246 §6.2.3.2): `first`
    is what the first one has, `before` and `chain` are those of the last that was tried, and the
    next.
    """

    overhead = -1
    # A block or a vector, and a MAC with its padding.
    least = 2 * BLOCK

    def __init__(
        self, suite: Suite, mac_key: bytes, key: bytes, chain: bytes, *, etm: bool
    ) -> None:
        """`etm`: whether what is encrypted is authenticated; `chain`: b"" from TLS 1.1 on."""
        self.mac = suite.mac or "sha1"
        self.size = hashlib.new(self.mac).digest_size
        self.mac_key = mac_key
        self.algorithm = algorithms.AES(key)
        self.first = self.chain = self.before = chain
        self.last = b""
        self.etm = etm

    def open(self, sequence: int, header: bytes, body: Bytes) -> bytes | None:
        """Return the content; None where it does not authenticate."""
        start = sequence.to_bytes(8, "big") + header[:3]
        sealed = bytes(body)
        if self.etm:
            sealed, mac = sealed[: -self.size], sealed[-self.size :]
            if self._mac(start, sealed) != mac:
                return None
        vector, sealed = self._vector(sealed, sequence)
        if not sealed or len(sealed) % BLOCK or len(vector) != BLOCK:
            return None
        padded = Cipher(self.algorithm, modes.CBC(vector)).decryptor().update(sealed)
        content = _unpadded(padded)
        if content is None or self.etm:
            return content
        content, mac = content[: -self.size], content[-self.size :]
        return content if self._mac(start, content) == mac else None

    def _vector(self, sealed: bytes, sequence: int) -> tuple[bytes, bytes]:
        """Return the vector of a record, and what is encrypted with it."""
        if not self.chain:
            return sealed[:BLOCK], sealed[BLOCK:]
        if sealed != self.last:
            # Not the same record with another sequence number.
            self.before, self.chain, self.last = self.chain, sealed[-BLOCK:], sealed
        return self.before if sequence else self.first, sealed

    def _mac(self, start: bytes, content: bytes) -> bytes:
        data = start + len(content).to_bytes(2, "big") + content
        return hmac.digest(self.mac_key, data, self.mac)


def _unpadded(padded: bytes) -> bytes | None:
    """Return what is in front of the padding, RFC 5246 §6.2.3.2."""
    length = padded[-1] + 1
    if length > len(padded) or padded[-length:] != bytes([padded[-1]]) * length:
        return None
    return padded[:-length]


def openers(
    suite: Suite,
    version: int,
    client_random: bytes,
    server_random: bytes,
    master: bytes,
    *,
    encrypt_then_mac: bool,
) -> tuple[Opener, Opener]:
    """Return who opens the records of the client and of the server, TLS 1.0 to 1.2."""
    algorithm = suite.hash if version >= TLS_1_2 else "md5+sha1"
    mac_length = hashlib.new(suite.mac).digest_size if suite.mac else 0
    iv_length = _iv_length(suite, version)
    lengths = (mac_length, mac_length, suite.key_length, suite.key_length, iv_length, iv_length)
    block = key_block(master, client_random, server_random, sum(lengths), algorithm)
    parts, at = [], 0
    for length in lengths:
        parts.append(block[at : at + length])
        at += length
    macs, keys, ivs = parts[:2], parts[2:4], parts[4:]
    if suite.mode == CBC:
        return (
            OpenerCbc(suite, macs[0], keys[0], ivs[0], etm=encrypt_then_mac),
            OpenerCbc(suite, macs[1], keys[1], ivs[1], etm=encrypt_then_mac),
        )
    return Opener12(suite, keys[0], ivs[0]), Opener12(suite, keys[1], ivs[1])


def _iv_length(suite: Suite, version: int) -> int:
    if suite.mode == CBC:
        return BLOCK if version == TLS_1_0 else 0
    return 4 if suite.mode in (GCM, CCM) else 12

"""What a ClientKeyExchange tells to who knows its secret, or the key that it is sealed with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wsanalyze.layers.tls_secrets import exchanges
from wsanalyze.tls.cursor import Cursor, MalformedError
from wsanalyze.tls.hellos import EXTENDED_MASTER_SECRET, TLS_1_2, Offer, ServerHello
from wsanalyze.tls.keylog import Secrets
from wsanalyze.tls.messages import CLIENT_HELLO
from wsanalyze.tls.secret_store import SecretStore
from wsanalyze.tls.suites import maybe_suite

if TYPE_CHECKING:
    from hashlib import _Hash

# What a handshake may be hashed with (RFC 5246 §7.4.9): its messages are not kept.
ALGORITHMS = ("sha256", "sha384", "md5", "sha1")
# What the four take in memory, about.
HASHES = 1200


class KeyExchange:
    """What was said in a handshake from its ClientHello on, as far as keys may be made of it.

    `body` is that of the ClientKeyExchange, once it was seen.
    """

    def __init__(self, known: Secrets) -> None:
        self.known = known
        self.body: bytes | None = None
        self._heard: tuple[_Hash, ...] = ()
        self._hears = False
        # What private keys told, and how many there were to ask.
        self._unsealed: list[bytes] = []
        self._asked = 0

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return (HASHES if self._heard else 0) + (0 if self.body is None else len(self.body))

    def hear(self, kind: int, body: bytes) -> None:
        """Take a message into account, where the master secret may depend on it (RFC 7627 §3)."""
        if kind == CLIENT_HELLO:
            self.forget()
            self._hears = bool(self.known) or self.known.expects or self.known.more is not None
            if self._hears:
                self._heard = tuple(hashlib.new(name) for name in ALGORITHMS)
        if not self._hears:
            return
        header = bytes((kind, *len(body).to_bytes(3, "big")))
        for each in self._heard:
            each.update(header)
            each.update(body)

    def take(self, body: bytes) -> None:
        """Take the ClientKeyExchange, the last message that counts."""
        self.body, self._hears = body, False

    def forget(self) -> None:
        """Keep nothing any more."""
        self.body, self._heard, self._hears = None, (), False
        self._unsealed, self._asked = [], 0

    def tells(self, client: Offer, server: ServerHello) -> bool:
        """Say whether it tells the master secret, or will do so where a key or a line is there.

        A sealed secret names itself: before it was seen, any of those that are known may be it.
        """
        known = self.known
        if not exchanges(known, client, server):
            return False
        if self.body is not None:
            return any(any(self._premasters(each, client, server)) for each in known.stores)
        return bool(known.private_keys) or known.has_premaster(client.random)

    def masters(self, store: SecretStore, client: Offer, server: ServerHello) -> Iterator[bytes]:
        """Yield the master secrets that it makes of what a store says, RFC 5246 §8.1."""
        from wsanalyze.tls import rsa_keys

        suite = maybe_suite(server.suite)
        if suite is None or self.body is None:
            return
        algorithm = suite.hash if server.version >= TLS_1_2 else "md5+sha1"
        for premaster in self._premasters(store, client, server):
            if server.extension(EXTENDED_MASTER_SECRET) is None:
                randoms = client.random, server.random
                yield rsa_keys.master_secret(premaster, *randoms, algorithm)
            else:
                yield rsa_keys.extended_master_secret(premaster, self._digest(algorithm), algorithm)

    def _digest(self, algorithm: str) -> bytes:
        """Return the hash of what was said, from the ClientHello to the ClientKeyExchange."""
        heard = dict(zip(ALGORITHMS, self._heard, strict=False))
        parts = algorithm.split("+")
        return b"".join(heard[part].digest() for part in parts if part in heard)

    def _premasters(
        self, store: SecretStore, client: Offer, server: ServerHello
    ) -> Iterator[bytes]:
        """Yield the secrets that may have been exchanged, by what a store says."""
        sealed, suite = b"", maybe_suite(server.suite)
        if suite is not None and suite.exchange == "RSA" and self.body is not None:
            try:
                sealed = Cursor(self.body).vector(2)
            except MalformedError:
                return
        yield from store.premaster(client.random, sealed)
        if sealed and store is self.known.reader:
            yield from self._unseal(sealed, client)

    def _unseal(self, sealed: bytes, client: Offer) -> list[bytes]:
        """Return what private keys make of a secret that was sealed, RFC 5246 §7.4.7.1."""
        from wsanalyze.tls import rsa_keys

        known = self.known
        count = len(known.private_keys)
        if count == self._asked:
            return self._unsealed
        self._asked, self._unsealed = count, []
        for key in rsa_keys.fitting(known.rsa_keys(), sealed):
            if not known.may_decrypt():
                break
            found = rsa_keys.maybe_premaster(key, sealed, client.version)
            if found is not None:
                self._unsealed.append(found)
            else:
                known.rsa_tries -= 1
        return self._unsealed

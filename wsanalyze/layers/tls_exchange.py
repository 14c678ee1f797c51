"""What a ClientKeyExchange tells to who knows its secret, or the key that it is sealed with."""

from __future__ import annotations

from wsanalyze.layers.tls_secrets import exchanges
from wsanalyze.tls.cursor import Cursor, MalformedError
from wsanalyze.tls.hellos import EXTENDED_MASTER_SECRET, TLS_1_2, ClientHello, ServerHello
from wsanalyze.tls.keylog import Secrets
from wsanalyze.tls.messages import CLIENT_HELLO
from wsanalyze.tls.suites import maybe_suite

# Bytes of handshake messages that are kept for RFC 7627.
MOST_HEARD = 256 * 1024


class KeyExchange:
    """What was said in a handshake from its ClientHello on, as far as keys may be made of it.

    `body` is that of the ClientKeyExchange, once it was seen.
    """

    def __init__(self, known: Secrets) -> None:
        self.known = known
        self.body: bytes | None = None
        self._heard = bytearray()
        self._hears = False

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return len(self._heard) + (0 if self.body is None else len(self.body))

    def hear(self, kind: int, body: bytes) -> None:
        """Keep a message, where the master secret may depend on it (RFC 7627 §3)."""
        if kind == CLIENT_HELLO:
            self.forget()
            self._hears = bool(self.known) or self.known.expects or self.known.more is not None
        if self._hears and len(self._heard) + len(body) <= MOST_HEARD:
            self._heard += bytes((kind, *len(body).to_bytes(3, "big"))) + body

    def take(self, body: bytes) -> None:
        """Take the ClientKeyExchange, the last message that counts."""
        self.body, self._hears = body, False

    def forget(self) -> None:
        """Keep nothing any more."""
        self.body, self._heard, self._hears = None, bytearray(), False

    def tells(self, client: ClientHello, server: ServerHello) -> bool:
        """Say whether it tells the master secret, or will do so where a key or a line is there.

        A sealed secret names itself: before it was seen, any of those that are known may be it.
        """
        known = self.known
        if not exchanges(known, client, server):
            return False
        if self.body is not None:
            return self.maybe_premaster(client, server) is not None
        return bool(known.private_keys) or client.random in known.premasters

    def maybe_premaster(self, client: ClientHello, server: ServerHello) -> bytes | None:
        """Return the secret that was exchanged; None where nothing says it."""
        from wsanalyze.tls import rsa_keys

        sealed, suite = b"", maybe_suite(server.suite)
        if suite is not None and suite.exchange == "RSA" and self.body is not None:
            try:
                sealed = Cursor(self.body).vector(2)
            except MalformedError:
                return None
        found = self.known.premaster(client.random, sealed)
        if found is None and sealed and self.known.private_keys and self.known.rsa_tries > 0:
            keys = rsa_keys.fitting(self.known.rsa_keys(), sealed)
            found = rsa_keys.maybe_premaster(keys, sealed, client.version)
            if found is None:
                self.known.rsa_tries -= len(keys)
        return found

    def maybe_master(self, client: ClientHello, server: ServerHello) -> bytes | None:
        """Return the master secret that is made of it, RFC 5246 §8.1; None where it is unknown."""
        from wsanalyze.tls import rsa_keys

        suite, premaster = maybe_suite(server.suite), self.maybe_premaster(client, server)
        if premaster is None or suite is None:
            return None
        algorithm = suite.hash if server.version >= TLS_1_2 else "md5+sha1"
        if server.extension(EXTENDED_MASTER_SECRET) is not None:
            return rsa_keys.extended_master_secret(premaster, bytes(self._heard), algorithm)
        return rsa_keys.master_secret(premaster, client.random, server.random, algorithm)

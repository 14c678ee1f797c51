"""TLS 1.3 whose handshake is not in the capture: which of the known secrets opens its records?

The tag decides: no wrong secret or sequence number opens a record. TLS 1.2 cannot be found so: its
keys depend on the ServerHello's random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wsanalyze.tls.keylog import CLIENT_TRAFFIC, SERVER_TRAFFIC, Secrets
from wsanalyze.tls.suites import Suite, maybe_suite

# Suites by the length of their secrets; nobody negotiates CCM unless asked to.
SUITES = {32: (0x1301, 0x1303), 48: (0x1302,)}
# Records that a sender may have sent before.
SEQUENCES = 4096
# How often one record is tried: some 30 ms. The first ones may be of the handshake.
TRIES = 16_384
RECORDS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Whose secrets opened a record, in which suite, and with which sequence number."""

    client_random: bytes
    suite: Suite
    from_server: bool
    sequence: int


def maybe_found(
    secrets: Secrets, client_random: bytes | None, header: bytes, body: bytes
) -> Found | None:
    """Try a record with the secrets of one connection, or of those that nobody used (None).

    At most TRIES times, and no more than `secrets` has left for all connections.
    """
    from wsanalyze.tls.ciphers import Opener13

    tries = min(TRIES, secrets.tries_left)
    candidates = list(_candidates(secrets, client_random, tries))
    if not candidates:
        return None
    each = max(min(SEQUENCES, tries // len(candidates)), 1)
    for found, secret in candidates:
        opener = Opener13(found.suite, secret)
        for sequence in range(each):
            secrets.tries_left -= 1
            if opener.open(sequence, header, body) is not None:
                return Found(found.client_random, found.suite, found.from_server, sequence)
    return None


def _candidates(
    secrets: Secrets, client_random: bytes | None, most: int
) -> Iterator[tuple[Found, bytes]]:
    """Yield at most so many secrets, each with a suite that it may be for."""
    count = 0
    for random, labelled in _connections(secrets, client_random):
        for label, from_server in ((CLIENT_TRAFFIC, False), (SERVER_TRAFFIC, True)):
            secret = labelled.get(label, b"")
            for number in SUITES.get(len(secret), ()):
                suite = maybe_suite(number)
                if suite is None:
                    continue
                if count >= most:
                    return
                count += 1
                yield Found(random, suite, from_server, 0), secret


def _connections(
    secrets: Secrets, client_random: bytes | None
) -> Iterator[tuple[bytes, Mapping[str, bytes]]]:
    if client_random is not None:
        yield client_random, secrets.of(client_random)
        return
    for random, labelled in secrets.by_random.items():
        if random not in secrets.used:
            yield random, labelled

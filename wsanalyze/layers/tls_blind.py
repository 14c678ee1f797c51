"""TLS whose hellos are not in the capture: which of the known secrets opens its records?

The tag decides: no wrong secret or sequence number opens a record. Before TLS 1.3 only a
ClientHello can be done without, since key logs say the client's random: keys depend on the
ServerHello's, too (RFC 5246 §6.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from wsanalyze.tls.hellos import TLS_1_0, TLS_1_2, TLS_1_3, Offer, ServerHello
from wsanalyze.tls.keylog import (
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    MASTER,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    Secrets,
)
from wsanalyze.tls.schedule import MASTER_SECRET
from wsanalyze.tls.secret_store import SecretStore
from wsanalyze.tls.suites import Suite, maybe_suite

# Suites by the length of their secrets; nobody negotiates CCM unless asked to.
SUITES = {32: (0x1301, 0x1303), 48: (0x1302,)}
# With CCM, where a hello names what may be.
ALL_SUITES = {32: (0x1301, 0x1303, 0x1304, 0x1305), 48: (0x1302,)}
# Labels of secrets, whether they are the server's, and whether for application data.
LABELS = (
    (CLIENT_HANDSHAKE, False, False),
    (SERVER_HANDSHAKE, True, False),
    (CLIENT_TRAFFIC, False, True),
    (SERVER_TRAFFIC, True, True),
)
# Records that a sender may have sent before.
SEQUENCES = 4096
# How often one record is tried: some 30 ms, or six times that where each try takes other keys. The
# first ones may be of the handshake.
TRIES = 16_384
RECORDS = 4
# Records of a handshake that may have been sent before, where its secrets are tried.
IN_HANDSHAKE = 16
# What the keys of TLS 1.2 cost, in tries, and those of TLS 1.3.
DERIVATION, EXPANSION = 16, 5


@dataclass(frozen=True, slots=True)
class Found:
    """Whose secrets opened a record, in which suite, and with which sequence number.

    `is_application`: whether it is none of the handshake, in TLS 1.3.
    """

    client_random: bytes
    suite: Suite
    from_server: bool
    is_application: bool = False
    sequence: int = 0


def look(
    secrets: Secrets,
    hellos: tuple[Offer | None, ServerHello | None],
    side: int,
    missed: int,
    header: bytes,
    body: bytes,
) -> Found | None:
    """Try a record of the client (`side` 0) or the server (1), whichever hello is there."""
    client, server = hellos
    if client is None and server is not None and server.version < TLS_1_3:
        return maybe_master(secrets, server, side, missed, header, body)
    named = (server.suite,) if server is not None else client.suites if client else ()
    random = client.random if client is not None else None
    return maybe_found(secrets, random, header, body, named)


def maybe_found(
    secrets: Secrets,
    client_random: bytes | None,
    header: bytes,
    body: bytes,
    named: Sequence[int] = (),
) -> Found | None:
    """Try a record with the secrets of one connection, or of those that nobody used (None).

    At most TRIES times with those of each store, and no more than it has left for all connections:
    the keys that are made count there, too. `named`: the suites that a hello names, where one was
    seen.
    """
    for store in secrets.stores:
        if store.count:
            tries = min(TRIES, store.tries_left)
            candidates = list(_candidates(store, client_random, named, tries))
            found = _first(store, candidates, header, body)
            if found is not None:
                return found
    return None


def _first(
    store: SecretStore, candidates: list[tuple[Found, bytes]], header: bytes, body: bytes
) -> Found | None:
    """Return the first of some secrets that opens a record."""
    from wsanalyze.tls.ciphers import Opener13

    tries = min(TRIES, store.tries_left)
    each = max(min(SEQUENCES, tries // (len(candidates) or 1)), 1)
    for found, secret in candidates:
        store.tries_left -= min(EXPANSION, store.tries_left)
        opener = Opener13(found.suite, secret)
        for sequence in range(each if found.is_application else min(each, IN_HANDSHAKE)):
            if store.tries_left <= 0:
                return None
            store.tries_left -= 1
            if opener.open(sequence, header, body) is not None:
                return replace(found, sequence=sequence)
    return None


def maybe_master(
    secrets: Secrets, server: ServerHello, side: int, missed: int, header: bytes, body: bytes
) -> Found | None:
    """Try a record of TLS 1.0 to 1.2 with the master secrets that nobody used.

    `side`: 0 for a record of the client, 1 of the server; `missed`: how many protected ones may
    have been before it. At most TRIES times with those of each store, and no more than it has left.
    """
    suite = maybe_suite(server.suite)
    if suite is None or suite.is_tls_1_3 or not TLS_1_0 <= server.version <= TLS_1_2:
        return None
    count = min(missed + 1, SEQUENCES)
    for store in secrets.stores:
        found = _first_master(store, suite, server, (side, count), header, body)
        if found is not None:
            return found
    return None


def _first_master(
    store: SecretStore,
    suite: Suite,
    server: ServerHello,
    place: tuple[int, int],
    header: bytes,
    body: bytes,
) -> Found | None:
    """Return the first master secret that opens a record of a side, among the first so many."""
    from wsanalyze.tls.ciphers import openers

    side, most = place
    tries = min(TRIES, store.tries_left)
    masters = ((random, each) for random in store.unused[0] for each in store.every(random, MASTER))
    for random, master in masters:
        count = most if len(master) == MASTER_SECRET else 0
        tries -= DERIVATION + count
        if tries < 0:
            store.tries_left = 0 if store.tries_left < TRIES else store.tries_left
            return None
        store.tries_left -= DERIVATION + count
        if not count:
            continue
        both = openers(
            suite,
            server.version,
            random,
            server.random,
            master,
            encrypt_then_mac=server.encrypts_then_macs,
        )
        for sequence in range(count):
            if both[side].open(sequence, header, body) is not None:
                return Found(random, suite, side == 1, sequence=sequence)
    return None


def _candidates(
    store: SecretStore, client_random: bytes | None, named: Sequence[int], most: int
) -> Iterator[tuple[Found, bytes]]:
    """Yield at most so many secrets, each with a suite that it may be for.

    One of TLS 1.3 that fits nothing costs a try: there may be a million of them.
    """
    if client_random is not None:
        if store.use(client_random) is not None:
            yield from islice(_fitting(client_random, store, named), most)
        return
    left = most
    for random in store.unused[1]:
        if left <= 0:
            return
        fitting = list(islice(_fitting(random, store, named), left))
        left -= len(fitting) or 1
        if not fitting:
            store.tries_left -= 1
        yield from fitting


def _fitting(
    random: bytes, store: SecretStore, named: Sequence[int]
) -> Iterator[tuple[Found, bytes]]:
    """Yield the secrets of one connection, each with a suite that it may be for."""
    by_length = ALL_SUITES if named else SUITES
    for label, from_server, is_application in LABELS:
        for secret in store.every(random, label):
            for number in by_length.get(len(secret), ()):
                suite = maybe_suite(number)
                if suite is not None and (not named or number in named):
                    yield Found(random, suite, from_server, is_application), secret

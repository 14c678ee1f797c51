"""Secrets of one source: those that the reader has given, or those that captures have brought.

They are apart: whoever sends a capture must neither replace nor push out what its reader knows. No
secret is ever shown: there is no text of them here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from wsanalyze.tls.schedule import MASTER_SECRET
from wsanalyze.tls.unused import Unused

# <label> of a master secret; all others are of TLS 1.3.
MASTER = "CLIENT_RANDOM"
SEALED_LENGTH = 8

# Records that may be tried with secrets of who knows which connection, in all: some three seconds.
TRIES = 2_000_000

NONE: Mapping[str, bytes] = {}

# The secrets of a session, or of a key exchange, the later one first.
Named = dict[bytes, tuple[bytes, ...]]
# How many secrets for the same are kept: which of them is right, a record tells.
KEPT_FOR_ONE = 2

Kept = tuple[Named | dict[bytes, dict[str, bytes]], bytes]


class SecretStore:
    """Secrets by client random, by session ID and by key exchange.

    `name` says what they are from. `unused` are the client randoms that nobody asked for, of
    connections before TLS 1.3 and of TLS 1.3; `tries_left` bounds what is tried with those.
    `premasters` are secrets that were exchanged, by client random; `by_exchange` are those that an
    RSA key sealed, by the first SEALED_LENGTH bytes of that: of each the last two. `earlier` are
    secrets by client random for which a later line says another: which of both is right, a record
    tells. `count` is how many there are.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.by_random: dict[bytes, dict[str, bytes]] = {}
        self.earlier: dict[bytes, dict[str, bytes]] = {}
        self.by_session: Named = {}
        self.premasters: Named = {}
        self.by_exchange: Named = {}
        self.unused = Unused(), Unused()
        self.tries_left = TRIES
        # What came first: where it is kept, and by what.
        self._oldest: deque[Kept] = deque()

    def grows(self, random: bytes, label: str, secret: bytes) -> bool:
        """Say whether to learn a secret of a connection takes room."""
        known = self.by_random.get(random, NONE).get(label)
        if known is None:
            return True
        return are_others(known, secret) and label not in self.earlier.get(random, NONE)

    def every(self, random: bytes, label: str) -> Iterator[bytes]:
        """Yield the secrets of a label of a connection, the later one first."""
        for labelled in (self.by_random.get(random, NONE), self.earlier.get(random, NONE)):
            if label in labelled:
                yield labelled[label]

    def learn(self, random: bytes, label: str, secret: bytes) -> None:
        """Keep a secret of a connection; of those with one label the last two."""
        labelled = self.by_random.get(random)
        if labelled is None:
            self.by_random[random] = {label: secret}
            self._oldest.append((self.by_random, random))
            self.count += 1
            self.unused[label != MASTER].add(random)
            return
        known = labelled.get(label, b"")
        if known and are_others(known, secret):
            earlier = self.earlier.setdefault(random, {})
            self.count += label not in earlier
            earlier[label] = known
        self.count += label not in labelled
        labelled[label] = known if known.startswith(secret) else secret
        if not self.was_used(random):
            self.unused[label != MASTER].add(random)

    def keeps(self, store: Named, name: bytes, secret: bytes) -> bool:
        """Say whether to keep a secret in one of the stores here takes room."""
        return len(_with(store.get(name, ()), secret)) > len(store.get(name, ()))

    def keep(self, store: Named, name: bytes, secret: bytes) -> None:
        """Keep the secret of a session, or of a key exchange, in one of the stores here."""
        known = store.get(name, ())
        if not known:
            self._oldest.append((store, name))
        store[name] = _with(known, secret)
        self.count += len(store[name]) - len(known)

    def was_used(self, random: bytes) -> bool:
        """Say whether somebody asked for the secrets of a client random, and there are some."""
        return random in self.by_random and not any(random in each for each in self.unused)

    def use(self, random: bytes) -> Mapping[str, bytes] | None:
        """Return the secrets of a connection by label, None for none."""
        found = self.by_random.get(random)
        if found is not None:
            for unused in self.unused:
                unused.discard(random)
        return found

    def masters(self, random: bytes, session_id: bytes) -> list[bytes]:
        """Return the master secrets of a connection before TLS 1.3, by its random and session."""
        found = list(self.every(random, MASTER))
        found += self.by_session.get(session_id, ())
        return [each for each in found if len(each) == MASTER_SECRET]

    def premaster(self, random: bytes, sealed: bytes) -> list[bytes]:
        """Return what a client may have exchanged, by its random and by how it begins sealed."""
        by_sealed = self.by_exchange.get(sealed[:SEALED_LENGTH], ())
        return [*self.premasters.get(random, ()), *by_sealed]

    def forget_oldest(self) -> bool:
        """Make room; return False where there is nothing to forget."""
        if not self._oldest:
            return False
        store, key = self._oldest.popleft()
        if store is not self.by_random:
            self.count -= len(store.pop(key))
            return True
        self.count -= len(self.by_random.pop(key)) + len(self.earlier.pop(key, NONE))
        for unused in self.unused:
            unused.discard(key)
        return True


def _with(known: tuple[bytes, ...], secret: bytes) -> tuple[bytes, ...]:
    """Return secrets for the same with one more, the later one first; of one that was cut all."""
    whole = next((each for each in known if each.startswith(secret)), secret)
    return (whole, *(each for each in known if are_others(each, whole)))[:KEPT_FOR_ONE]


def are_others(one: bytes, other: bytes) -> bool:
    """Say whether two secrets are two: of a line that was cut one is how the other begins."""
    return not (one.startswith(other) or other.startswith(one))

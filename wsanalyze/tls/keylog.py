"""Secrets of TLS connections as browsers and libraries log them, the NSS key log format.

RFC 9850: lines of `LABEL CLIENT_RANDOM SECRET`, in hex. Older, of NSS and OpenSSL: `RSA
Session-ID:… Master-Key:…`, and `RSA` with the first bytes of an encrypted premaster secret and that
secret; of Wireshark: `PMS_CLIENT_RANDOM` with it. A file may hold a server's RSA key in PEM as
well. No secret is ever shown: there is no text of them here.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from wsanalyze.tls.secret_store import MASTER as MASTER
from wsanalyze.tls.secret_store import NONE as NONE
from wsanalyze.tls.secret_store import Named, SecretStore
from wsanalyze.tls.sessions import Sessions

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

CLIENT_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE, SERVER_HANDSHAKE = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
)
CLIENT_TRAFFIC, SERVER_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
USED = frozenset(
    {MASTER, CLIENT_EARLY, CLIENT_HANDSHAKE, SERVER_HANDSHAKE, CLIENT_TRAFFIC, SERVER_TRAFFIC}
)

# Those of most lines, and of some that open no record.
USUAL = {label.encode(): label for label in (*USED, "EXPORTER_SECRET", "EARLY_EXPORTER_SECRET")}

# Each is a label, whose secret it is, and the secret. The secret that both ends exchanged is one of
# RSA (48 bytes), or as long as a group of Diffie-Hellman, of up to 8,192 bits; it is for a client
# random, or for how it begins where it is encrypted.
SESSION, SEALED, PREMASTER = "RSA Session-ID", "RSA", "PMS_CLIENT_RANDOM"
LINES = tuple(
    re.compile(each.replace(b"OCTET", b"(?:[0-9a-fA-F]{2})"))
    for each in (
        rb"([A-Z][A-Z0-9_]*) (OCTET{32}) (OCTET{16,64})",
        rb"(PMS_CLIENT_RANDOM) (OCTET{32}) (OCTET{1,1024})",
        rb"(RSA) (OCTET{8}) (OCTET{48})",
        rb"(RSA Session-ID):(OCTET{1,32}) Master-Key:(OCTET{48})",
    )
)
KEY_BEGINS = re.compile(rb"-----BEGIN (?:RSA )?PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END (?:RSA )?PRIVATE KEY-----")
# Of a key in the old form (RFC 1421 §4.6.1.1) only this says that it cannot be used.
KEY_IS_ENCRYPTED = b"\nProc-Type: 4,ENCRYPTED\n"
# A key of 16,384 bits takes 13 kB.
LONGEST_KEY, MOST_KEYS = 16_384, 64
# The longest line that is understood.
LONGEST = len(PREMASTER) + 1 + 64 + 1 + 2048

# Lines of one log that say nothing (empty ones, comments, others), beyond those that do: one with
# more is no key log, and a device or FIFO may go on for ever. They take a second or two.
MOST_USELESS = 1_048_576

# Bytes that senders may try in vain beyond their share, in all connections: some four seconds,
# asked for in pieces.
SPARE, SPARE_PIECE = 512 * 1024 * 1024, 256 * 1024

# Decryptions with private keys that may be in vain, in all: of the longest usual keys some seconds.
RSA_TRIES = 2_000


class Waiter(Protocol):
    """Whose records wait for a secret."""

    def ask(self) -> int:
        """Look whether it has come, and read what waited for it; 1: nothing more is to be read."""

    def finish(self, evicted: int) -> int:
        """Learn that nothing more will come, as `Layer.finish`."""


class Secrets:
    """What key logs say (`reader`), and what captures bring themselves (`capture`): `stores`.

    Of two that may be for the same connection the reader's are tried first, and then the capture's.

    `sources` counts files and blocks, `lines` those that are neither empty nor a comment,
    `not_understood` those of them that say nothing, `dropped` secrets beyond `most`: the oldest are
    forgotten for them, but none of a key log for what a capture brings. `private_keys` are those of
    key logs; they may be used `rsa_left` times still, `rsa_tries` times of that in vain, and
    `rsa_refused` times they were not therefore. `spare` bounds what is tried behind holes.
    `sessions` are those that were seen.
    `more()` looks for secrets that came late and says whether there were some, `logged()` does so
    in key logs alone; `expects`: whether there may be some later on, so that records shall wait.
    `waiting` are those whose records do so.
    """

    def __init__(self, most: int, rsa: int = 1000) -> None:
        """Keep at most so many secrets, and use private keys `rsa` times."""
        self.most = most
        self.sources = self.lines = self.not_understood = self.dropped = 0
        self.reader, self.capture = SecretStore("key log"), SecretStore("capture")
        self.stores = self.reader, self.capture
        self.private_keys: list[bytes] = []
        # What came of private keys in PEM so far: here, and in logs that may go on with it.
        self._pem = b""
        self._begun: WeakKeyDictionary[object, bytes] = WeakKeyDictionary()
        # How many more lines of a log say nothing than something, where more of it may come.
        self._useless: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._store = self.reader
        self.rsa_left, self.rsa_tries, self.rsa_refused = rsa, RSA_TRIES, 0
        self.sessions = Sessions(most)
        self.more: Callable[[], bool] | None = None
        self.logged: Callable[[], bool] | None = None
        self.expects = False
        self.waiting: set[Waiter] = set()
        self.spare = SPARE
        self._rsa_keys: list[RSAPrivateKey] = []
        self._loaded = 0

    def __bool__(self) -> bool:
        """Be true where there is a secret, or a private key that may open one."""
        return self.count > 0 or bool(self.private_keys)

    @property
    def count(self) -> int:
        """How many secrets there are."""
        return self.reader.count + self.capture.count

    def hopes(self) -> bool:
        """Say whether there are secrets, or may be."""
        return bool(self) or self.expects or (self.more is not None and self.more())

    def add(
        self, lines: Iterable[bytes], log: object = None, *, from_capture: bool = False
    ) -> bool:
        """Take the lines of one more key log; of those that are for the same, the last two count.

        `log`: stands for it where further lines may be appended. `from_capture`: whether a capture
        brought it. Its blocks have no place for private keys in PEM, and a stranger's keys can be
        so long that reading each takes seconds: those are not taken. What comes back: see `append`.
        """
        self.sources += 1
        return self.append(lines, log, from_capture=from_capture)

    def append(
        self, lines: Iterable[bytes], log: object = None, *, from_capture: bool = False
    ) -> bool:
        """Take further lines of a key log, which may be amid a private key.

        False: MOST_USELESS more of its lines say nothing than something; the rest was not taken.
        """
        self._store = self.capture if from_capture else self.reader
        self._pem = b"" if log is None else self._begun.pop(log, b"")
        useless = 0 if log is None else self._useless.get(log, 0)
        before = self._said()
        for line in lines:
            if (self._pem or not self._take_usual(line)) and not self._take(line.strip()):
                useless += 1
                if useless - (self._said() - before) > MOST_USELESS:
                    return False
        if log is not None:
            self._useless[log] = useless - (self._said() - before)
            if self._pem:
                self._begun[log] = self._pem
        return True

    def _said(self) -> int:
        """Return how many lines say something."""
        return self.lines - self.not_understood

    def _take_usual(self, line: bytes) -> bool:
        """Take a line as nearly all are, `LABEL CLIENT_RANDOM SECRET`; return whether it is one."""
        parts = line.rstrip().split(b" ")
        label = USUAL.get(parts[0]) if len(parts) == 3 else None
        if label is None or len(parts[1]) != 64:
            return False
        try:
            name, secret = unhexlify(parts[1]), unhexlify(parts[2])
        except ValueError:
            return False
        if not 16 <= len(secret) <= 64:
            return False
        self.lines += 1
        if label in USED:
            self._learn(name, label, secret)
        return True

    def _learn(self, name: bytes, label: str, secret: bytes) -> None:
        store = self._store
        if not store.grows(name, label, secret) or self._room(store):
            store.learn(name, label, secret)

    def _take(self, line: bytes) -> bool:
        """Take any line; return whether it says something by itself."""
        if not line or line.startswith(b"#"):
            return False
        said = _maybe_said(line)
        if self._pem or (self._store is self.reader and KEY_BEGINS.fullmatch(line)):
            if said is None:
                self._take_key(line)
                return False
            # The key is cut: what follows are secrets again.
            self._pem = b""
            self.not_understood += 1
        self.lines += 1
        if said is None:
            self.not_understood += 1
            return False
        label, name, secret = said
        store = self._store
        if label in USED:
            self._learn(name, label, secret)
            return True
        kept = _kept_in(store, label)
        if kept is None:
            return True
        if not store.keeps(kept, name, secret) or self._room(store):
            store.keep(kept, name, secret)
        return True

    def _take_key(self, line: bytes) -> None:
        """Take a line of a private key in PEM (RFC 7468)."""
        self._pem += line + b"\n"
        if len(self._pem) > LONGEST_KEY or len(self.private_keys) >= MOST_KEYS:
            self.lines += 1
            self.not_understood += 1
            self._pem = b""
        elif KEY_ENDS.fullmatch(line):
            if KEY_IS_ENCRYPTED in self._pem:
                self.lines += 1
                self.not_understood += 1
            elif self._pem not in self.private_keys:
                self.private_keys.append(self._pem)
            self._pem = b""

    def _room(self, store: SecretStore) -> bool:
        """Make room for one more secret; of a log that grows for days the newest are needed."""
        if self.reader.count + self.capture.count < self.most:
            return True
        self.dropped += 1
        return self.capture.forget_oldest() or (store is self.reader and store.forget_oldest())

    def of(self, client_random: bytes, session_id: bytes = b"") -> tuple[Mapping[str, bytes], ...]:
        """Return the secrets of a connection by label, of each store that has some.

        Secrets for which a later line says another are apart, behind that.
        """
        if client_random not in self.reader.by_random:
            asked = self.logged if client_random in self.capture.by_random else self.more
            if asked is not None:
                asked()
        found: list[Mapping[str, bytes]] = []
        for store in self.stores:
            labelled = store.use(client_random)
            if labelled is not None:
                found.append(labelled)
            if client_random in store.earlier:
                found.append(store.earlier[client_random])
            masters = store.by_session.get(session_id, ()) if session_id else ()
            found += [{MASTER: master} for master in masters]
        return tuple(found)

    def has_premaster(self, client_random: bytes) -> bool:
        """Say whether a line says what the client of a connection exchanged."""
        return any(client_random in store.premasters for store in self.stores)

    def rsa_keys(self) -> list[RSAPrivateKey]:
        """Return the RSA keys among the private keys; each is read once, which takes a while."""
        if self._loaded < len(self.private_keys):
            from wsanalyze.tls.rsa_keys import loaded

            self._rsa_keys += loaded(self.private_keys[self._loaded :])
            self._loaded = len(self.private_keys)
        return self._rsa_keys

    def may_decrypt(self) -> bool:
        """Say whether a private key may be used once more, and count it."""
        if self.rsa_left <= 0 or self.rsa_tries <= 0:
            self.rsa_refused += 1
            return False
        self.rsa_left -= 1
        return True

    def more_to_try(self) -> int:
        """Return how many more bytes a sender may try in vain; 0 where nothing is left."""
        if self.spare < SPARE_PIECE:
            return 0
        self.spare -= SPARE_PIECE
        return SPARE_PIECE

    @property
    def described(self) -> str:
        """How many there are to choose from: `2 files, 38 lines`."""
        files = f"{self.sources} file{'' if self.sources == 1 else 's'}"
        return f"{files}, {self.lines} line{'' if self.lines == 1 else 's'}"


def _kept_in(store: SecretStore, label: str) -> Named | None:
    """Return where a store keeps secrets of a label that is none of one connection's."""
    if label == SESSION:
        return store.by_session
    if label == SEALED:
        return store.by_exchange
    return store.premasters if label == PREMASTER else None


def _maybe_said(line: bytes) -> tuple[str, bytes, bytes] | None:
    """Return the label of a line, whose secret it says, and that; None where it says none."""
    if len(line) > LONGEST:
        return None
    for pattern in LINES:
        match = pattern.fullmatch(line)
        if match is not None:
            label, name, secret = (each.decode("ascii") for each in match.groups())
            return label, bytes.fromhex(name), bytes.fromhex(secret)
    return None

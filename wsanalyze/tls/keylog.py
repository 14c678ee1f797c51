"""Secrets of TLS connections as browsers and libraries log them, the NSS key log format.

RFC 9850: lines of `LABEL CLIENT_RANDOM SECRET`, in hex. Older, of NSS and OpenSSL: `RSA
Session-ID:… Master-Key:…`, and `RSA` with the first bytes of an encrypted premaster secret and that
secret; of Wireshark: `PMS_CLIENT_RANDOM` with it. A file may hold a server's RSA key in PEM as
well. No secret is ever shown: there is no text of them here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from wsanalyze.tls.sessions import Sessions
from wsanalyze.tls.unused import Unused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MASTER = "CLIENT_RANDOM"
CLIENT_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE, SERVER_HANDSHAKE = (
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
)
CLIENT_TRAFFIC, SERVER_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
USED = frozenset(
    {MASTER, CLIENT_EARLY, CLIENT_HANDSHAKE, SERVER_HANDSHAKE, CLIENT_TRAFFIC, SERVER_TRAFFIC}
)

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
SEALED_LENGTH = 8
KEY_BEGINS = re.compile(rb"-----BEGIN (?:RSA )?PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END (?:RSA )?PRIVATE KEY-----")
# A key of 16,384 bits takes 13 kB.
LONGEST_KEY, MOST_KEYS = 16_384, 64
# The longest line that is understood.
LONGEST = len(PREMASTER) + 1 + 64 + 1 + 2048

# Bytes that senders may try in vain beyond their share, in all connections: some four seconds,
# asked for in pieces.
SPARE, SPARE_PIECE = 512 * 1024 * 1024, 256 * 1024

# Records that may be tried with secrets of who knows which connection, in all: some three seconds.
TRIES = 2_000_000

# Decryptions with private keys that may be in vain, in all: of the longest usual keys some seconds.
RSA_TRIES = 2_000

NONE: Mapping[str, bytes] = {}
Kept = tuple[dict[bytes, bytes] | dict[bytes, dict[str, bytes]], bytes]


class Secrets:
    """What key logs say, by client random, by session ID and by key exchange.

    `sources` counts files and blocks, `lines` those that are neither empty nor a comment,
    `not_understood` those of them that say nothing, `dropped` secrets beyond `most`: the oldest are
    forgotten for them, but none of a key log for what a capture brings. `unused` are
    the client randoms that nobody asked for, of connections before TLS 1.3 and of TLS 1.3;
    `origins` says by client random where secrets are from, None where nobody wants to know;
    `tries_left` bounds what is tried without one, `spare` what is tried behind holes, `rsa_tries`
    what private keys are tried on in vain. `sessions`
    are those that were seen.
    `premasters` are secrets that were exchanged, by client random; `by_exchange` are those that an
    RSA key sealed, by the first SEALED_LENGTH bytes of that.
    `more()` looks for secrets that came late and says whether there were some; `expects`: whether
    there may be some later on, so that records shall wait for them.
    """

    def __init__(self, most: int, *, traced: bool = False) -> None:
        """Keep at most so many secrets; where `traced`, with what each came from."""
        self.origins: dict[bytes, str] | None = {} if traced else None
        self._origin = ""
        self.most = most
        self.sources = self.lines = self.not_understood = self.dropped = self.count = 0
        self.by_random: dict[bytes, dict[str, bytes]] = {}
        self.by_session: dict[bytes, bytes] = {}
        self.premasters: dict[bytes, bytes] = {}
        self.by_exchange: dict[bytes, bytes] = {}
        self._stores = {
            SESSION: self.by_session,
            SEALED: self.by_exchange,
            PREMASTER: self.premasters,
        }
        self.private_keys: list[bytes] = []
        # What came first, of key logs and of captures: where it is kept, and by what.
        self._oldest: tuple[deque[Kept], ...] = (deque(), deque())
        self._pem = b""
        self._takes_keys = True
        # What key logs name: no capture of a stranger's says otherwise.
        self._logged: set[bytes] = set()
        self.unused = Unused(), Unused()
        self.tries_left = TRIES
        self.rsa_tries = RSA_TRIES
        self.sessions = Sessions(most)
        self.more: Callable[[], bool] | None = None
        self.expects = False
        self.spare = SPARE
        self._rsa_keys: list[RSAPrivateKey] = []
        self._loaded = 0

    def __bool__(self) -> bool:
        """Be true where there is a secret, or a private key that may open one."""
        return self.count > 0 or bool(self.private_keys)

    def hopes(self) -> bool:
        """Say whether there are secrets, or may be."""
        return bool(self) or self.expects or (self.more is not None and self.more())

    def add(self, lines: Iterable[bytes], origin: str = "", *, private_keys: bool = True) -> None:
        """Take the lines of one more key log; of two that are for the same, the later counts.

        But what a capture brings does not count against a key log.

        `origin` says where they are from, `private_keys`: whether that is a key log, of which keys
        in PEM are taken. A capture's blocks have no place for them, and a stranger's keys can be so
        long that reading each takes seconds.
        """
        self.sources += 1
        self.append(lines, origin, private_keys=private_keys)

    def append(
        self, lines: Iterable[bytes], origin: str = "", *, private_keys: bool = True
    ) -> None:
        """Take further lines of a key log."""
        self._origin = origin
        self._pem = b""
        self._takes_keys = private_keys
        for line in lines:
            self._take(line.strip())

    def _take(self, line: bytes) -> None:
        if not line or line.startswith(b"#"):
            return
        said = _maybe_said(line)
        if self._pem or (self._takes_keys and KEY_BEGINS.fullmatch(line)):
            if said is None:
                self._take_key(line)
                return
            # The key is cut: what follows are secrets again.
            self._pem = b""
            self.not_understood += 1
        self.lines += 1
        if said is None:
            self.not_understood += 1
            return
        label, name, secret = said
        if label in USED:
            self._learn(name, label, secret)
        elif label in self._stores:
            self._keep(self._stores[label], name, secret)

    def _learn(self, random: bytes, label: str, secret: bytes) -> None:
        known = label in self.by_random.get(random, NONE)
        if not known and not self._room():
            return
        if self._is_logged(random) and known:
            return
        self._note_unused(random, label)
        if random not in self.by_random:
            self.by_random[random] = {}
            self._oldest[not self._takes_keys].append((self.by_random, random))
        self.by_random[random][label] = secret
        if self.origins is not None:
            self.origins[random] = self._origin

    def _keep(self, store: dict[bytes, bytes], name: bytes, secret: bytes) -> None:
        """Keep the secret of a session, or of a key exchange."""
        if name not in store:
            if not self._room():
                return
            self._is_logged(name)
            self._oldest[not self._takes_keys].append((store, name))
        elif self._is_logged(name):
            return
        store[name] = secret

    def _is_logged(self, name: bytes) -> bool:
        """Say whether a key log names it, and this is none; remember what key logs name."""
        if self._takes_keys:
            self._logged.add(name)
            return False
        return name in self._logged

    def _note_unused(self, random: bytes, label: str) -> None:
        if random not in self.by_random or not self.was_used(random):
            self.unused[label != MASTER].add(random)

    def was_used(self, random: bytes) -> bool:
        """Say whether somebody asked for the secrets of a client random, and there are some."""
        return random in self.by_random and not any(random in each for each in self.unused)

    def _take_key(self, line: bytes) -> None:
        """Take a line of a private key in PEM (RFC 7468)."""
        self._pem += line + b"\n"
        if len(self._pem) > LONGEST_KEY or len(self.private_keys) >= MOST_KEYS:
            self.lines += 1
            self.not_understood += 1
            self._pem = b""
        elif KEY_ENDS.fullmatch(line):
            self.private_keys.append(self._pem)
            self._pem = b""

    def _room(self) -> bool:
        """Make room for one more secret; of a log that grows for days the newest are needed."""
        if self.count >= self.most:
            self.dropped += 1
            logs, captures = self._oldest
            if captures:
                self._forget(captures.popleft())
            elif logs and self._takes_keys:
                self._forget(logs.popleft())
            else:
                return False
        self.count += 1
        return True

    def _forget(self, oldest: Kept) -> None:
        store, key = oldest
        self._logged.discard(key)
        if store is not self.by_random:
            del store[key]
            self.count -= 1
            return
        self.count -= len(self.by_random.pop(key))
        for unused in self.unused:
            unused.discard(key)
        if self.origins is not None:
            del self.origins[key]

    def of(self, client_random: bytes, session_id: bytes = b"") -> Mapping[str, bytes]:
        """Return the secrets of a connection by label, empty where there are none."""
        found = self.by_random.get(client_random)
        if found is None and self.more is not None and self.more():
            found = self.by_random.get(client_random)
        if found is not None:
            for unused in self.unused:
                unused.discard(client_random)
            return found
        master = self.by_session.get(session_id) if session_id else None
        return NONE if master is None else {MASTER: master}

    def premaster(self, client_random: bytes, sealed: bytes) -> bytes | None:
        """Return the secret that a client exchanged, by its random or by how it begins sealed."""
        found = self._premaster(client_random, sealed)
        if found is None and self.more is not None and self.more():
            found = self._premaster(client_random, sealed)
        return found

    def _premaster(self, client_random: bytes, sealed: bytes) -> bytes | None:
        found = self.premasters.get(client_random)
        return self.by_exchange.get(sealed[:SEALED_LENGTH]) if found is None else found

    def rsa_keys(self) -> list[RSAPrivateKey]:
        """Return the RSA keys among the private keys; each is read once, which takes a while."""
        if self._loaded < len(self.private_keys):
            from wsanalyze.tls.rsa_keys import loaded

            self._rsa_keys += loaded(self.private_keys[self._loaded :])
            self._loaded = len(self.private_keys)
        return self._rsa_keys

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

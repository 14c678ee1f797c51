"""TLS connections sealed by hand with secrets made up, for what OpenSSL does not do when asked."""

from __future__ import annotations

import hashlib
import struct

import pytest

from support.tls import Flight, secrets_of
from wsanalyze.tls.keylog import Secrets
from wsanalyze.tls.schedule import expand_label, key_block, next_secret

pytest.importorskip("cryptography")
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES_128_GCM_1_3, AES_128_GCM_1_2 = 0x1301, 0xC02F
CLIENT_RANDOM, SERVER_RANDOM = bytes(range(32)), bytes(range(32, 64))
LABELS = (
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)
FINISHED = b"\x14\x00\x00\x20" + bytes(32)
END_OF_EARLY_DATA, KEY_UPDATE = b"\x05\0\0\0", b"\x18\0\0\1\0"
EARLY_DATA, PRE_SHARED_KEY = (42, b""), (41, b"\0\0")
TLS_1_3_OFFERED, TLS_1_3_CHOSEN = (43, b"\x02\x03\x04"), (43, b"\x03\x04")


def vector(size: int, data: bytes) -> bytes:
    """Return data behind its length of `size` bytes."""
    return len(data).to_bytes(size, "big") + data


def message(kind: int, body: bytes) -> bytes:
    """Return a handshake message."""
    return bytes([kind]) + vector(3, body)


def extensions(*pairs: tuple[int, bytes]) -> bytes:
    """Return a list of extensions."""
    return vector(2, b"".join(struct.pack(">H", kind) + vector(2, data) for kind, data in pairs))


def client_hello(
    *pairs: tuple[int, bytes],
    random: bytes = CLIENT_RANDOM,
    suites: tuple[int, ...] = (AES_128_GCM_1_3, AES_128_GCM_1_2),
) -> bytes:
    """Return a ClientHello."""
    numbers = b"".join(struct.pack(">H", each) for each in suites)
    body = b"\x03\x03" + random + b"\0" + vector(2, numbers) + b"\x01\x00" + extensions(*pairs)
    return message(1, body)


def server_hello(
    *pairs: tuple[int, bytes], random: bytes = SERVER_RANDOM, suite: int = AES_128_GCM_1_3
) -> bytes:
    """Return a ServerHello."""
    body = b"\x03\x03" + random + b"\0" + struct.pack(">H", suite) + b"\0" + extensions(*pairs)
    return message(2, body)


def request_of() -> bytes:
    """Return what a crafted connection sends as 0-RTT data."""
    return b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n"


def record(kind: int, content: bytes) -> bytes:
    """Return a record in the clear."""
    return bytes([kind, 3, 3]) + vector(2, content)


def secret_of(label: str) -> bytes:
    """Return the secret that a crafted connection has for a label."""
    return hashlib.sha256(label.encode()).digest()


def crafted_secrets(*but: str) -> Secrets:
    """Return the secrets of a crafted connection of TLS 1.3, without some."""
    lines = [
        f"{label} {CLIENT_RANDOM.hex()} {secret_of(label).hex()}"
        for label in LABELS
        if label not in but
    ]
    return secrets_of("\n".join(lines).encode())


class Sealer13:
    """Seals records of TLS 1.3 with AES-128-GCM."""

    def __init__(self, label: str) -> None:
        self.begin(secret_of(label))

    def begin(self, secret: bytes) -> None:
        """Go on with another secret."""
        self.secret = secret
        self.aead = AESGCM(expand_label(secret, b"key", b"", 16, "sha256"))
        self.iv = int.from_bytes(expand_label(secret, b"iv", b"", 12, "sha256"), "big")
        self.sequence = 0

    def update(self) -> None:
        """Go on with what follows a KeyUpdate."""
        self.begin(next_secret(self.secret, "sha256"))

    def __call__(self, content: bytes, kind: int = 23, padding: int = 0) -> bytes:
        """Return a record."""
        inside = content + bytes([kind]) + bytes(padding)
        header = b"\x17\x03\x03" + (len(inside) + 16).to_bytes(2, "big")
        nonce = (self.iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return header + self.aead.encrypt(nonce, inside, header)


class Crafted13:
    """A connection of TLS 1.3; `client` and `server` seal application data."""

    def __init__(self) -> None:
        self.client = Sealer13("CLIENT_TRAFFIC_SECRET_0")
        self.server = Sealer13("SERVER_TRAFFIC_SECRET_0")

    def handshake(
        self, early: bytes = b"", *, accepted: bool = True, alpn: bytes = b"http/1.1"
    ) -> list[Flight]:
        """Return the handshake; `early` is sent as 0-RTT data, which the server takes or not."""
        client, server = (
            Sealer13(f"{each}_HANDSHAKE_TRAFFIC_SECRET") for each in ("CLIENT", "SERVER")
        )
        first = Sealer13("CLIENT_EARLY_TRAFFIC_SECRET")
        offered = (EARLY_DATA, PRE_SHARED_KEY) if early else ()
        chosen = (PRE_SHARED_KEY,) if early else ()
        flights = [(0, record(22, client_hello(TLS_1_3_OFFERED, *offered)))]
        if early:
            flights.append((0, record(20, b"\x01") + first(early)))
        flight = record(22, server_hello(TLS_1_3_CHOSEN, *chosen)) + record(20, b"\x01")
        flight += server(message(8, extensions((16, vector(2, vector(1, alpn))))) + FINISHED, 22)
        flights.append((1, flight))
        end = first(END_OF_EARLY_DATA, 22) if early and accepted else b""
        flights.append((0, end + client(FINISHED, 22)))
        return flights


class Sealer12:
    """Seals records of TLS 1.2 with AES-128-GCM, for the client (0) or the server (1)."""

    def __init__(self, side: int, master: bytes, client_random: bytes = CLIENT_RANDOM) -> None:
        block = key_block(master, client_random, SERVER_RANDOM, 40, "sha256")
        self.aead = AESGCM(block[16 * side : 16 * side + 16])
        self.iv = block[32 + 4 * side : 36 + 4 * side]
        self.sequence = 0

    def __call__(self, content: bytes, kind: int = 23) -> bytes:
        """Return a record."""
        number = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        head = bytes([kind, 3, 3])
        aad = number + head + len(content).to_bytes(2, "big")
        sealed = self.aead.encrypt(self.iv + number, content, aad)
        return head + vector(2, number + sealed)

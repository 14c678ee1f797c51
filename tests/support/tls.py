"""TLS connections that OpenSSL makes in memory, with the secrets that it logs."""

from __future__ import annotations

import datetime
import shutil
import ssl
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from support.sessions import Stage
from wsanalyze.limits import Limits
from wsanalyze.recording import Wants
from wsanalyze.tls.keylog import Secrets

pytest.importorskip("cryptography")

NAME = "chat.example"
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_TICKETS = ssl.OP_NO_TICKET

# The group ffdhe2048, RFC 7919 §A.1.
GROUP = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""

# Side (0 the client), bytes.
Flight = tuple[int, bytes]


@cache
def certificate(kind: str = "ec") -> tuple[bytes, bytes]:
    """Return a certificate and its key (`ec`, `rsa`) in PEM, valid from 2026 to 2036."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import NameOID

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ec"
        else rsa.generate_private_key(65_537, 2048)
    )
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Owls, Ltd"),
            x509.NameAttribute(NameOID.COMMON_NAME, NAME),
        ]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2026, 1, 1))
        .not_valid_after(datetime.datetime(2036, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def contexts(
    version: ssl.TLSVersion, suites: str = "", key: str = "ec", *, chain: int = 1
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a client and a server that speak one version.

    `chain`: how many certificates the server sends.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("cert.pem", "key.pem")]
        for file, data in zip(files, certificate(key), strict=True):
            file.write_bytes(data)
        files[0].write_bytes(certificate(key)[0] * chain)
        server.load_cert_chain(*files)
        if suites.startswith("DHE"):
            group = Path(folder, "group.pem")
            group.write_text(GROUP, encoding="ascii")
            server.load_dh_params(group)
    for each in (client, server):
        each.set_alpn_protocols(["http/1.1"])
        each.minimum_version = each.maximum_version = version
        if suites:
            each.set_ciphers(suites)
    return client, server


@dataclass
class Pair:
    """A client and a server that talk through memory; `flights` is what went over the wire."""

    contexts: tuple[ssl.SSLContext, ssl.SSLContext]
    session: ssl.SSLSession | None = None
    flights: list[Flight] = field(default_factory=list)

    def __post_init__(self) -> None:
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder)
        self._log = Path(folder, "keys.log")
        client, server = self.contexts
        client.keylog_filename = str(self._log)
        self.wires = tuple((ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2))
        self.ends = (
            client.wrap_bio(*self.wires[0], server_hostname=NAME, session=self.session),
            server.wrap_bio(*self.wires[1], server_side=True),
        )

    def carry(self) -> None:
        """Let what both ends have written so far arrive at the other."""
        for side in (0, 1):
            data = self.wires[side][1].read()
            if data:
                self.flights.append((side, data))
                self.wires[1 - side][0].write(data)

    def shake_hands(self) -> Pair:
        """Go through the handshake."""
        done = [False, False]
        for _ in range(10):
            for side, end in enumerate(self.ends):
                if done[side]:
                    continue
                try:
                    end.do_handshake()
                    done[side] = True
                except ssl.SSLWantReadError:
                    pass
                self.carry()
        assert done == [True, True]
        return self

    def send(self, side: int, data: bytes) -> Pair:
        """Write to one end and read it at the other: one flight."""
        self.ends[side].write(data)
        self.carry()
        seen = b""
        while len(seen) < len(data):
            seen += self.ends[1 - side].read(1 << 20)
        assert seen == data
        return self

    def close(self, side: int) -> Pair:
        """Send a close_notify."""
        with suppress(ssl.SSLWantReadError):
            self.ends[side].unwrap()
        self.carry()
        return self

    @property
    def keylog(self) -> bytes:
        """What the client logged."""
        return self._log.read_bytes()

    @property
    def secrets(self) -> Secrets:
        """What the client logged, read."""
        return secrets_of(self.keylog)


def secrets_of(*logs: bytes) -> Secrets:
    """Return the secrets of key logs."""
    secrets = Secrets(1000)
    for log in logs:
        secrets.add(log.splitlines())
    return secrets


def stage_of(secrets: Secrets | None, *, limits: Limits | None = None, **more: bool) -> Stage:
    """Return a stage that keeps facts of TLS, and has these secrets."""
    wants = Wants(payloads="full", tls=True)
    return Stage(secrets=secrets, wants=wants, limits=limits, **more)


def play(stage: Stage, flights: list[Flight], pieces: int | None = None) -> Stage:
    """Hand flights to a stage, each in one packet or cut into packets of `pieces` bytes."""
    for side, data in flights:
        for piece in cut(data, pieces):
            stage.data(side, piece)
    return stage


def cut(data: bytes, pieces: int | None) -> Iterator[bytes]:
    """Yield data in pieces of so many bytes."""
    step = pieces or len(data) or 1
    for at in range(0, len(data), step):
        yield data[at : at + step]


def records_of(data: bytes) -> list[bytes]:
    """Return the records that a flight consists of."""
    found = []
    while data:
        stop = 5 + int.from_bytes(data[3:5], "big")
        found.append(data[:stop])
        data = data[stop:]
    return found

"""ClientHello, ServerHello and EncryptedExtensions: what both ends offer and choose.

RFC 8446 §4.1 and §4.2, RFC 5246 §7.4.1. A reader returns None for bytes that are no such message.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wsanalyze.tls.cursor import Cursor, MalformedError
from wsanalyze.tls.suites import suite_name

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, ALPN = 0, 10, 11, 13, 16
SESSION_TICKET = 35
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, PRE_SHARED_KEY, EARLY_DATA, VERSIONS = 22, 23, 41, 42, 43
ENCRYPTED_HELLO = 0xFE0D
# What counts in a ServerHello.
CHOSEN = frozenset({VERSIONS, ALPN, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, PRE_SHARED_KEY})

# A ServerHello with this random asks for another ClientHello, RFC 8446 §4.1.3.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

# What is kept of hellos that were read: nobody offers as many suites, or as long lists. What is
# longer is as good as unknown.
MOST_SUITES, LONGEST_KEPT = 512, 1024

NOT_OFFERED = "a protocol was chosen that was not offered in ALPN"
# Ends of a server's random: it speaks TLS 1.3 and was asked for 1.2, or for less.
DOWNGRADES = (b"DOWNGRD\x01", b"DOWNGRD\x00")

SSL_3, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
VERSION_NAMES = {
    SSL_3: "SSL 3.0",
    TLS_1_0: "TLS 1.0",
    TLS_1_1: "TLS 1.1",
    TLS_1_2: "TLS 1.2",
    TLS_1_3: "TLS 1.3",
}


def version_name(version: int) -> str:
    """Return `TLS 1.3`, or the number in hex where it is no version."""
    return VERSION_NAMES.get(version, f"0x{version:04x}")


def is_grease(number: int) -> bool:
    """Say whether a number is one of those that mean nothing, RFC 8701 §2."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers; numbers as sent, in their order."""

    version: int
    random: bytes
    session_id: bytes
    suites: tuple[int, ...]
    extensions: tuple[tuple[int, bytes], ...]

    def extension(self, kind: int) -> bytes | None:
        """Return the data of the first extension of that type."""
        return _first(self.extensions, kind)

    def kept(self) -> Offer:
        """Return what counts of it when it has been read: a few kilobytes at most."""
        versions, offered = self.extension(VERSIONS) or b"", self.extension(ALPN) or b""
        is_short = len(versions) <= LONGEST_KEPT and len(offered) <= LONGEST_KEPT
        return Offer(
            version=self.version,
            random=self.random,
            session_id=self.session_id,
            suites=array("H", self.suites[:MOST_SUITES]),
            versions=self.versions if is_short else (),
            lists_versions=self.extension(VERSIONS) is not None,
            alpn=self.alpn if is_short else (),
            ticket=ticket_name(self.ticket) if self.ticket else b"",
            may_be_encrypted=self.may_be_encrypted,
            sends_early_data=self.sends_early_data,
            is_whole=is_short and len(self.suites) <= MOST_SUITES,
        )

    @property
    def sni(self) -> str | None:
        """The host name it asks for, RFC 6066 §3."""
        return _server_name(self.extension(SERVER_NAME))

    @property
    def alpn(self) -> tuple[str, ...]:
        """The protocols it offers, RFC 7301 §3.1."""
        return _protocols(self.extension(ALPN))

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions it offers, RFC 8446 §4.2.1."""
        return _numbers(self.extension(VERSIONS), 1) or (self.version,)

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups for key exchange, RFC 8446 §4.2.7."""
        return _numbers(self.extension(GROUPS), 2)

    @property
    def signatures(self) -> tuple[int, ...]:
        """The signature algorithms, RFC 8446 §4.2.3."""
        return _numbers(self.extension(SIGNATURES), 2)

    @property
    def point_formats(self) -> tuple[int, ...]:
        """The point formats, RFC 8422 §5.1.2."""
        data = self.extension(POINT_FORMATS)
        return tuple(data[1 : 1 + data[0]]) if data else ()

    @property
    def may_be_encrypted(self) -> bool:
        """Whether another ClientHello may be inside it, or nothing that looks so (RFC 9849)."""
        return self.extension(ENCRYPTED_HELLO) is not None

    @property
    def ticket(self) -> bytes:
        """The ticket of the session that it would resume, RFC 5077 §3.2; empty for none."""
        return self.extension(SESSION_TICKET) or b""

    @property
    def sends_early_data(self) -> bool:
        """Whether 0-RTT data follows, RFC 8446 §4.2.10."""
        return self.extension(EARLY_DATA) is not None


@dataclass(frozen=True, slots=True)
class Offer:
    """What counts of a ClientHello that was read, as `ClientHello` has it.

    `ticket`: what stands for it, `ticket_name`. `lists_versions`: whether it has an extension for
    them. `is_whole`: whether suites, versions and protocols are all that it offered.
    """

    version: int
    random: bytes
    session_id: bytes
    suites: Sequence[int]
    versions: tuple[int, ...]
    lists_versions: bool
    alpn: tuple[str, ...]
    ticket: bytes
    may_be_encrypted: bool
    sends_early_data: bool
    is_whole: bool


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server chose."""

    legacy_version: int
    random: bytes
    session_id: bytes
    suite: int
    compression: int
    extensions: tuple[tuple[int, bytes], ...]

    def extension(self, kind: int) -> bytes | None:
        """Return the data of the first extension of that type."""
        return _first(self.extensions, kind)

    def kept(self) -> ServerHello:
        """Return it with those extensions alone that count when it has been read."""
        chosen = [(kind, data) for kind, data in self.extensions if kind in CHOSEN]
        first = {kind: data[:LONGEST_KEPT] for kind, data in reversed(chosen)}
        return replace(self, extensions=tuple(first.items()))

    @property
    def version(self) -> int:
        """The version that both ends speak from here on, RFC 8446 §4.2.1."""
        chosen = self.extension(VERSIONS)
        return int.from_bytes(chosen, "big") if chosen and len(chosen) == 2 else self.legacy_version

    @property
    def is_retry(self) -> bool:
        """Whether it is a HelloRetryRequest."""
        return self.random == RETRY

    @property
    def alpn(self) -> str | None:
        """The protocol it chose; None where that is encrypted, or there is none."""
        return next(iter(_protocols(self.extension(ALPN))), None)

    @property
    def encrypts_then_macs(self) -> bool:
        """Whether CBC suites authenticate what is encrypted, RFC 7366."""
        return self.extension(ENCRYPT_THEN_MAC) is not None

    @property
    def takes_key(self) -> bool:
        """Whether it goes on with a pre-shared key: a session resumed, RFC 8446 §4.2.11."""
        return self.extension(PRE_SHARED_KEY) is not None


def maybe_client_hello(body: bytes) -> ClientHello | None:
    """Read the body of a ClientHello; None where it is malformed."""
    cursor = Cursor(body)
    try:
        version, random, session_id = cursor.number(2), cursor.take(32), cursor.vector(1)
        suites = cursor.numbers(2)
        cursor.vector(1)
        return ClientHello(version, random, session_id, suites, tuple(cursor.extensions()))
    except MalformedError:
        return None


def maybe_server_hello(body: bytes) -> ServerHello | None:
    """Read the body of a ServerHello or HelloRetryRequest; None where it is malformed."""
    cursor = Cursor(body)
    try:
        version, random, session_id = cursor.number(2), cursor.take(32), cursor.vector(1)
        suite, compression = cursor.number(2), cursor.number(1)
        extensions = tuple(cursor.extensions())
    except MalformedError:
        return None
    return ServerHello(version, random, session_id, suite, compression, extensions)


def ticket_name(ticket: bytes) -> bytes:
    """Return what stands for a ticket, which may be as long as a message."""
    return hashlib.sha256(ticket).digest() + b"ticket"


def disagreements(client: Offer, server: ServerHello) -> tuple[str, ...]:
    """Return what in a server's choice cannot be, from what the client offered.

    RFC 8446 §4.1.3 (versions, and the end of a random that says what the server could do better),
    RFC 7301 §3.2 (protocols). Nothing where another hello may be hidden in it, or not all was kept.
    """
    found = []
    version, offered = server.version, client.versions
    if client.may_be_encrypted or not client.is_whole:
        return ()
    if version not in offered if client.lists_versions else version > client.version:
        found.append(f"the version {version_name(version)} was not offered")
    if server.suite not in client.suites:
        found.append(f"the cipher suite {suite_name(server.suite)} was not offered")
    if server.alpn is not None and server.alpn not in client.alpn:
        found.append(NOT_OFFERED)
    if version < TLS_1_3 and TLS_1_3 in offered and server.random[-8:] in DOWNGRADES:
        found.append(f"{version_name(version)} was chosen by a server that speaks TLS 1.3")
    return tuple(found)


def takes_early_data(body: bytes) -> bool:
    """Say whether the body of EncryptedExtensions may take 0-RTT data, RFC 8446 §4.2.10."""
    try:
        return _first(tuple(Cursor(body).extensions()), EARLY_DATA) is not None
    except MalformedError:
        return True


def chosen_protocol(body: bytes) -> str | None:
    """Return the ALPN of the body of EncryptedExtensions; None where it has none."""
    try:
        extensions = tuple(Cursor(body).extensions())
    except MalformedError:
        return None
    return next(iter(_protocols(_first(extensions, ALPN))), None)


def _first(extensions: tuple[tuple[int, bytes], ...], kind: int) -> bytes | None:
    return next((data for each, data in extensions if each == kind), None)


def _numbers(data: bytes | None, length: int) -> tuple[int, ...]:
    try:
        return Cursor(data).numbers(length) if data else ()
    except MalformedError:
        return ()


def _server_name(data: bytes | None) -> str | None:
    try:
        names = Cursor(Cursor(data or b"").vector(2))
        while names.left:
            kind, name = names.number(1), names.vector(2)
            if kind == 0:
                return name.decode("latin-1")
    except MalformedError:
        return None
    return None


def _protocols(data: bytes | None) -> tuple[str, ...]:
    found = []
    try:
        names = Cursor(Cursor(data or b"").vector(2))
        while names.left:
            found.append(names.vector(1).decode("latin-1"))
    except MalformedError:
        pass  # those before it stand
    return tuple(found)

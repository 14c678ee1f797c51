"""What is in handshake messages besides the hellos: key shares, chains, signatures, tickets.

RFC 8446 §4.2.8, §4.2.11, §4.4 and §4.6; RFC 5246 §7.4; RFC 8422 §5.4; RFC 5077 §3.3. A reader
returns None for bytes that are no such message; nothing is verified.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.tls.cursor import Cursor, MalformedError

NAMED_CURVE = 3


@dataclass(frozen=True, slots=True)
class KeyShare:
    """A group and how many bytes of a public key came for it; None: the group alone was named."""

    group: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature: its scheme (None before TLS 1.2, where there is one only) and its bytes."""

    scheme: int | None
    length: int


@dataclass(frozen=True, slots=True)
class ServerKey:
    """An ephemeral key before TLS 1.3: its group (None: of a finite field), and who signs it."""

    group: int | None
    length: int
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket to resume with: for how many seconds, and how long it is."""

    lifetime: int
    length: int


def client_key_shares(data: bytes | None) -> tuple[KeyShare, ...]:
    """Return the key shares of a ClientHello's extension, as far as they can be read."""
    found = []
    try:
        shares = Cursor(Cursor(data or b"").vector(2))
        while shares.left:
            group = shares.number(2)
            found.append(KeyShare(group, len(shares.vector(2))))
    except MalformedError:
        pass  # those before it stand
    return tuple(found)


def maybe_server_key_share(data: bytes | None) -> KeyShare | None:
    """Return the key share of a ServerHello, or the group that a HelloRetryRequest asks for."""
    if data is None:
        return None
    cursor = Cursor(data)
    try:
        group = cursor.number(2)
        return KeyShare(group, len(cursor.vector(2)) if cursor.left else None)
    except MalformedError:
        return None


def key_count(data: bytes | None) -> int:
    """Return how many pre-shared keys a ClientHello offers, RFC 8446 §4.2.11."""
    count = 0
    try:
        identities = Cursor(Cursor(data or b"").vector(2))
        while identities.left:
            identities.vector(2)
            identities.number(4)
            count += 1
    except MalformedError:
        pass  # those before it stand
    return count


def maybe_chain(body: bytes, *, with_context: bool) -> tuple[int, ...] | None:
    """Return the length of each certificate of a Certificate message; `with_context`: TLS 1.3."""
    cursor = Cursor(body)
    found = []
    try:
        if with_context:
            cursor.vector(1)
        chain = Cursor(cursor.vector(3))
        while chain.left:
            found.append(len(chain.vector(3)))
            if with_context:
                chain.vector(2)
    except MalformedError:
        return None
    return tuple(found)


def maybe_signature(body: bytes) -> Signature | None:
    """Read a CertificateVerify of TLS 1.2 and 1.3."""
    cursor = Cursor(body)
    try:
        scheme = cursor.number(2)
        return Signature(scheme, len(cursor.vector(2)))
    except MalformedError:
        return None


def maybe_server_key(body: bytes, *, elliptic: bool, has_scheme: bool) -> ServerKey | None:
    """Read a ServerKeyExchange: of a named curve (`elliptic`), else of a finite field.

    `has_scheme`: TLS 1.2, where a signature says what it was made with.
    """
    cursor = Cursor(body)
    group: int | None = None
    try:
        if elliptic:
            if cursor.number(1) != NAMED_CURVE:
                return None
            group = cursor.number(2)
            length = len(cursor.vector(1))
        else:
            cursor.vector(2)  # the prime
            cursor.vector(2)  # the generator
            length = len(cursor.vector(2))
        if not cursor.left:
            return ServerKey(group, length, None)
        scheme = cursor.number(2) if has_scheme else None
        return ServerKey(group, length, Signature(scheme, len(cursor.vector(2))))
    except MalformedError:
        return None


def maybe_ticket(body: bytes, *, is_tls_1_3: bool) -> Ticket | None:
    """Read a NewSessionTicket."""
    cursor = Cursor(body)
    try:
        lifetime = cursor.number(4)
        if is_tls_1_3:
            cursor.number(4)  # what the age is hidden with
            cursor.vector(1)
        return Ticket(lifetime, len(cursor.vector(2)))
    except MalformedError:
        return None


def maybe_extensions(body: bytes) -> tuple[tuple[int, bytes], ...] | None:
    """Read EncryptedExtensions: pairs of type and data."""
    try:
        return tuple(Cursor(body).extensions())
    except MalformedError:
        return None

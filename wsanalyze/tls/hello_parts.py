"""A ClientHello or ServerHello byte by byte: each field with its bytes, its name, what it says.

RFC 8446 §4.1.2 and §4.1.3 for the messages, §4.2 and the documents named in MEANINGS for their
extensions, RFC 8701 for values that mean nothing. Any bytes have parts, which together are them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsanalyze.tls.cursor import Cursor, MalformedError
from wsanalyze.tls.hellos import (
    DOWNGRADES,
    RETRY,
    TLS_1_2,
    VERSION_NAMES,
    is_grease,
    version_name,
)
from wsanalyze.tls.names import EXTENSIONS, GROUPS, SIGNATURES, offered_suite_name
from wsanalyze.tls.names import message_name as name_of
from wsanalyze.tls.suites import suite_name

CLIENT_HELLO, SERVER_HELLO = 1, 2
# Parts of one hello: a stranger may send tens of thousands of suites.
MOST = 1000

GREASE = "GREASE, which means nothing (RFC 8701)"
GREASE_EXTENSION = (
    "means nothing: it is sent so that servers stay used to passing over what they do not know "
    "(RFC 8701)"
)
FORMATS = {0: "uncompressed", 1: "ansiX962_compressed_prime", 2: "ansiX962_compressed_char2"}
MODES = {0: "psk_ke", 1: "psk_dhe_ke"}
COMPRESSIONS = {1: "zlib", 2: "brotli", 3: "zstd"}
ALPS = (
    "protocols for which the client takes the server's settings within the handshake "
    "(draft-vvv-tls-alps)"
)
MEANINGS = {
    0: "the host that is asked for, in the clear (SNI, RFC 6066 §3)",
    1: "a limit for the length of records (RFC 6066 §4)",
    5: "what the certificate's issuer says of it today is wanted (RFC 6066 §8)",
    10: "groups for the key exchange, best first (RFC 8446 §4.2.7)",
    11: "how points on curves may be written, before TLS 1.3 (RFC 8422 §5.1.2)",
    13: "signatures that the client can check, best first (RFC 8446 §4.2.3)",
    16: "protocols to speak inside, best first (ALPN, RFC 7301)",
    18: "proof is wanted that the certificate was published (RFC 6962 §3.3.1)",
    21: "zeros: some servers failed for hellos of certain lengths (RFC 7685)",
    22: "with CBC, first encrypt, then authenticate (RFC 7366)",
    23: "keys that depend on the whole handshake, before TLS 1.3 (RFC 7627)",
    27: "how certificates may be compressed (RFC 8879)",
    28: "the longest record that the client takes (RFC 8449)",
    35: "the ticket of an earlier session, or none, asking for one; before TLS 1.3 (RFC 5077)",
    41: "earlier sessions, one of which the client would resume (RFC 8446 §4.2.11)",
    42: "data follows before the server has answered: 0-RTT (RFC 8446 §4.2.10)",
    43: "versions, best first; where it stands, it alone counts (RFC 8446 §4.2.1)",
    44: "what the server's HelloRetryRequest told the client to say again (RFC 8446 §4.2.2)",
    45: "how an earlier session may be resumed (RFC 8446 §4.2.9)",
    49: "the client would say later, too, who it is (RFC 8446 §4.2.6)",
    50: "signatures in certificates that the client can check (RFC 8446 §4.2.3)",
    51: "the client's part of the key, for groups that it expects to be taken (RFC 8446 §4.2.8)",
    17513: ALPS,
    17613: ALPS,
    0xCA34: "authorities that the client trusts, by numbers, so that the server can choose a "
    "certificate (draft-ietf-tls-trust-anchor-ids)",
    0xFE0D: "another ClientHello, encrypted, or as many random bytes: who listens cannot tell "
    "(RFC 9849)",
    0xFF01: "no new handshake on the same connection can be slipped in (RFC 5746)",
}
MEANINGS_OF_SERVER = {
    0: "the host's name was used (RFC 6066 §3)",
    11: "how points on curves may be written (RFC 8422 §5.1.2)",
    16: "the protocol that was chosen (ALPN, RFC 7301)",
    22: MEANINGS[22],
    23: MEANINGS[23],
    35: "a ticket to resume with will follow (RFC 5077)",
    41: "which of the earlier sessions is resumed, from 0 on (RFC 8446 §4.2.11)",
    43: "the version that was chosen (RFC 8446 §4.2.1)",
    44: "what the client shall say again (RFC 8446 §4.2.2)",
    51: "the server's part of the key (RFC 8446 §4.2.8)",
    0xFF01: MEANINGS[0xFF01],
}
RETRY_GROUP = "the group for which the client shall send a part of the key (RFC 8446 §4.2.8)"


@dataclass(frozen=True, slots=True)
class HelloPart:
    """A field: its bytes as sent, its name, what they say (text of the wire as sent).

    `depth`: 0 in the message, 1 in an extension. `listed`: one of several values of a list, which
    have no names.
    """

    data: bytes
    name: str
    text: str
    depth: int = 0
    listed: bool = False


def hello_parts(kind: int, body: bytes, length: int) -> tuple[HelloPart, ...]:
    """Return the parts of a message of `kind` 1 or 2; () for others.

    `body` is what is behind the header of four bytes, or its beginning; `length` is that of the
    message with that header. What cannot be read is a part without a name.
    """
    reader = {CLIENT_HELLO: _client_hello, SERVER_HELLO: _server_hello}.get(kind)
    if reader is None:
        return ()
    parts = [
        HelloPart(bytes((kind,)), "message type", f"{kind}, {name_of(kind)}"),
        HelloPart((length - 4).to_bytes(3, "big"), "length", f"{_bytes(length - 4)} follow"),
    ]
    _Walk(body, 0, parts).read(reader)
    if len(parts) > MOST:
        rest = b"".join(each.data for each in parts[MOST:])
        parts[MOST:] = [HelloPart(rest, "", f"{_bytes(len(rest))} more, not told here")]
    return tuple(parts)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


class _Walk:
    """Goes through bytes, and takes note of each field."""

    def __init__(self, data: bytes, depth: int, parts: list[HelloPart]) -> None:
        self.cursor = Cursor(data)
        self.depth = depth
        self.parts = parts

    def read(self, reader: Callable[[_Walk], object]) -> None:
        """Let a reader go through all of it; what that leaves is a part, too."""
        left = "more than belongs here"
        try:
            reader(self)
        except MalformedError:
            left = "cannot be read: it ends too soon"
            if not self.cursor.left:
                self._add(b"", "", "ends too soon")
        if self.cursor.left:
            self._add(self.cursor.take(self.cursor.left), "", left)

    def number(self, size: int, name: str, text: Callable[[int], str]) -> int:
        """Take a number of `size` bytes."""
        data = self.cursor.take(size)
        number = int.from_bytes(data, "big")
        self._add(data, name, text(number))
        return number

    def field(self, size: int, name: str, text: Callable[[bytes], str]) -> None:
        """Take so many bytes, none being no field."""
        if size:
            data = self.cursor.take(size)
            self._add(data, name, text(data))

    def told(self, size: int, name: str, text: str) -> None:
        """Take so many bytes of which it is known what they say."""
        self._add(self.cursor.take(size), name, text)

    def list_of(
        self, prefix: int, size: int, name: str, text: Callable[[int], str], what: str = "value"
    ) -> None:
        """Take a list of numbers of `size` bytes, whose length stands before it."""

        def announced(length: int) -> str:
            count = length // size
            return f"{_bytes(length)}, {count} {what if count == 1 else what + 's'}"

        length = self.number(prefix, f"length of {name}", announced)
        self.inside(length, lambda walk: walk.items(size, text), self.depth)

    def inside(self, length: int, reader: Callable[[_Walk], object], depth: int) -> None:
        """Let a reader go through the next `length` bytes."""
        _Walk(self.cursor.take(length), depth, self.parts).read(reader)

    def items(self, size: int, text: Callable[[int], str]) -> None:
        """Take numbers of `size` bytes up to the end."""
        while self.cursor.left:
            data = self.cursor.take(size)
            self._add(data, "", text(int.from_bytes(data, "big")), listed=True)

    def _add(self, data: bytes, name: str, text: str, *, listed: bool = False) -> None:
        self.parts.append(HelloPart(data, name, text, self.depth, listed))


def _client_hello(walk: _Walk) -> None:
    _beginning(walk, "the newest that is named here: TLS 1.3 has the extension supported_versions")
    walk.list_of(2, 2, "cipher suites", _suite, "suite")
    walk.list_of(1, 1, "compression methods", _compression, "method")
    _extensions(walk, MEANINGS, _CLIENT)


def _server_hello(walk: _Walk) -> None:
    is_retry = walk.cursor.data[2:34] == RETRY
    _beginning(walk, "unless the extension supported_versions says another (RFC 8446 §4.2.1)")
    walk.number(2, "cipher suite", suite_name)
    walk.number(1, "compression method", _compression)
    meanings = MEANINGS_OF_SERVER | {51: RETRY_GROUP} if is_retry else MEANINGS_OF_SERVER
    _extensions(walk, meanings, _SERVER)


def _beginning(walk: _Walk, remark: str) -> None:
    walk.number(2, "version", lambda version: _old_version(version, remark))
    walk.field(32, "random", _random)
    length = walk.number(1, "length of session ID", _bytes)
    walk.field(length, "session ID", bytes.hex)


def _old_version(version: int, remark: str) -> str:
    name = version_name(version)
    return f"{name}, {remark}" if version == TLS_1_2 else name


def _random(data: bytes) -> str:
    if data == RETRY:
        return "these bytes make it a HelloRetryRequest (RFC 8446 §4.1.3)"
    if data[-8:] in DOWNGRADES:
        return f"{data.hex()}, whose end says that the server could do better (RFC 8446 §4.1.3)"
    return data.hex()


def _suite(number: int) -> str:
    return GREASE if is_grease(number) else offered_suite_name(number)


def _compression(number: int) -> str:
    return "null: none" if number == 0 else f"method {number}"


Reader = Callable[[_Walk], object]


def _extensions(walk: _Walk, meanings: dict[int, str], readers: dict[int, Reader]) -> None:
    if walk.cursor.left:
        length = walk.number(2, "length of extensions", _bytes)
        walk.inside(length, lambda within: _each_extension(within, meanings, readers), 0)


def _each_extension(walk: _Walk, meanings: dict[int, str], readers: dict[int, Reader]) -> None:
    while walk.cursor.left:
        kind, length = _peeked(walk.cursor)
        name, meaning = EXTENSIONS.get(kind, f"0x{kind:04x}"), meanings.get(kind, "")
        if is_grease(kind):
            name, meaning = f"GREASE 0x{kind:04x}", GREASE_EXTENSION
        text = f"{_bytes(length)}; {meaning}" if meaning else _bytes(length)
        walk.told(4, f"extension {name} ({kind})", text)
        walk.inside(length, readers.get(kind, _unread), 1)


def _peeked(cursor: Cursor) -> tuple[int, int]:
    """Return type and length of the extension that is next, and stay before it."""
    data = cursor.data[cursor.at : cursor.at + 4]
    if len(data) < 4:
        raise MalformedError("no room for an extension")
    return int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")


def _unread(walk: _Walk) -> None:
    walk.field(walk.cursor.left, "data", lambda data: _bytes(len(data)))


def _server_name(walk: _Walk) -> None:
    if not walk.cursor.left:
        return
    walk.number(2, "length of list", _bytes)
    while walk.cursor.left:
        walk.number(1, "name type", lambda kind: "0, host_name" if kind == 0 else str(kind))
        length = walk.number(2, "length of name", _bytes)
        walk.field(length, "name", lambda data: data.decode("latin-1"))


def _protocols(walk: _Walk) -> None:
    walk.number(2, "length of list", _bytes)
    while walk.cursor.left:
        length = walk.number(1, "length of protocol", _bytes)
        walk.field(length, "protocol", _protocol)


def _protocol(data: bytes) -> str:
    is_number = len(data) == 2 and is_grease(int.from_bytes(data, "big"))
    return GREASE if is_number else data.decode("latin-1")


def _shares(walk: _Walk) -> None:
    walk.number(2, "length of shares", _bytes)
    while walk.cursor.left:
        _share(walk)


def _share(walk: _Walk) -> None:
    group = walk.number(2, "group", _group)
    if walk.cursor.left:
        length = walk.number(2, "length of key", _bytes)
        what = "no key" if is_grease(group) else "the public key"
        walk.field(length, "key", lambda data: f"{what}, {_bytes(len(data))}")


def _status(walk: _Walk) -> None:
    if walk.cursor.left:
        walk.number(1, "type", lambda kind: "1, OCSP" if kind == 1 else str(kind))
        for name in ("responders", "extensions"):
            length = walk.number(2, f"length of {name}", _bytes)
            walk.field(length, name, lambda data: _bytes(len(data)))


def _keys(walk: _Walk) -> None:
    length = walk.number(2, "length of identities", _bytes)
    walk.inside(length, _identities, 1)
    walk.number(2, "length of binders", _bytes)
    while walk.cursor.left:
        length = walk.number(1, "length of binder", _bytes)
        walk.field(length, "binder", _binder)


def _binder(_: bytes) -> str:
    return "proof that the client knows the session's secret"


def _identities(walk: _Walk) -> None:
    while walk.cursor.left:
        length = walk.number(2, "length of identity", _bytes)
        walk.field(length, "identity", lambda data: f"a ticket, {_bytes(len(data))}")
        walk.number(4, "age", lambda _: "how old the ticket is, plus a number that hides it")


def _opaque(prefix: int, name: str) -> Reader:
    """Return who reads bytes whose length stands before them."""

    def read(walk: _Walk) -> None:
        length = walk.number(prefix, f"length of {name}", _bytes)
        walk.field(length, name, lambda data: _bytes(len(data)))

    return read


def _list(prefix: int, size: int, name: str, text: Callable[[int], str]) -> Reader:
    return lambda walk: walk.list_of(prefix, size, name, text)


def _one(size: int, name: str, text: Callable[[int], str]) -> Reader:
    return lambda walk: walk.number(size, name, text) if walk.cursor.left else None


def _padding(walk: _Walk) -> None:
    walk.field(walk.cursor.left, "zeros", lambda data: _bytes(len(data)))


def _named(names: dict[int, str], digits: int = 4) -> Callable[[int], str]:
    """Return what names numbers: those of RFC 8701, those of `names`, others in hex."""

    def name(number: int) -> str:
        if digits == 4 and is_grease(number):
            return GREASE
        return names.get(number, f"0x{number:0{digits}x}")

    return name


def _mode(number: int) -> str:
    # RFC 8701 §2: 0x0B, 0x2A and so on, 31 apart.
    if number % 31 == 11 and number <= 0xE4:
        return GREASE
    return MODES.get(number, f"0x{number:02x}")


_group, _version = _named(GROUPS), _named(VERSION_NAMES)
_BOTH: dict[int, Reader] = {
    0: _server_name,
    11: _list(1, 1, "formats", _named(FORMATS, 2)),
    16: _protocols,
    44: _opaque(2, "cookie"),
    0xFF01: _opaque(1, "renegotiated connection"),
}
_CLIENT: dict[int, Reader] = _BOTH | {
    5: _status,
    10: _list(2, 2, "groups", _group),
    13: _list(2, 2, "schemes", _named(SIGNATURES)),
    21: _padding,
    27: _list(1, 2, "algorithms", _named(COMPRESSIONS)),
    28: _one(2, "limit", _bytes),
    41: _keys,
    43: _list(1, 2, "versions", _version),
    45: _list(1, 1, "modes", _mode),
    50: _list(2, 2, "schemes", _named(SIGNATURES)),
    51: _shares,
}
_SERVER: dict[int, Reader] = _BOTH | {
    41: _one(2, "session", str),
    43: _one(2, "version", _version),
    51: _share,
}

"""The handshake of TLS, message by message: what each says, and what it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wsanalyze.checks.spans import octets
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.story.model import TlsAlert, TlsStep
from wsanalyze.streams import Streams, TlsMessage
from wsanalyze.tls import bodies, hellos
from wsanalyze.tls.alerts import ALERTS
from wsanalyze.tls.certificates import maybe_certificate, maybe_leaf
from wsanalyze.tls.hello_parts import HelloPart, hello_parts
from wsanalyze.tls.hellos import ClientHello, is_grease, version_name
from wsanalyze.tls.names import (
    EXTENSIONS,
    GROUPS,
    SIGNATURES,
    message_name,
    named,
    offered_suite_name,
)
from wsanalyze.tls.suites import suite_name

CHANGE_CIPHER_SPEC = 20
CLIENT_HELLO, SERVER_HELLO, TICKET, ENCRYPTED_EXTENSIONS, CERTIFICATE = 1, 2, 4, 8, 11
SERVER_KEY, CERTIFICATE_VERIFY, CLIENT_KEY, FINISHED = 12, 15, 16, 20
KEY_SHARE = 51
# Names of one list that are told: a stranger may send tens of thousands.
NAMED = 100

MEANINGS = {
    0: "asks the client for a new handshake (RFC 5246 §7.4.1.1)",
    1: "what the client can do, best first, a random number, and its part of the key, guessing "
    "which group the server takes (RFC 8446 §4.1.2)",
    2: "what the server chose of it, a random number, and its part of the key: both can compute "
    "the secrets now, who only listens cannot (RFC 8446 §4.1.3)",
    4: "with it the client may resume this session later, without a certificate (RFC 8446 §4.6.1)",
    5: "the data that the client sent before the server had answered is over (RFC 8446 §4.5)",
    8: "more of what the server chose, which nobody on the way need know (RFC 8446 §4.3.1)",
    11: "who its sender is, and who vouches for that (RFC 8446 §4.4.2)",
    12: "the server's key for this connection alone, signed (RFC 5246 §7.4.3)",
    13: "the client shall say who it is, too (RFC 8446 §4.3.2)",
    14: "the server has said its part (RFC 5246 §7.4.5)",
    15: "a signature of everything so far: its sender has the certificate's key (RFC 8446 §4.4.3)",
    16: "the client's part of the key; both can compute the secret now (RFC 5246 §7.4.7)",
    20: "a checksum, made with the new keys, of everything so far: nobody changed a byte of it "
    "(RFC 8446 §4.4.4)",
    22: "what the certificate's issuer says of it today (RFC 6066 §8)",
    24: "its sender goes on with new keys, made of the old ones (RFC 8446 §4.6.3)",
    25: "a Certificate message, compressed (RFC 8879)",
}
MEANINGS_BEFORE_1_3 = {
    1: "what the client can do, best first, and a random number of its own (RFC 5246 §7.4.1.2)",
    2: "what the server chose of it, and a random number of its own (RFC 5246 §7.4.1.3)",
    4: "with it the client may resume this session later, without a certificate (RFC 5077 §3.3)",
    11: "who its sender is, and who vouches for that (RFC 5246 §7.4.2)",
    13: "the client shall say who it is, too (RFC 5246 §7.4.4)",
    15: "a signature of everything so far: its sender has the certificate's key (RFC 5246 §7.4.8)",
    20: "a checksum, made with the new keys, of everything so far: nobody changed a byte of it "
    "(RFC 5246 §7.4.9)",
}
RETRY = "asks for another ClientHello, with a key share of the group it names (RFC 8446 §4.1.4)"
SWITCH = "what its sender says from here on is encrypted (RFC 5246 §7.1)"
NO_SWITCH = "means nothing in TLS 1.3: it is there for devices that expect it (RFC 8446 §D.4)"

Facts = list[tuple[str, str]]
T = TypeVar("T")


def tls_steps(
    tls: TlsConnection, connection: Connection, streams: Streams | None, depth: int | None
) -> tuple[TlsStep, ...]:
    """Return the messages of the handshake of `tls` in order; () without bytes.

    It is around `connection`, at the depth of its ClientHello.
    """
    if streams is None:
        return ()
    context = _Context(tls.version or "", tls.cipher or "")
    return tuple(
        _step(each, connection.client_direction, context)
        for each in streams.tls_messages.get(connection.conversation, ())
        if each.depth == depth
    )


def tls_depth(connection: Connection, streams: Streams | None) -> int | None:
    """Return how many TLS connections are around that of a connection, None if not known."""
    tls = connection.tls
    if tls is None or streams is None:
        return None
    for depth, random in hellos_of(connection.conversation, streams):
        if random == tls.client_random:
            return depth
    every = streams.tls_messages.get(connection.conversation, ())
    return max((each.depth for each in every), default=None)


def hellos_of(conversation: int, streams: Streams) -> Iterator[tuple[int, str]]:
    """Yield of each ClientHello that was kept its depth, and its random in hex."""
    for each in streams.tls_messages.get(conversation, ()):
        if each.kind != CLIENT_HELLO or each.content_type == CHANGE_CIPHER_SPEC:
            continue
        hello = hellos.maybe_client_hello(each.body)
        if hello is not None:
            yield each.depth, hello.random.hex()


def tls_alerts(tls: TlsConnection) -> tuple[TlsAlert, ...]:
    """Return the first close_notify and the first other alert, in order of time."""
    found = []
    if tls.closed_at is not None and tls.closed_by is not None:
        found.append(TlsAlert(tls.closed_by, *tls.closed_at, "close_notify"))
    if tls.alert_at is not None and tls.alert_by is not None and tls.alert is not None:
        name = ALERTS.get(tls.alert, f"alert {tls.alert}")
        found.append(TlsAlert(tls.alert_by, *tls.alert_at, name))
    return tuple(sorted(found, key=lambda each: each.time))


@dataclass(frozen=True, slots=True)
class _Context:
    """What both ends agreed on: names of the version and of the suite."""

    version: str
    suite: str

    @property
    def is_tls_1_3(self) -> bool:
        return self.version == "TLS 1.3"


def _step(message: TlsMessage, client: int, context: _Context) -> TlsStep:
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[HelloPart, ...] = ()
    if message.content_type == CHANGE_CIPHER_SPEC:
        name, meaning = "ChangeCipherSpec", NO_SWITCH if context.is_tls_1_3 else SWITCH
    else:
        name, meaning, facts = told_message(
            message.kind, message.body, context.version, context.suite
        )
        parts = hello_parts(message.kind, message.body, message.length)
    return TlsStep(
        sender="client" if message.sender == client else "server",
        time=message.time,
        packet=message.packet,
        name=name,
        meaning=meaning,
        length=message.length,
        sealed=message.sealed,
        facts=facts,
        parts=parts,
    )


def told_message(
    kind: int, body: bytes, version: str, suite: str
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return the name of a handshake message, what it is for, and what it says.

    `version` and `suite` are the names of what was agreed on. What cannot be read says nothing.
    """
    context = _Context(version, suite)
    meaning = MEANINGS.get(kind, "")
    if not context.is_tls_1_3:
        meaning = MEANINGS_BEFORE_1_3.get(kind, meaning)
    reader = READERS.get(kind)
    facts = reader(body, context) if reader is not None else []
    if facts and facts[0] is IS_RETRY:
        return "HelloRetryRequest", RETRY, tuple(facts[1:])
    return message_name(kind), meaning, tuple(facts)


def _client_hello(body: bytes) -> Facts:
    hello = hellos.maybe_client_hello(body)
    if hello is None:
        return []
    facts: Facts = [("versions", _versions(hello)), ("random", hello.random.hex())]
    if hello.session_id:
        facts.append(("session ID", hello.session_id.hex()))
    suites = _listed(hello.suites, offered_suite_name)
    facts += [
        (f"{len(hello.suites)} cipher suites", suites),
        ("server name (SNI)", hello.sni or "not said"),
        ("protocols (ALPN)", _listed(hello.alpn, str)),
        ("groups", _names(hello.groups, GROUPS)),
        ("key shares", _listed(_shares(hello), _share)),
        ("signature schemes", _names(hello.signatures, SIGNATURES)),
    ]
    keys = bodies.key_count(hello.extension(hellos.PRE_SHARED_KEY))
    if keys:
        facts.append(("pre-shared keys", f"{keys}, of earlier sessions, to resume one of them"))
    if hello.ticket:
        facts.append(("ticket", f"{octets(len(hello.ticket))}, to resume an earlier session"))
    if hello.sends_early_data:
        facts.append(("early data", "follows before the server has answered (0-RTT)"))
    shown = {0, 10, 13, 16, 41, 42, 43, KEY_SHARE} | ({35} if hello.ticket else set())
    facts.append(("further extensions", _others(hello.extensions, shown)))
    return [(label, text) for label, text in facts if text]


def _versions(hello: ClientHello) -> str:
    if hello.extension(hellos.VERSIONS) is None:
        return f"up to {version_name(hello.version)}"
    offered = _names(hello.versions, hellos.VERSION_NAMES)
    old = version_name(hello.version)
    return f"{offered} (supported_versions); where versions used to be it says {old}"


def _shares(hello: ClientHello) -> tuple[bodies.KeyShare, ...]:
    return bodies.client_key_shares(hello.extension(KEY_SHARE))


def _share(share: bodies.KeyShare) -> str:
    name = named(share.group, GROUPS)
    return name if share.length is None else f"{name} ({octets(share.length)})"


IS_RETRY = ("retry", "")


def _server_hello(body: bytes) -> Facts:
    hello = hellos.maybe_server_hello(body)
    if hello is None:
        return []
    facts = [IS_RETRY] if hello.is_retry else []
    facts += [("version", version_name(hello.version))]
    if not hello.is_retry:
        facts.append(("random", hello.random.hex()))
    if hello.session_id:
        facts.append(("session ID", hello.session_id.hex()))
    facts.append(("cipher suite", suite_name(hello.suite)))
    share = bodies.maybe_server_key_share(hello.extension(KEY_SHARE))
    if share is not None:
        facts.append(("group asked for" if hello.is_retry else "key share", _share(share)))
    if hello.takes_key:
        facts.append(("pre-shared key", "taken: the session is resumed, without a certificate"))
    if hello.alpn is not None:
        facts.append(("protocol (ALPN)", hello.alpn))
    shown = {hellos.ALPN, hellos.VERSIONS, hellos.PRE_SHARED_KEY, KEY_SHARE}
    facts.append(("further extensions", _others(hello.extensions, shown)))
    return [pair for pair in facts if pair is IS_RETRY or pair[1]]


def _encrypted_extensions(body: bytes) -> Facts:
    extensions = bodies.maybe_extensions(body)
    if extensions is None:
        return []
    protocol = hellos.chosen_protocol(body)
    facts = [("protocol (ALPN)", protocol or "none was chosen")]
    others = _others(extensions, {hellos.ALPN})
    return facts + ([("further extensions", others)] if others else [])


def _certificate(body: bytes, context: _Context) -> Facts:
    chain = bodies.maybe_chain(body, with_context=context.is_tls_1_3)
    if chain is None:
        return []
    if not chain:
        return [("certificates", "none")]
    lengths = _listed(chain, "{:,} bytes".format)
    facts = [("certificates", f"{len(chain)}: {lengths}")]
    leaf = maybe_leaf(body, with_context=context.is_tls_1_3)
    found = maybe_certificate(leaf) if leaf is not None else None
    if found is not None:
        facts += [("of", found.subject), ("issued by", found.issuer)]
    return facts


def _server_key(body: bytes, context: _Context) -> Facts:
    elliptic, has_scheme = "ECDH" in context.suite, context.version == "TLS 1.2"
    found = bodies.maybe_server_key(body, elliptic=elliptic, has_scheme=has_scheme)
    if found is None:
        return []
    group = "a finite field" if found.group is None else named(found.group, GROUPS)
    facts = [("key", f"{group}, {octets(found.length)}")]
    if found.signature is not None:
        facts.append(("signed with", _signed(found.signature)))
    return facts


def _certificate_verify(body: bytes) -> Facts:
    found = bodies.maybe_signature(body)
    return [] if found is None else [("signed with", _signed(found))]


def _signed(signature: bodies.Signature) -> str:
    scheme = "" if signature.scheme is None else named(signature.scheme, SIGNATURES) + ", "
    return f"{scheme}{octets(signature.length)}"


def _finished(body: bytes) -> Facts:
    return [("checksum", body.hex())]


def _ticket(body: bytes, context: _Context) -> Facts:
    found = bodies.maybe_ticket(body, is_tls_1_3=context.is_tls_1_3)
    if found is None:
        return []
    return [("ticket", f"{octets(found.length)}, good for {found.lifetime:,} s")]


def _names(numbers: Sequence[int], names: dict[int, str]) -> str:
    return _listed(numbers, lambda each: named(each, names))


def _listed(items: Sequence[T], name: Callable[[T], str]) -> str:
    """Return the names of the first items, and how many more there are."""
    more = f" and {len(items) - NAMED:,} more" if len(items) > NAMED else ""
    return ", ".join(map(name, items[:NAMED])) + more


def _others(extensions: Sequence[tuple[int, bytes]], shown: set[int]) -> str:
    kinds = [kind for kind, _ in extensions if kind not in shown and not is_grease(kind)]
    return _names(kinds, EXTENSIONS)


READERS: dict[int, Callable[[bytes, _Context], Facts]] = {
    CLIENT_HELLO: lambda body, _: _client_hello(body),
    SERVER_HELLO: lambda body, _: _server_hello(body),
    TICKET: _ticket,
    ENCRYPTED_EXTENSIONS: lambda body, _: _encrypted_extensions(body),
    CERTIFICATE: _certificate,
    SERVER_KEY: _server_key,
    CERTIFICATE_VERIFY: lambda body, _: _certificate_verify(body),
    FINISHED: lambda body, _: _finished(body),
}

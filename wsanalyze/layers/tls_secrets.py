"""Which secrets fit a TLS connection, and why none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsanalyze.layers.tls_sender import Epoch
from wsanalyze.tables.capture_summary import EMPTY_LOGS, NO_SECRETS
from wsanalyze.tls import keylog
from wsanalyze.tls.hellos import (
    TLS_1_0,
    TLS_1_3,
    Offer,
    ServerHello,
    version_name,
)
from wsanalyze.tls.keylog import Secrets
from wsanalyze.tls.schedule import MASTER_SECRET
from wsanalyze.tls.suites import Suite, maybe_suite, suite_name

NO_CRYPTOGRAPHY = "the package cryptography is missing: pip install cryptography"
NO_SESSION = (
    "it resumes a session that no secret is known of, and exchanges no key that a private key opens"
)
TRAFFIC = (
    keylog.CLIENT_HANDSHAKE,
    keylog.SERVER_HANDSHAKE,
    keylog.CLIENT_TRAFFIC,
    keylog.SERVER_TRAFFIC,
)


def has_cryptography() -> bool:
    """Say whether records can be opened on this machine."""
    try:
        import wsanalyze.tls.ciphers  # noqa: F401 - whether it can be
    except ImportError:
        return False
    return True


def exchanges(known: Secrets, client: Offer, server: ServerHello) -> bool:
    """Say whether the client's key exchange may tell the master secret, with what is known."""
    suite = maybe_suite(server.suite)
    if suite is None or not TLS_1_0 <= server.version < TLS_1_3:
        return False
    sealed = any(store.by_exchange for store in known.stores) or bool(known.private_keys)
    return (suite.exchange == "RSA" and sealed) or known.has_premaster(client.random)


def masters_of(secrets: Sequence[Mapping[str, bytes]]) -> list[bytes]:
    """Return the master secrets among those of a connection."""
    found = (labelled.get(keylog.MASTER, b"") for labelled in secrets)
    return [each for each in found if len(each) == MASTER_SECRET]


def obstacle(
    secrets: Sequence[Mapping[str, bytes]], server: ServerHello, *, may_tell: bool
) -> str | None:
    """Return why nothing can be decrypted with secrets that are there, None where it can.

    `may_tell`: whether there may be a master secret besides them.
    """
    version, suite = server.version, maybe_suite(server.suite)
    tls_1_3 = version == TLS_1_3
    if not TLS_1_0 <= version <= TLS_1_3:
        return f"version {version_name(version)} is not decrypted"
    if suite is None or suite.is_tls_1_3 != tls_1_3:
        return f"the cipher suite {suite_name(server.suite)} is not decrypted"
    if not tls_1_3 and not (may_tell or masters_of(secrets)):
        return "no master secret for this client random, only others"
    if tls_1_3 and not any(traffic_of(secrets, suite, label) for label in TRAFFIC):
        return "no traffic secret for this client random that fits its cipher suite"
    if server.compression:
        return "it is compressed, which is not decrypted"
    if not has_cryptography():
        return NO_CRYPTOGRAPHY
    return None


def none_fits(known: Secrets) -> str:
    """Say that there is no secret: none at all, none in what was given, or none that fits."""
    if not known.sources:
        return NO_SECRETS
    if not known:
        return f"{EMPTY_LOGS}: {known.described}"
    return f"no secret for this client random in {known.described}"


def no_secret(known: Secrets, client: Offer | None, server: ServerHello) -> str:
    """Say why there is no secret: none was given, or a key that opens no such connection."""
    why = none_fits(known)
    if not known:
        return why
    if client is not None and exchanges(known, client, server):
        return why if has_cryptography() else NO_CRYPTOGRAPHY
    if known.private_keys:
        is_1_3 = server.version == TLS_1_3
        what = "TLS 1.3" if is_1_3 else "connection with this cipher suite"
        why += f"; a private key opens no {what}"
    if client is not None and client.may_be_encrypted and server.version == TLS_1_3:
        # Secrets are logged with the random of the ClientHello inside; browsers send the extension
        # with nothing in it, too (GREASE), and nobody else can tell (RFC 9849 §6.2).
        why += "; if a ClientHello was encrypted in it (ECH), which cannot be told, the log has "
        why += "that one's random"
    return why


def not_told(known: Secrets) -> str:
    """Say why a key exchange that might have told the master secret did not."""
    if known.private_keys and known.rsa_refused:
        return "no private key was tried any more: the limit rsa was reached"
    if known.private_keys:
        return "no private key fits its key exchange"
    return f"no secret for this client random, or for its key exchange, in {known.described}"


def traffic_of(
    secrets: Sequence[Mapping[str, bytes]], suite: Suite, label: str
) -> tuple[bytes, ...]:
    """Return the traffic secrets of a label that are as long as the hash of the suite."""
    length = 48 if suite.hash == "sha384" else 32
    found = (labelled.get(label, b"") for labelled in secrets)
    return tuple(each for each in found if len(each) == length)


def epochs_of(
    secrets: Sequence[Mapping[str, bytes]], suite: Suite, *, is_server: bool, early: bool
) -> list[Epoch]:
    """Return the epochs of TLS 1.3 of a side for which there are secrets.

    `early`: whether they begin with that of 0-RTT data.
    """
    if is_server:
        labels = [keylog.SERVER_HANDSHAKE, keylog.SERVER_TRAFFIC]
    else:
        labels = [keylog.CLIENT_HANDSHAKE, keylog.CLIENT_TRAFFIC]
        if early:
            labels.insert(0, keylog.CLIENT_EARLY)
    found = []
    for label in labels:
        fitting = traffic_of(secrets, suite, label)
        if fitting:
            is_application = label in (keylog.SERVER_TRAFFIC, keylog.CLIENT_TRAFFIC)
            found.append(Epoch(suite, fitting, is_application=is_application))
    return found

"""What both sides of a TLS connection agreed on, and which secrets fit: facts, and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.layers.tls_sender import Epoch, TlsSender
from wsanalyze.layers.tls_unseen import why_closed
from wsanalyze.tls import keylog
from wsanalyze.tls.certificates import maybe_certificate, maybe_leaf
from wsanalyze.tls.fingerprints import ja3, ja4
from wsanalyze.tls.hellos import (
    EXTENDED_MASTER_SECRET,
    NOT_OFFERED,
    TLS_1_0,
    TLS_1_2,
    TLS_1_3,
    ClientHello,
    ServerHello,
    chosen_protocol,
    disagreements,
    maybe_client_hello,
    maybe_server_hello,
    takes_early_data,
    version_name,
)
from wsanalyze.tls.keylog import NONE
from wsanalyze.tls.messages import CLIENT_HELLO
from wsanalyze.tls.schedule import MASTER_SECRET
from wsanalyze.tls.suites import Suite, maybe_suite, suite_name
from wsanalyze.transport.conversation import Conversation

if TYPE_CHECKING:
    from wsanalyze.layers.tls_blind import Found

# As `Conversation.spoke` numbers what has no payload: the layer within knows better if there is.
DECRYPTED = 0
# Bytes of handshake messages that are kept for RFC 7627.
MOST_HEARD = 256 * 1024
# What is kept of names: the DNS has 253 characters at most, distinguished names a hundred or two,
# and nobody offers more than a handful of protocols.
LONGEST_NAME, MOST_PROTOCOLS = 1024, 32
# What both hellos may weigh that does not count as held; those of browsers weigh half as much.
LIGHT = 8192
# What a cipher suite and an extension cost besides their bytes.
PER_SUITE, PER_EXTENSION = 40, 64
ALERT_LENGTH, CLOSE_NOTIFY = 2, 0
NO_CRYPTOGRAPHY = "the package cryptography is missing: pip install cryptography"
NO_SESSION = (
    "it resumes a session that no secret is known of, and exchanges no key that a private key opens"
)


class TlsHandshake:
    """The handshake of one connection, and of its renegotiations.

    `is_tls_1_3`: as far as is known. `is_decided`: both hellos were read; `is_closed`: nothing can
    be decrypted from there on, which `facts.reason` explains. `heard`: messages since the hello.
    `found`: client randoms of handshakes that went on without their ClientHello;
    `may_have_early`: whether 0-RTT data may have been sent, and was taken; `weight`: bytes that the
    hellos take in memory.
    """

    def __init__(
        self, recorder: Recorder, conversation: Conversation, senders: tuple[TlsSender, TlsSender]
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.senders = senders
        self.is_kept = recorder.tls is not None
        self.client_side = conversation.opened_by
        self.client: ClientHello | None = None
        self.server: ServerHello | None = None
        self.version = 0
        self.is_tls_1_3 = False
        self.suite: Suite | None = None
        self.secrets: Mapping[str, bytes] = NONE
        self.is_decided = self.is_closed = False
        self.why: str | None = None
        self.heard = bytearray()
        self.hears_on = False
        # Protected records, or lost ones, came before both hellos were read.
        self.goes_on = False
        # Records wait for secrets; that was given up.
        self.is_waiting = self.has_waited = False
        # Application data was sent before what is known of it.
        self.begins_late = False
        # The master secret of a session that the client would resume.
        self.resumable = b""
        self.found: set[bytes] = set()
        self.may_have_early = True
        self.weight = 0
        self.facts = self._begin()

    def _begin(self) -> TlsConnection:
        conversation, side = self.conversation, self.client_side
        if side < 0:
            # As for a connection from the middle: nobody knows, and servers have the low ports.
            side = 1 if conversation.high_port > conversation.low_port else 0
        client, server = conversation.endpoint(side), conversation.endpoint(1 - side)
        facts = TlsConnection(
            conversation=conversation.index,
            tcp_stream=conversation.index,
            client_ip=client[0],
            client_port=client[1],
            server_ip=server[0],
            server_port=server[1],
            started=conversation.first_time,
        )
        kept = self.recorder.tls
        if kept is not None and len(kept) < self.recorder.limits.tls:
            kept.append(facts)
        elif kept is not None:
            self.recorder.reach("tls")
        return facts

    @property
    def held(self) -> int:
        """Bytes that are kept of what was said, hellos of usual size left out."""
        return len(self.heard) + max(self.weight - LIGHT, 0)

    @property
    def misses_hello(self) -> bool:
        """Whether records came although a hello did not, and there are secrets to try."""
        return not self.is_decided and bool(self.recorder.secrets) and has_cryptography()

    @property
    def is_blind(self) -> bool:
        """Whether neither hello was seen, and secrets may be found all the same."""
        return self.client is None and self.server is None and self.misses_hello

    @property
    def misses_random(self) -> bool:
        """Whether a ServerHello before TLS 1.3 was seen, and no ClientHello before it."""
        return self.client is None and self.server is not None and self.server.version < TLS_1_3

    def find(self, side: int, missed: int, header: bytes, body: bytes) -> Found | None:
        """Look for secrets that open a record of a side, of which so many may be missing."""
        found = self._maybe_found(side, missed, header, body)
        more = self.recorder.secrets.more
        if found is None and more is not None and more():
            found = self._maybe_found(side, missed, header, body)
        if found is None:
            return None
        server = self.server
        self.is_decided = True
        self.client_side = 1 - side if found.from_server else side
        self.version, self.suite = TLS_1_3, found.suite
        self.secrets = self.recorder.secrets.of(found.client_random)
        self.found.add(found.client_random)
        if server is not None:
            self.version = server.version
        self.is_tls_1_3 = self.version == TLS_1_3
        if server is not None and not self.is_tls_1_3:
            self._make_openers(found.client_random, server)
        facts = self.facts
        if facts.decrypted:
            return found
        self._name_ends()
        facts.version, facts.cipher = version_name(self.version), found.suite.name
        facts.client_random = found.client_random.hex()
        self.begins_late = found.is_application and found.sequence > 0
        return found

    def _maybe_found(self, side: int, missed: int, header: bytes, body: bytes) -> Found | None:
        from wsanalyze.layers.tls_blind import maybe_found, maybe_master

        secrets, client, server = self.recorder.secrets, self.client, self.server
        if server is not None and self.misses_random:
            place = 1 if self.is_server(side) else 0
            return maybe_master(secrets, server, place, missed, header, body)
        named = (server.suite,) if server is not None else client.suites if client else ()
        random = client.random if client is not None else None
        return maybe_found(secrets, random, header, body, named)

    def _name_ends(self) -> None:
        facts, side = self.facts, self.client_side
        facts.client_ip, facts.client_port = self.conversation.endpoint(side)
        facts.server_ip, facts.server_port = self.conversation.endpoint(1 - side)

    def is_server(self, side: int) -> bool:
        """Whether a side is the server's."""
        return side != self.client_side

    def role(self, side: int) -> str:
        """Return what an end is: `client` or `server`."""
        return "server" if self.is_server(side) else "client"

    def forged(self, side: int, time: int, packet: int) -> None:
        """Take note of a record that did not authenticate although the keys were right."""
        facts = self.facts
        if self.role(side) in facts.notified:
            # What follows is no TLS of this connection, whatever it is (RFC 8446 §6.1).
            return
        facts.forged += 1
        if facts.first_forged is None:
            facts.first_forged = (self.role(side), time, packet)

    def say(self, why: str) -> None:
        """Remember why something could not be decrypted, the first time."""
        if self.why is None:
            self.why = why

    def client_hello(self, side: int, body: bytes) -> None:
        """Take a ClientHello: the first, the one after a retry, or of a renegotiation."""
        if self.is_decided and self.is_tls_1_3 and not self.found:
            # There is no renegotiation: somebody repeats what was said.
            return
        hello = maybe_client_hello(body)
        if hello is None:
            self.say("a ClientHello that is malformed")
            return
        costs = PER_SUITE * len(hello.suites) + PER_EXTENSION * len(hello.extensions)
        self.weight = len(body) + costs
        if hello.random in self.found:
            # It comes late; what it began went on without it.
            self.found.discard(hello.random)
            if hello.random.hex() == self.facts.client_random:
                self._introduce(hello)
            return
        if self.is_decided:
            # A renegotiation: the ServerHello that follows decides anew.
            if not self.is_tls_1_3:
                self.client = hello
                self._begin_anew(None)
            return
        again, self.client = self.client is not None, hello
        if self.facts.decrypted:
            # The ServerHello of a renegotiation came before it.
            return
        self.client_side = side
        self._name_ends()
        if not again:
            self._introduce(hello)

    def _begin_anew(self, server: ServerHello | None) -> None:
        """Begin a renegotiation, whose ClientHello or ServerHello was read."""
        self.server, self.is_decided, self.goes_on = server, False, False

    def _introduce(self, hello: ClientHello) -> None:
        facts = self.facts
        facts.client_random = hello.random.hex()
        facts.sni, facts.alpn_offered = _bounded(hello.sni), hello.alpn[:MOST_PROTOCOLS]
        facts.ja3, facts.ja4 = ja3(hello), ja4(hello)

    def server_hello(
        self, side: int, body: bytes, place: tuple[int, int], *, protected: bool
    ) -> None:
        """Take a ServerHello; a retry only asks for another ClientHello.

        `protected`: whether it was encrypted, as that of a renegotiation is.
        """
        if self.is_decided and (self.is_tls_1_3 or not protected or not self.is_server(side)):
            return
        hello = maybe_server_hello(body)
        if hello is None:
            self.say("a ServerHello that is malformed")
            return
        self.weight += len(body) + PER_EXTENSION * len(hello.extensions)
        if self.is_decided:
            # A renegotiation, whose ClientHello was lost or comes later.
            if hello.version < TLS_1_3:
                self.client = None
                self._begin_anew(hello)
            return
        if self.client is None:
            self.client_side = 1 - side
            self._name_ends()
        elif not self.is_server(side):
            self.say("a ServerHello of the client")
            return
        if hello.is_retry:
            # The second ClientHello is in the clear, whatever came before it.
            self.version, self.is_tls_1_3 = TLS_1_3, True
            return
        self.server = hello
        self.may_have_early &= hello.takes_key
        if self.facts.decrypted:
            return
        self.facts.hello_at = place
        if self.client is None:
            facts = self.facts
            facts.version, facts.cipher = version_name(hello.version), suite_name(hello.suite)
            facts.server_random, facts.alpn = hello.random.hex(), hello.alpn

    def maybe_decide(self) -> bool:
        """Choose secrets and keys; return whether both hellos are there, for the first time."""
        client, server = self.client, self.server
        if client is None or server is None or self.is_decided:
            return False
        self.version, self.suite = server.version, maybe_suite(server.suite)
        self.is_tls_1_3 = self.version == TLS_1_3
        self.secrets = self.recorder.secrets.of(client.random, server.session_id)
        self.is_waiting = self._shall_wait()
        if self.is_waiting:
            return False
        self.is_decided = True
        facts = self.facts
        if not facts.decrypted:
            # Facts are those of the first handshake, not of a renegotiation.
            facts.version, facts.cipher = version_name(self.version), suite_name(server.suite)
            facts.server_random, facts.alpn = server.random.hex(), server.alpn
            facts.disagreements = disagreements(client, server)
        if self.is_tls_1_3:
            facts.resumed = server.takes_key
            self._stop_hearing()
        sessions = self.recorder.secrets.sessions
        self.resumable = b"" if self.is_tls_1_3 else sessions.of(client, server)
        why = self._obstacle(server)
        self.is_closed = why is not None
        if why is not None:
            self.why = why
        elif not self.is_tls_1_3 and self.secrets:
            self._make_openers(client.random, server)
        return True

    def _shall_wait(self) -> bool:
        """Say whether records are to wait for secrets that may come."""
        expects = self.recorder.secrets.expects and not self.has_waited
        if not expects or self._may_have_key() or not has_cryptography():
            return False
        if self.is_tls_1_3 and self.secrets and self._lacks_secrets():
            more = self.recorder.secrets.more
            # They are those of one dict, which gets what comes.
            return more is None or not more() or self._lacks_secrets()
        return not self.secrets

    def _lacks_secrets(self) -> bool:
        """Say whether lines of TLS 1.3 may not be there yet: a program writes five or more."""
        epochs = (self.epochs(side) for side in (0, 1))
        return not all(any(each.is_application for each in side) for side in epochs)

    def application_epochs(self, side: int) -> list[Epoch]:
        """Return the epoch of a side's application data, whose secret may have come by now."""
        label = keylog.SERVER_TRAFFIC if self.is_server(side) else keylog.CLIENT_TRAFFIC
        more = self.recorder.secrets.more
        if label not in self.secrets and self.client is not None and more is not None and more():
            self.secrets = self.recorder.secrets.of(self.client.random)
        return [epoch for epoch in self.epochs(side) if epoch.is_application]

    def _obstacle(self, server: ServerHello) -> str | None:
        """Return why nothing can be decrypted, None where it can."""
        secrets, tls_1_3 = self.secrets, self.is_tls_1_3
        if not secrets and (self._may_have_key() or self.resumable):
            return None
        if not secrets:
            return self._no_secret()
        if not TLS_1_0 <= self.version <= TLS_1_3:
            return f"version {version_name(self.version)} is not decrypted"
        suite = self.suite
        if suite is None or suite.is_tls_1_3 != tls_1_3:
            return f"the cipher suite {suite_name(server.suite)} is not decrypted"
        if not tls_1_3 and len(secrets.get(keylog.MASTER, b"")) != MASTER_SECRET:
            return "no master secret for this client random, only others"
        if tls_1_3 and not any(self._labelled(label) for label in TRAFFIC):
            return "no traffic secret for this client random that fits its cipher suite"
        if server.compression:
            return "it is compressed, which is not decrypted"
        if not has_cryptography():
            return NO_CRYPTOGRAPHY
        return None

    def _no_secret(self) -> str:
        """Say why there is no secret: none was given, or a key that opens no such connection."""
        secrets = self.recorder.secrets
        why = f"no secret for this client random in {secrets.described}"
        if secrets.private_keys:
            if self._fits_private_key():
                return NO_CRYPTOGRAPHY
            what = "TLS 1.3" if self.is_tls_1_3 else "connection with this cipher suite"
            why += f"; a private key opens no {what}"
        if self.client is not None and self.client.may_be_encrypted and secrets:
            # Secrets are logged with the random of the ClientHello inside.
            why += "; its ClientHello has ECH, with which another random may count"
        return why

    def _may_have_key(self) -> bool:
        """Say whether the client's secret is encrypted with an RSA key that may be there."""
        return self._fits_private_key() and has_cryptography()

    def _fits_private_key(self) -> bool:
        suite = self.suite
        return (
            suite is not None
            and suite.exchange == "RSA"
            and TLS_1_0 <= self.version < TLS_1_3
            and bool(self.recorder.secrets.private_keys)
        )

    def hears(self, kind: int, body: bytes) -> None:
        """Keep a message of the handshake, where the master secret may depend on it."""
        if kind == CLIENT_HELLO:
            self.heard, self.hears_on = bytearray(), bool(self.recorder.secrets.private_keys)
        if self.hears_on and len(self.heard) + len(body) <= MOST_HEARD:
            self.heard += bytes((kind, *len(body).to_bytes(3, "big"))) + body

    def _stop_hearing(self) -> bytes:
        heard, self.heard, self.hears_on = bytes(self.heard), bytearray(), False
        return heard

    def client_key_exchange(self, body: bytes) -> None:
        """Take the client's secret, where an RSA key opens it."""
        client, server, suite = self.client, self.server, self.suite
        heard = self._stop_hearing()
        # Who exchanges keys resumes no session.
        self.resumable = b""
        if self.secrets or client is None or server is None or suite is None:
            return
        if self.is_closed or not self.is_decided:
            return
        if not self._may_have_key():
            self.is_closed = True
            self.say(self._no_secret())
            return
        from wsanalyze.tls import rsa_keys

        keys = self.recorder.secrets.rsa_keys()
        premaster = rsa_keys.maybe_premaster(keys, body, client.version)
        if premaster is None:
            self.is_closed = True
            self.say("no private key fits its key exchange")
            return
        algorithm = suite.hash if self.version >= TLS_1_2 else "md5+sha1"
        if server.extension(EXTENDED_MASTER_SECRET) is not None:
            master = rsa_keys.extended_master_secret(premaster, heard, algorithm)
        else:
            randoms = client.random, server.random
            master = rsa_keys.master_secret(premaster, *randoms, algorithm)
        self.secrets = {keylog.MASTER: master}
        self._make_openers(client.random, server)

    def resume(self) -> None:
        """Take the master secret of a session that is resumed, where there is no other."""
        client, server = self.client, self.server
        if self.secrets or client is None or server is None or self.is_closed:
            return
        if not self.resumable:
            self.is_closed = True
            self.say(NO_SESSION)
            return
        self.secrets = {keylog.MASTER: self.resumable}
        self._make_openers(client.random, server)

    def ticket(self, body: bytes) -> None:
        """Take a NewSessionTicket before TLS 1.3 (RFC 5077 §3.3): who shows it resumes this."""
        master = self.secrets.get(keylog.MASTER) or self.resumable
        self.recorder.secrets.sessions.ticket(body, master)

    def _make_openers(self, client_random: bytes, server: ServerHello) -> None:
        from wsanalyze.tls.ciphers import openers

        if self.suite is None:
            return
        self.recorder.secrets.sessions.begun(server, self.secrets[keylog.MASTER])
        agreed = openers(
            self.suite,
            self.version,
            self.secrets[keylog.MASTER],
            client_random,
            server.random,
            encrypt_then_mac=server.encrypts_then_macs,
        )
        for sender in self.senders:
            sender.agree(agreed[self.is_server(sender.side)])

    def epochs(self, side: int) -> list[Epoch]:
        """Return the epochs of TLS 1.3 of a side for which there are secrets."""
        if self.is_closed or self.suite is None:
            return []
        if self.is_server(side):
            labels = [keylog.SERVER_HANDSHAKE, keylog.SERVER_TRAFFIC]
        else:
            labels = [keylog.CLIENT_HANDSHAKE, keylog.CLIENT_TRAFFIC]
            if self.client is not None and self.client.sends_early_data:
                labels.insert(0, keylog.CLIENT_EARLY)
        found = []
        for label in labels:
            secret = self._labelled(label)
            if secret is not None:
                is_application = label in (keylog.SERVER_TRAFFIC, keylog.CLIENT_TRAFFIC)
                found.append(Epoch(self.suite, secret, is_application=is_application))
        return found

    def _labelled(self, label: str) -> bytes | None:
        """Return a traffic secret as long as the hash of the suite, else None."""
        secret = self.secrets.get(label)
        length = 48 if self.suite is not None and self.suite.hash == "sha384" else 32
        return secret if secret is not None and len(secret) == length else None

    def encrypted_extensions(self, body: bytes) -> None:
        """Take the protocol that the server chose in secret."""
        self.may_have_early &= takes_early_data(body)
        protocol = chosen_protocol(body)
        if protocol is not None:
            self.facts.alpn = protocol
            client = self.client
            if client is not None and not client.may_be_encrypted and protocol not in client.alpn:
                self.facts.disagreements += (NOT_OFFERED,)

    def certificate(self, body: bytes, place: tuple[int, int]) -> None:
        """Take what the server's certificate says."""
        leaf = maybe_leaf(body, with_context=self.is_tls_1_3)
        found = maybe_certificate(leaf) if leaf is not None else None
        if found is None or self.facts.certificate_subject is not None:
            return
        facts = self.facts
        facts.certificate_subject = _bounded(found.subject)
        facts.certificate_issuer = _bounded(found.issuer)
        facts.not_before, facts.not_after = found.not_before, found.not_after
        facts.certificate_at = place

    def resumes(self, has_certificate: bool) -> None:
        """Note whether a session was resumed: the server says nothing but its hello then."""
        if self.facts.resumed is None:
            self.facts.resumed = not has_certificate

    def alert(self, side: int, content: bytes, place: tuple[int, int]) -> None:
        """Take an alert: who ends the connection, or what failed (RFC 8446 §6)."""
        if len(content) != ALERT_LENGTH:
            return
        facts, sender = self.facts, self.role(side)
        if content[1] == CLOSE_NOTIFY:
            if facts.closed_by is None:
                facts.closed_by, facts.closed_at = sender, place
            if sender not in facts.notified:
                facts.notified += (sender,)
        elif facts.alert is None:
            facts.alert, facts.alert_by, facts.alert_at = content[1], sender, place

    def has_opened(self) -> None:
        """Note that a record was opened, the first one."""
        self.facts.decrypted = True
        self.conversation.spoke = DECRYPTED
        self.recorder.summaries[self.conversation.capture].tls_decrypted += 1

    def finish(self) -> None:
        """Say why it was not decrypted."""
        facts = self.facts
        if facts.decrypted:
            if self.why is None and self.goes_on and not self.is_decided:
                self.why = f"behind a renegotiation: {self._why_undecided()}"
            facts.reason = self.why
            if facts.reason is None and facts.forged:
                records = "record does" if facts.forged == 1 else "records do"
                facts.reason = f"{facts.forged} {records} not authenticate: changed or forged"
            return
        if self.why is None and facts.bad_records:
            self.why = "the secret of its client random opens none of its records"
        if self.why is None and (self.client is None or self.goes_on) and not self.is_decided:
            self.why = self._why_undecided()
        if self.why is None and facts.alert is not None:
            self.why = f"the handshake ended with alert {facts.alert}"
        if self.why is None and self.server is None:
            self.why = "the server did not answer"
        facts.reason = self.why or "it has no protected records"
        summary = self.recorder.summaries[self.conversation.capture]
        summary.stays_closed(facts.reason)
        if facts.reason == NO_CRYPTOGRAPHY:
            summary.lack("cryptography")

    def _why_undecided(self) -> str:
        secrets = self.recorder.secrets
        if not secrets or has_cryptography():
            return why_closed(self.client, self.server, secrets)
        known = self.client is None or bool(secrets.of(self.client.random))
        return NO_CRYPTOGRAPHY if known else why_closed(self.client, self.server, secrets)


TRAFFIC = (
    keylog.CLIENT_HANDSHAKE,
    keylog.SERVER_HANDSHAKE,
    keylog.CLIENT_TRAFFIC,
    keylog.SERVER_TRAFFIC,
)


def _bounded(name: str | None) -> str | None:
    return name if name is None or len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


def has_cryptography() -> bool:
    """Say whether records can be opened on this machine."""
    try:
        import wsanalyze.tls.ciphers  # noqa: F401 - whether it can be
    except ImportError:
        return False
    return True

"""What both sides of a TLS connection agree on: hellos, and the keys that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.tls_exchange import KeyExchange
from wsanalyze.layers.tls_facts import begun, introduce, name_ends
from wsanalyze.layers.tls_keys import begin_keys, make_openers
from wsanalyze.layers.tls_left import before_hello
from wsanalyze.layers.tls_secrets import (
    NO_CRYPTOGRAPHY,
    epochs_of,
    exchanges,
    has_cryptography,
    masters_of,
    no_secret,
    obstacle,
)
from wsanalyze.layers.tls_sender import Epoch, TlsSender
from wsanalyze.layers.tls_unseen import why_not
from wsanalyze.tls import keylog
from wsanalyze.tls.choice import Choice
from wsanalyze.tls.hellos import (
    NOT_OFFERED,
    TLS_1_3,
    Offer,
    ServerHello,
    chosen_protocol,
    disagreements,
    maybe_client_hello,
    maybe_server_hello,
    takes_early_data,
    version_name,
)
from wsanalyze.tls.keylog import NONE
from wsanalyze.tls.suites import Suite, maybe_suite, suite_name
from wsanalyze.transport.conversation import Conversation

if TYPE_CHECKING:
    from wsanalyze.layers.tls_blind import Found

# As `Conversation.spoke` numbers what has no payload: the layer within knows better if there is.
DECRYPTED = 0
# What was decrypted, and carries nothing.
NOTHING_WITHIN = 5


class TlsHandshake:
    """The handshake of one connection, and of its renegotiations.

    `is_tls_1_3`: as far as is known. `is_decided`: both hellos were read; `is_closed`: nothing can
    be decrypted from there on, which `facts.reason` explains. `exchange`: what a secret that the
    client exchanges is to be made keys of.
    `found`: client randoms of handshakes that went on without their ClientHello;
    `may_have_early`: whether 0-RTT data may have been sent, and was taken.
    """

    def __init__(
        self, recorder: Recorder, conversation: Conversation, senders: tuple[TlsSender, TlsSender]
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.senders = senders
        self.is_kept = recorder.tls is not None
        self.client_side = conversation.opened_by
        self.client: Offer | None = None
        self.server: ServerHello | None = None
        self.version = 0
        self.is_tls_1_3 = False
        self.suite: Suite | None = None
        self.secrets: tuple[Mapping[str, bytes], ...] = ()
        # The master secrets that it may have before TLS 1.3, and what they open.
        self.choice: Choice | None = None
        self.is_decided = self.is_closed = False
        self.why: str | None = None
        self.exchange = KeyExchange(recorder.secrets)
        # Protected records, or lost ones, came before both hellos were read.
        self.goes_on = False
        # The client has sent what only comes behind the server's first messages.
        self.went_on = False
        # The alert that was the server's answer to that, in the clear.
        self.refusal: int | None = None
        # A record of it that is as long as an alert came instead; records that the server has sent.
        self.may_be_alert = False
        self.sealed = 0
        # How sides ended while nothing was inside: side, FIN (0) or RST (1), and before what.
        self.ends: list[tuple[int, int, str]] = []
        # Records wait for secrets; that was given up.
        self.is_waiting = self.has_waited = False
        # Application data was sent before what is known of it.
        self.begins_late = False
        # The master secret of a session that the client would resume.
        self.resumable: tuple[bytes, ...] = ()
        self.found: set[bytes] = set()
        self.may_have_early = True
        self.facts = begun(recorder, conversation, self.client_side)

    @property
    def held(self) -> int:
        """Bytes that are kept of what was said, besides the few that count of hellos."""
        return self.exchange.held

    @property
    def misses_hello(self) -> bool:
        """Whether records came although a hello did not, and there are secrets to try."""
        return not self.is_decided and bool(self.recorder.secrets) and has_cryptography()

    @property
    def misses_random(self) -> bool:
        """Whether a ServerHello before TLS 1.3 was seen, and no ClientHello before it."""
        return self.client is None and self.server is not None and self.server.version < TLS_1_3

    def find(self, side: int, missed: int, header: bytes, body: bytes) -> Found | None:
        """Look for secrets that open a record of a side, of which so many may be missing."""
        from wsanalyze.layers.tls_blind import look

        secrets, hellos = self.recorder.secrets, (self.client, self.server)
        record = int(self.is_server(side)), missed, header, body
        found = look(secrets, hellos, *record)
        if found is None and secrets.more is not None and secrets.more():
            found = look(secrets, hellos, *record)
        if found is None:
            return None
        server = self.server
        self.is_decided = True
        self.client_side = 1 - side if found.from_server else side
        self.version, self.suite = TLS_1_3, found.suite
        self.secrets = secrets.of(found.client_random)
        self.found.add(found.client_random)
        self.is_tls_1_3 = found.suite.is_tls_1_3
        if server is not None and not self.is_tls_1_3:
            self.version, self.choice = server.version, None
            make_openers(self, found.client_random, server, masters_of(self.secrets), final=True)
        facts = self.facts
        if facts.decrypted:
            return found
        name_ends(self.facts, self.conversation, self.client_side)
        facts.version, facts.cipher = version_name(self.version), found.suite.name
        facts.client_random = found.client_random.hex()
        self.begins_late = found.is_application and found.sequence > 0
        return found

    def is_server(self, side: int) -> bool:
        """Whether a side is the server's."""
        return side != self.client_side

    def role(self, side: int) -> str:
        """Return what an end is: `client` or `server`."""
        return "server" if self.is_server(side) else "client"

    def ended(self, side: int, how: int) -> None:
        """Remember how a side ended while nothing was inside: FIN (0) or RST (1)."""
        self.ends.append((side, how, before_hello(self)))

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
        self.may_have_early &= hello.sends_early_data
        if hello.random in self.found:
            # It comes late; what it began went on without it.
            self.found.discard(hello.random)
            if hello.random.hex() == self.facts.client_random:
                introduce(self.facts, hello)
            return
        if self.is_decided:
            # A renegotiation: the ServerHello that follows decides anew.
            if not self.is_tls_1_3:
                self.client = hello.kept()
                self._begin_anew(None)
            return
        again, self.client = self.client is not None, hello.kept()
        if self.facts.decrypted:
            # The ServerHello of a renegotiation came before it.
            return
        self.client_side = side
        name_ends(self.facts, self.conversation, self.client_side)
        if not again:
            introduce(self.facts, hello)

    def _begin_anew(self, server: ServerHello | None) -> None:
        """Begin a renegotiation, whose ClientHello or ServerHello was read."""
        self.server, self.is_decided, self.goes_on = server, False, False

    def server_hello(
        self, side: int, body: bytes, place: tuple[int, int], *, protected: bool
    ) -> None:
        """Take a ServerHello; a retry only asks for another ClientHello.

        `protected`: whether it was encrypted, as that of a renegotiation is.
        """
        if self.is_decided and (self.is_tls_1_3 or not protected or not self.is_server(side)):
            return
        read = maybe_server_hello(body)
        if read is None:
            self.say("a ServerHello that is malformed")
            return
        hello = read.kept()
        if self.is_decided:
            # A renegotiation, whose ClientHello was lost or comes later.
            if hello.version < TLS_1_3:
                self.client = None
                self._begin_anew(hello)
            return
        if self.client is None:
            self.client_side = 1 - side
            name_ends(self.facts, self.conversation, self.client_side)
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
        self.is_waiting = self._shall_wait(client, server)
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
        sessions, is_new = self.recorder.secrets.sessions, self.exchange.body is not None
        self.resumable = () if self.is_tls_1_3 or is_new else sessions.of(client, server)
        why = self._obstacle(client, server)
        self.is_closed = why is not None
        if why is not None:
            self.why = why
        if self.is_tls_1_3 or self.is_closed:
            self.exchange.forget()
            return True
        begin_keys(self, client, server)
        return True

    def _shall_wait(self, client: Offer, server: ServerHello) -> bool:
        """Say whether records are to wait for secrets that may come."""
        expects = self.recorder.secrets.expects and not self.has_waited
        if not expects or not has_cryptography():
            return False
        if self.is_tls_1_3:
            if not self.secrets or not self._lacks_secrets():
                return not self.secrets
            more = self.recorder.secrets.more
            if more is None or not more():
                return True
            self.secrets = self.recorder.secrets.of(client.random, server.session_id)
            return self._lacks_secrets()
        return not masters_of(self.secrets) and not self.exchange.tells(client, server)

    def _lacks_secrets(self) -> bool:
        """Say whether lines of TLS 1.3 may not be there yet: a program writes five or more."""
        epochs = (self.epochs(side) for side in (0, 1))
        return not all(any(each.is_application for each in side) for side in epochs)

    def application_epochs(self, side: int) -> list[Epoch]:
        """Return the epoch of a side's application data, whose secret may have come by now."""
        label = keylog.SERVER_TRAFFIC if self.is_server(side) else keylog.CLIENT_TRAFFIC
        more = self.recorder.secrets.more
        lacks = not any(label in labelled for labelled in self.secrets)
        if lacks and self.client is not None and more is not None and more():
            self.secrets = self.recorder.secrets.of(self.client.random)
        return [epoch for epoch in self.epochs(side) if epoch.is_application]

    def _obstacle(self, client: Offer, server: ServerHello) -> str | None:
        """Return why nothing can be decrypted, None where it can."""
        known = self.recorder.secrets
        may_tell = bool(self.resumable) or (exchanges(known, client, server) and has_cryptography())
        if self.secrets:
            return obstacle(self.secrets, server, may_tell=may_tell)
        return None if may_tell else no_secret(known, client, server)

    def epochs(self, side: int) -> list[Epoch]:
        """Return the epochs of TLS 1.3 of a side for which there are secrets."""
        if self.is_closed or self.suite is None:
            return []
        early = self.client is not None and self.client.sends_early_data
        return epochs_of(self.secrets, self.suite, is_server=self.is_server(side), early=early)

    def encrypted_extensions(self, body: bytes) -> None:
        """Take the protocol that the server chose in secret."""
        self.may_have_early &= takes_early_data(body)
        protocol = chosen_protocol(body)
        if protocol is not None:
            self.facts.alpn = protocol
            client, said = self.client, self.facts.disagreements
            if client is None or NOT_OFFERED in said:
                return
            if client.may_be_encrypted or not client.is_whole:
                return
            if protocol not in client.alpn:
                self.facts.disagreements = (*said, NOT_OFFERED)

    def resumes(self, has_certificate: bool) -> None:
        """Note whether a session was resumed: the server says nothing but its hello then."""
        if self.facts.resumed is None:
            self.facts.resumed = not has_certificate

    def lacks_key(self, side: int) -> None:
        """Note that no secret is known for what a side sent."""
        role = self.role(side)
        if role not in self.facts.keyless:
            self.facts.keyless += (role,)

    def stays_sealed(self, side: int, length: int) -> None:
        """Count bytes of a side's records that did not open, whatever they held."""
        if self.is_server(side):
            self.facts.server_sealed += length
        else:
            self.facts.client_sealed += length

    def has_opened(self) -> None:
        """Note that a record was opened, the first one."""
        self.facts.decrypted = True
        if self.recorder.streams is not None:
            self._note_origin(self.recorder.streams.key_origins)

    def has_read(self, spoke: int = DECRYPTED) -> None:
        """Count it among those that are decrypted: something was within, or nothing was sent."""
        self.conversation.spoke = spoke
        self.recorder.summaries[self.conversation.capture].tls_decrypted += 1

    def _note_origin(self, origins: dict[str, tuple[str, tuple[str, ...]]]) -> None:
        """Note where the secret is from that opened the first record."""
        random = self.facts.client_random or ""
        client_random = bytes.fromhex(random)
        used = [] if self.choice is None else list(self.choice.candidates.secrets)
        for sender in self.senders:
            if sender.opened and sender.epochs:
                used += sender.epochs[0].candidates.secrets
        for store in self.recorder.secrets.stores:
            labelled = store.by_random.get(client_random, NONE)
            known = (secret for label in labelled for secret in store.every(client_random, label))
            if any(secret in used for secret in known):
                origins[random] = store.name, tuple(sorted(labelled))
                return

    def finish(self, *, was_read: bool) -> None:
        """Say why it was not decrypted, or not to its end; `was_read`: something within was."""
        facts, summary = self.facts, self.recorder.summaries[self.conversation.capture]
        facts.reason = why_not(self)
        if facts.decrypted and not was_read:
            # Of what was within, nothing was opened; or there was nothing.
            facts.decrypted = not (facts.keyless or facts.client_sealed or facts.server_sealed)
            if facts.decrypted:
                self.has_read(NOTHING_WITHIN)
                if facts.reason is not None:
                    summary.breaks_off(facts.reason)
        if facts.decrypted:
            summary.tls_without_secret += bool(facts.keyless)
            return
        facts.reason = facts.reason or "it has no protected records"
        summary.stays_closed(facts.reason)
        if facts.reason == NO_CRYPTOGRAPHY:
            summary.lack("cryptography")

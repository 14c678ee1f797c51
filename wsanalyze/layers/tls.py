"""TLS: handshakes of both sides are read, records opened where secrets are known, and handed on.

RFC 8446, RFC 5246 and what they name. What is inside a record goes to the layer within with the
time, packet and ordinal of the packet that completed the record.
"""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import PLAIN, Route
from wsanalyze.layers.tls_blind import IN_HANDSHAKE, RECORDS
from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_lane import TlsLine
from wsanalyze.layers.tls_sender import HEADER, LONGEST, MOST_MISSED, TlsSender, is_header, is_hello
from wsanalyze.tls.messages import (
    CERTIFICATE,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FINISHED,
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
)
from wsanalyze.transport.conversation import Conversation

# Content types, RFC 8446 §5.1.
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23

SPOKE_TLS = 3
# How a client goes on behind a ServerHello, RFC 5246 §7.3.
CLIENT_GOES_ON = (bytes((CERTIFICATE,)), bytes((CLIENT_KEY_EXCHANGE,)))
# What a record that waits for keys costs besides its bytes.
OVERHEAD = 256
# Side, header, body, time, packet, ordinal.
Held = tuple[int, bytes, bytes, int, int, int]


class Tls(TlsLine):
    """Reads the records of both sides, from the hellos on.

    `missing`: bytes of side 0 and 1 that the capture does not have before the first one. `inside`
    makes the layer that reads what is within, of its route and the side that is the client.
    """

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        missing: list[int],
        route: Route = PLAIN,
        inside: Callable[[Route, int], Layer] | None = None,
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.inside = inside
        self.senders = (TlsSender(0, recorder.secrets), TlsSender(1, recorder.secrets))
        super().__init__(*self.senders)
        self.handshake = TlsHandshake(recorder, conversation, self.senders)
        self.waiting: list[Held] = []
        self.waiting_bytes = self.counted = 0
        self.is_draining = self.is_over = False
        for sender in self.senders:
            if missing[sender.side]:
                self.lose(sender, missing[sender.side])
        conversation.spoke = SPOKE_TLS

    def read(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Read the records that are whole with these bytes, whatever they are."""
        sender = self.senders[side]
        data = buffer.copy(start, stop)
        if sender.seeking and not sender.sent and is_hello(data):
            sender.begin_at_hello()
        sender.sent += len(data)
        if sender.pending:
            if sender.waits_for(len(data)):
                # Most segments of a large record; it was counted whole when it began.
                sender.pending += data
                return 0
            content = None
        else:
            content = sender.open_alone(data)
        if content is not None:
            self.show(sender, data[:HEADER], data[HEADER:], content, (time, packet))
            done = self.opened(sender, APPLICATION_DATA, content, time, packet, ordinal)
        else:
            done = self.cut(sender, data, time, packet, ordinal)
        keeps = self.counted or sender.pending or self.waiting or sender.messages.data
        keeps = keeps or self.handshake.held
        if done or (keeps and self.overfull()):
            # Nobody will call again.
            self.finish(1)
            return 1
        self.is_1_3 = self.handshake.is_tls_1_3
        # Where records are kept to be shown, each goes the long way.
        shown = self.recorder.streams is not None
        self.flows = self.inner is not None and not shown and not (keeps and self.counted)
        return 0

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = self.waiting_bytes + self.handshake.held
        held += self.senders[0].held + self.senders[1].held
        self.recorder.held += held - self.counted
        self.counted = held
        if held == 0 or self.recorder.held <= self.recorder.limits.held_total:
            return False
        self.recorder.reach("held_total")
        self.handshake.say("what waited for its end took more memory than the limit held_total")
        return True

    def cut(self, sender: TlsSender, data: bytes, time: int, packet: int, ordinal: int) -> int:
        """Cut bytes into records; return 1 to let go."""
        view, at, stop = memoryview(data), 0, len(data)
        while at < stop:
            if sender.skipping:
                passed = min(sender.skipping, stop - at)
                sender.skipping -= passed
                sender.miss(passed)
                at += passed
                continue
            if sender.seeking or sender.pending:
                at = sender.fill(data, at)
                if sender.seeking:
                    if self.seek(sender, time, packet, ordinal):
                        return 1
                    continue
                if len(sender.pending) < sender.needed:
                    return 0
                if sender.needed == HEADER and not sender.begins():
                    return self.astray(sender)
                if len(sender.pending) < sender.needed:
                    continue
                whole = sender.pending
                sender.pending, sender.needed = bytearray(), HEADER
                body = memoryview(whole)[HEADER:]
                if self.record(sender, bytes(whole[:HEADER]), body, time, packet, ordinal):
                    return 1
                continue
            length = data[at + 3] << 8 | data[at + 4] if stop - at >= HEADER else LONGEST
            if stop - at < HEADER + length:
                sender.pending += data[at:]
                if len(sender.pending) >= HEADER and not sender.begins():
                    return self.astray(sender)
                return 0
            if not is_header(data[at], data[at + 1], length):
                sender.pending += data[at:]
                return self.astray(sender)
            header, body_at = data[at : at + HEADER], at + HEADER
            at = body_at + length
            if self.record(sender, header, view[body_at:at], time, packet, ordinal):
                return 1
        return 0

    def astray(self, sender: TlsSender) -> int:
        """Look for the next record where there is none; return 1 to let go."""
        self.handshake.say("bytes that are no TLS record")
        if not (sender.opened or self.handshake.is_blind):
            return 1
        sender.seeking = True
        sender.needed = HEADER
        return 0

    def seek(self, sender: TlsSender, time: int, packet: int, ordinal: int) -> int:
        """Look for a record that opens among the bytes that are pending, and go on behind it."""
        handshake = self.handshake
        while (candidate := sender.maybe_candidate(handshake.version)) is not None:
            header, body = candidate
            if not self.ready(sender) and not self.recover(sender, header, body):
                if handshake.misses_hello and sender.tried_blind < RECORDS:
                    sender.looked = 1
                    continue
                # Whether it is one, is not to be known without keys.
                handshake.goes_on = True
                return 1
            content = self.maybe_content(sender, header, body)
            if content is None:
                if sender.is_tired:
                    return self.give_up()
                sender.looked = 1
                continue
            rest = sender.go_on(HEADER + len(body))
            if self.opened(sender, header[0], content, time, packet, ordinal):
                return 1
            return self.cut(sender, rest, time, packet, ordinal)
        return 0

    def record(
        self,
        sender: TlsSender,
        header: bytes,
        body: bytes | memoryview,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        """Read a record; return 1 to let go."""
        kind = header[0]
        protected = sender.ciphered or kind == APPLICATION_DATA
        if self.handshake.is_tls_1_3:
            protected = kind == APPLICATION_DATA
        if not protected:
            return self.plain(sender, kind, bytes(body), time, packet, ordinal)
        if not self.ready(sender):
            return self.hold((sender.side, header, bytes(body), time, packet, ordinal))
        content = self.maybe_content(sender, header, body)
        if content is None:
            if sender.is_sure:
                self.handshake.forged(sender.side, time, packet)
            return self.unopened(sender, len(body))
        self.show(sender, header, body, content, (time, packet))
        return self.opened(sender, kind, content, time, packet, ordinal)

    def maybe_content(
        self, sender: TlsSender, header: bytes, body: bytes | memoryview
    ) -> bytes | None:
        """Open a record, with keys of a renegotiation whose hello is missing where need be."""
        content = sender.open(header, body)
        if content is None and self.handshake.misses_random:
            sealed = bytes(body)
            if self.recover(sender, header, sealed):
                content = sender.open(header, sealed)
        return content

    def show(
        self,
        sender: TlsSender,
        header: bytes,
        body: bytes | memoryview,
        content: bytes,
        place: tuple[int, int],
    ) -> None:
        """Let a record with application data be kept as it came and as it was opened."""
        streams = self.recorder.streams
        if streams is None or header[0] != APPLICATION_DATA:
            return
        if self.handshake.is_tls_1_3 and content.rstrip(b"\0")[-1:] != bytes((APPLICATION_DATA,)):
            return
        record = (header, body, content)
        streams.record(self.conversation.index, self.route.layers, sender.side, place, record)

    def tell(
        self, sender: TlsSender, content_type: int, kind: int, body: bytes, place: tuple[int, int]
    ) -> None:
        """Let a message of the handshake be kept, where somebody keeps them."""
        streams = self.recorder.streams
        if streams is not None:
            said = (content_type, kind, body, sender.opened > 0)
            streams.tls_message(
                self.conversation.index, self.route.layers, sender.side, place, said
            )

    def ready(self, sender: TlsSender) -> bool:
        """Say whether the keys of a side are there."""
        return sender.opener is not None

    def hold(self, record: Held) -> int:
        """Keep a record that came before the hellos of both sides; return 1 to let go."""
        if self.handshake.is_decided:
            if self.handshake.is_closed:
                return 1
            # Only the other side's secrets are known.
            self.handshake.say(f"no secret for what the {self.handshake.role(record[0])} sent")
            return self.unopened(self.senders[record[0]], len(record[2]))
        self.handshake.goes_on = True
        if self.handshake.is_waiting:
            return self.wait(record)
        if self.recover(self.senders[record[0]], record[1], record[2]):
            return self.drain() or self.record(self.senders[record[0]], *record[1:])
        self.waiting.append(record)
        self.waiting_bytes += len(record[2]) + OVERHEAD
        if self.waiting_bytes <= self.recorder.limits.held:
            return 0
        self.recorder.reach("held")
        return 1

    def wait(self, record: Held) -> int:
        """Keep a record until its secret comes, or too many have come without; 1 to let go.

        It is asked for with the first record, the second, the fourth, the eighth and so on. A key
        log is some milliseconds late where its program runs, a block in pcapng a few packets.
        """
        limits = self.recorder.limits
        self.waiting.append(record)
        self.waiting_bytes += len(record[2]) + OVERHEAD
        count = len(self.waiting)
        if self.waiting_bytes > limits.held or self.recorder.held > limits.held_total // 2:
            return self.wait_no_more()
        return 0 if count & (count - 1) else (self.decide() or self.drain())

    def wait_no_more(self) -> int:
        """Read what waited for a secret, or say that there is none; return 1 to let go."""
        self.handshake.has_waited = True
        return self.decide() or self.drain()

    def recover(self, sender: TlsSender, header: bytes, body: bytes) -> bool:
        """Find secrets for a record where hellos are missing; say whether there are some."""
        handshake = self.handshake
        if not handshake.misses_hello or sender.tried_blind >= RECORDS:
            return False
        if header[0] != APPLICATION_DATA and not handshake.misses_random:
            return False
        # The client's first records may be 0-RTT data, and wait for the ServerHello.
        if handshake.client is not None and not handshake.is_server(sender.side):
            return False
        sender.tried_blind += 1
        found = handshake.find(sender.side, sender.missed, header, body)
        if found is None:
            return False
        if not handshake.is_tls_1_3:
            self.go_on_ciphered(sender, found.sequence)
            return True
        for each in self.senders:
            epochs = handshake.epochs(each.side)
            if found.is_application:
                epochs = [epoch for epoch in epochs if epoch.is_application]
            each.begin_epochs(epochs)
            # How many records of it were sent before, the tag tells.
            each.missed = MOST_MISSED if found.is_application else max(each.missed, IN_HANDSHAKE)
        sender.sequence, sender.missed, sender.leap = found.sequence, 0, -1
        return True

    def go_on_ciphered(self, found: TlsSender, sequence: int) -> None:
        """Go on in both directions with keys that one record has told, RFC 5246 §6.3."""
        handshake = self.handshake
        handshake.resumes(self.senders[1 - handshake.client_side].has_certificate)
        for sender in self.senders:
            if sender is found:
                sender.begin_agreed(len(sender.agreed) - 1)
            elif sender.opener is None and (sender.ciphered or sender.seeking):
                sender.begin_agreed()
        found.sequence, found.missed, found.leap, found.tried_blind = sequence, 0, sequence, 0

    def plain(
        self, sender: TlsSender, kind: int, content: bytes, time: int, packet: int, ordinal: int
    ) -> int:
        """Read a record that is not protected; return 1 to let go."""
        if self.handshake.is_tls_1_3 and sender.opened and kind != CHANGE_CIPHER_SPEC:
            # Whoever has keys uses them (RFC 8446 §5.1): anybody may have sent this.
            self.handshake.facts.bad_records += 1
            self.handshake.forged(sender.side, time, packet)
            return 0
        if kind == CHANGE_CIPHER_SPEC:
            self.tell(sender, kind, 0, content, (time, packet))
        if kind == HANDSHAKE:
            for message, body in sender.messages.read(content):
                if self.message(sender, message, body, (time, packet)):
                    return 1
            if sender.messages.lost:
                self.handshake.say("a handshake message that is longer than any")
                return 1
            return self.drain()
        if kind == ALERT:
            self.handshake.alert(sender.side, content, (time, packet))
        elif kind == CHANGE_CIPHER_SPEC and not self.handshake.is_tls_1_3:
            return self.change(sender)
        return 0

    def change(self, sender: TlsSender) -> int:
        """Go on with the keys that were agreed on, RFC 5246 §7.1; return 1 to let go."""
        handshake = self.handshake
        sender.ciphered = True
        sender.opener = None
        if handshake.is_decided:
            # A server that resumes says nothing between its hello and this.
            has_certificate = self.senders[1 - handshake.client_side].has_certificate
            handshake.resumes(has_certificate)
            if not has_certificate:
                handshake.resume()
        if sender.begin_agreed():
            return 0
        return int(handshake.is_decided)

    def drain(self) -> int:
        """Read the records that waited for hellos, as far as may be; return 1 to let go."""
        if self.is_draining:
            # They are being read; what was agreed on meanwhile is seen there.
            return 0
        self.is_draining = True
        done = 0
        while not done and self.waiting and any(map(self.may_drain, self.senders)):
            done = self.drain_once()
        self.is_draining = False
        return done

    def may_drain(self, sender: TlsSender) -> bool:
        """Say whether records of a side need not wait any longer, and some do."""
        may = self.handshake.is_decided or sender.opener is not None or bool(sender.agreed)
        return may and any(record[0] == sender.side for record in self.waiting)

    def drain_once(self) -> int:
        """Read each record that waited; of a side none before an earlier one that still waits."""
        waiting, self.waiting, self.waiting_bytes = self.waiting, [], 0
        blocked: set[int] = set()
        for record in waiting:
            sender = self.senders[record[0]]
            if sender.side in blocked or not self.may_read(sender):
                self.waiting.append(record)
                self.waiting_bytes += len(record[2]) + OVERHEAD
            elif self.record(sender, *record[1:]):
                return 1
            if self.waiting and self.waiting[-1] is record:
                blocked.add(sender.side)
        return 0

    def may_read(self, sender: TlsSender) -> bool:
        """Say whether a record of a side need not wait, and go on to the keys it is due."""
        handshake = self.handshake
        if sender.ciphered and sender.opener is None and not handshake.is_tls_1_3:
            self.change(sender)
        return handshake.is_decided or sender.opener is not None

    def opened(
        self, sender: TlsSender, kind: int, content: bytes, time: int, packet: int, ordinal: int
    ) -> int:
        """Take what was in a record; return 1 to let go."""
        stop = len(content)
        if self.handshake.is_tls_1_3:
            stop = len(content.rstrip(b"\0")) - 1 if content[-1] == 0 else stop - 1
            if stop < 0:
                return 0
            kind = content[stop]
        facts = self.handshake.facts
        facts.records += 1
        if not facts.decrypted:
            self.handshake.has_opened()
        if sender.lost or sender.missed:
            sender.messages.forget()
            missing = self.missing(sender, kind, content)
            if self.inner is not None and missing:
                self.is_done = self.inner.gap(sender.side, missing, time, packet, ordinal)
                if self.is_done:
                    return 1
        if kind == APPLICATION_DATA:
            if stop == 0:
                return 0
            layer = self.inner if self.inner is not None else self.within()
            inside = Buffer(content)
            self.is_done = layer.data(sender.side, inside, 0, stop, time, packet, ordinal)
            return self.is_done
        if kind == HANDSHAKE:
            updates = False
            for message, body in sender.messages.read(content[:stop]):
                if message == KEY_UPDATE:
                    updates = True
                    self.tell(sender, HANDSHAKE, message, body, (time, packet))
                elif self.message(sender, message, body, (time, packet)):
                    return 1
            if updates:
                # It is the last message of its record (RFC 8446 §5.1): there are no two in one.
                sender.update()
            return self.drain() if self.waiting else 0
        if kind == ALERT:
            self.handshake.alert(sender.side, content[:stop], (time, packet))
        elif kind == CHANGE_CIPHER_SPEC and not self.handshake.is_tls_1_3:
            return self.change(sender)
        return 0

    def missing(self, sender: TlsSender, kind: int, content: bytes) -> int:
        """Return how many bytes are missing inside before a record, as `found_again` has them."""
        handshake = self.handshake
        is_server = handshake.is_server(sender.side)
        missing = sender.found_again(early=handshake.may_have_early and not is_server)
        if sender.skipped != 1 or sender.greeted or is_server:
            return missing
        follows = kind == HANDSHAKE and content[:1] in CLIENT_GOES_ON
        if not handshake.is_tls_1_3 and (follows or kind == CHANGE_CIPHER_SPEC):
            # The one record that is missing was the hello of a renegotiation.
            return 0
        return missing

    def within(self) -> Layer:
        """Return the layer that reads what is inside."""
        if self.inner is None:
            handshake = self.handshake
            route = self.route.within(handshake.facts, midstream=handshake.begins_late)
            self.inner = (
                self.inside(route, handshake.client_side) if self.inside is not None else Layer()
            )
        return self.inner

    def unopened(self, sender: TlsSender, length: int) -> int:
        """Pass over a record that does not authenticate; return 1 to let go."""
        self.handshake.facts.bad_records += 1
        sender.miss(HEADER + length)
        return self.give_up() if sender.is_tired else 0

    def give_up(self) -> int:
        """Say why no more records are tried; return 1."""
        if self.handshake.facts.decrypted:
            # Without the hellos of a renegotiation it is no wonder.
            self.handshake.goes_on = True
            if self.handshake.is_decided:
                self.handshake.say("from some record on none authenticates")
        return 1

    def message(self, sender: TlsSender, kind: int, body: bytes, place: tuple[int, int]) -> int:
        """Read a handshake message; return 1 to let go."""
        handshake = self.handshake
        self.tell(sender, HANDSHAKE, kind, body, place)
        handshake.hears(kind, body)
        if kind == CLIENT_HELLO:
            sender.greeted = True
            handshake.client_hello(sender.side, body)
            return self.decide()
        if kind == SERVER_HELLO:
            sender.has_certificate = False
            protected = sender.ciphered and sender.opened > 0
            handshake.server_hello(sender.side, body, place, protected=protected)
            return self.decide()
        if kind == CLIENT_KEY_EXCHANGE:
            handshake.client_key_exchange(body)
        elif kind == END_OF_EARLY_DATA:
            sender.advance()
        elif kind == FINISHED and handshake.is_tls_1_3:
            self.finished(sender)
        elif kind == ENCRYPTED_EXTENSIONS:
            handshake.encrypted_extensions(body)
        elif handshake.is_server(sender.side):
            if kind == NEW_SESSION_TICKET and not handshake.is_tls_1_3:
                handshake.ticket(body)
            sender.has_certificate |= kind in (CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE)
            if kind == CERTIFICATE:
                handshake.certificate(body, place)
            if kind == SERVER_HELLO_DONE and handshake.is_closed:
                # Nothing more is to be read without secrets.
                handshake.resumes(has_certificate=True)
                return 1
        return 0

    def finished(self, sender: TlsSender) -> None:
        """Go on to the secrets of application data, RFC 8446 §4.4.4."""
        if sender.epochs and not sender.epochs[-1].is_application:
            # A program had not logged it yet when the handshake began.
            sender.epochs += self.handshake.application_epochs(sender.side)
        while len(sender.epochs) > 1 and not sender.epochs[0].is_application:
            sender.advance()

    def decide(self) -> int:
        """Make keys where both hellos are there; return 1 to let go."""
        handshake = self.handshake
        if not handshake.maybe_decide():
            return 0
        for sender in self.senders:
            if handshake.is_tls_1_3:
                sender.begin_epochs(handshake.epochs(sender.side))
        if not handshake.is_closed:
            return 0
        # What the certificate says is in the clear before TLS 1.3.
        return int(handshake.is_tls_1_3 or not handshake.is_kept)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Go on behind missing bytes: where the record they are in ends, is often known."""
        sender = self.senders[side]
        if length < 0 or not sender.passes(length):
            self.lose(sender, length)
        return 0

    def lose(self, sender: TlsSender, length: int) -> None:
        """Look for the next record behind missing bytes; the keys to be may have come before it.

        Where `length` is negative, at most so many are missing.
        """
        sender.lose(length)
        if sender.opener is None:
            sender.begin_agreed()

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Hand on."""
        sender = self.senders[side]
        if sender.ended is None:
            sender.ended = how
        if self.inner is None:
            return 0
        self.is_done = self.inner.end(side, how, time, packet)
        return self.is_done

    def finish(self, evicted: int) -> int:
        """Let the layer within end, too."""
        if self.is_over:
            return 0
        self.is_over = True
        if self.handshake.is_waiting:
            self.is_done = self.wait_no_more()
        self.recorder.held -= self.counted
        self.counted = 0
        self.handshake.facts.records += self.records
        self.records = 0
        self.handshake.finish()
        if self.inner is None or self.is_done:
            return 0
        return self.inner.finish(evicted)

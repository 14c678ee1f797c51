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
from wsanalyze.layers.tls_blind import RECORDS
from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_lane import TlsLine
from wsanalyze.layers.tls_recovery import (
    give_up,
    maybe_content,
    missing_before,
    pass_over,
    recover,
    waits_for_server,
)
from wsanalyze.layers.tls_sender import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    LONGEST,
    TlsSender,
    is_header,
    is_hello,
)
from wsanalyze.layers.tls_shut import has_no_key, missing_at_end, opened_again, seal, settle, shut
from wsanalyze.layers.tls_steps import alert, change, decide, forged, still_sealed, take_message
from wsanalyze.layers.tls_waiting import Held, Waiting
from wsanalyze.tls.messages import KEY_UPDATE
from wsanalyze.transport.conversation import Conversation

SPOKE_TLS = 3


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
        self.waiting = Waiting(self.handshake)
        self.counted = 0
        self.is_over = False
        for sender in self.senders:
            if missing[sender.side]:
                self.lose(sender, missing[sender.side])
        conversation.spoke = SPOKE_TLS

    def read(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Read the records that are whole with these bytes, whatever they are."""
        if self.is_over:
            return 1
        sender = self.senders[side]
        if sender.shut:
            sender.sent += stop - start
            return self.pass_sealed(sender, stop - start, time, packet, ordinal)
        data = buffer.copy(start, stop)
        if sender.seeking and not sender.sent and is_hello(data):
            sender.begin_at_hello()
        sender.sent += len(data)
        content = None if sender.pending else sender.open_alone(data)
        if content is not None:
            self.show(sender, (data[:HEADER], data[HEADER:], content), time, packet)
            done = self.opened(sender, APPLICATION_DATA, content, time, packet, ordinal)
        else:
            done = self.cut(sender, data, time, packet, ordinal)
        if done:
            done = self.leave(sender, 0, time, packet, ordinal)
        keeps = self.counted or sender.pending or sender.messages.data
        keeps = keeps or len(self.waiting) or self.handshake.held
        if done or (keeps and self.overfull()):
            # Nobody will call again.
            self.finish(1)
            return 1
        sender.settle()
        self.is_1_3 = self.handshake.is_tls_1_3
        # Where records are kept to be shown, each goes the long way.
        short = self.recorder.streams is None and not (keeps and self.counted)
        self.flows = short and self.inner is not None
        return 0

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = self.waiting.size + self.handshake.held
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
            if sender.shut:
                return self.pass_sealed(sender, stop - at, time, packet, ordinal)
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
                    return self.leave(sender, stop - at, time, packet, ordinal)
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
                return self.leave(sender, stop - at, time, packet, ordinal)
        return 0

    def astray(self, sender: TlsSender) -> int:
        """Look for the next record where there is none; return 1 to let go."""
        handshake = self.handshake
        handshake.say("bytes that are no TLS record")
        blind = handshake.client is None and handshake.server is None and handshake.misses_hello
        if not (sender.opened or blind):
            return 1
        sender.seeking = sender.strayed = True
        sender.needed = HEADER
        return 0

    def seek(self, sender: TlsSender, time: int, packet: int, ordinal: int) -> int:
        """Look for a record that opens among the bytes that are pending, and go on behind it."""
        handshake = self.handshake
        while (candidate := sender.maybe_candidate(handshake.version)) is not None:
            header, body = candidate
            if sender.opener is None and not recover(self.handshake, sender, header, body):
                if waits_for_server(handshake, sender, header):
                    rest = sender.go_on(HEADER + len(body))
                    if self.hold((sender.side, header, body, time, packet, ordinal)):
                        return 1
                    return self.cut(sender, rest, time, packet, ordinal)
                if handshake.misses_hello and sender.tried_blind < RECORDS:
                    sender.looked = 1
                    continue
                if has_no_key(handshake, sender):
                    return self.shut(sender, len(sender.pending), time, packet, ordinal)
                # Whether it is one, is not to be known without keys.
                handshake.goes_on = True
                return 1
            if len(self.waiting) and self.drain():
                return 1
            content = maybe_content(self.handshake, sender, header, body)
            if content is None:
                if sender.is_tired:
                    give_up(self.handshake, sender)
                    return self.shut(sender, len(sender.pending), time, packet, ordinal)
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
        if sender.shut:
            # It waited while the keys of its side came to their end.
            return self.pass_sealed(sender, HEADER + len(body), time, packet, ordinal)
        kind = header[0]
        ciphered = sender.ciphered and not self.handshake.is_tls_1_3
        if not (ciphered or kind == APPLICATION_DATA):
            return self.plain(sender, kind, bytes(body), time, packet, ordinal)
        if sender.opener is None:
            return self.hold((sender.side, header, bytes(body), time, packet, ordinal))
        content = maybe_content(self.handshake, sender, header, body)
        if content is None:
            if sender.is_sure:
                forged(self.handshake, sender, time, packet)
            elif sender.lacks_application and sender.torn:
                # Its Finished may be missing, behind which there is no key.
                self.handshake.lacks_key(sender.side)
            if sender.misfits:
                self.keep_sealed(sender, HEADER + len(body), (time, packet, ordinal))
            if pass_over(self.handshake, sender, len(body)):
                return self.shut(sender, 0, time, packet, ordinal)
            return self.tell_sealed(time, packet, ordinal) if sender.untold else 0
        self.show(sender, (header, body, content), time, packet)
        return self.opened(sender, kind, content, time, packet, ordinal)

    def show(
        self,
        sender: TlsSender,
        record: tuple[bytes, bytes | memoryview, bytes],
        time: int,
        packet: int,
    ) -> None:
        """Let a record with application data be kept: header, body, and what was in it."""
        streams, (header, _, content) = self.recorder.streams, record
        if streams is None or header[0] != APPLICATION_DATA:
            return
        if self.handshake.is_tls_1_3 and content.rstrip(b"\0")[-1:] != bytes((APPLICATION_DATA,)):
            return
        place = (time, packet)
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

    def heard(self, sender: TlsSender, kind: int, body: bytes, place: tuple[int, int]) -> int:
        """Read a handshake message; return 1 to let go."""
        self.tell(sender, HANDSHAKE, kind, body, place)
        return take_message(self.handshake, sender, kind, body, place)

    def hold(self, record: Held) -> int:
        """Keep a record that came before the hellos of both sides; return 1 to let go."""
        if self.handshake.is_decided:
            sender, place = self.senders[record[0]], record[3:]
            if self.handshake.is_closed and not self.goes_on_within:
                return still_sealed(self.handshake, record[0], len(record[2]))
            if self.handshake.is_closed or has_no_key(self.handshake, sender):
                # What the other side sends may be read on: with its secrets, or with keys of before
                # a renegotiation, until it changes them.
                length = HEADER + len(record[2]) + len(sender.pending)
                return self.shut(sender, length, *place)
            return int(pass_over(self.handshake, sender, len(record[2])))
        self.handshake.goes_on = True
        if self.handshake.is_waiting:
            return self.wait(record)
        if recover(self.handshake, self.senders[record[0]], record[1], record[2]):
            return self.drain() or self.record(self.senders[record[0]], *record[1:])
        self.waiting.keep(record)
        if self.waiting.size <= self.recorder.limits.held:
            return 0
        self.recorder.reach("held")
        return 1

    def wait(self, record: Held) -> int:
        """Keep a record until its secret comes, or too many have come without; 1 to let go.

        It is asked for with the first record, the second, the fourth, the eighth and so on. A key
        log is some milliseconds late where its program runs, a block in pcapng a few packets. Who
        follows packets as they come asks besides (`Secrets.waiting`).
        """
        limits = self.recorder.limits
        self.waiting.keep(record)
        self.recorder.secrets.waiting.add(self)
        count = len(self.waiting)
        if self.waiting.size > limits.held or self.recorder.held > limits.held_total // 2:
            return self.wait_no_more()
        return 0 if count & (count - 1) else self.ask()

    def ask(self) -> int:
        """Look whether the secret that records wait for has come; return 1 to let go."""
        newest = self.waiting.newest
        done = decide(self.handshake) or self.drain()
        if done and newest is not None:
            done = self.leave(self.senders[newest[0]], 0, *newest[3:])
        if not self.handshake.is_waiting:
            self.recorder.secrets.waiting.discard(self)
        return done

    def wait_no_more(self) -> int:
        """Read what waited for a secret, or say that there is none; return 1 to let go."""
        self.handshake.has_waited = True
        return self.ask()

    def plain(
        self, sender: TlsSender, kind: int, content: bytes, time: int, packet: int, ordinal: int
    ) -> int:
        """Read a record that is not protected; return 1 to let go."""
        if self.handshake.is_tls_1_3 and sender.opened and kind != CHANGE_CIPHER_SPEC:
            # Whoever has keys uses them (RFC 8446 §5.1): anybody may have sent this.
            self.handshake.facts.bad_records += 1
            forged(self.handshake, sender, time, packet)
            return 0
        if kind == CHANGE_CIPHER_SPEC:
            self.tell(sender, kind, 0, content, (time, packet))
        if kind == HANDSHAKE:
            for message, body in sender.messages.read(content):
                if self.heard(sender, message, body, (time, packet)):
                    return 1
            if sender.messages.lost:
                self.handshake.say("a handshake message that is longer than any")
                return 1
            return self.drain()
        if kind == ALERT:
            alert(self.handshake, sender, content, (time, packet))
        elif kind == CHANGE_CIPHER_SPEC and not self.handshake.is_tls_1_3:
            return change(self.handshake, sender)
        return 0

    def drain(self) -> int:
        """Read the records that waited, as far as may be; return 1 to let go."""
        done = self.waiting.drain(self.record)
        while not done and self.inner is not None and self.waiting.ends:
            done = self.is_done = self.inner.end(*self.waiting.ends.pop(0))
        return done

    def opened(
        self, sender: TlsSender, kind: int, content: bytes, time: int, packet: int, ordinal: int
    ) -> int:
        """Take what was in a record; return 1 to let go."""
        stop = len(content)
        if self.handshake.is_tls_1_3:
            if content[-1] == 0:
                sender.padded = True
                content = content.rstrip(b"\0")
            stop = len(content) - 1
            if stop < 0:
                return 0
            kind = content[stop]
        facts = self.handshake.facts
        facts.records += 1
        if not facts.decrypted:
            self.handshake.has_opened()
        if sender.lost or sender.missed:
            sender.messages.forget()
            missing = missing_before(self.handshake, sender, kind, content)
            missing = opened_again(self.handshake, sender, missing)
            if self.inner is not None and missing:
                self.is_done = self.inner.gap(sender.side, missing, time, packet, ordinal)
                if self.is_done:
                    return 1
        if kind == APPLICATION_DATA:
            if stop == 0:
                return 0
            layer = self.inner
            if layer is None:
                layer = self.within()
                if self.tell_sealed(time, packet, ordinal):
                    return 1
            inside = Buffer(content)
            self.is_done = layer.data(sender.side, inside, 0, stop, time, packet, ordinal)
            return self.is_done
        if kind == HANDSHAKE:
            updates = False
            for message, body in sender.messages.read(content[:stop]):
                if message == KEY_UPDATE:
                    updates = True
                    self.tell(sender, HANDSHAKE, message, body, (time, packet))
                elif self.heard(sender, message, body, (time, packet)):
                    return 1
            if updates:
                # It is the last message of its record (RFC 8446 §5.1): there are no two in one.
                sender.update()
            return self.drain() if len(self.waiting) else 0
        if kind == ALERT:
            alert(self.handshake, sender, content[:stop], (time, packet))
        elif kind == CHANGE_CIPHER_SPEC and not self.handshake.is_tls_1_3:
            return change(self.handshake, sender)
        return 0

    def within(self) -> Layer:
        """Return the layer that reads what is inside."""
        if self.inner is None:
            handshake = self.handshake
            handshake.has_read()
            route = self.route.within(handshake.facts, midstream=handshake.begins_late)
            self.inner = (
                self.inside(route, handshake.client_side) if self.inside is not None else Layer()
            )
        return self.inner

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Go on behind missing bytes: where the record they are in ends, is often known."""
        sender = self.senders[side]
        if sender.shut:
            sender.untold += abs(length)
            return self.tell_sealed(time, packet, ordinal)
        if length < 0 or not sender.passes(length):
            self.lose(sender, length)
        return 0

    @property
    def goes_on_within(self) -> bool:
        """Whether a layer within has read something, and is to hear how it goes on."""
        return self.inner is not None and not self.is_done

    def leave(self, sender: TlsSender, length: int, time: int, packet: int, ordinal: int) -> int:
        """Read no further, of a side from so many bytes on; return 1 to let go."""
        return self.close(sender, length, time, packet, ordinal) if self.goes_on_within else 1

    def close(self, sender: TlsSender, length: int, time: int, packet: int, ordinal: int) -> int:
        """Pass over both sides from here on, of one so many bytes more; return 1 to let go.

        What is within goes on, closed to us: how it ends, TCP tells.
        """
        for each in self.senders:
            more = length if each is sender else 0
            more += len(each.pending) + self.waiting.length(each.side)
            if not each.shut:
                shut(self.handshake, each)
            seal(self.handshake, each, more)
            self.keep_sealed(each, more, (time, packet, ordinal))
        self.waiting.forget()
        return self.tell_sealed(time, packet, ordinal)

    def shut(self, sender: TlsSender, length: int, time: int, packet: int, ordinal: int) -> int:
        """Pass over a side from so many bytes on that did not open; return 1 to let go."""
        if shut(self.handshake, sender):
            seal(self.handshake, sender, length)
            self.keep_sealed(sender, length, (time, packet, ordinal))
            return self.leave(sender, 0, time, packet, ordinal)
        return self.pass_sealed(sender, length, time, packet, ordinal)

    def pass_sealed(
        self, sender: TlsSender, length: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Pass over bytes for which there is no key; return 1 to let go."""
        seal(self.handshake, sender, length)
        self.keep_sealed(sender, length, (time, packet, ordinal))
        return self.tell_sealed(time, packet, ordinal)

    def keep_sealed(self, sender: TlsSender, length: int, place: tuple[int, int, int]) -> None:
        """Let it be kept where so many bytes came that do not open, where somebody keeps that."""
        streams = self.recorder.streams
        if streams is not None and length:
            random = self.handshake.facts.client_random
            streams.seal(self.conversation.index, random, sender.side, place, length)

    def tell_sealed(self, time: int, packet: int, ordinal: int) -> int:
        """Let the layer within know of at most how many bytes it does not see; 1 to let go."""
        for sender in self.senders:
            if self.inner is None or self.is_done or not sender.untold:
                continue
            untold, sender.untold = sender.untold, 0
            self.is_done = self.inner.gap(sender.side, -untold, time, packet, ordinal)
        return self.is_done

    def lose(self, sender: TlsSender, length: int) -> None:
        """Look for the next record behind missing bytes; the keys to be may have come before it.

        Where `length` is negative, at most so many are missing.
        """
        sender.lose(length)
        if sender.opener is None:
            sender.begin_agreed()

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Hand on."""
        if self.inner is None:
            self.handshake.ended(side, how)
            self.waiting.end(side, how, time, packet)
            return 0
        if self.tell_missing(side, time, packet, packet):
            return 1
        self.is_done = self.inner.end(side, how, time, packet)
        return self.is_done

    def tell_missing(self, side: int, time: int, packet: int, ordinal: int) -> int:
        """Let the layer within know of what is missing at the end of a side; 1 to let go."""
        missing = missing_at_end(self.handshake, self.senders[side])
        if missing and self.inner is not None and not self.is_done:
            self.is_done = self.inner.gap(side, -missing, time, packet, ordinal)
        return self.is_done

    def finish(self, evicted: int) -> int:
        """Let the layer within end, too."""
        if self.is_over:
            return 0
        self.is_over = True
        if self.handshake.is_waiting:
            # Whether this lets go says nothing of the layer within, which is to end.
            self.wait_no_more()
        self.recorder.secrets.waiting.discard(self)
        self.recorder.held -= self.counted
        self.counted = 0
        self.flows = False
        self.handshake.facts.records += self.records
        self.records = 0
        for side in (0, 1):
            last = self.conversation
            self.tell_missing(side, last.last_time, last.last_packet, last.last_ordinal)
        settle(self.handshake)
        self.handshake.finish(was_read=self.inner is not None)
        if self.inner is None or self.is_done:
            return 0
        return self.inner.finish(evicted)

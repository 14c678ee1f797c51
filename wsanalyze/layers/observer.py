# cython: language_level=3, wraparound=False, initializedcheck=False
"""Notices what checks want to know of a session while its frames are read."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace

from wsanalyze.buffer import Buffer
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.watch import Keyring, Watch
from wsanalyze.layers.writing import Writing
from wsanalyze.observation import KEPT_EVENTS, Event, Hole, Observation
from wsanalyze.websocket.deflate import MOST_FINAL_BLOCKS
from wsanalyze.websocket.frames import FrameReader
from wsanalyze.websocket.messages import MessageReader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.glance import glance_at, is_telling
    from wsanalyze.layers.watch import NEVER, PAUSE

# What is looked into of a message: secrets and banners stand at its beginning.
LOOK = 4096
# Messages of each side that are looked into whatever they hold.
ALWAYS = 2

# A frame from this length on may be remarkable (64 KiB is what length forms below 127 end at).
LARGE = 65536
NOTED = 1 << 20
# A message that inflates to a megabyte or more, and to so many times its size, is.
NOTED_RATIO = 50

# Fragments of a message, and bytes in each on average, from which they are many and small.
MANY = 64
SMALL = 8

# What is known of the order of frames while none is missing. Nobody writes to it.
NONE: array[int] = array("q")

HOLES = 16
# Frames behind a hole whose numbers can still be told: eight bytes each.
MOST_LATE = 1 << 20

# Bodies that most Close frames have: none, 1000 and 1001.
USUAL_CLOSES = (b"", b"\x03\xe8", b"\x03\xe9")

REQUEST_LINES = (b"GET /", b"POST ", b"HEAD ", b"PUT /", b"DELET", b"OPTIO", b"CONNE", b"TRACE")

# payload, opcode, suspicious → kinds of events, each with a value and the bytes that say so.
Inspector = Callable[[bytes, int, bool], Iterable[tuple[str, int, bytes]]]


@cython.final
@cython.cclass
class Observer:
    """Writes what it notices of one session to `observation`.

    - `strict`: whether frames are those of RFC 6455; `owned`: an extension that is not known may
      own reserved bits
    - `longest`: the longest silence so far, in ns, at first what is none yet
    - `written`: HTTP in the place of frames, by who writes it
    - `late`: frames of one side were lost, so that frames are read in another order than they are
      numbered; `client_orders`, `server_orders`: since then, the place of each in the order of
      reading; `…_offsets`: where it begins in its sender's stream; `…_reads`: how many frames of
      both had been read by then; `…_before`: how many were before
    """

    def __init__(
        self, observation: Observation, inspect: Inspector | None, memory: Keyring
    ) -> None:
        self.observation = observation
        self.inspect = inspect
        self.client = Watch(0, memory)
        self.server = Watch(1, memory)
        self.strict = True
        self.owned = False
        self.longest = PAUSE
        self.written: dict[int, Writing] = {}
        self.late = False
        self.client_orders = self.server_orders = NONE
        self.client_offsets = self.server_offsets = NONE
        self.client_reads = self.server_reads = NONE
        self.client_before = self.server_before = 0
        self.end_time = NEVER

    def watch(self, role: cython.int) -> Watch:
        """Return what is noticed of the client (0) or the server (1)."""
        return self.server if role else self.client

    def latest(self) -> cython.longlong:
        """Return the latest time of any frame, NEVER where there was none."""
        client: cython.longlong = self.client.latest
        return client if client > self.server.latest else self.server.latest

    def frame(self, sender: Sender, number: cython.longlong, deflate: cython.bint) -> cython.int:
        """Take note of the header that was just read, the `number`th of both sides, from 0."""
        reader: FrameReader = sender.reader
        watch: Watch = self.server if sender.role else self.client
        before: cython.longlong = self.latest()
        watch.number = self.numbered(sender, sender.frame_offset) if self.late else number
        watch.time = sender.time
        watch.packet = sender.packet
        watch.head = reader.head
        watch.second = reader.second
        watch.header_length = reader.header_length
        watch.length = reader.length
        watch.key = reader.key if reader.masked else -1
        watch.certain = sender.confidence == 0
        if watch.first is None:
            watch.first = watch.event("first")
        if before != NEVER and sender.time - before > self.longest:
            self.longest = sender.time - before
            self.observation.longest_silence_ns = self.longest
            self.observation.longest_silence_before = watch.event("silence")
        if sender.time > watch.latest:
            watch.latest = sender.time
        if reader.length >= LARGE and reader.length > watch.largest_length:
            watch.largest_length = reader.length
            watch.largest = watch.event("large")
        if reader.masked:
            watch.masked_with(reader.key)
        if self.strict:
            self.header(sender, watch, reader.head & 15, deflate)
            self.sequence(sender, watch, reader.head & 15)
        if reader.head & 15 == 1 or reader.head & 15 == 2:
            self.begin_message(watch)
        return 0

    def begin_message(self, watch: Watch) -> cython.int:
        """Take note of the first frame of a message."""
        watch.unsure = False
        watch.message_number = watch.number
        watch.message_time = watch.time
        watch.message_packet = watch.packet
        watch.message_length = watch.length
        watch.message_head = watch.head
        watch.message_second = watch.second
        watch.message_header_length = watch.header_length
        watch.message_key = watch.key
        watch.message_certain = watch.certain
        return 0

    def header(
        self, sender: Sender, watch: Watch, opcode: cython.int, deflate: cython.bint
    ) -> cython.int:
        """Look at the header's bits and length (RFC 6455 §5.1, §5.2, §5.5)."""
        reader: FrameReader = sender.reader
        rsv: cython.int = reader.head >> 4 & 7
        coded: cython.int = reader.header_length - 2 - 4 * reader.masked
        if reader.masked == sender.role:
            self.note("masked" if sender.role else "unmasked", watch)
        if rsv and not self.owned:
            self.reserved(watch, rsv, opcode, deflate)
        if opcode & 7 > 2:
            self.note("opcode", watch)
        if (coded == 2 and reader.length < 126) or (coded == 8 and reader.length < 65536):
            self.note("length-form", watch, b"", coded)
        if reader.length >> 63:
            self.note("length-top-bit", watch)
        if opcode & 8:
            if reader.length > 125:
                self.note("control-length", watch)
            if not reader.head & 0x80:
                self.note("control-fragment", watch)
        elif opcode == 0 or not reader.head & 0x80:
            watch.fragments += 1
            if reader.length == 0:
                self.note("empty-data", watch)
        if opcode & 8 == 0 and reader.length == 0:
            watch.empty_frames += 1
        return 0

    def reserved(
        self, watch: Watch, rsv: cython.int, opcode: cython.int, deflate: cython.bint
    ) -> cython.int:
        """Look at reserved bits: RSV1 belongs to permessage-deflate (RFC 7692 §6)."""
        if rsv & 3 or not deflate:
            self.note("rsv", watch, b"", rsv)
        if rsv & 4 and deflate:
            if opcode == 0:
                self.note("rsv1-continuation", watch)
            elif opcode & 8:
                self.note("rsv1-control", watch)
        return 0

    def sequence(self, sender: Sender, watch: Watch, opcode: cython.int) -> cython.int:
        """Look at what came before: fragmentation (RFC 6455 §5.4), the Close (§5.5.1)."""
        is_open: cython.int = sender.message.open
        if opcode & 8:
            if is_open:
                watch.interleaved += 1
                self.note("interleaved", watch, b"", 0, watch.message_event("first"))
            if sender.closed and opcode == 8:
                self.note("close-again", watch, b"", 0, watch.close)
            elif sender.closed and opcode == 9:
                self.note("ping-after-close", watch, b"", 0, watch.close)
            return 0
        if sender.closed:
            self.note("data-after-close", watch, b"", 0, watch.close)
        if opcode == 0 and not is_open and not watch.unsure:
            self.note("no-message", watch)
        elif (opcode == 1 or opcode == 2) and is_open:
            self.note("interrupted", watch, b"", 0, watch.message_event("first"))
        return 0

    def note(
        self,
        kind: str,
        watch: Watch,
        payload: bytes = b"",
        value: cython.longlong = 0,
        other: Event | None = None,
    ) -> cython.int:
        """Record an event about a side's last frame."""
        if self.is_due(kind, watch):
            event = watch.event(kind, payload, value)
            self.observation.events.append(event if other is None else replace(event, other=other))
        return 0

    def note_message(
        self,
        kind: str,
        watch: Watch,
        payload: bytes = b"",
        value: cython.longlong = 0,
        part: cython.longlong = 0,
    ) -> cython.int:
        """Record an event about the message that a side has begun or just ended."""
        if self.is_due(kind, watch):
            event = watch.message_event(kind, payload, value)
            self.observation.events.append(replace(event, part=part) if part else event)
        return 0

    def is_due(self, kind: str, watch: Watch) -> cython.bint:
        """Count an event; say whether it is one of those that are kept."""
        counts: dict[tuple[str, str], int] = self.observation.counts
        place = (kind, "server" if watch.role else "client")
        count = counts.get(place, 0) + 1
        counts[place] = count
        return count <= KEPT_EVENTS

    def numbered(self, sender: Sender, offset: cython.longlong) -> cython.longlong:
        """Take note of where a frame at `offset` stands; return its mark, see `number`."""
        orders = self.server_orders if sender.role else self.client_orders
        offsets = self.server_offsets if sender.role else self.client_offsets
        before: cython.longlong = self.server_before if sender.role else self.client_before
        mark: cython.longlong = -2 - ((before + len(orders)) * 2 + sender.role)
        if len(self.client_orders) + len(self.server_orders) >= MOST_LATE:
            return -1
        reads = self.server_reads if sender.role else self.client_reads
        reads.append(len(self.client_orders) + len(self.server_orders))
        orders.append(sender.ordinal)
        offsets.append(offset)
        return mark

    def number(self, mark: int) -> int | None:
        """Return the number in the table `frames` of a frame that was numbered or marked."""
        if mark >= 0:
            return mark
        if mark == -1:
            return None
        own, role = divmod(-2 - mark, 2)
        mine = (self.client_orders, self.client_offsets, self.client_reads)
        others = (self.server_orders, self.server_offsets, self.server_reads)
        before, others_before = self.client_before, self.server_before
        if role:
            mine, others = others, mine
            before, others_before = others_before, before
        order, offset, read = (column[own - before] for column in mine)
        low, high = bisect_left(others[0], order), bisect_right(others[0], order)
        # What the same packet made readable of both sides is in order of its offset.
        place = bisect_left(others[1], offset, low, high)
        if place < high and others[1][place] == offset and others[2][place] < read:
            place += 1
        return int(own + others_before + place)

    def lost(self, sender: Sender, other: Sender) -> cython.int:
        """Learn that frames of a side are missing: others will be found out of their order."""
        watch: Watch = self.server if sender.role else self.client
        watch.unsure = True
        return self.disorder(sender, other)

    def disorder(self, sender: Sender, other: Sender) -> cython.int:
        """Learn that from here on frames are read in another order than they are numbered."""
        # Frames that are numbered otherwise than they are read are noted one by one.
        self.client.short = self.server.short = False
        if not self.late:
            self.late = True
            self.client_orders, self.server_orders = array("q"), array("q")
            self.client_offsets, self.server_offsets = array("q"), array("q")
            self.client_reads, self.server_reads = array("q"), array("q")
            self.client_before = other.frames if sender.role else sender.frames
            self.server_before = sender.frames if sender.role else other.frames
        return 0

    def hole(
        self,
        sender: Sender,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.int:
        """Take note of missing bytes at the place where a side's stream stands."""
        holes: list[Hole] = self.observation.holes
        if length > 0 and len(holes) < HOLES:
            end = "server" if sender.role else "client"
            holes.append(Hole(end, sender.offset, length, time, packet))
        return 0

    def stalled(self, sender: Sender) -> cython.int:
        """Take note of a long pause within a frame."""
        if sender.role:
            self.observation.server_stalls += 1
        else:
            self.observation.client_stalls += 1
        return 0

    def wire(self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Look at payload bytes of a client's frame that spell a method of HTTP on the wire."""
        if buffer.copy(start, start + 5) in REQUEST_LINES:
            upto = stop if stop - start < 64 else start + 64
            self.note("http-on-wire", self.client, buffer.copy(start, upto))
        return 0

    def control(self, sender: Sender) -> cython.int:
        """Take note of a control frame that is over, its payload in `sender.control`."""
        watch: Watch = self.server if sender.role else self.client
        other: Watch = self.client if sender.role else self.server
        opcode: cython.int = sender.reader.head & 15
        if opcode == 8:
            watch.short = False
            if watch.close is None:
                watch.close = watch.event("close", bytes(sender.control))
                if other.first is not None:
                    watch.before_close = other.latest_event("before-close")
        elif opcode == 9:
            watch.pinged(bytes(sender.control))
        elif opcode == 10:
            self.pong(watch, other, bytes(sender.control), sender.broken)
        return 0

    def pong(self, watch: Watch, other: Watch, payload: bytes, broken: cython.int) -> cython.int:
        """Find the Ping that a Pong answers (RFC 6455 §5.5.3)."""
        if other.answered(payload, watch.time):
            return 0
        if other.waiting and self.strict and not broken:
            self.note("pong-mismatched", watch, payload, 0, other.ping_event())
            return 0
        watch.unsolicited += 1
        if watch.pong_at != NEVER:
            watch.pong_only_ns.add(watch.time - watch.pong_at)
        watch.pong_at = watch.time
        return 0

    def message(self, sender: Sender) -> cython.int:
        """Take note of a message that has just ended, whole or not."""
        watch: Watch = self.server if sender.role else self.client
        other: Watch = self.client if sender.role else self.server
        message: MessageReader = sender.message
        heard: cython.longlong = other.time if other.first is not None else NEVER
        watch.message(watch.message_time, message.wire_length, heard)
        if message.frames > MANY and message.wire_length < SMALL * message.frames:
            self.note_message("tiny-fragments", watch, b"", message.wire_length, message.frames)
        if message.utf8_valid == 0:
            self.note_message(
                "not-utf8", watch, message.wrong, message.utf8.wrong_at, message.wrong_frame
            )
        if message.compressed:
            watch.not_plain += 1
            self.compressed(watch, message)
        elif not message.complete:
            watch.not_plain += 1
        if self.inspect is not None and len(message.kept):
            self.look(watch, message)
        watch.short = (
            self.strict
            and not self.late
            and not sender.closed
            and (self.inspect is None or watch.looked >= ALWAYS)
        )
        return 0

    def compressed(self, watch: Watch, message: MessageReader) -> cython.int:
        """Take note of a message with RSV1 that has just ended (RFC 7692 §6.2)."""
        inflater = message.inflater
        if inflater is None or not message.whole:
            return 0
        if inflater.broken:
            if inflater.problem:
                self.note_message("not-inflated", watch, inflater.problem.encode())
            return 0
        if inflater.cut:
            if inflater.final_blocks > MOST_FINAL_BLOCKS:
                self.note_message("final-block", watch, b"", inflater.final_blocks)
            elif inflater.cut != "windows":
                self.note_message("inflate-cut", watch, b"", inflater.output_length)
            return 0
        if not message.complete:
            return 0
        watch.compressed += 1
        watch.compressed_wire += message.wire_length
        watch.compressed_length += message.length
        if inflater.resumed:
            self.note_message("inflated-again", watch)
        self.oddities(watch, message, inflater.final_blocks)
        if inflater.reached:
            self.note_message("context", watch, b"", inflater.reached)
        if inflater.distance:
            self.note_message("window", watch, b"", inflater.distance)
        return 0

    def oddities(
        self, watch: Watch, message: MessageReader, final_blocks: cython.longlong
    ) -> cython.int:
        """Take note of what is legal and rare about a compressed message that is complete."""
        wire: cython.longlong = message.wire_length
        if message.length >= NOTED and message.length > NOTED_RATIO * wire:
            self.note_message("inflate-ratio", watch, b"", message.length, wire)
        if message.length == 0 and wire != 1:
            self.note_message("empty-compressed", watch, b"", wire)
        elif 0 < message.length < wire:
            self.note_message("grew", watch, b"", message.length, wire)
        if final_blocks:
            self.note_message("final-block", watch, b"", final_blocks)
        return 0

    def look(self, watch: Watch, message: MessageReader) -> cython.int:
        """Let the beginning of a message be inspected, where it is due or looks suspicious.

        It is not where a quick look says that nothing will be found.
        """
        stop: cython.Py_ssize_t = len(message.kept) if len(message.kept) < LOOK else LOOK
        inspect = self.inspect
        if inspect is None:
            return 0
        suspicious: cython.bint = message.opcode == 1 and glance_at(message.kept, stop)
        if watch.looked < ALWAYS:
            watch.looked += 1
            if not suspicious and not is_telling(message.kept, message.opcode):
                return 0
        elif not suspicious:
            return 0
        found = inspect(bytes(message.kept[:stop]), message.opcode, suspicious)
        for kind, value, evidence in found:
            self.note_message(kind, watch, evidence, value)
        return 0

    def finish(self, client: Sender, server: Sender, invalid: cython.bint) -> None:
        """Write all to the observation: the session is over, and nothing has been ended yet.

        `invalid`: the handshake is void, so that no frames should have come.
        """
        observation = self.observation
        sender: Sender
        watch: Watch
        for sender in (client, server):
            watch = self.server if sender.role else self.client
            if self.strict and sender.in_frame and not sender.lost:
                self.note("cut", watch, b"", int(sender.captured))
            if self.strict and sender.message.open and not sender.lost:
                self.note_message("unfinished", watch, b"", sender.message.wire_length)
            if watch.largest is not None and watch.largest_length >= NOTED:
                self.is_due("large", watch)
                observation.events.append(watch.largest)
            if invalid and watch.first is not None:
                self.is_due("frame-after-refusal", watch)
                observation.events.append(replace(watch.first, kind="frame-after-refusal"))
            self.unanswered(watch)
        for role, writing in self.written.items():
            self.is_due("http", self.watch(role))
            observation.events.append(writing.event())
        self.closes()
        last: cython.longlong = self.latest()
        if last != NEVER and self.end_time != NEVER:
            observation.silence_ns = max(self.end_time - last, 0)
        observation.client = self.client.side()
        observation.server = self.server.side()
        if self.late:
            self.renumber()

    def closes(self) -> None:
        """Count what the two Close frames have that most have not."""
        client, server = self.client.close, self.server.close
        if client is None and server is None:
            self.is_due("no-close", self.client)
            return
        if client is None:
            self.is_due("one-close", self.server)
        elif server is None:
            self.is_due("one-close", self.client)
        elif client.payload[:2] != server.payload[:2]:
            self.is_due("codes-differ", self.client)
        if client is not None and client.payload not in USUAL_CLOSES:
            self.odd_close(client, self.client)
        if server is not None and server.payload not in USUAL_CLOSES:
            self.odd_close(server, self.server)

    def odd_close(self, close: Event, watch: Watch) -> cython.int:
        """Count a Close that has no usual code, or a reason that is not UTF-8."""
        body: bytes = close.payload
        if body[:2] not in USUAL_CLOSES:
            self.is_due("odd-code", watch)
        try:
            body[2:].decode()
        except UnicodeDecodeError:
            self.is_due("odd-reason", watch)
        return 0

    def unanswered(self, watch: Watch) -> None:
        """Record the Pings that no Pong came for."""
        last = max(self.latest(), self.end_time)
        for _ in range(watch.unanswered):
            self.is_due("ping-unanswered", watch)
        for ping in [*watch.pings, watch.ping_event()] if watch.waiting else watch.pings:
            if self.is_due("ping-unanswered", watch):
                self.observation.events.append(replace(ping, value=max(last - ping.time, 0)))

    def renumber(self) -> None:
        """Put numbers in the place of marks."""
        observation = self.observation
        observation.events = [self.event(each) for each in observation.events]
        if observation.longest_silence_before is not None:
            observation.longest_silence_before = self.event(observation.longest_silence_before)
        for side in (observation.client, observation.server):
            for name in ("close", "before_close", "first", "last", "largest"):
                if (event := getattr(side, name)) is not None:
                    setattr(side, name, self.event(event))

    def event(self, event: Event) -> Event:
        """Return an event with the numbers that its marks stand for."""
        other = event.other
        frame = event.frame if event.frame is None else self.number(event.frame)
        return replace(event, frame=frame, other=self.event(other) if other is not None else None)

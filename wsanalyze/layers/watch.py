# cython: language_level=3, wraparound=False, initializedcheck=False
"""What is noticed of one end of a session, frame by frame: `observation.Side` while it grows."""

from __future__ import annotations

from array import array

from wsanalyze.observation import KEPT_KEYS, Event, Side, Spread

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# A pause of this many ns makes what follows a burst where it comes within the time below it.
SECOND = 1_000_000_000
# From here on nobody speaking is a silence: time limits of proxies begin at some ten seconds.
PAUSE = 5 * SECOND
BURST_NS = 5_000_000
BURST_MESSAGES = 3

# Times of Pongs that are kept, for their median.
KEPT_PONGS = 1024

# Pings that may wait for a Pong: of a flood the latest are remembered.
WAITING_PINGS = 64

# Before any time there is.
NEVER = -0x7FFFFFFFFFFFFFFF

FIRST_KEYS = 64
# What is known where there were no numbers. Nobody writes to it.
NOTHING = Spread()
# Keys of who sent none. Nobody writes to them.
NO_KEYS = array("I")
# Keys that are held back until they are written together: a power of two.
HELD_KEYS = 8


class Keyring:
    """What the masking keys that are kept take, in bytes, and how much they may."""

    __slots__ = ("held", "limit", "reached")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = self.reached = 0


@cython.final
@cython.cclass
class Tally:
    """Numbers as they come, of which `Spread` keeps the facts."""

    def __init__(self) -> None:
        self.count = self.total = self.least = self.most = 0
        self.squares = 0.0

    def add(self, number: cython.longlong) -> cython.int:
        """Take one number."""
        if self.count == 0 or number < self.least:
            self.least = number
        if self.count == 0 or number > self.most:
            self.most = number
        self.count += 1
        self.total += number
        self.squares += cython.cast(cython.double, number) * number
        return 0

    def spread(self) -> Spread:
        """Return the facts."""
        if self.count == 0:
            return NOTHING
        return Spread(self.count, self.total, self.squares, self.least, self.most)


@cython.final
@cython.cclass
class Watch:
    """What is noticed of one end.

    - `number`, `time`, `packet`, `head`, `second`, `header_length`, `length`, `key`: of its last
      frame;
      `certain`: whether its place is; `latest`: the latest time of any of its frames
    - `short`: whether nothing but what a message itself shows stands against the short way
    - `message_…`: the same of the first frame of its open or last message that had several frames
      or came in pieces
    - `memory`: what the masking keys of all sides take, of those that have more than a few
    - `unsure`: a message may have begun where nothing was seen, so that a continuation is no fault
    - `keys`, `kept_keys`: its first masking keys, with `room` for more; `held`: the latest of them,
      not written there yet; `last_key`: the one before, -1 for none
    - `messages`, `lengths`, `length_squares`, `shortest`, `longest`: how long its messages were on
      the wire; `pause_…`: the times between them, the first having begun at `first_at`, the last
      at `message_at`. They are taken note of with every message, and stand here for that
    - `not_plain`: messages that were compressed or not complete
    - `waiting`: whether its latest Ping has no answer yet; `ping_…`: that one's facts, its payload
      among them; `pings`: earlier ones without an answer, of which the latest are remembered
    - `looked`: how many of its messages were looked into whatever they hold
    """

    def __init__(self, role: cython.int, memory: Keyring) -> None:
        self.role = role
        self.memory = memory
        self.number = -1
        self.time = self.packet = self.length = 0
        self.head = self.second = self.header_length = 0
        self.key = -1
        self.certain = True
        self.latest = NEVER
        self.short = False
        self.message_number = self.message_time = self.message_packet = self.message_length = 0
        self.message_head = self.message_second = self.message_header_length = 0
        self.message_key = -1
        self.message_certain = True
        self.unsure = False
        self.kept_keys = self.room = 0
        self.keys: memoryview  # where there is room
        # A C array, see the .pxd.
        self.held = [0] * 8
        self.last_key = -1
        self.zero_keys = self.same_keys = 0
        self.empty_frames = self.fragments = self.interleaved = 0
        self.compressed = self.not_plain = 0
        self.compressed_wire = self.compressed_length = 0
        self.looked = 0
        self.message_at = self.first_at = NEVER
        self.ping_at = self.pong_at = self.second_at = NEVER
        self.in_second = self.most_in_second = 0
        self.burst_at = NEVER
        self.in_burst = self.bursts = 0
        self.unasked = False
        self.unasked_bursts = self.burst_messages = 0
        self.pong_times: array[int] | None = None
        self.unsolicited = self.unanswered = 0
        self.largest_length = 0
        self.waiting = False
        self.ping_payload = b""
        self.ping_number = self.ping_packet = self.ping_length = 0
        self.ping_head = self.ping_second = self.ping_header_length = 0
        self.ping_key = -1
        self.ping_certain = True
        self.pings: list[Event] = []
        self.messages = self.lengths = self.shortest = self.longest = 0
        self.length_squares = 0.0
        self.pause_least = self.pause_most = 0
        self.pause_squares = 0.0
        self.pong_ns = Tally()
        self.ping_ns = Tally()
        self.pong_only_ns = Tally()
        self.first: Event | None = None
        self.largest: Event | None = None
        self.close: Event | None = None
        self.before_close: Event | None = None

    def masked_with(self, key: cython.longlong) -> cython.int:
        """Take note of a frame's masking key."""
        if key == 0:
            self.zero_keys += 1
        if key == self.last_key:
            self.same_keys += 1
        self.last_key = key
        if self.kept_keys < KEPT_KEYS:
            if self.kept_keys == self.room and not self.more_keys():
                return 0
            # Written one by one they would touch a place of memory more with each frame, which of
            # a thousand connections is in no cache of the processor.
            self.held[self.kept_keys & 7] = cython.cast(cython.uint, key)
            self.kept_keys += 1
            if self.kept_keys & 7 == 0:
                self.write_keys(self.kept_keys - HELD_KEYS)
        return 0

    def write_keys(self, place: cython.Py_ssize_t) -> cython.int:
        """Write the keys that are held back, from `place` on."""
        while place < self.kept_keys:
            self.keys[place] = self.held[place & 7]
            place += 1
        return 0

    def more_keys(self) -> cython.bint:
        """Make room for the first masking keys, or four times as many; False for no memory left."""
        memory = self.memory
        room: cython.Py_ssize_t = 4 * self.room if self.room else FIRST_KEYS
        taken: cython.Py_ssize_t = 4 * (room - self.room) if self.room else 0
        if memory.held + taken > memory.limit:
            memory.reached += 1
            return False
        memory.held += taken
        grown = memoryview(bytearray(4 * room)).cast("I")
        if self.room:
            grown[: self.room] = memoryview(self.keys)
        self.keys = grown
        self.room = room
        return True

    def message(
        self, time: cython.longlong, length: cython.longlong, heard: cython.longlong
    ) -> cython.int:
        """Take note of a data message that began; `heard`: when the other end last sent a frame."""
        pause: cython.longlong
        if self.messages == 0 or length < self.shortest:
            self.shortest = length
        if length > self.longest:
            self.longest = length
        self.messages += 1
        self.lengths += length
        self.length_squares += cython.cast(cython.double, length) * length
        if self.message_at == NEVER:
            self.message_at = self.first_at = time
            return 0
        pause = time - self.message_at
        if self.messages == 2 or pause < self.pause_least:
            self.pause_least = pause
        if self.messages == 2 or pause > self.pause_most:
            self.pause_most = pause
        self.pause_squares += cython.cast(cython.double, pause) * pause
        if pause > SECOND:
            self.burst_at = time
            self.in_burst = 1
            self.unasked = heard <= self.message_at
        elif self.in_burst:
            if time - self.burst_at > BURST_NS:
                self.in_burst = 0
            else:
                self.in_burst += 1
                if self.in_burst == BURST_MESSAGES:
                    self.bursts += 1
                    self.unasked_bursts += self.unasked
                    self.burst_messages += BURST_MESSAGES
                elif self.in_burst > BURST_MESSAGES:
                    self.burst_messages += 1
        self.message_at = time
        return 0

    def waited(self, took: cython.longlong) -> cython.int:
        """Take note of how long a Ping waited for its Pong."""
        self.pong_ns.add(took)
        if self.pong_times is None:
            self.pong_times = array("q")
        if len(self.pong_times) < KEPT_PONGS:
            self.pong_times.append(took)
        return 0

    def pinged(self, payload: bytes) -> cython.int:
        """Take note of a Ping, its last frame."""
        if self.waiting:
            self.pings.append(self.ping_event())
            if len(self.pings) == WAITING_PINGS:
                del self.pings[0]
                self.unanswered += 1
        if self.ping_at != NEVER:
            self.ping_ns.add(self.time - self.ping_at)
        if self.second_at == NEVER or self.time - self.second_at >= SECOND:
            self.second_at = self.time
            self.in_second = 0
        self.in_second += 1
        if self.in_second > self.most_in_second:
            self.most_in_second = self.in_second
        self.waiting = True
        self.ping_payload = payload
        self.ping_at = self.time
        self.ping_number = self.number
        self.ping_packet = self.packet
        self.ping_head = self.head
        self.ping_second = self.second
        self.ping_header_length = self.header_length
        self.ping_length = self.length
        self.ping_key = self.key
        self.ping_certain = self.certain
        return 0

    def answered(self, payload: bytes, time: cython.longlong) -> cython.bint:
        """Say whether a Pong answers one of its Pings: earlier ones need no answer any more."""
        place: cython.Py_ssize_t
        if self.waiting and self.ping_payload == payload:
            self.waited(time - self.ping_at)
            self.waiting = False
            self.pings = []
            return True
        for place in range(len(self.pings) - 1, -1, -1):
            if self.pings[place].payload == payload:
                self.waited(time - self.pings[place].time)
                self.pings = self.pings[place + 1 :]
                return True
        return False

    def ping_event(self) -> Event:
        """Return an event about its latest Ping."""
        return Event(
            "ping-unanswered",
            "server" if self.role else "client",
            self.ping_at,
            self.ping_packet,
            self.ping_number,
            self.ping_head,
            self.ping_second,
            self.ping_header_length,
            self.ping_length,
            self.ping_key if self.ping_key >= 0 else None,
            self.ping_payload,
            0,
            None,
            self.ping_certain,
        )

    def event(self, kind: str, payload: bytes = b"", value: int = 0) -> Event:
        """Return an event about its last frame."""
        return Event(
            kind,
            "server" if self.role else "client",
            self.time,
            self.packet,
            self.number,
            self.head,
            self.second,
            self.header_length,
            self.length,
            self.key if self.key >= 0 else None,
            payload,
            value,
            None,
            self.certain,
        )

    def latest_event(self, kind: str) -> Event:
        """Return an event about its last frame: the one that its Close or its first frame is."""
        known: Event | None
        for known in (self.close, self.first):
            if known is not None and known.frame == self.number and known.packet == self.packet:
                return known
        return self.event(kind)

    def message_event(self, kind: str, payload: bytes = b"", value: int = 0) -> Event:
        """Return an event about the first frame of its open or last message."""
        return Event(
            kind,
            "server" if self.role else "client",
            self.message_time,
            self.message_packet,
            self.message_number,
            self.message_head,
            self.message_second,
            self.message_header_length,
            self.message_length,
            self.message_key if self.message_key >= 0 else None,
            payload,
            value,
            None,
            self.message_certain,
        )

    def side(self) -> Side:
        """Return what was noticed."""
        keys = NO_KEYS
        if self.room:
            keys = array("I")
            self.write_keys(self.kept_keys - (self.kept_keys & 7))
            keys.frombytes(memoryview(self.keys)[: self.kept_keys].tobytes())
        pauses = lengths = NOTHING
        if self.messages:
            lengths = Spread(
                self.messages, self.lengths, self.length_squares, self.shortest, self.longest
            )
        if self.messages > 1:
            pauses = Spread(
                self.messages - 1,
                self.message_at - self.first_at,
                self.pause_squares,
                self.pause_least,
                self.pause_most,
            )
        # In the order of their declaration: two dozen names take longer than all that they name.
        return Side(
            self.close,
            self.before_close,
            self.first,
            self.latest_event("last") if self.first is not None else None,
            self.largest,
            keys,
            self.zero_keys,
            self.same_keys,
            self.empty_frames,
            self.fragments,
            self.interleaved,
            self.compressed,
            self.messages - self.not_plain,
            self.compressed_wire,
            self.compressed_length,
            self.unsolicited,
            self.most_in_second,
            self.bursts,
            self.unasked_bursts,
            self.burst_messages,
            self.pong_ns.spread(),
            self.ping_ns.spread(),
            self.pong_only_ns.spread(),
            self.pong_times,
            pauses,
            lengths,
        )

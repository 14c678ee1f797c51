"""What changed since the last look: connections that moved and rows that came, as events.

The pass itself knows nothing of events. After some packets the follower takes the rows out of the
columns, and looks at the connections of which the layers said that something happened: so the work
per packet is the same as for a file, and nothing is kept of what is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import compress, pairwise
from operator import itemgetter
from typing import Any, Protocol, cast

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.session import Session
from wsanalyze.monitoring.events import (
    Close,
    Ended,
    Established,
    Event,
    Found,
    Message,
    Refused,
    Requested,
)
from wsanalyze.monitoring.judging import Judge
from wsanalyze.monitoring.numbering import NONE, Begun, Numbering
from wsanalyze.monitoring.rows import message_events
from wsanalyze.pipeline import Pass

# A Close frame in the first byte of its header.
OPCODE = 0x0F
CLOSE = 8
SENDERS = ("client", "server")


class Followed:
    """A connection that is looked at: its record, its number, and what was told of it."""

    __slots__ = (
        "connection",
        "decided",
        "ended",
        "last_message",
        "number",
        "numbering",
        "requested",
        "session",
        "told",
    )

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.numbering = Numbering()
        self.session: Session | None = None
        self.requested = self.decided = self.ended = False
        self.told: set[Finding] = set()
        self.last_message: Message | None = None

    def traffic(self) -> tuple[int, int, int, int]:
        """Return frames and payload bytes of the client, then of the server, so far."""
        record = self.connection
        if self.session is None or record.over:
            return (
                record.client_frames,
                record.client_bytes,
                record.server_frames,
                record.server_bytes,
            )
        client, server = self.session.sender(0), self.session.sender(1)
        return client.frames, client.bytes, server.frames, server.bytes


class Keeper(Protocol):
    """Who keeps what passes: tables that grow."""

    def begun(self, followed: Followed) -> None:
        """Take a connection that was just recognised."""

    def rows(self, name: str, owners: list[int], numbers: list[Any], columns: Any) -> None:
        """Take rows of `frames` or `messages`: whose they are, their numbers, what is in them."""

    def left(self, conversations: Iterable[int]) -> None:
        """Take note of TCP conversations that are over, by index."""

    def gone(self, followed: Followed) -> None:
        """Take a connection that is over, of which nothing more will come."""

    def found(self, events: Iterable[Event]) -> None:
        """Take findings."""


class Follower:
    """Follows one pass. `followed` has the connections of which more may come, by serial.

    `most`: of how many messages a look makes events, the last ones; None: of all.
    """

    def __init__(
        self, run: Pass, judge: Judge, keepers: Iterable[Keeper] = (), most: int | None = None
    ) -> None:
        self.run = run
        self.judge = judge
        self.keepers = list(keepers)
        self.most = most
        self.followed: dict[int, Followed] = {}
        self.seen = 0
        # How many of them have not ended.
        self.open = 0
        # Over, but for what their TCP conversation may still bring, by its index.
        self._waiting: dict[int, list[Followed]] = {}
        # Gone since somebody last took them: what checks of several connections look at.
        self.recent: list[Followed] = []
        self._events: list[Event] = []
        # What has a place among the packets, with the number of the packet.
        self._placed: list[tuple[int, Event]] = []
        run.recorder.moved = []
        run.left = []

    def look(self) -> list[Event]:
        """Return what happened since the last look."""
        self._events, self._placed = [], []
        recorder = self.run.recorder
        moved, recorder.moved = recorder.moved or [], []
        left, self.run.left = set(self.run.left or ()), []
        self._begin()
        changed = [
            self.followed[connection.serial]
            for connection in {each.serial: each for each in moved}.values()
            if connection.serial in self.followed
        ]
        for each in changed:
            self._move(each)
        self._rows()
        self._placed.sort(key=itemgetter(0))
        self._events += [event for _, event in self._placed]
        for each in changed:
            if each.connection.over:
                self._over(each, ended=each.connection.conversation in left)
        for index in sorted(left):
            for each in self._waiting.pop(index, ()):
                self._release(each)
        self._make_room()
        for keeper in self.keepers:
            keeper.left(left)
        return self._events

    def _make_room(self) -> None:
        """Where there is hardly room for more, let go of those that wait for their conversation.

        Those that are over, until an eighth of the room is free again.
        """
        recorder = self.run.recorder
        room = recorder.limits.attempts
        is_full = len(self.followed) > room - room // 16
        for index in list(self._waiting) if is_full else ():
            if len(self.followed) <= room - room // 8:
                break
            waiting = self._waiting.pop(index)
            staying = [each for each in waiting if not each.connection.over]
            for each in waiting:
                if each.connection.over:
                    self._release(each)
            if staying:
                self._waiting[index] = staying
        recorder.elsewhere = len(self.followed)

    def _begin(self) -> None:
        """Take the connections that were recognised out of the recording, and number them."""
        begun = self.run.recording.connections
        for connection in sorted(begun, key=lambda each: (each.requested_ordinal, each.serial)):
            followed = Followed(connection, self.seen)
            self.followed[connection.serial] = followed
            self.seen += 1
            self.open += 1
            for keeper in self.keepers:
                keeper.begun(followed)
        begun.clear()

    def _move(self, followed: Followed) -> None:
        """Tell of a request, and of how it was answered."""
        record = followed.connection
        session = self.run.recorder.sessions.pop(record.serial, None)
        if session is not None:
            followed.session = cast(Session, session)
        number = followed.number
        if not followed.requested and record.requested is not None and record.handshake is not None:
            followed.requested = True
            event = Requested(number, record.requested, record.request_packet, record)
            self._placed.append((record.request_packet or 0, event))
        if followed.decided or record.outcome == "unanswered":
            return
        followed.decided = True
        time = record.responded if record.responded is not None else record.started
        kind = Refused if record.outcome == "refused" else Established
        packet = record.response_packet or 0
        self._placed.append((packet, kind(number, time, record.response_packet, record)))
        told = self._told(followed, self.judge.handshake(record, followed.told))
        self._placed += [(packet, event) for event in told]

    def _told(self, followed: Followed, findings: Iterable[Finding]) -> list[Found]:
        """Return findings of a connection as events, which are kept, too."""
        events = [self.judge.event(finding, followed.number) for finding in findings]
        if events:
            for keeper in self.keepers:
                keeper.found(events)
        return events

    def _over(self, followed: Followed, *, ended: bool) -> None:
        """Tell of the end, unless it is let go at once: its conversation has `ended`, too."""
        record = followed.connection
        waiting = self._waiting.setdefault(record.conversation, [])
        if followed not in waiting:
            waiting.append(followed)
        # Who asked again before the answer came may be answered yet.
        answered = record.outcome != "unanswered" or record.http_stream is not None
        if answered and not ended:
            self._end(followed)
        if len(waiting) > self.run.recorder.limits.pipelined:
            oldest = next(each for each in waiting if each.connection.over)
            waiting.remove(oldest)
            self._release(oldest)

    def _end(self, followed: Followed) -> None:
        record = followed.connection
        if not followed.ended:
            followed.ended = True
            self.open -= 1
            self._events += self._told(followed, self.judge.ending(record, followed.told))
            self._events.append(Ended(followed.number, record.ended, record))

    def _release(self, followed: Followed) -> None:
        """Let a connection go: nothing of it will change any more."""
        if followed.ended:
            # What its TCP conversation brought since is in its facts now.
            found = self.judge.ending(followed.connection, followed.told)
            self._events += self._told(followed, found)
        self._end(followed)
        del self.followed[followed.connection.serial]
        followed.session = None
        self.recent.append(followed)
        for keeper in self.keepers:
            keeper.gone(followed)

    def _rows(self) -> None:
        """Take the rows out of the columns, and number them."""
        frames, messages = self.run.recorder.frames, self.run.recorder.messages
        if frames is not None and frames.count:
            self._frames(frames.take())
        if messages is not None and messages.count:
            # What is out of the columns does not count against what is kept.
            self.run.recorder.kept = 0
            self._messages(messages.take())

    def _frames(self, columns: Mapping[str, Any]) -> None:
        owners = columns["connection"].tolist()
        opcodes = [head & OPCODE for head in columns["head"].tolist()]
        rows = list(
            map(
                Begun,
                columns["ordinal"].tolist(),
                columns["offset"].tolist(),
                columns["sender"].tolist(),
                opcodes,
                [message >= 0 for message in columns["message"].tolist()],
            )
        )
        numbers: list[tuple[int, int]] = [(NONE, NONE)] * len(rows)
        for owner, places in _grouped(owners).items():
            followed = self.followed[owner]
            mine = followed.numbering.number(
                [rows[place] for place in places], _open_frames(followed)
            )
            for place, number in zip(places, mine, strict=True):
                numbers[place] = number
        for place in compress(range(len(rows)), [opcode == CLOSE for opcode in opcodes]):
            self._close(columns, place, self.followed[owners[place]], numbers[place][0])
        self._keep("frames", owners, numbers, columns)

    def _close(
        self, columns: Mapping[str, Any], place: int, followed: Followed, number: int
    ) -> None:
        code = columns["close_code"][place]
        role = columns["sender"][place]
        reason = None
        if followed.session is not None:
            sender = followed.session.sender(role)
            # The first Close of a side counts (RFC 6455 §5.5.1), and no other's reason is kept.
            if sender.closed and sender.close_code == code:
                reason = sender.close_reason
        event = Close(
            followed.number,
            number,
            SENDERS[role],
            columns["time"][place],
            columns["packet"][place],
            code if code >= 0 else None,
            reason,
        )
        self._placed.append((columns["packet_end"][place], event))

    def _messages(self, columns: Mapping[str, Any]) -> None:
        owners = columns["connection"].tolist()
        senders, ordinals = columns["sender"].tolist(), columns["ordinal"].tolist()
        offsets = columns["offset"].tolist()
        followed = [self.followed[owner] for owner in owners]
        places = range(len(owners))
        if any(later < earlier for earlier, later in pairwise(ordinals)):
            places_in_order = sorted(places, key=lambda place: (ordinals[place], offsets[place]))
        else:
            places_in_order = list(places)
        numbers = [NONE] * len(owners)
        for place in places_in_order:
            numbers[place] = followed[place].numbering.message(
                senders[place], ordinals[place], offsets[place]
            )
        first = 0 if self.most is None else max(len(owners) - self.most, 0)
        length = self.run.recording.wants.preview_length
        whose = [each.number for each in followed]
        events = message_events(columns, first, whose, numbers, length)
        for each, event in zip(followed[first:], events, strict=True):
            each.last_message = event
        self._placed += [(event.packet_end, event) for event in events]
        self._keep("messages", owners, numbers, columns)

    def _keep(self, name: str, owners: list[int], numbers: list[Any], columns: Any) -> None:
        if self.keepers:
            whose = [self.followed[owner].number for owner in owners]
            for keeper in self.keepers:
                keeper.rows(name, whose, numbers, columns)


def _grouped(owners: list[int]) -> dict[int, list[int]]:
    """Return the places of each owner's rows."""
    found: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        found.setdefault(owner, []).append(place)
    return found


def _open_frames(followed: Followed) -> list[Begun]:
    """Return the frames that have begun and not ended."""
    session = followed.session
    if session is None:
        return []
    return [
        Begun(
            sender.ordinal,
            sender.frame_offset,
            sender.role,
            sender.reader.head & OPCODE,
            sender.frame_message >= 0,
        )
        for sender in (session.sender(0), session.sender(1))
        if sender.in_frame
    ]

"""What changed since the last look: connections that moved and rows that came, as events.

The pass itself knows nothing of events. After some packets the follower takes the rows out of the
columns, and looks at the connections of which the layers said that something happened: so the work
per packet is the same as for a file, and nothing is kept of what is over.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain
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
    Messages,
    Refused,
    Requested,
    Told,
)
from wsanalyze.monitoring.judging import Judge
from wsanalyze.monitoring.numbering import Begun, Look, Numbering
from wsanalyze.monitoring.rows import FrameRows, MessageRows
from wsanalyze.pipeline import Pass

OPCODE = 0x0F
SENDERS = ("client", "server")


class Followed:
    """A connection that is looked at: its record, its number, and what was told of it."""

    __slots__ = (
        "connection",
        "decided",
        "ended",
        "last_message",
        "number",
        "requested",
        "session",
        "told",
    )

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.session: Session | None = None
        self.requested = self.decided = self.ended = False
        self.told: set[Finding] = set()
        self.last_message: Message | None = None

    @property
    def count(self) -> int:
        """How many findings were told of it."""
        return sum(each.count for each in self.told)

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

    def frames(
        self, owners: memoryview, numbers: memoryview, messages: memoryview, columns: Any
    ) -> None:
        """Take frames: numbers of their connections, their own, of their messages (-1: none)."""

    def messages(self, owners: memoryview, numbers: memoryview, columns: Any) -> None:
        """Take messages: numbers of their connections, and their own."""

    def left(self, conversations: Iterable[int]) -> None:
        """Take note of TCP conversations that are over, by index."""

    def gone(self, followed: Followed) -> None:
        """Take a connection that is over, of which nothing more will come."""

    def found(self, events: Iterable[Event]) -> None:
        """Take findings."""


class Follower:
    """Follows one pass. `followed` has the connections of which more may come, by serial.

    `most`: of how many messages a look makes events, the last ones; None: of all. `passed` counts
    the others. `in_blocks`: whether messages are told as `Messages`, not as an object each.
    """

    def __init__(
        self,
        run: Pass,
        judge: Judge,
        keepers: Iterable[Keeper] = (),
        most: int | None = None,
        *,
        in_blocks: bool = False,
    ) -> None:
        self.run = run
        self.judge = judge
        self.keepers = list(keepers)
        self.most = most
        self.in_blocks = in_blocks
        self.followed: dict[int, Followed] = {}
        self.seen = 0
        # How many of them have not ended.
        self.open = 0
        # Messages that were made no events, since there were more than `most` in their look.
        self.passed = 0
        # Over, but for what their TCP conversation may still bring, by its index.
        self._waiting: dict[int, list[Followed]] = {}
        # Gone since somebody last took them: what checks of several connections look at.
        self.recent: list[Followed] = []
        self._numberings: dict[int, Numbering] = {}
        seed = int.from_bytes(os.urandom(8), "big")
        self._look = Look(self._numberings, self._open_frames, seed)
        self._block: tuple[MessageRows, int] | None = None
        self._events: list[Told] = []
        # What has a place among the packets, with the number of the packet.
        self._placed: list[tuple[int, Event]] = []
        # What is told of connections that are over, with the time of their end.
        self._endings: list[tuple[int, list[Event]]] = []
        run.recorder.moved = []
        run.left = []

    def look(self) -> list[Told]:
        """Return what happened since the last look."""
        self._events, self._placed, self._endings = [], [], []
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
        self._events += self._told_in_order()
        for each in changed:
            if each.connection.over:
                self._over(each, ended=each.connection.conversation in left)
        for index in sorted(left):
            for each in self._waiting.pop(index, ()):
                self._release(each)
        self._make_room()
        self._endings.sort(key=itemgetter(0))
        self._events += chain.from_iterable(told for _, told in self._endings)
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
            self._numberings[connection.serial] = Numbering(connection.serial, self.seen)
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
        # Rows of these are kept when it is known how many connections they concern.
        certified = self.judge.certificate(record, followed.told)
        told += [self.judge.event(finding, number) for finding in certified]
        # What TLS said came before the request, and is told behind it.
        first = record.request_packet or 0
        self._placed += [(max(event.packet or packet, first), event) for event in told]

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
            found = self._told(followed, self.judge.ending(record, followed.told))
            ended = Ended(followed.number, record.ended, record, followed.count)
            self._endings.append((record.ended, [*by_packet(found), ended]))

    def _release(self, followed: Followed) -> None:
        """Let a connection go: nothing of it will change any more."""
        if followed.ended:
            # What its TCP conversation brought since is in its facts now.
            record = followed.connection
            found = self._told(followed, self.judge.ending(record, followed.told))
            self._endings.append((record.ended, [*by_packet(found)]))
        self._end(followed)
        del self.followed[followed.connection.serial]
        del self._numberings[followed.connection.serial]
        followed.session = None
        self.recent.append(followed)
        for keeper in self.keepers:
            keeper.gone(followed)

    def _rows(self) -> None:
        """Take the rows out of the columns, and number them."""
        recorder = self.run.recorder
        frames, messages = recorder.frames, recorder.messages
        if frames is None or messages is None or not (frames.count or messages.count):
            return
        ended = FrameRows(frames.take())
        whole = MessageRows(messages.take(), self.run.recording.wants.preview_length)
        # What is out of the columns does not count against what is kept.
        recorder.kept = 0
        for place in self._look.number(ended, whole):
            self._close(ended, place)
        self._messages(whole)
        for keeper in self.keepers:
            if ended.count:
                keeper.frames(*ended.given(), ended.columns)
            if whole.count:
                keeper.messages(*whole.given(), whole.columns)

    def _close(self, rows: FrameRows, place: int) -> None:
        """Tell of a Close frame."""
        columns, (_, numbers, _) = rows.columns, rows.given()
        followed = self.followed[columns["connection"][place]]
        code, length = columns["close_code"][place], columns["length"][place]
        # A body begins with a code of two bytes (RFC 6455 §5.5.1).
        is_cut = length >= 2 and columns["captured"][place] < length
        role = columns["sender"][place]
        reason = None
        if followed.session is not None:
            sender = followed.session.sender(role)
            # The first Close of a side counts (RFC 6455 §5.5.1), and no other's reason is kept.
            if sender.closed and sender.close_code == code:
                reason = sender.close_reason
        event = Close(
            followed.number,
            numbers[place],
            SENDERS[role],
            columns["time"][place],
            columns["packet"][place],
            code if code >= 0 else None,
            reason,
            code < 0 and is_cut,
        )
        self._placed.append((columns["packet_end"][place], event))

    def _messages(self, rows: MessageRows) -> None:
        """Tell of messages."""
        first = 0 if self.most is None else max(rows.count - self.most, 0)
        self.passed += first
        if self.in_blocks:
            self._block = (rows, first)
            return
        serials = rows.columns["connection"]
        # Of each connection the last one is remembered, whether it is told of or not.
        for serial, place in dict(zip(serials[:first], range(first), strict=True)).items():
            self.followed[serial].last_message = rows.event(place)
        for place in range(first, rows.count):
            event = rows.event(place)
            self.followed[serials[place]].last_message = event
            self._placed.append((event.packet_end, event))

    def _told_in_order(self) -> list[Told]:
        """Return what has a place among the packets, messages behind all else of their packet."""
        self._placed.sort(key=itemgetter(0))
        block, self._block = self._block, None
        if block is None:
            return [event for _, event in self._placed]
        rows, first = block
        places: Sequence[int] = range(first, rows.count)
        ends = rows.columns["packet_end"]
        if not rows.is_in_order():
            places = sorted(places, key=ends.__getitem__)
        told: list[Told] = []
        at = 0
        for packet, event in self._placed:
            cut = bisect_left(places, packet, at, key=ends.__getitem__)
            if cut > at:
                told.append(Messages(rows, places[at:cut]))
            told.append(event)
            at = cut
        if at < len(places):
            told.append(Messages(rows, places[at:]))
        return told

    def _open_frames(self, serial: int) -> list[Begun]:
        """Return the frames of a connection that have begun and not ended."""
        return _open_frames(self.followed[serial])


def by_packet(found: Iterable[Found]) -> list[Found]:
    """Return findings in the order of their packets, those without one last."""
    return sorted(found, key=lambda each: (each.packet is None, each.packet or 0))


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

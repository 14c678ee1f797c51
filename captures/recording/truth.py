"""Makes the truth of a capture from the journals of the applications, and cross-checks them.

Where both ends keep a journal, what one sent the other must have received: the same messages in the
same order, the same pings and pongs, the same Close. A difference raises `JournalsDifferError`,
except on connections that were cut, where bytes may legally never arrive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
ADDRESS = ("client_ip", "client_port", "server_ip", "server_port")
REQUEST_FACTS = ("target", "version", "subprotocols_offered", "extensions_offered")
RESPONSE_FACTS = ("status", "subprotocol", "extensions")
MESSAGE_FACTS = ("type", "length", "sha256")
CONTROL_FACTS = ("type", "length", "code", "reason")
FRAME_FACTS = ("opcode", "fin", "rsv1", "rsv2", "rsv3", "masked", "length")
SIDES = ("client", "server")


class JournalsDifferError(Exception):
    """The two applications do not tell the same story."""


def read_journals(paths: Iterable[Path], until: int | None) -> list[Event]:
    """Return all events in order of time; `until` drops what happened after the capture ended."""
    events = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    events.sort(key=lambda event: int(event["time"]))
    return [event for event in events if until is None or event["time"] <= until]


def connections_of(events: list[Event], *, captured_to_end: bool) -> list[Event]:
    """Return the truth of each upgrade request, in order of the requests."""
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        groups.setdefault((*(event[name] for name in ADDRESS), event["exchange"]), []).append(event)
    # A TCP connection without a request (Squid tries whether a server is there) is no attempt.
    stories = [
        Story(group)
        for group in groups.values()
        if any(event["event"] == "request" for event in group)
    ]
    stories.sort(key=lambda story: story.requested)
    return [story.truth(captured_to_end) for story in stories]


def agree(noted: list[Event], also_noted: list[Event]) -> bool:
    """Return whether two applications noted the same things; None means that one does not know."""
    return len(noted) == len(also_noted) and all(
        None in (one[name], other[name]) or one[name] == other[name]
        for one, other in zip(noted, also_noted, strict=True)
        for name in one
    )


class Story:
    """All that was noted about one upgrade request and its connection."""

    def __init__(self, events: list[Event]) -> None:
        """Take the events of one request, in order of time."""
        self.events = events
        self.sides = [side for side in SIDES if any(event["side"] == side for event in events)]
        #: Who wrote HTTP in the place of frames: what its bytes are as frames no application knows.
        self.strayed = {event["sender"] for event in self.of("http")}
        self.requested: int = next(event["time"] for event in events if event["event"] == "request")

    def of(self, kind: str, **facts: Any) -> list[Event]:
        """Return the events of a kind with these facts, in order of time."""
        return [
            event
            for event in self.events
            if event["event"] == kind and all(event[name] == value for name, value in facts.items())
        ]

    def observer(self, sender: str, *, control: bool = False) -> str | None:
        """Return who knows best what `sender` sent: itself, else the other end; None for nobody."""
        for side in sorted(self.sides, key=lambda side: side != sender):
            if not control or any(
                event["sees_control"] for event in self.events if event["side"] == side
            ):
                return side
        return None

    def truth(self, captured_to_end: bool) -> Event:
        """Return the entry of this connection, after the cross-check."""
        if captured_to_end and not self.of("cut"):
            self.cross_check()
        first = self.events[0]
        entry: Event = {name: first[name] for name in ADDRESS}
        ways = self.of("tunnel")
        entry |= {"tunnel": ways[-1]["way"]} if ways else {}
        entry["outcome"] = self.outcome()
        entry |= self.facts("response", ("status",)) | self.facts("request", REQUEST_FACTS[:2])
        entry |= self.facts("request", ("subprotocols_offered",)) | self.facts(
            "response", ("subprotocol",)
        )
        entry |= self.facts("request", ("extensions_offered",)) | self.facts(
            "response", ("extensions",)
        )
        entry["messages"] = self.messages()
        for side in SIDES:
            entry[f"{side}_frames"] = self.frame_count(side)
        for kind in ("ping", "pong"):
            for side in SIDES:
                entry[f"{side}_{kind}s"] = self.control_count(side, kind)
        for side in SIDES:
            close = self.close_of(side)
            entry[f"{side}_close_code"] = close["code"] if close else None
            entry[f"{side}_close_reason"] = close["reason"] if close else None
        entry["ended_by"] = self.ended_by(captured_to_end)
        frames = self.frames()
        return entry | ({"frames": frames} if frames else {})

    def facts(self, kind: str, names: tuple[str, ...]) -> Event:
        """Return facts of the request or response, None where it was not seen."""
        seen = self.of(kind)
        return {name: seen[0][name] if seen else None for name in names}

    def outcome(self) -> str:
        """Return how the attempt ended; whether a 101 is good is for the client to say."""
        status = self.facts("response", ("status",))["status"]
        if status is None or self.of("unanswered"):
            return "unanswered"
        opened = self.of("open", side=self.sides[0])
        if status != self.of("response")[0].get("success", 101):
            # HTTP/2 has no 101: 200 opens a WebSocket there (RFC 8441 §5), and nowhere else.
            return "established" if status == 200 and opened else "refused"
        return "established" if opened else "invalid"

    def messages(self) -> list[Event]:
        """Return the data messages, each as the side that knows best noted it."""
        chosen: list[Event] = []
        for sender in SIDES:
            observer = self.observer(sender)
            chosen += [
                {"time": event["time"], "sender": sender}
                | {name: event[name] for name in (*MESSAGE_FACTS, "frames", "compressed")}
                for event in self.of("message", sender=sender, side=observer)
            ]
        chosen.sort(key=lambda message: int(message["time"]))
        return [
            {name: fact for name, fact in message.items() if name != "time"} for message in chosen
        ]

    def frames(self) -> list[Event]:
        """Return the frames, where an application sees them, and all bytes are frames."""
        chosen: list[Event] = []
        if self.strayed:
            return chosen
        for sender in SIDES:
            for side in sorted(self.sides, key=lambda side: side != sender):
                frames = self.of("frame", sender=sender, side=side)
                if frames:
                    chosen += frames
                    break
        chosen.sort(key=lambda frame: int(frame["time"]))
        return [{name: frame[name] for name in ("sender", *FRAME_FACTS)} for frame in chosen]

    def control_count(self, sender: str, kind: str) -> int | None:
        """Return how many pings or pongs `sender` sent, None where no application can know."""
        observer = self.observer(sender, control=True)
        return (
            None
            if observer is None or sender in self.strayed
            else len(self.of("control", sender=sender, type=kind, side=observer))
        )

    def frame_count(self, sender: str) -> int | None:
        """Return how many frames `sender` sent, None where no application can know."""
        frames = [frame for frame in self.frames() if frame["sender"] == sender]
        if frames:
            return len(frames)
        observer = self.observer(sender, control=True)
        if observer is None or sender in self.strayed:
            return None
        messages = self.of("message", sender=sender, side=observer)
        fragments: list[int | None] = [event["frames"] for event in messages]
        known = [count for count in fragments if count is not None]
        if len(known) < len(fragments):
            return None
        return sum(known) + len(self.of("control", sender=sender, side=observer))

    def close_of(self, sender: str) -> Event | None:
        """Return the Close that `sender` sent."""
        closes = self.of("control", sender=sender, type="close", side=self.observer(sender))
        return closes[0] if closes else None

    def ended_by(self, captured_to_end: bool) -> str | None:
        """Return who ended the connection; None where no application noticed, or HTTP did."""
        if self.strayed:
            return None
        closes = self.of("control", type="close")
        if closes:
            return f"{closes[0]['sender']}-close"
        cuts = self.of("cut")
        if len({(cut["side"], cut["by"]) for cut in cuts if cut["side"] != cut["by"]}) == 2:
            return None  # each says that it was the other: it was somebody between them
        if cuts:
            return f"{cuts[0]['by']}-{cuts[0]['how']}"
        if not captured_to_end:
            return "capture-end"
        # Who read an end of stream knows that the other side ended first; who only closed its own
        # side may have been second.
        ends = [event for event in self.of("eof") if event["side"] != event["by"]]
        return f"{ends[0]['by']}-fin" if ends else None

    def cross_check(self) -> None:
        """Raise `JournalsDifferError` where the two ends noted different things."""
        if len(self.sides) < 2:
            return
        for kind, names in (("request", REQUEST_FACTS), ("response", RESPONSE_FACTS)):
            if all(self.of(kind, side=side) for side in SIDES):  # a browser's page sees neither
                self._same(kind, names)
        for sender in SIDES:
            self._same("message", MESSAGE_FACTS, sender=sender)
            if all(self.of("frame", sender=sender, side=side) for side in SIDES):
                self._same("frame", FRAME_FACTS, sender=sender)
            seen = {} if all(event["sees_control"] for event in self.events) else {"type": "close"}
            self._same("control", CONTROL_FACTS, sender=sender, **seen)

    def _same(self, kind: str, names: tuple[str, ...], **facts: Any) -> None:
        noted = [
            [{name: event[name] for name in names} for event in self.of(kind, side=side, **facts)]
            for side in SIDES
        ]
        if not agree(noted[0], noted[1]):
            where = {name: self.events[0][name] for name in ADDRESS}
            raise JournalsDifferError(
                f"{where}: {kind} {facts}\nclient: {noted[0]}\nserver: {noted[1]}"
            )


def truth_text(truth: Event) -> str:
    """Return the truth as JSON: a line for each fact, and for each message and each frame."""
    lists = {"messages": "[]", "frames": "[]"}
    holes: dict[str, str] = {}

    def emptied(entry: Event, number: int) -> Event:
        for name in lists.keys() & entry.keys():
            rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in entry[name])
            holes[f"{number}-{name}"] = f"[\n    {rows}\n   ]" if rows else "[]"
        return {
            name: f"{number}-{name}" if name in lists else value for name, value in entry.items()
        }

    connections = [emptied(entry, number) for number, entry in enumerate(truth["connections"])]
    text = json.dumps(truth | {"connections": connections}, indent=1, ensure_ascii=False)
    for hole, rows in holes.items():
        text = text.replace(f'"{hole}"', rows, 1)
    return text + "\n"

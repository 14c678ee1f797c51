"""How a live session goes, in a line, and how it was, in a few."""

from __future__ import annotations

from wsanalyze.capture.live import Received
from wsanalyze.monitoring.session import Session
from wsanalyze.views.quantities import counted, duration, number


def heading(session: Session, now: float) -> str:
    """Return how it goes: connections, packets, drops, time."""
    follower = session.follower
    elapsed = duration(int((now - session.started) * 1e9))
    parts = [
        f"{number(follower.open)} not ended of {counted(follower.seen, 'connection')}",
        counted(session.taken, "packet"),
        elapsed,
    ]
    return " " + " · ".join(parts) + " "


def closing_facts(session: Session, received: Received) -> list[tuple[str, str]]:
    """Return what was received and what was not: labels and sentences."""
    lines = [("received", counted(received.received, "packet"))]
    if session.taken < received.received:
        lines.append(("analysed", _analysed(session, received)))
    lines.append(("dropped", _dropped(received)))
    if session.packets is not None:
        writer = session.packets.writer
        several = "" if writer.files == 1 else f", {writer.files} files"
        lines.append(("kept", f"{counted(writer.packets, 'packet')} in {writer.path}{several}"))
    if session.folder is not None:
        written = f"tables in {session.folder.parts.folder}"
        if session.folder.parts.lost:
            written += f"; {counted(session.folder.parts.lost, 'row')} could not be written"
        lines.append(("written", written))
    return lines


def _analysed(session: Session, received: Received) -> str:
    """Return how many packets are analysed, where more were received."""
    packets, beyond = counted(session.taken, "packet"), number(received.received - session.taken)
    if session.taken == session.ends.count:
        return f"{packets}: --count ended it; {beyond} more came before the capturing stopped"
    return f"{packets}; {beyond} more were received and not looked at"


def _dropped(received: Received) -> str:
    parts = [
        f"{'an unknown number' if count is None else number(count)} by {whom}"
        for count, whom in (
            (received.dropped_by_kernel, "the kernel"),
            (received.dropped_by_interface, "the interface"),
        )
    ]
    return ", ".join(parts)

"""The rest of an explained connection: Pings, silences, what is missing, the end."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.story.ends import asked_by_proxy, of_tcp, within
from wsanalyze.story.model import CloseFrame, Closing, End, Ping, Silence, Story
from wsanalyze.views.escape import prose, shortened, visible
from wsanalyze.views.explained_parts import INDENT, SIDES, arrow, readable, row, say, since
from wsanalyze.views.quantities import counted, duration, number
from wsanalyze.views.wrapping import Line

# Pings and Close frames that are listed.
LISTED = 20
REASON = 200
# A time between both Close frames and the end of TCP that is worth telling; what a check minds.
LINGERED = 1_000_000_000
LINGER_S = Thresholds().linger_s

ENDED_BY = {
    "client-close": "the client sent the first Close",
    "server-close": "the server sent the first Close",
    "client-fin": "the client closed TCP without a Close frame",
    "server-fin": "the server closed TCP without a Close frame",
    "client-rst": "a RST in the client's name, without a Close frame",
    "server-rst": "a RST in the server's name, without a Close frame",
    "capture-end": "the capture ends before the connection does",
    "evicted": "a limit of this program was reached",
    "idle": "no packet came for long, and nothing more was waited for",
}

NOTES = {
    "retransmission": "sent again",
    "out-of-order": "out of order",
    "overlap": "with bytes that had come before",
    "overlap-conflict": "that contradict what had come before",
    "keep-alive": "TCP keep-alives",
    "zero-window": "with a window of 0: the receiver could take no more",
    "lost-before": "behind bytes that the capture does not have",
    "duplicate": "captured twice",
}


def pings_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield each Ping with its Pong and the time between, as seen where it was captured."""
    if not story.pings:
        return
    text = "A Pong says the Ping's bytes again (RFC 6455 §5.5.3). Times are those of the capture."
    yield from say(text, width)
    for ping in story.pings[:LISTED]:
        yield _ping(ping, story, width)
    if len(story.pings) > LISTED:
        yield from say(f"… and {number(len(story.pings) - LISTED)} more", width, style="dim")
    waited = [each.rtt_ns for each in story.pings if each.rtt_ns is not None]
    if len(waited) > 1:
        text = f"{number(len(waited))} of {number(len(story.pings))} answered, "
        text += f"within {duration(min(waited))} to {duration(max(waited))}"
        yield from say(text, width)


def _ping(ping: Ping, story: Story, width: int) -> Line:
    answer = f"Pong: frame {ping.pong}"
    if ping.rtt_ns is None:
        answer = "no Pong of its own"
        style = "yellow"
    else:
        answer += f", {duration(ping.rtt_ns)}"
        style = ""
    start = f"{' ' * INDENT}frame {ping.frame:<4} {since(ping.time, story.started):>10}  "
    way = arrow(ping.sender, within(story))
    room = max(width - len(start) - len(way) - len(answer) - 7, 8)
    payload = readable(ping.payload, min(room, 40)) if ping.payload else "empty"
    return [(start, ""), (way, SIDES[ping.sender]), (f"  {payload}: ", ""), (answer, style)]


def silences_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the times without a frame, and whose time limits they outlast."""
    said: list[str] = []
    for silence in story.silences:
        until = f"frame {silence.before}" if silence.before is not None else "the end"
        start = since(silence.start, story.started)
        text = f"{duration(silence.length_ns)} without a frame, from {start} s on, "
        text += f"between frame {silence.after} and {until}"
        yield from say(text, width)
        meant = list(_limits(silence, story))
        # Of silences that are alike it is said once.
        for text in meant if meant != said else ():
            yield from say(text, width, indent=INDENT + 4, style="dim")
        said = meant


def _limits(silence: Silence, story: Story) -> Iterator[str]:
    if silence.fits is not None:
        seconds, name = silence.fits
        then = "whoever has that limit cuts then"
        if silence.ended_by == "client" and not asked_by_proxy(story):
            then = "but the client ended it, and nothing shows that it is a proxy"
        yield f"as long as {seconds:.0f} s, {name}: {then}"
    if silence.outlasts:
        names = "; ".join(f"{seconds:.0f} s, {name}" for seconds, name in silence.outlasts)
        yield (
            f"longer than {names}: any of those in between would have cut it by then. A proxy ends "
            "both its connections; a firewall or NAT forgets this one, and what is sent next gets "
            "a RST, or no answer at all"
        )
    if silence.next_limit is not None:
        seconds, name = silence.next_limit
        yield f"shorter than {seconds:.0f} s, {name}"


def holes_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield what the capture does not have, and what TCP had to do again."""
    for sender, lost in story.lost.items():
        if lost:
            text = f"{counted(lost, 'byte')} of the {sender} are not in the capture."
            yield from say(text, width, style="yellow")
    for hole in story.holes:
        size = counted(abs(hole.length), "byte")
        text = f"{size}, known missing with packet {hole.packet}"
        yield from row(f"{hole.sender}, at {hole.offset}", text, width)
    for sender, note, count in story.notes:
        if note in NOTES:
            text = f"{counted(count, 'segment')} {NOTES[note]}"
            yield from row(f"{sender}, {note}", text, width, column=28)


def closing_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the closing handshake, with what codes mean, and how TCP ended."""
    closing = story.closing
    shown = {id(each) for each in closing.closes[:LISTED]}
    for step in closing.steps:
        if isinstance(step, End):
            yield _end(step, story)
        elif id(step) in shown:
            yield from _close(step, story, width)
    more = len(closing.closes) - LISTED + closing.more_closes
    if more > 0:
        left = counted(more, "more Close frame")
        yield from say(f"… and {left}", width, style="dim")
    if len({close.sender for close in closing.closes}) == 2:
        hixie = closing.closes[0].reference.startswith("draft-hixie")
        where = closing.closes[0].reference if hixie else "RFC 6455 §7.1"
        text = f"Both ends sent a Close: the closing handshake is whole ({where})."
        yield from say(text, width)
    elif closing.closes:
        text = f"The other end sent no Close before {_what_ended(closing)}."
        other = "server" if closing.closes[0].sender == "client" else "client"
        if other in story.sealed and not story.lost[other]:
            text = "The other end's Close, if there was one, could not be read."
        elif any(story.lost.values()) or not closing.ends:
            text = "The other end's Close, if there was one, is not in the capture."
        elif story.unread:
            text = "The other end's Close, if there was one, could not be read."
        yield from say(text, width)
    if closing.lingered_ns is not None and closing.lingered_ns >= LINGERED:
        what = "TCP" if story.http_stream is None else "The stream"
        text = (
            f"{what} stayed open for {duration(closing.lingered_ns)} after that; the server ends "
        )
        text += f"it first, and at once (RFC 6455 §7.1.1). CLS-10 warns from {LINGER_S:g} s on."
        yield from say(text, width)
    later = next((each for each in story.others if each.number > story.number), None)
    if later is not None and not closing.ends:
        text = f"TCP goes on: connection {later.number} asks in packet {later.packet}."
        yield from say(text, width)
    if closing.ended_by is not None:
        by = _of_stream(closing) or ENDED_BY.get(closing.ended_by, closing.ended_by)
        if story.outcome in ("refused", "unanswered"):
            by = _of_the_end_alone(by)
        elif story.sealed and not closing.closes:
            by = f"{_of_the_end_alone(by)}; whether a Close came before could not be read"
        # What cut it says that, too, and more.
        reset = f"the {closing.ended_by.removesuffix('-rst')} reset TCP"
        said = (by.partition(" without")[0], reset)
        if story.cut is None or not any(each in story.cut for each in said):
            # A Close in a tunnel is not the proxy's, the end of TCP is.
            names = within(story) if closing.closes else of_tcp(story)
            for end, name in zip(("client", "server"), names, strict=True):
                by = _named(by, end) if name == "proxy" else by
            yield from say(f"Ended by: {by}.", width)
    elif len({close.sender for close in closing.closes}) == 1:
        other = "server" if closing.closes[0].sender == "client" else "client"
        why = f"what the {other} sent could not be read"
        if other not in story.sealed:
            why = f"something that the {other} sent before is not in the capture"
        yield from say(f"Who sent the first Close is not known: {why}.", width)
    if story.cut is not None:
        text = prose(story.cut)
        yield from say(f"{text[:1].upper()}{text[1:]}.", width, style="yellow")


def _of_the_end_alone(by: str) -> str:
    """Return who ended it without the words about a Close frame."""
    return by.partition(", without")[0].removesuffix(" without a Close frame")


def _what_ended(closing: Closing) -> str:
    """Name what came to its end first: a stream of HTTP/2, all of that, or TCP."""
    first = closing.ends[0] if closing.ends else None
    if first is None or not first.stream:
        return "TCP ended"
    if first.name == "GOAWAY":
        return "HTTP/2 was given up"
    return "the stream was reset" if first.how == "rst" else "the stream ended"


def _close(close: CloseFrame, story: Story, width: int) -> Iterator[Line]:
    place = f"packet {close.packet}, {since(close.time, story.started)} s"
    code = "without a code" if close.code is None else f"{close.code}"
    code = "whose code is missing" if close.code_missing else code
    yield [
        (f"{' ' * INDENT}{place}  ", ""),
        (arrow(close.sender, within(story)), SIDES[close.sender]),
        (f"  Close {code}", "bold"),
    ]
    meaning = f"{close.meaning} ({close.reference})"
    yield from say(meaning, width, indent=INDENT + 4, style="dim")
    if close.reason:
        reason = shortened(visible(close.reason), REASON)
        yield from say(f'reason: "{reason}"', width, indent=INDENT + 4)


def _end(end: End, story: Story) -> Line:
    name = end_name(end)
    place = f"packet {end.packet}, {since(end.time, story.started)} s"
    ends = within(story) if end.stream else of_tcp(story)
    return [
        (f"{' ' * INDENT}{place}  ", ""),
        (arrow(end.sender, ends), SIDES[end.sender]),
        (f"  {name}", "bold"),
    ]


def _of_stream(closing: Closing) -> str | None:
    """Say what ended a stream of HTTP/2 that had no Close; None for what TCP, or a Close, ended."""
    for end in closing.ends:
        if end.stream and f"{end.sender}-{end.how}" == closing.ended_by:
            name = end.name if end.code is None else f"{end.name} ({end.code})"
            return f"{name} of the {end.sender}, without a Close frame"
    return None


def end_name(end: End) -> str:
    """Return what an end is called on the wire, with its error code."""
    name = end.name if end.code is None else f"{end.name} ({end.code})"
    if end.again:
        return f"{name}, sent again"
    return f"{name} of TCP, after the stream's end" if end.below else name


def _named(by: str, end: str) -> str:
    """Say of the end that is the proxy that it is, where it is what ended the connection."""
    for verb in ("closed", "sent"):
        by = by.replace(f"the {end} {verb}", f"the {end}, here the proxy, {verb}")
    return by.replace(f"in the {end}'s name", f"in the name of the {end}, here the proxy")

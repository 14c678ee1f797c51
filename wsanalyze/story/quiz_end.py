"""Questions about how a connection lasted and ended, with answers from its capture."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import CloseFrame, Story
from wsanalyze.story.question import Question, yes_or_no
from wsanalyze.story.quiz_carriers import names_of_tcp
from wsanalyze.websocket.close import describe

SECOND = 1_000_000_000
# The time limit that is best known: nginx's proxy_read_timeout.
MINUTE = 60.0
# Seconds by which a time must differ from it, or nobody knows.
CLOSE_TO = 1.0
# How TCP ends.
MEANS = {
    "FIN": "its sender has nothing more to send, and all that it sent before comes first (RFC 9293 "
    "§3.6)",
    "RST": "the connection is over at once, and what was still on the way may be lost (RFC 9293 "
    "§3.5.2)",
}


def of_lasting(story: Story) -> Iterator[Question]:
    """Yield the questions about Pings and silences."""
    answered = next((each for each in story.pings if each.pong is not None), None)
    if answered is not None:
        yield Question(
            "pong",
            f"Frame {answered.frame} is a Ping of the {answered.sender}. Which frame answers it?",
            (str(answered.pong),),
            f"frame {answered.pong} is the Pong with the same bytes (RFC 6455 §5.5.3)",
        )
    longest = max(story.silences, key=lambda each: each.length_ns, default=None)
    if longest is None or longest.fits is not None:
        return
    seconds = longest.length_ns / SECOND
    if abs(seconds - MINUTE) < CLOSE_TO:
        return
    verb = "is longer" if seconds > MINUTE else "is shorter"
    yield Question(
        "idle",
        f"The longest time without a frame is {seconds:.1f} s. Would a proxy that waits "
        f"{MINUTE:.0f} s for the next bytes have cut the connection, yes or no?",
        yes_or_no(right=seconds > MINUTE),
        f"{seconds:.1f} s {verb} than {MINUTE:.0f} s; Pings more often than that keep it open",
    )


def of_end(story: Story) -> Iterator[Question]:
    """Yield the questions about the closing handshake and the end of TCP."""
    closes = story.closing.closes
    yield from _of_tcp(story)
    if not closes:
        yield from _of_cut(story)
        return
    first = closes[0]
    senders = list(dict.fromkeys(each.sender for each in closes))
    # One that is sealed may be before it.
    if not set(story.sealed) - set(senders):
        yield Question(
            "who-closed",
            "Whose Close frame is the first in the capture, the client's or the server's?",
            tuple(f"{the}{first.sender}{s}" for the in ("", "the ") for s in ("", "'s")),
            f"the {first.sender}'s is, in packet {first.packet}",
        )
    sent = " and ".join(senders) if len(senders) == 2 else f"only the {senders[0]}"
    # One that is not seen may be among what is missing, or could not be read.
    if len(senders) == 2 or (story.closing.ends and not (any(story.lost.values()) or story.unread)):
        yield Question(
            "both-closed",
            "Is the closing handshake whole: did both ends send a Close, yes or no?",
            yes_or_no(right=len(senders) == 2),
            f"{sent} sent one (RFC 6455 §7.1)",
        )
    if first.reference.startswith("draft-hixie"):
        return
    if first.code_missing:
        return
    if first.code is None:
        yield Question(
            "no-code",
            f"The {first.sender}'s Close has no code. Which one does the application see?",
            ("1005",),
            "1005 stands for no code, and is never sent (RFC 6455 §7.4.1)",
        )
        return
    yield from _of_code(first, first.code)


def _of_code(first: CloseFrame, code: int) -> Iterator[Question]:
    others = [1000, 1001, 1002, 1009, 1011]
    wrong = [describe(each) for each in others if describe(each) != first.meaning]
    yield Question(
        "close-code",
        f"The {first.sender} closed with code {code}. What does that mean?",
        (),
        f"{code} is {first.meaning} ({first.reference})",
        (first.meaning, *wrong[:3]),
    )
    sent = code.to_bytes(2, "big")
    yield Question(
        "code-bytes",
        f"The payload of the {first.sender}'s Close, without the mask, begins with the bytes "
        f"{sent.hex(' ')}. Which code is that?",
        (str(code),),
        f"{sent[0]} x 256 + {sent[1]} = {code} (RFC 6455 §5.5.1)",
    )


def _of_tcp(story: Story) -> Iterator[Question]:
    names = names_of_tcp(story)
    ends = [each for each in story.closing.ends if not each.stream]
    if not ends or names is None or sum(each.packet == ends[0].packet for each in ends) > 1:
        return
    first = ends[0]
    name = names[0] if first.sender == "client" else names[1]
    how = "FIN" if first.how == "fin" else "RST"
    yield Question(
        "who-ended-tcp",
        f"Who ended the TCP connection first, the {names[0]} or the {names[1]}?",
        (name, f"the {name}"),
        f"the {name}'s {how} is in packet {first.packet}",
    )
    yield Question(
        "how-ended",
        "What ended TCP first, a FIN or a RST?",
        (how, f"a {how}"),
        f"packet {first.packet} has {how}: {MEANS[how]}",
    )


def _of_cut(story: Story) -> Iterator[Question]:
    """Ask about an end without a Close, where nothing is missing or unread that could be one."""
    if story.outcome != "established" or not story.closing.ends:
        return
    if any(story.lost.values()) or story.unread:
        return
    yield Question(
        "no-close",
        "Neither end sent a Close. Which code does the application see, although nobody sent it?",
        ("1006",),
        "1006 says that the connection was lost without a Close (RFC 6455 §7.1.5, §7.4.1)",
    )

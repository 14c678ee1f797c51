"""Messages that come in bursts behind pauses (PRX-17), as from a proxy that buffers."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding

# Bursts from which it is worth a remark; of who pushes unasked; hundredths of its messages that
# must have come in them.
BURSTS, PUSHED_BURSTS = 3, 5
MOST_ASKED, MOST_PUSHED = 60, 90


@check(
    "PRX-17",
    "buffered",
    "Messages arrive in bursts after pauses",
    severity="info",
    tags=("proxy", "timing"),
    references=(),
    explanation=(
        "Several times one end was silent for more than a second and then sent three messages or "
        "more within milliseconds. A proxy that buffers does so; so does an application that has "
        "several things to say at once."
    ),
    advice="Compare with a capture beside the sender. nginx: proxy_buffering off.",
    example="stalling-proxy.pcapng",
    circumstances=("bursts",),
)
def buffered(facts: Facts) -> Iterator[Finding]:
    """PRX-17."""
    for sender in ("client", "server"):
        message = told_bursts(facts, sender)
        if message is not None:
            yield Finding(message, sender=sender)


def told_bursts(facts: Facts, sender: str) -> str | None:
    """Say how an end's messages came in bursts behind pauses; None where most did not."""
    side = facts.side(sender)
    messages = side.message_lengths.count
    # Behind a hole messages come at once in any case.
    if side.bursts < BURSTS or not facts.whole(sender):
        return None
    # Most of what it sent must have come that way; of who sends unasked, as feeds do, nearly
    # all: programs that gather what they push are many.
    asked = side.bursts - side.unasked_bursts >= BURSTS
    most = MOST_ASKED if asked else MOST_PUSHED
    if side.burst_messages * 100 < most * messages or not (asked or side.bursts >= PUSHED_BURSTS):
        return None
    message = (
        f"{side.burst_messages} of the {sender}'s {messages} messages came in {side.bursts} bursts "
        "after pauses of more than a second"
    )
    if not asked:
        message += " in which the other end was silent, too: it pushes unasked"
    return message

"""How HTTP/2 begins around an explained WebSocket: the preface, SETTINGS, and what allows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsanalyze.story.model import Multiplexed, Story
from wsanalyze.views.explained_parts import INDENT, SIDES, arrow, row, say, since
from wsanalyze.views.quantities import counted
from wsanalyze.views.wrapping import Line

CARRIES = (
    "HTTP/2 carries many requests at once on one TCP connection, each on a stream with a number "
    "(RFC 9113 §5). Its client begins with a preface, which is no request that a server of HTTP/1 "
    "would take (§3.4); then each end says what it takes, in SETTINGS (§6.5)."
)
EXTENDED_CONNECT = (
    "This is an extended CONNECT (RFC 8441). CONNECT alone asks a proxy for a tunnel to another "
    "host; with :protocol it asks the server itself to turn this one stream into a WebSocket. In "
    "HTTP/1.1 an Upgrade does so with the whole connection, and nothing else can use it then."
)


def multiplexed_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the preface and SETTINGS of both ends; nothing for HTTP/1."""
    begun = story.multiplexed
    if begun is None:
        return
    yield from say(CARRIES, width)
    if begun.preface is not None:
        time, packet = begun.preface
        yield _place("client", time, packet, "PRI * HTTP/2.0 … SM, the preface", story)
    for settings in begun.settings:
        title = "SETTINGS" if settings.values else "SETTINGS, all as RFC 9113 has them"
        yield _place(settings.sender, settings.time, settings.packet, title, story)
        for name, value, meaning in settings.values:
            text = f"{value:,}" + (f"  {meaning}" if meaning else "")
            yield from row(name, text, width, column=26, indent=INDENT + 4)
    if not begun.settings and begun.preface is None:
        yield from say("Neither is in the capture.", width)
    yield from say(allowed(begun, story.sealed), width)
    if shared := shared_with(begun):
        yield from say(shared, width)


def shared_with(begun: Multiplexed) -> str:
    """Say what else is on the connection; nothing where the stream is alone."""
    shared = [
        counted(count, name)
        for count, name in ((begun.others, "other WebSocket"), (begun.requests, "other request"))
        if count
    ]
    return f"The connection is shared with {' and '.join(shared)}." if shared else ""


def allowed(begun: Multiplexed, sealed: Sequence[str] = ()) -> str:
    """Say whether the server had said that it knows extended CONNECT (RFC 8441 §3).

    `sealed`: which ends sent within TLS what no key opened.
    """
    if begun.enabled == 1:
        return (
            "So the server had said that it knows extended CONNECT before the client asked, as RFC "
            "8441 §3 wants it."
        )
    if begun.enabled is None and "server" in sealed:
        return "Whether the server knows extended CONNECT could not be read."
    if begun.enabled is None and "client" in sealed and begun.says_enabled:
        return (
            "The server says that it knows extended CONNECT; whether it had before the client "
            "asked (RFC 8441 §3) is not known: the request could not be read."
        )
    if begun.enabled is None:
        return "Whether the server knows extended CONNECT is not in the capture."
    return (
        "The server had not said that it knows extended CONNECT when the client asked: a client "
        "must wait for that (RFC 8441 §3)."
    )


def _place(sender: str, time: int, packet: int, title: str, story: Story) -> Line:
    text = f"packet {packet:<6} {since(time, story.started):>10}  "
    return [(" " * INDENT + text, ""), (arrow(sender), SIDES[sender]), (f"  {title}", "")]

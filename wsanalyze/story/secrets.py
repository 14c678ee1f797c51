"""What is left out of a story where nobody asked for secrets: credentials, tokens, logins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from wsanalyze.checks.redaction import concealed, redacted
from wsanalyze.checks.tokens import secrets_of, tokens
from wsanalyze.story.model import Event, HeadStory, Secure, Story, WayStep
from wsanalyze.websocket.handshake import Handshake

# Fields that name a host, which a login may stand before.
HOSTS = ("host", ":authority")
# Fields whose value is a secret as a whole.
CREDENTIALS = frozenset(("cookie", "set-cookie", "authorization", "proxy-authorization"))
# What some readers of a field's name pass over, and a field that a line end of theirs begins.
_ODD = re.compile(r"[\s\x00-\x20]")
_FOLDED = re.compile(rf"(?i)[\s\0](?:{'|'.join(CREDENTIALS)})[\s\0]*:\s*")


def without_secrets(story: Story, handshake: Handshake | None) -> Story:
    """Return a story without credentials, tokens in its address and subprotocols, and JWTs in both.

    What frames carry stays: it is what was asked for.
    """
    story = replace(story, way=tuple(map(_step, story.way)))
    if handshake is None:
        return story
    secrets = handshake_secrets(handshake)
    return replace(
        story,
        target=None if story.target is None else concealed(story.target, secrets),
        request=_head(story.request, secrets),
        response=_head(story.response, secrets),
        secure=_records(story.secure, story.response),
        interims=tuple(concealed(each, secrets) for each in story.interims),
        events=tuple(_event(each, secrets) for each in story.events),
    )


def handshake_secrets(handshake: Handshake) -> list[str]:
    """Return the secrets; of a query only what looks like one, so that a lesson has the rest."""
    query = (handshake.target or "").partition("?")[2]
    others = [each for each in secrets_of(handshake) if query not in each or not query]
    return [*(value for _, value in tokens(handshake.target)), *others]


def is_head(content: bytes) -> bool:
    """Say whether what was in a record of TLS is, or has, fields of HTTP/1 or HTTP/2."""
    if content[:3] == b"PRI" or content[3:4] in (b"\x01", b"\x09"):
        return True
    return content[:5] == b"HTTP/" or b" HTTP/" in content


def _records(secure: Secure | None, response: HeadStory | None) -> Secure | None:
    """Return the records behind the response alone: before it heads and bodies are in several."""
    if secure is None:
        return None
    since = None if response is None else response.time
    kept = tuple(
        each
        for each in secure.records
        if since is not None and each[1].time > since and not is_head(each[1].content)
    )
    return replace(secure, records=kept)


def _head(head: HeadStory | None, secrets: Sequence[str]) -> HeadStory | None:
    if head is None:
        return None
    lines = []
    for line in head.lines:
        value = _inside(concealed(line.value, secrets))
        if _ODD.sub("", line.name).lower().endswith(tuple(CREDENTIALS)):
            value = redacted(line.value)
        lines.append(replace(line, value=value))
    return replace(head, start_line=concealed(head.start_line, secrets), lines=tuple(lines))


def _inside(value: str) -> str:
    """Return a value without a field with credentials that was folded into it."""
    found = _FOLDED.search(value)
    return value if found is None else value[: found.end()] + redacted(value[found.end() :])


def _step(step: WayStep) -> WayStep:
    """Return a message to a proxy without who is logging in, and with what."""
    parts = tuple(
        replace(each, data=None, text=redacted(each.text)) if each.secret else each
        for each in step.parts
    )
    head = _head(step.head, ())
    if head is None:
        return replace(step, parts=parts)
    # A login may stand before the host (RFC 3986 §3.2.1), where no proxy wants it.
    lines = tuple(
        replace(line, value=_without_login(line.value)) if line.name.lower() in HOSTS else line
        for line in head.lines
    )
    words = [_without_login(word) for word in head.start_line.split(" ")]
    start = " ".join(words) if step.sender == "client" else head.start_line
    return replace(step, parts=parts, head=replace(head, start_line=start, lines=lines))


def _without_login(authority: str) -> str:
    login, at, rest = authority.rpartition("@")
    return f"{redacted(login)}{at}{rest}" if at else authority


def _event(event: Event, secrets: Sequence[str]) -> Event:
    if event.layer != "http":
        return event
    label, detail = concealed(event.label, secrets), concealed(event.detail, secrets)
    return replace(event, label=label, detail=detail)

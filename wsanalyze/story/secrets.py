"""What is left out of a story where nobody asked for secrets: credentials, tokens, logins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wsanalyze.checks.redaction import address, cleared, concealed, is_drawn, redacted, unfolded
from wsanalyze.checks.tokens import handshake_secrets
from wsanalyze.http2.frames import DATA, HEADER_LENGTH, PING, SETTINGS, WINDOW_UPDATE, header_at
from wsanalyze.story.model import Event, HeadStory, Proof, Story, WayStep, Written
from wsanalyze.streams import Record
from wsanalyze.tunnels.parts import Part
from wsanalyze.tunnels.way import asked_in
from wsanalyze.websocket.addresses import without_login
from wsanalyze.websocket.challenge import KeyNumber
from wsanalyze.websocket.credentials import is_credential, is_harmless, name_alone
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.stream_fields import CONNECTION

# Fields that name a host, which a login may stand before.
HOSTS = ("host", ":authority")
# Fields that name another place, whose address may have a token.
PLACES = ("location", "content-location", "referer")
# Fields whose characters are drawn: some of them look like a login.
DRAWN = ("sec-websocket-key1", "sec-websocket-key2")
# Frames of HTTP/2 in which nobody can write anything.
WITHOUT_FIELDS = (SETTINGS, PING, WINDOW_UPDATE)
# Parts of messages of SOCKS in which a name stands.
NAMES = ("DST.ADDR", "BND.ADDR", "name")
# What begins in HTTP behind its head.
_BODY = "\r\n\r\n"


def without_secrets(story: Story, handshake: Handshake | None) -> Story:
    """Return a story without credentials, tokens in its address and subprotocols, and JWTs in both.

    What frames carry stays: it is what was asked for.
    """
    story = replace(story, way=tuple(map(_step, story.way)))
    if handshake is None:
        return story
    secrets = handshake_secrets(handshake)
    secure = story.secure
    if secure is not None:
        secure = replace(secure, records=_records(story, secrets))
    return replace(
        story,
        target=None if story.target is None else _shown(story.target, secrets),
        version=None if story.version is None else cleared(story.version),
        proof=_proof(story.proof),
        request=_head(story.request, secrets),
        response=_head(story.response, secrets),
        secure=secure,
        interims=tuple(_shown(each, secrets) for each in story.interims),
        written=tuple(_written(each, secrets) for each in story.written),
        events=tuple(_event(each, secrets) for each in story.events),
    )


def is_head(content: bytes) -> bool:
    """Say whether what was in a record of TLS is, or has, fields of HTTP/1 or HTTP/2."""
    if content[:3] == b"PRI" or content[3:4] in (b"\x01", b"\x09"):
        return True
    return content[:5] == b"HTTP/" or b" HTTP/" in content


def status_line(content: bytes) -> bytes:
    """Return the line that an answer of HTTP/1 begins with; nothing where no whole one is there."""
    line, end, _ = content.partition(b"\r\n")
    return line + end if end and line.startswith(b"HTTP/1.") else b""


def _records(story: Story, secrets: Sequence[str]) -> tuple[tuple[str, Record], ...]:
    """Return the records with what the session itself sent: none has a head or body of HTTP.

    Those are in as many records as their senders like, before the response and behind one that
    refuses. HTTP in the place of frames goes on in the next record. Where the session sent nothing,
    the answer to its request is left, cut behind its status line.
    """
    if story.secure is None or story.response is None:
        return ()
    if story.outcome == "established":
        found = _of_session(story)
    elif story.http_stream is not None:
        padded = story.secure.version == "TLS 1.3"
        found = tuple(
            each for each in story.secure.records if _has_no_fields(each[1], None, padded=padded)
        )
    else:
        found = ()
    return found or tuple(_answer(story, secrets))


def _answer(story: Story, secrets: Sequence[str]) -> Iterator[tuple[str, Record]]:
    """Yield the record that the answer begins in, with its status line alone."""
    line = "" if story.response is None else story.response.start_line
    if story.secure is None or not line or _shown(line, secrets) != line:
        return
    for sender, record in story.secure.records:
        begun = status_line(record.content)
        if sender == "server" and begun[:-2] == line.encode("latin-1", "replace"):
            yield sender, replace(record, content=begun)
            return


def _of_session(story: Story) -> tuple[tuple[str, Record], ...]:
    """Return the records of what an established session sent."""
    since = None if story.response is None else story.response.time
    if story.secure is None or since is None:
        return ()
    writes = {each.sender: each.time for each in story.written}
    behind = [each for each in story.secure.records if each[1].time > since]
    if story.http_stream is not None:
        padded = story.secure.version == "TLS 1.3"
        return tuple(
            each for each in behind if _has_no_fields(each[1], story.http_stream, padded=padded)
        )
    return tuple(
        (sender, record)
        for sender, record in behind
        if record.time < writes.get(sender, record.time + 1) and not is_head(record.content)
    )


def _has_no_fields(record: Record, stream: int | None, *, padded: bool) -> bool:
    """Say whether a record has frames of HTTP/2 alone, and none but what one stream may show.

    `stream`: None where it has no session, and its DATA is a page.

    Fields may be in any frame of it, not only in the first; data of other streams is anybody's.
    `padded`: whether type and padding are behind its content (RFC 8446 §5.2).
    """
    content = record.content
    if padded and len(content) == record.length:
        content = content.rstrip(b"\0")[:-1]
    at = 0
    while len(content) - at >= HEADER_LENGTH:
        header = header_at(content, at)
        if header.kind not in ((DATA,) if header.stream == stream else WITHOUT_FIELDS):
            return False
        at += HEADER_LENGTH + header.length
    return at >= len(content) > 0


def _head(head: HeadStory | None, secrets: Sequence[str]) -> HeadStory | None:
    if head is None:
        return None
    lines = tuple(
        replace(line, name=name_alone(line.name), value=_value(line.name, line.value, secrets))
        for line in head.lines
    )
    return replace(head, start_line=_shown(head.start_line, secrets), lines=lines)


def _shown(text: str, secrets: Sequence[str]) -> str:
    """Return a target, a start line or words about them as they may be shown."""
    return concealed(cleared(without_login(text)), secrets)


def _proof(proof: Proof | None) -> Proof | None:
    """Return how the server answers a key, without what else was folded onto the key."""
    if proof is None:
        return None
    steps, challenge = proof.steps, proof.challenge
    if steps is not None:
        concatenation = cleared(steps.concatenation)
        steps = replace(steps, key=cleared(steps.key), concatenation=concatenation)
    if challenge is not None:
        first, second = map(_number, (challenge.first, challenge.second))
        challenge = replace(challenge, first=first, second=second)
    sent = None if proof.sent is None else cleared(proof.sent)
    return replace(proof, steps=steps, challenge=challenge, sent=sent, why=cleared(proof.why))


def _number(number: KeyNumber) -> KeyNumber:
    return replace(number, key=unfolded(number.key))


def _value(name: str, value: str, secrets: Sequence[str]) -> str:
    """Return the value of a field as it may be shown."""
    if is_credential(name):
        return redacted(value)
    name = name.strip().lower()
    if name in DRAWN:
        return unfolded(value)
    if name in CONNECTION and not is_harmless(value) and is_drawn(value):
        return redacted(value)
    if name in PLACES:
        value = address(value)
    elif name in HOSTS:
        value = _without_login(value)
    return concealed(cleared(value), secrets)


def _written(written: Written, secrets: Sequence[str]) -> Written:
    """Return HTTP in the place of frames without the secrets of its head; of its body, of ours."""
    head, end, body = written.text.partition(_BODY)
    first, *lines = head.split("\r\n")
    shown = [_shown(address(first), secrets)]
    for line in lines:
        name, colon, value = line.partition(":")
        is_folded = line[:1] in (" ", "\t") or not colon
        shown.append(
            redacted(line) if is_folded else f"{name}:{value[:1]}{_value(name, value[1:], secrets)}"
        )
    return replace(written, text="\r\n".join(shown) + end + concealed(body, secrets))


def _step(step: WayStep) -> WayStep:
    """Return a message to a proxy without who is logging in, and with what."""
    parts = tuple(map(_part, step.parts))
    head = _head(step.head, ())
    if head is None:
        return replace(step, parts=parts)
    start = _asked(head.start_line) if step.sender == "client" else head.start_line
    return replace(step, parts=parts, head=replace(head, start_line=start))


def _part(part: Part) -> Part:
    """Return a part of a message to a proxy without a secret, its bytes neither.

    A name may be a URL that somebody mistook for it.
    """
    text = part.text
    if part.secret:
        text = redacted(text)
    elif part.name in NAMES:
        text = address(_without_login(text))
    is_whole = text == part.text and not part.secret
    return part if is_whole else replace(part, data=None, text=text)


def _asked(line: str) -> str:
    """Return the first line of a CONNECT without a login before its host, and a token behind it.

    No proxy wants the one there, and no authority has the other (RFC 9112 §3.2.3).
    """
    target = asked_in(line)
    start = len(line.partition(" ")[0]) + 1
    shown = address(_without_login(target))
    return f"{line[:start]}{shown}{line[start + len(target) :]}"


def _without_login(authority: str) -> str:
    login, at, rest = authority.rpartition("@")
    return f"{redacted(login)}{at}{rest}" if at else authority


def _event(event: Event, secrets: Sequence[str]) -> Event:
    if event.layer == "written":
        return replace(event, detail=_shown(address(event.detail), secrets))
    if event.layer not in ("http", "proxy"):
        return event
    label, detail = _shown(event.label, secrets), _shown(event.detail, secrets)
    return replace(event, label=label, detail=detail)

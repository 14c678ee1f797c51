"""TLS of an explained connection: its handshake by messages, where keys came from, one record."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.ends import of_tcp, within
from wsanalyze.story.model import Event, Secure, Story, TlsStep
from wsanalyze.story.secrets import is_head, status_line
from wsanalyze.streams import Record
from wsanalyze.tunnels.way import destination
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_hello import hello_lines
from wsanalyze.views.explained_parts import (
    INDENT,
    SIDES,
    arrow,
    hexadecimal,
    row,
    say,
    since,
)
from wsanalyze.views.quantities import counted, size
from wsanalyze.views.wrapping import Line

# Bytes of a record that are shown, characters of a text, messages that are told in full.
RECORD = 32
VALUE = 1500
STEPS = 40
BELOW = INDENT + 4

INTRODUCTION = (
    "Before anything of HTTP, both ends agree on keys. A message that is marked as encrypted can "
    "be read here because the secrets are known; whoever only listens sees its length."
)


OUTER = (
    "This is the outer of two TLS connections in one another, with the proxy: it reads the request "
    "for the tunnel in it, passes on what comes then, and cannot read it, for that is encrypted "
    "once more, with keys that only the far end has."
)
TO_PROXY = (
    "This TLS connection is with the proxy and ends there: what is in the tunnel is in the clear "
    "for it, and behind it."
)
INNER = (
    "Inside the tunnel the client begins anew, with the far end: what follows was in records of "
    "the outer TLS connection."
)
IN_TUNNEL = (
    "Inside the tunnel the client agrees on keys with the far end: the proxy has none of them."
)


def tls_lines(story: Story, depth: int, width: int) -> Iterator[Line]:
    """Yield what is known of the TLS connection with `depth` others around it.

    Its handshake, where the keys came from, one record before and after decryption.
    """
    if depth < len(story.around):
        yield from say(TO_PROXY if story.secure is None else OUTER, width)
        yield from _secured(story.around[depth], story, of_tcp(story), width)
        return
    if story.secure is None or depth > len(story.around):
        return
    if story.around:
        yield from say(INNER, width)
    elif destination(story.tunnel) is not None:
        yield from say(IN_TUNNEL, width)
    yield from _secured(story.secure, story, within(story), width)


def _secured(tls: Secure, story: Story, ends: tuple[str, str], width: int) -> Iterator[Line]:
    if tls.steps:
        yield from say(INTRODUCTION, width)
        for step in tls.steps[:STEPS]:
            yield from _step(step, story, ends, width)
        if len(tls.steps) > STEPS:
            left = counted(len(tls.steps) - STEPS, "message")
            yield from say(f"… and {left} more", width, style="dim")
    else:
        yield from say("Before anything of HTTP, both ends agree on keys.", width)
        for event in story.events:
            if event.layer == "tls" and event.leg == 0:
                yield _hello(event, story, ends)
    yield []
    yield from _agreed(tls, width)
    yield from _keys(tls, width)
    yield from _alerts(tls, story, ends, width)


def _step(step: TlsStep, story: Story, ends: tuple[str, str], width: int) -> Iterator[Line]:
    length = f"{size(step.length)}{', encrypted' if step.sealed else ''}"
    way: Line = [
        (f"{' ' * INDENT}packet {step.packet:<6} ", ""),
        (f"{since(step.time, story.started):>10}  ", ""),
        (arrow(step.sender, ends), SIDES[step.sender]),
        (f"  {step.name}", "bold"),
    ]
    if sum(len(text) for text, _ in way) + 2 + len(length) <= width:
        yield [*way, (f", {length}", "")]
    else:
        yield way
        yield from say(length, width, indent=BELOW)
    if step.meaning:
        yield from say(step.meaning, width, indent=BELOW, style="dim")
    if step.parts:
        yield from hello_lines(step.parts, width)
        return
    for label, text in step.facts:
        yield from row(label, visible(text, VALUE), width, indent=BELOW)


def _hello(event: Event, story: Story, ends: tuple[str, str]) -> Line:
    return [
        (f"{' ' * INDENT}packet {event.packet or 0:<6} ", ""),
        (f"{since(event.time, story.started):>10}  ", ""),
        (arrow(event.sender, ends), SIDES[event.sender]),
        (f"  {event.label}", ""),
    ]


def _agreed(tls: Secure, width: int) -> Iterator[Line]:
    """Yield what both agreed on, in one place; what messages say in full stands there."""
    asked = ", ".join(tls.alpn_offered)
    resumed = {True: "yes, from an earlier connection", False: "no, a full handshake", None: None}
    told = bool(tls.steps)
    for label, value in (
        ("version", tls.version),
        ("cipher suite", tls.cipher),
        ("the client asks for", f"{tls.sni} (SNI)" if tls.sni and not told else None),
        ("protocols offered", f"{asked} (ALPN)" if asked and not told else None),
        ("the server chooses", f"{tls.alpn} (ALPN)" if tls.alpn else None),
        ("resumed", resumed[tls.resumed]),
        ("certificate of", None if told else tls.certificate_subject),
        ("issued by", None if told else tls.certificate_issuer),
        ("client random", None if told else tls.client_random),
    ):
        if value is not None:
            yield from row(label, visible(value, VALUE), width)


def _keys(tls: Secure, width: int) -> Iterator[Line]:
    if not tls.decrypted:
        why = visible(tls.reason or "nobody told its keys", VALUE)
        yield from row("not decrypted", why, width)
        return
    sources = {
        "key log": "a key log that was given (--keylog, SSLKEYLOGFILE)",
        "capture": "the capture itself (a Decryption Secrets Block of pcapng)",
        "RSA key": "a session ID, a premaster secret or an RSA key, not its client random",
    }
    if tls.keys_from is not None:
        source = sources[tls.keys_from]
        if tls.keys_from != "RSA key":
            source += ", found by the client's random number"
        yield from row("keys from", source, width)
    if tls.labels:
        yield from row("secrets", ", ".join(tls.labels), width)
    told = _telling_record(tls)
    if told is not None:
        yield []
        yield from _record(*told, tls, width)


def _record(sender: str, record: Record, tls: Secure, width: int) -> Iterator[Line]:
    text = f"One record of the {sender}, packet {record.packet}, before and after decryption:"
    yield from say(text, width)
    length = int.from_bytes(record.header[3:5], "big")
    yield from row("header", hexadecimal(record.header, 5), width)
    kind = "type 23 (0x17) application data, version as TLS 1.2 says it (0x0303)"
    if record.header[1:3] != b"\x03\x03":
        kind = f"type 23 (0x17) application data, version 0x{record.header[1:3].hex()}"
    yield from row("", f"{kind}, {counted(length, 'byte')} follow", width)
    yield from row("as sent", hexadecimal(record.body, RECORD), width)
    head = status_line(record.content)
    opened = head[:RECORD].hex(" ") + " …" if head else hexadecimal(record.content, RECORD)
    yield from row("opened", opened, width, style="bold")
    if head:
        line = visible(head[:-2].decode("latin-1"), VALUE)
        text = f"{line}: the answer's first line; what else is in the record is not shown here"
        yield from row("", text, width)
    # A record may begin within a frame that an earlier one began.
    if tls.alpn == "h2" and int.from_bytes(record.content[:3], "big") + 9 <= record.length:
        text = "its first 9 bytes are the header of a frame of HTTP/2 (RFC 9113 §4.1)"
        yield from row("", text, width)
    more = counted(length - record.length, "byte")
    if tls.version == "TLS 1.3":
        inside = (
            f"{counted(record.length, 'byte')}, the last one that is not 00 being the type inside"
        )
        text = f"{inside} (RFC 8446 §5.2); the {more} more as sent are the tag of the cipher"
    else:
        text = f"the {more} more as sent are {_added(tls)}"
    yield from row("", text, width)


def _added(tls: Secure) -> str:
    """Say what a cipher suite adds to what is said, before TLS 1.3."""
    cipher = tls.cipher or ""
    if "_GCM_" in cipher:
        return "8 of the nonce, in front, and the tag behind (RFC 5288 §3)"
    if "_CCM" in cipher:
        return "8 of the nonce, in front, and the tag behind (RFC 6655 §3)"
    if "CHACHA20" in cipher:
        return "the tag (RFC 7905 §2)"
    if "_CBC_" in cipher and tls.version in ("TLS 1.1", "TLS 1.2"):
        return "the IV in front, and MAC and padding behind (RFC 5246 §6.2.3.2)"
    return "what the cipher adds (RFC 5246 §6.2.3)"


def _telling_record(tls: Secure) -> tuple[str, Record] | None:
    """Return a record that is not the head of HTTP, where secrets may be, if there is one.

    Else one that an answer begins in, of which the first line is shown.
    """
    plain = [each for each in tls.records if not is_head(each[1].content)]
    answers = [each for each in tls.records if each[0] == "server" and status_line(each[1].content)]
    found = plain or answers
    return found[0] if found else None


def _alerts(tls: Secure, story: Story, ends: tuple[str, str], width: int) -> Iterator[Line]:
    if tls.alerts:
        yield []
        yield from say("TLS says itself when it ends, or what failed: alerts.", width)
    for alert in tls.alerts:
        yield [
            (f"{' ' * INDENT}packet {alert.packet:<6} ", ""),
            (f"{since(alert.time, story.started):>10}  ", ""),
            (arrow(alert.sender, ends), SIDES[alert.sender]),
            (f"  {alert.name}", "bold"),
        ]
        if alert.name == "close_notify":
            text = "its sender sends nothing more; without it, nobody knows whether all has come"
            section = "RFC 8446 §6.1" if tls.version == "TLS 1.3" else "RFC 5246 §7.2.1"
            yield from say(f"{text} ({section})", width, indent=BELOW, style="dim")

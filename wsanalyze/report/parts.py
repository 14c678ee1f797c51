"""The parts of one connection's story as plain values: handshake, TLS, ladder, Pings, the end."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.report.hiding import Hide, in_bytes
from wsanalyze.story.meanings import status_meaning
from wsanalyze.story.model import HeadStory, HelloPart, Proof, Secure, Story
from wsanalyze.story.refused import refused_tunnels
from wsanalyze.story.way import label_of
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.audited import Audited
from wsanalyze.views.explained_end import end_name
from wsanalyze.views.explained_http2 import CARRIES, allowed, shared_with
from wsanalyze.views.explained_parts import hexadecimal
from wsanalyze.views.explained_way import ends_of, said_of
from wsanalyze.views.quantities import counted
from wsanalyze.views.rungs import MOST, Rung, lanes_of, rungs_of

# Fields that the opening handshake has rules for (RFC 6455 §4, RFC 8441 §4, the drafts).
_JUDGED = frozenset(
    (
        *("host", "upgrade", "connection", "origin", ":method", ":protocol", ":scheme", ":path"),
        *(":authority", ":status", "content-length", "transfer-encoding", "websocket-protocol"),
        *("websocket-origin", "websocket-location"),
    )
)
Index = Mapping[int, int]
# Messages to and from proxies that are listed; parts or fields of one, and bytes of a part.
WAY_STEPS, WAY_PARTS, WAY_BYTES = 20, 60, 64
# Messages of one TLS handshake that are listed, and characters of one text of it.
TLS_STEPS, TLS_TEXT = 40, 1500
# Fields of a hello, and bytes of one.
TLS_FIELDS, TLS_BYTES = 300, 16
# Causes of cuts that are listed, and connections of one.
CAUSES, CUT = 20, 100
# Refused tunnels that are listed.
REFUSED = 200


def handshake_part(story: Story, index: Index, began: int) -> dict[str, Any]:
    """Return both heads, each field with its verdict, and how the server proved that it read.

    `index` has the place of each finding in the report's list, by identity. A field without a
    finding is `ok` where the handshake has rules for it, else `none`. `sealed` is the head that is
    in the capture, and that no key opens: `request`, `answer` or None.
    """
    status = _status(story.response)
    return {
        "sealed": story.sealed_head,
        "request": _head(story.request, index, began),
        "response": _head(story.response, index, began),
        "interims": list(story.interims),
        "meaning": status_meaning(status),
        "proof": _proof(story.proof),
    }


def _head(head: HeadStory | None, index: Index, began: int) -> dict[str, Any] | None:
    if head is None or not (head.start_line or head.lines):
        return None
    return {
        "start": head.start_line,
        "t": None if head.time is None else head.time - began,
        "packet": head.packet,
        "length": head.length,
        "findings": _places(head.findings, index),
        "lines": [
            {
                "name": line.name,
                "value": line.value,
                "meaning": line.meaning,
                "verdict": _verdict(line.name, line.findings),
                "findings": _places(line.findings, index),
            }
            for line in head.lines
        ],
    }


def _places(findings: Sequence[Finding], index: Index) -> list[int]:
    return [index[id(each)] for each in findings if id(each) in index]


def _verdict(name: str, findings: Sequence[Finding]) -> str:
    for severity in ("error", "warning", "info"):
        if any(each.severity == severity for each in findings):
            return severity
    lower = name.lower()
    return "ok" if lower in _JUDGED or lower.startswith("sec-websocket-") else "none"


def _status(response: HeadStory | None) -> int | None:
    if response is None:
        return None
    texts = [line.value for line in response.lines if line.name == ":status"]
    word = texts[0] if texts else [*response.start_line.split(" "), ""][1]
    return int(word) if word.isascii() and word.isdigit() and len(word) == 3 else None


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    steps: list[tuple[str, str]] = []
    if proof.steps is not None:
        steps = [
            ("the client's random key", proof.steps.key),
            ("key and GUID, joined", proof.steps.concatenation),
            ("SHA-1 of it", proof.steps.digest),
            ("in base64: must be sent", proof.steps.accept),
        ]
    if proof.challenge is not None:
        first, second, answer = proof.challenge.first, proof.challenge.second, proof.challenge
        steps = [
            ("number of the first key", f"{first.number} with {first.spaces} spaces: {first.part}"),
            (
                "number of the second key",
                f"{second.number} with {second.spaces} spaces: {second.part}",
            ),
            ("eight bytes behind the request", answer.body.hex()),
            ("both parts and the eight bytes", _hex(answer.challenge)),
            ("MD5 of it: must be sent", _hex(answer.answer)),
        ]
    why = f"{proof.why[:1].upper()}{proof.why[1:]}." if proof.why else ""
    return {"why": why, "sent": proof.sent, "right": proof.right, "steps": steps}


def _hex(data: bytes | None) -> str:
    return "not to be computed" if data is None else data.hex()


_KEYS_FROM = {
    "key log": "a key log that was given",
    "capture": "the capture itself: a Decryption Secrets Block of pcapng",
    "RSA key": "a session ID, a premaster secret or an RSA key that was given",
}


def tls_part(tls: Secure | None) -> list[tuple[str, str]]:
    """Return what is known of a TLS connection, label and text; empty where there is none.

    Its last lines say how many messages of its handshake `tls_steps_part` leaves out.
    """
    if tls is None:
        return []
    found = [
        ("version", tls.version),
        ("cipher suite", tls.cipher),
        ("server name (SNI)", tls.sni),
        ("protocol (ALPN)", tls.alpn),
        ("certificate of", tls.certificate_subject),
        ("issued by", tls.certificate_issuer),
        ("keys from", _KEYS_FROM.get(tls.keys_from or "", tls.keys_from)),
        ("decrypted", "yes" if tls.decrypted else "no"),
        ("why not, or not to its end", tls.reason),
    ]
    if len(tls.steps) > TLS_STEPS:
        left = f"{len(tls.steps) - TLS_STEPS:,} further messages of its handshake"
        found.append(("not shown", left))
    return [(label, _beginning(text)) for label, text in found if text]


def tls_steps_part(tls: Secure | None, began: int, room: int) -> list[list[Any]]:
    """Return the first messages of a TLS handshake, each with what it is for and what it says.

    `room`: characters of what they say in all; of a message that does not fit its name is left.
    Of hellos each field has its bytes, its name, what they say, and whether an extension has it.
    """
    rows: list[list[Any]] = []
    for each in tls.steps[:TLS_STEPS] if tls is not None else ():
        said = [[label, _beginning(text)] for label, text in each.facts]
        needed = sum(len(label) + len(text) for label, text in said)
        if needed > room:
            said = [["not shown", f"what it says: {needed:,} characters, more than a report holds"]]
        else:
            room -= needed
        rows.append(
            [
                *(each.sender, each.time - began, each.packet, each.name, each.meaning),
                *(each.length, int(each.sealed), said),
            ]
        )
    # The bytes come last: where room is short, what is said counts more.
    for row, each in zip(rows, tls.steps if tls is not None else (), strict=False):
        fields = [_field(part) for part in each.parts[:TLS_FIELDS]]
        needed = sum(len(data) + len(name) + len(text) for data, name, text, _ in fields)
        if needed > room:
            note = f"{counted(needed, 'character')}, more than a report holds"
            row[-1].append(["bytes, not shown", note])
            fields, needed = [], 0
        room -= needed
        row.append(fields)
    return rows


def _field(part: HelloPart) -> tuple[str, str, str, int]:
    """Return a field of a hello: its bytes in hex, its name, what they say, its depth."""
    return hexadecimal(part.data, TLS_BYTES), part.name, _beginning(part.text), part.depth


def way_part(story: Story, index: Index, began: int, room: int, hide: Hide) -> list[dict[str, Any]]:
    """Return the first messages to and from proxies, with their bytes or their head.

    `room`: characters of what they say in all; of a message that does not fit its label is left.
    """
    rows = []
    for step in story.way[:WAY_STEPS]:
        near, far = ends_of(step)
        parts = [
            [
                "" if each.data is None else each.data[:WAY_BYTES].hex(" "),
                each.name,
                hide(_beginning(each.text)),
            ]
            for each in step.parts[:WAY_PARTS]
        ]
        head = _head(step.head, index, began)
        needed = sum(len(text) for part in parts for text in part)
        if head is not None:
            head["start"] = hide(_beginning(head["start"]))
            head["lines"] = [
                each | {"value": hide(_beginning(each["value"]))}
                for each in head["lines"][:WAY_PARTS]
            ]
            needed += sum(len(each["name"]) + len(each["value"]) for each in head["lines"])
        fits = needed <= room
        room -= needed if fits else 0
        rows.append(
            {
                "sender": step.sender,
                "ends": [near, far],
                "t": step.time - began,
                "packet": step.packet,
                "length": step.length,
                "label": hide(_beginning(label_of(step))),
                "said": said_of(step),
                "code": step.code,
                "parts": parts if fits else [],
                "head": head if fits else None,
                "findings": _places(step.findings, index),
            }
        )
    return rows


def _beginning(text: str) -> str:
    if len(text) <= TLS_TEXT:
        return text
    return f"{text[:TLS_TEXT]}… and {len(text) - TLS_TEXT:,} more characters"


# Columns of a ladder's rows: the fields of `Rung` by name.
_RUNG = tuple(field.name for field in fields(Rung))


def ladder_events(story: Story, frames: int) -> int:
    """Return how many events the ladder of a story has, of which the first `frames` are shown."""
    # Both legs of a proxied connection have as many, and then there are TCP, TLS and HTTP.
    return min(len(story.events), 2 * frames + MOST)


def ladder_part(story: Story, most: int, hide: Hide) -> dict[str, Any]:
    """Return the lanes and the rows of the ladder diagram, as columns: of the first `most` events.

    The page draws a window of them. They are the rows of every other ladder of this story.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _RUNG}
    for rung in rungs_of(story, most):
        for name, column in columns.items():
            value = getattr(rung, name)
            column.append(hide(value) if name in ("label", "detail") and value else value)
    return {"lanes": list(lanes_of(story)), "rungs": columns}


def pings_part(
    connection: Connection, story: Story, most: int, began: int, hide: Hide, *, whole: bool
) -> dict[str, Any]:
    """Return the first `most` Pings, each with its Pong's number and the time it took.

    Where not all of them were looked into, or (not `whole`) the bytes of none, how many were
    answered is what the pass has counted, which forgets a Ping that many others came behind.
    """
    total = connection.client_pings + connection.server_pings
    answered = sum(each.pong is not None for each in story.pings)
    seen = connection.observation
    if seen is not None and (not whole or len(story.pings) < total):
        answered = seen.client.pong_ns.count + seen.server.pong_ns.count
    return {
        "total": total,
        "answered": answered,
        "rows": [
            {
                "sender": each.sender,
                "f": each.frame,
                "t": each.time - began,
                "payload": b64encode(in_bytes(each.payload, hide)[0]).decode(),
                "pong": each.pong,
                "rtt": each.rtt_ns,
            }
            for each in story.pings[:most]
        ],
    }


def cuts_part(audited: Audited, hide: Hide) -> dict[str, Any]:
    """Return who cut which connections, by their numbers; the most first."""
    groups = audited.cuts
    return {
        "total": len(groups),
        "rows": [
            {
                "cause": hide(each.cause),
                "total": len(each.connections),
                "connections": list(each.connections[:CUT]),
            }
            for each in groups[:CAUSES]
        ],
    }


def refused_part(recording: Recording, began: int) -> dict[str, Any]:
    """Return the tunnels that proxies refused, which no connection has, in order."""
    refused = refused_tunnels(recording)
    return {
        "total": len(refused),
        "rows": [
            {
                "client": address_and_port(each.client_ip, each.client_port),
                "proxy": address_and_port(each.proxy_ip, each.proxy_port),
                "way": each.way,
                "outer": each.outer,
                "code": each.code,
                "meaning": each.meaning,
                "t": each.time - began,
                "packet": each.packet,
                "capture": PurePath(each.capture).name,
            }
            for each in refused[:REFUSED]
        ],
    }


def multiplexed_part(story: Story, began: int) -> dict[str, Any] | None:
    """Return how HTTP/2 began around a stream; None for what is none."""
    begun = story.multiplexed
    if begun is None:
        return None
    preface = begun.preface
    return {
        "preface": None if preface is None else [preface[0] - began, preface[1]],
        "settings": [
            [each.sender, each.time - began, each.packet, [list(value) for value in each.values]]
            for each in begun.settings
        ],
        "said": [CARRIES, allowed(begun, story.sealed), shared_with(begun)],
    }


def close_part(story: Story, began: int, hide: Hide) -> dict[str, Any]:
    """Return the first Close frames, the ends of TCP, and the longest silences."""
    closing = story.closing
    return {
        "ended_by": closing.ended_by,
        "cut": None if story.cut is None else hide(story.cut),
        "more_closes": closing.more_closes,
        "closes": [
            {
                "sender": each.sender,
                "f": each.frame,
                "t": each.time - began,
                "packet": each.packet,
                "code": each.code,
                "reason": None if each.reason is None else hide(each.reason),
                "meaning": each.meaning,
                "reference": each.reference,
            }
            for each in closing.closes
        ],
        "ends": [
            {
                "sender": each.sender,
                "how": end_name(each),
                "t": each.time - began,
                "packet": each.packet,
            }
            for each in closing.ends
        ],
        "silences": [
            {"t": each.start - began, "length": each.length_ns, "after": each.after}
            for each in story.silences
        ],
    }

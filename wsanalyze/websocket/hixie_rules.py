"""What the handshake of Hixie-75, Hixie-76 and the HyBi drafts 0 to 3 must be: the LEG checks.

HX is draft-hixie-thewebsocketprotocol-76; the drafts 0 to 3 of HyBi kept its handshake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wsanalyze.websocket.challenge import (
    ANSWER_LENGTH,
    BODY_LENGTH,
    ChallengeSteps,
    answer_mistake,
    key_number,
)
from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import Head

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

KEYS = ("Sec-WebSocket-Key1", "Sec-WebSocket-Key2")

_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/]*)(.*)", re.DOTALL)

_ANSWER_MISTAKES = {
    "no-body": "it was computed without the eight bytes",
    "hex": "it is the digest in hex digits",
    "little-endian": "it was computed with the bytes of the keys' numbers turned over",
    "frame": "a text frame stands where it should be",
    "other": "it answers another challenge, or none",
}


def hixie_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of the old handshakes that failed, on either side."""
    client, server = Faults("client"), Faults("server")
    if handshake.has_challenge:
        _keys(client, handshake.request_head)
        _challenge(client, handshake)
    head = handshake.response_head
    if head is not None and handshake.succeeded:
        if handshake.has_challenge:
            _answer(server, handshake)
        prefix = "" if handshake.version == "hixie-75" else "Sec-"
        _origin(server, handshake, head, f"{prefix}WebSocket-Origin")
        _location(server, handshake, head, f"{prefix}WebSocket-Location")
        _subprotocol(server, handshake, f"{prefix}WebSocket-Protocol")
    return (*client.found(), *server.found())


def challenge_reasons(handshake: Handshake) -> list[str]:
    """Return why a challenge has no answer: what makes a server abort (HX §5.2 items 4 to 8)."""
    reasons = [
        f"its {name} {mistake}"
        for name in KEYS
        if (mistake := key_fault(handshake.request_head.value(name.lower()))) is not None
    ]
    body, answer = handshake.challenge, handshake.answer
    # While the answer is due, the eight bytes may still come.
    answered = answer is not None and len(answer) == ANSWER_LENGTH
    if body is not None and answered and len(body) < BODY_LENGTH:
        there = "1 byte is" if len(body) == 1 else f"{len(body)} bytes are"
        reasons.append(f"{there} behind its head, not {BODY_LENGTH}")
    return reasons


def key_fault(key: str | None) -> str | None:
    """Say why Sec-WebSocket-Key1 or -Key2 stands for no number, None where it does."""
    return "is missing" if key is None else key_number(key).mistake


def _keys(faults: Faults, head: Head) -> None:
    """LEG-02: two keys, whose numbers their spaces divide."""
    for name in KEYS:
        key = head.value(name.lower())
        mistake = key_fault(key)
        if mistake is not None:
            sent = name if key is None else f"{name} {shown(key)}"
            section = (
                "draft-hixie-thewebsocketprotocol-76 §5.2 items 4 to 7"
                if key is not None
                else "HX §4.1"
            )
            faults.add("LEG-02", f"{sent} {mistake}", section, field=name, evidence=key)


def _challenge(faults: Faults, handshake: Handshake) -> None:
    """LEG-01: the eight bytes behind the head, which many a proxy keeps for itself."""
    body = handshake.challenge
    if body is not None and len(body) < BODY_LENGTH:
        what = f"{len(body)} of the {BODY_LENGTH} bytes behind the head were sent"
        faults.add("LEG-01", what, "draft-hixie-thewebsocketprotocol-76 §4.1", evidence=body.hex())


def _answer(faults: Faults, handshake: Handshake) -> None:
    """LEG-01: the sixteen bytes behind the 101."""
    answer, steps = handshake.answer, handshake.challenge_steps
    if answer is None:
        return
    if len(answer) < ANSWER_LENGTH:
        what = f"{len(answer)} of the {ANSWER_LENGTH} bytes that answer the challenge were sent"
        faults.add(
            "LEG-01",
            what,
            "draft-hixie-thewebsocketprotocol-76 §4.1, §5.2 item 13",
            evidence=answer.hex(),
        )
    elif steps is not None and steps.answer not in (None, answer):
        _wrong_answer(faults, steps, answer)


def _wrong_answer(faults: Faults, steps: ChallengeSteps, answer: bytes) -> None:
    mistake = answer_mistake(steps, answer) or "other"
    expected = (steps.answer or b"").hex()
    what = f"the answer is {answer.hex()}, not {expected}: {_ANSWER_MISTAKES[mistake]}"
    section = "draft-hixie-thewebsocketprotocol-76 §4.1, §5.2 items 8 to 13"
    faults.add("LEG-01", what, section, evidence=answer.hex(), fatal=True)


def _origin(faults: Faults, handshake: Handshake, head: Head, name: str) -> None:
    """LEG-03: the Origin of the request, in lower case."""
    section = "draft-hixie-thewebsocketprotocol-76 §4.1, §5.2 item 11"
    value, origin = head.value(name.lower()), handshake.request_head.value("origin")
    if value is None:
        faults.add("LEG-03", f"there is no {name}", section, field=name, fatal=True)
    elif origin is not None and value.lower() != origin.lower():
        what = f"{name} is {shown(value)}, the request's Origin is {shown(origin)}"
        faults.add("LEG-03", what, section, field=name, evidence=value, fatal=True)


def _location(faults: Faults, handshake: Handshake, head: Head, name: str) -> None:
    """LEG-03: the URL of the request.

    Its scheme is not looked at: whether the client spoke TLS to a proxy is not to be seen here.
    """
    section = "draft-hixie-thewebsocketprotocol-76 §4.1, §5.2 item 11"
    value = head.value(name.lower())
    if value is None:
        faults.add("LEG-03", f"there is no {name}", section, field=name, fatal=True)
        return
    host, target = handshake.host, handshake.target
    match = _LOCATION.fullmatch(value)
    same_host = match is not None and (host is None or match[1].lower() == host.lower())
    if match is None or not same_host or (match[2] or "/") != target:
        what = f"{name} is {shown(value)}, the request is for {shown(target)} of {shown(host)}"
        faults.add("LEG-03", what, section, field=name, evidence=value, fatal=True)


def _subprotocol(faults: Faults, handshake: Handshake, name: str) -> None:
    """HSR-06: the subprotocol of the request, where it has one."""
    offered, chosen = handshake.subprotocols_offered, handshake.subprotocol
    if not offered or chosen in offered:
        return
    of = shown(", ".join(offered))
    what = f"{name} is {shown(chosen)}, and {of} was asked for"
    section = "draft-hixie-thewebsocketprotocol-76 §4.1, §5.2 item 11"
    faults.add("HSR-06", what, section, field=name, evidence=chosen, fatal=True)

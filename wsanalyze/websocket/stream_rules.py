"""What the handshake of a WebSocket on a stream of HTTP/2 or HTTP/3 must be: the H2 checks.

RFC 8441, RFC 9113 §8. What RFC 6455 says of subprotocols, extensions and versions holds there, too,
and is judged by the rules of the other files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.stream_fields import (
    Pair,
    pairs_of,
    wrong_fields,
    wrong_pseudo,
    wrong_values,
)

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

# Fields of HTTP/1 in whose place RFC 8441 §5 has :protocol.
REPLACED = ("sec-websocket-key", "sec-websocket-accept")


def stream_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of RFC 8441 and RFC 9113 §8 that failed."""
    asked, answered = Faults("client"), Faults("server")
    request = handshake.request_head
    fields = pairs_of(request)
    _pseudo(asked, request, fields)
    _fields(asked, request, fields)
    response = handshake.response_head
    if response is not None:
        fields = pairs_of(response)
        _fields(answered, response, fields)
        _status(answered, response, fields)
    return (*asked.found(), *answered.found())


def _pseudo(faults: Faults, head: Head, fields: list[Pair]) -> None:
    """H2-03: the pseudo-header fields of an extended CONNECT."""
    if not head.count(":protocol"):
        names = [each.name for each in head.fields if each.name.lower().startswith("sec-websocket")]
        what = f"{names[0] if names else 'Upgrade'} without :protocol asks for nothing in HTTP/2"
        faults.add("H2-03", what, "RFC 8441 §5", field=":protocol")
        return
    method = head.method
    if method != "CONNECT":
        what = f":method is {shown(method)}, not CONNECT"
        faults.add("H2-03", what, "RFC 8441 §4", field=":method", evidence=method or "", fatal=True)
    for name in (":scheme", ":path", ":authority"):
        values = head.values(name)
        if not values or values == [""]:
            what = f"{name} is empty" if values else f"there is no {name}"
            # RFC 9113 §8.3.1: :authority may be missing where there is a Host, in other requests.
            faults.add("H2-03", what, "RFC 8441 §4, §5", field=name)
    for wrong in wrong_pseudo(fields, "request"):
        # What is to be understood by several is anybody's guess.
        twice = wrong.field in (":protocol", ":method") and "times" in wrong.what
        more = {"field": wrong.field, "evidence": wrong.evidence}
        faults.add("H2-03", wrong.what, wrong.section, fatal=twice, **more)
    for wrong in wrong_values([each for each in fields if each[0].startswith(b":")]):
        faults.add("H2-03", wrong.what, wrong.section, field=wrong.field, evidence=wrong.evidence)
    _values(faults, head)


def _values(faults: Faults, head: Head) -> None:
    """H2-03: what pseudo-header fields say (RFC 9113 §8.3.1)."""
    scheme, path = head.value(":scheme"), head.value(":path")
    authority, protocol = head.value(":authority"), head.value(":protocol")
    if scheme and scheme not in ("http", "https"):
        what = f":scheme is {shown(scheme)}, and of WebSocket URIs it is http or https"
        faults.add("H2-03", what, "RFC 8441 §5", field=":scheme", evidence=scheme)
    if path and not path.startswith("/"):
        what = f":path is {shown(path)}, and begins with no '/'"
        faults.add("H2-03", what, "RFC 9113 §8.3.1", field=":path", evidence=path)
    if authority and "@" in authority:
        # Who the user is, with the password, is nobody's business on the way.
        what = ":authority has user information in front of the host"
        faults.add("H2-03", what, "RFC 9113 §8.3.1", field=":authority")
    if protocol and protocol != "websocket":
        what = f":protocol is {shown(protocol)}, and is registered as 'websocket'"
        faults.add("H2-03", what, "RFC 8441 §5", field=":protocol", evidence=protocol)


def _fields(faults: Faults, head: Head, fields: list[Pair]) -> None:
    """H2-04: fields that have no place on a stream, and what no field of HTTP/2 looks like."""
    replaced = (*REPLACED, "host") if head.kind == "request" else REPLACED
    for name in replaced:
        value = head.value(name)
        if value is None:
            continue
        if name == "host" and value == head.value(":authority"):
            # RFC 9113 §8.3.1 lets intermediaries keep a Host that says the same.
            continue
        what = f"{name} in HTTP/2, where :protocol takes its place"
        if name == "host":
            what = f"host is {shown(value)}, and :authority {shown(head.value(':authority'))}"
            if head.value(":authority") is None:
                what = "host in the place of :authority"
        section = "RFC 9113 §8.3.1" if name == "host" else "RFC 8441 §5"
        faults.add("H2-04", what, section, field=name, evidence=value)
    for wrong in wrong_fields([each for each in fields if not each[0].startswith(b":")], head.kind):
        faults.add("H2-04", wrong.what, wrong.section, field=wrong.field, evidence=wrong.evidence)


def _status(faults: Faults, head: Head, fields: list[Pair]) -> None:
    """H2-05: what a final response cannot be."""
    status = head.value(":status")
    if head.status == 101:
        what = "the answer is 101, which HTTP/2 does not have"
        faults.add("H2-05", what, "RFC 9113 §8.6; RFC 8441 §5", field=":status", evidence="101")
    elif head.status is None:
        what = f":status is {shown(status)}, which is no status code"
        faults.add("H2-05", what, "RFC 9113 §8.3.2", field=":status", evidence=status or "")
    for wrong in wrong_pseudo(fields, "response"):
        faults.add("H2-05", wrong.what, wrong.section, field=wrong.field)

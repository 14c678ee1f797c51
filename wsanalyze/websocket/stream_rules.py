"""What the handshake of a WebSocket on a stream of HTTP/2 or HTTP/3 must be: the H2 checks.

RFC 8441, RFC 9113 §8. What RFC 6455 says of subprotocols, extensions and versions holds there, too,
and is judged by the rules of the other files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import Head

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

# RFC 9113 §8.2.2, and RFC 8441 §5 for the two that extended CONNECT replaces.
CONNECTION_FIELDS = ("connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding")
REPLACED = ("sec-websocket-key", "sec-websocket-accept")

_CAPITAL = re.compile("[A-Z]")


def stream_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of RFC 8441 and RFC 9113 §8 that failed."""
    asked, answered = Faults("client"), Faults("server")
    _pseudo(asked, handshake.request_head)
    _fields(asked, handshake.request_head)
    response = handshake.response_head
    if response is not None:
        _fields(answered, response)
        _status(answered, response)
    return (*asked.found(), *answered.found())


def _pseudo(faults: Faults, head: Head) -> None:
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
        if len(values) != 1 or not values[0]:
            count = "is empty" if len(values) == 1 else f"appears {len(values)} times"
            what = f"there is no {name}" if not values else f"{name} {count}"
            # RFC 9113 §8.3.1: :authority may be missing where there is a Host, in other requests.
            faults.add("H2-03", what, "RFC 8441 §4, §5", field=name)
    scheme = head.value(":scheme")
    if scheme and scheme not in ("http", "https"):
        what = f":scheme is {shown(scheme)}, and of WebSocket URIs it is http or https"
        faults.add("H2-03", what, "RFC 8441 §5", field=":scheme", evidence=scheme)
    if head.count(":protocol") > 1:
        what = f":protocol appears {head.count(':protocol')} times"
        faults.add("H2-03", what, "RFC 9113 §8.3", field=":protocol", fatal=True)


def _fields(faults: Faults, head: Head) -> None:
    """H2-04: fields that have no place on a stream, and names that are not in lower case."""
    replaced = (*REPLACED, "host") if head.kind == "request" else REPLACED
    for name in (*CONNECTION_FIELDS, *replaced):
        value = head.value(name)
        if value is None:
            continue
        if name == "host" and value == head.value(":authority"):
            # RFC 9113 §8.3.1 lets intermediaries keep a Host that says the same.
            continue
        section = "RFC 9113 §8.2.2" if name in CONNECTION_FIELDS else "RFC 8441 §5"
        what = f"{name} in HTTP/2, where the stream stands for the connection"
        if name in REPLACED:
            what = f"{name} in HTTP/2, where :protocol takes its place"
        faults.add("H2-04", what, section, field=name, evidence=value)
    capitals = [each.name for each in head.fields if _CAPITAL.search(each.name)]
    if capitals:
        what = f"the field name {shown(capitals[0])} is not in lower case"
        faults.add("H2-04", what, "RFC 9113 §8.2.1", field=capitals[0])


def _status(faults: Faults, head: Head) -> None:
    """H2-05: what a final response cannot be."""
    if head.status == 101:
        what = "the answer is 101, which HTTP/2 does not have"
        faults.add("H2-05", what, "RFC 9113 §8.6; RFC 8441 §5", field=":status", evidence="101")
    elif head.status is None:
        status = head.value(":status")
        what = f":status is {shown(status)}, which is no status code"
        faults.add("H2-05", what, "RFC 9113 §8.3.2", field=":status", evidence=status or "")

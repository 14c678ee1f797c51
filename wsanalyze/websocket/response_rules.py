"""What the response of a handshake must be: the HSR checks that the heads alone decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.websocket.accept import accept_mistake
from wsanalyze.websocket.addresses import without_secrets
from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import Head, is_token
from wsanalyze.websocket.hixie_rules import challenge_reasons
from wsanalyze.websocket.request_rules import is_http_1_1, request_faults

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

_REFUSALS = {
    200: "answered as a plain HTTP request",
    301: "redirected for good",
    302: "redirected",
    303: "redirected",
    307: "redirected",
    308: "redirected for good",
    400: "the server found the request malformed",
    401: "credentials are wanted",
    403: "forbidden",
    404: "nothing there",
    405: "the method is not allowed",
    407: "a proxy wants credentials",
    426: "an upgrade to another protocol, or version of it, is required",
    429: "too many requests",
    501: "the server does not know how to do that",
    502: "a gateway got no usable answer from the server behind it",
    503: "the server cannot do it at present",
    504: "a gateway got no answer in time from the server behind it",
    505: "the server does not take this version of HTTP",
}

_ACCEPT_MISTAKES = {
    "empty": "it is empty",
    "whitespace": "it has whitespace inside",
    "unpadded": "its padding is missing",
    "key": "it is the key itself",
    "url-safe": "it is in the URL-safe alphabet",
    "hex-base64": "it encodes the digest's hex digits instead of its bytes",
    "no-key": "it answers an empty key",
    "no-guid": "it was computed without the GUID",
    "hex": "it is the digest in hex digits",
    "case": "its letter case was changed",
    "truncated": "it was cut short",
    "other": "it answers another key, or none",
}


def response_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of the response that failed; none where there is no response."""
    faults = Faults("server")
    head = handshake.response_head
    if head is None:
        return ()
    if not handshake.succeeded:
        _refusal(faults, handshake, head)
        return faults.found()
    if not handshake.multiplexed:
        _switch(faults, handshake, head)
        _request_allows(faults, handshake)
    if not handshake.is_hixie:
        if not handshake.multiplexed:
            _accept(faults, handshake, head)
        _repeated(faults, head)
        _subprotocol(faults, handshake, head)
    _leftovers(faults, handshake, head)
    return faults.found()


def _refusal(faults: Faults, handshake: Handshake, head: Head) -> None:
    """HSR-10 to HSR-12: what a final response other than success says."""
    status = head.status
    meaning = _REFUSALS.get(status or 0)
    if meaning is None:
        meaning = "the server failed" if status and 500 <= status <= 599 else "not switched"
    location = head.value("location")
    target = f" to {shown(without_secrets(location))}" if location is not None else ""
    what = f"the answer is {status if status is not None else 'unreadable'}: {meaning}{target}"
    section = "RFC 6455 §4.1 response item 1, §4.2.2"
    if handshake.multiplexed:
        # RFC 8441 §5 makes it a CONNECT, and of these any 2xx is a success.
        section = "RFC 8441 §5; RFC 9110 §9.3.6"
    faults.add("HSR-10", what, section, evidence=head.start_line.rstrip())
    if status == 426 and not handshake.multiplexed and not head.tokens("upgrade"):
        what = "426 without Upgrade does not say which protocol is required"
        faults.add("HSR-12", what, "RFC 9110 §15.5.22", field="Upgrade")
    if _is_about_version(handshake, status) and not head.tokens("sec-websocket-version"):
        what = f"{status} to version {shown(handshake.version)} without saying which ones are known"
        section = "RFC 6455 §4.2.2 item 4, §4.4"
        faults.add("HSR-11", what, section, field="Sec-WebSocket-Version")


def _is_about_version(handshake: Handshake, status: int | None) -> bool:
    """Tell whether a refusal can only mean the version: nothing else is wrong with the request."""
    if handshake.is_hixie or handshake.version == "13" or not handshake.request.names_websocket:
        return False
    if status == 426:
        return True
    wrong = {fault.code for fault in request_faults(handshake)}
    return status == 400 and handshake.version is not None and wrong <= {"HSQ-09", "HSQ-10"}


def _switch(faults: Faults, handshake: Handshake, head: Head) -> None:
    """HSR-01, HSR-02, HSR-14: the 101 itself."""
    upgrades = head.values("upgrade")
    if [value.lower() for value in upgrades] != ["websocket"]:
        evidence = ", ".join(upgrades)
        what = "there is no Upgrade"
        if upgrades:
            what = f"Upgrade is {shown(evidence)}, not exactly websocket"
        # Twice the same is one value too many for hardly any client, but more is not "websocket".
        fatal = {value.lower() for value in upgrades} != {"websocket"}
        section = "RFC 6455 §4.1 response item 2, §4.2.2 item 5.2"
        faults.add("HSR-01", what, section, field="Upgrade", evidence=evidence, fatal=fatal)
    if not head.has_token("connection", "upgrade"):
        evidence = ", ".join(head.values("connection"))
        what = f"Connection is {shown(evidence or None)} and does not list Upgrade"
        section = "RFC 6455 §4.1 response item 3, §4.2.2 item 5.3"
        faults.add("HSR-02", what, section, field="Connection", evidence=evidence, fatal=True)
    if not is_http_1_1(head):
        what = f"101 with HTTP version {shown(head.http_version)}, which has no 101"
        section = "RFC 9110 §7.8, §15.2.2"
        fatal = not handshake.is_hixie
        faults.add("HSR-14", what, section, evidence=head.start_line, fatal=fatal)


def _request_allows(faults: Faults, handshake: Handshake) -> None:
    """HSR-09: whether the request could be upgraded at all (RFC 6455 §4.2.1)."""
    head = handshake.request_head
    reasons = []
    if head.method != "GET":
        reasons.append(f"its method is {shown(head.method)}")
    if not is_http_1_1(head):
        reasons.append(f"its HTTP version is {shown(head.http_version)}")
    if not handshake.request.names_websocket:
        reasons.append("its Upgrade does not name websocket")
    if not head.has_token("connection", "upgrade"):
        reasons.append("its Connection does not list Upgrade")
    if handshake.has_challenge:
        reasons += challenge_reasons(handshake)
    elif not handshake.is_hixie:
        if handshake.key is None:
            reasons.append("it has no Sec-WebSocket-Key")
        if handshake.version != "13" and not handshake.is_draft:
            reasons.append(f"its version is {shown(handshake.version)}")
    # Clients take that 101 all the same.
    fatal = bool(reasons)
    hosts = head.count("host")
    if hosts != 1 and not handshake.is_hixie:
        reasons.append("it has no Host" if hosts == 0 else f"it has {hosts} fields Host")
    if reasons:
        what = f"101 to a request that cannot be upgraded: {', '.join(reasons)}"
        section = "RFC 6455 §4.2.1, §4.2.2; RFC 9110 §7.8; RFC 9112 §3.2"
        faults.add("HSR-09", what, section, evidence=head.start_line, fatal=fatal)


def _accept(faults: Faults, handshake: Handshake, head: Head) -> None:
    """HSR-03, HSR-04: the answer to the key."""
    name = "Sec-WebSocket-Accept"
    accept, expected = handshake.accept, handshake.accept_expected
    if accept is None:
        section = "RFC 6455 §4.1 response item 4"
        faults.add("HSR-03", f"there is no {name}", section, field=name, fatal=True)
    elif expected is not None and accept != expected:
        mistake = accept_mistake(handshake.key or "", accept) or "other"
        what = f"{name} is {shown(accept)}, not {expected!r}: {_ACCEPT_MISTAKES[mistake]}"
        section = "RFC 6455 §4.1 response item 4, §4.2.2 item 5.4"
        evidence = ", ".join(head.values(name))
        faults.add("HSR-04", what, section, field=name, evidence=evidence, fatal=True)


def _repeated(faults: Faults, head: Head) -> None:
    """HSR-05: fields that "MUST NOT appear more than once in an HTTP response"."""
    for name, section, fatal in (
        ("Sec-WebSocket-Accept", "RFC 6455 §11.3.3", True),
        ("Sec-WebSocket-Protocol", "RFC 6455 §11.3.4", True),
        # §4.2.2 item 5.6 allows what §11.3.2 forbids: no client has to fail for it.
        ("Sec-WebSocket-Extensions", "RFC 6455 §11.3.2, but see §4.2.2 item 5.6", False),
    ):
        values = head.values(name)
        if len(values) > 1:
            what = f"{name} appears {len(values)} times in the response"
            evidence = ", ".join(values)
            faults.add("HSR-05", what, section, field=name, evidence=evidence, fatal=fatal)


def _subprotocol(faults: Faults, handshake: Handshake, head: Head) -> None:
    """HSR-06 to HSR-08: one of the subprotocols offered, or none."""
    name = "Sec-WebSocket-Protocol"
    offered = handshake.subprotocols_offered
    chosen = head.value(name)
    if chosen is None:
        if offered:
            were = "1 subprotocol was" if len(offered) == 1 else f"{len(offered)} subprotocols were"
            what = f"{were} offered and none was chosen"
            section = "RFC 6455 §4.2.2 item 4"
            faults.add("HSR-08", what, section, field=name, evidence=", ".join(offered))
        return
    if chosen in offered:
        return
    if "," in chosen:
        what = f"{name} {shown(chosen)} holds several subprotocols, or commas"
        section = "RFC 6455 §4.2.2 item 5.5, §4.3, §11.3.4"
        faults.add("HSR-07", what, section, field=name, evidence=chosen, fatal=True)
        return
    of = f"not among {shown(', '.join(offered))}" if offered else "and none was offered"
    bad = "" if is_token(chosen) else ", which is no token"
    what = f"the subprotocol chosen is {shown(chosen)}{bad}, {of}"
    section = "RFC 6455 §4.1 response item 6, §4.2.2 item 4"
    faults.add("HSR-06", what, section, field=name, evidence=chosen, fatal=True)


def _leftovers(faults: Faults, handshake: Handshake, head: Head) -> None:
    """HSR-13, HSR-15: fields that have no place in a 101."""
    if not handshake.multiplexed:
        for name in ("Content-Length", "Transfer-Encoding"):
            value = head.value(name)
            if value is not None:
                what = f"101 with {name} {shown(value)}, though it has no body"
                section = "RFC 9110 §8.6; RFC 9112 §6.1"
                faults.add("HSR-13", what, section, field=name, evidence=value)
    version = head.value("sec-websocket-version")
    if version is not None:
        what = "Sec-WebSocket-Version in a success response; it belongs to a refusal"
        section = "RFC 6455 §11.3.5, §4.4"
        faults.add("HSR-15", what, section, field="Sec-WebSocket-Version", evidence=version)

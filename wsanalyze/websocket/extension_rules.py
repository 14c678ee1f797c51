"""What offers and responses of extensions must be: the EXT checks that the heads alone decide."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from wsanalyze.websocket.extensions import (
    DEFAULT_WINDOW_BITS,
    Extension,
    parse,
    valid_window_bits,
    window_bits,
)
from wsanalyze.websocket.faults import Fault, Faults, shown
from wsanalyze.websocket.fields import split_list

if TYPE_CHECKING:
    from wsanalyze.websocket.handshake import Handshake

FIELD = "Sec-WebSocket-Extensions"

_NO_CONTEXT_TAKEOVER = {
    "server_no_context_takeover": "RFC 7692 §7.1.1.1",
    "client_no_context_takeover": "RFC 7692 §7.1.1.2",
}
_MAX_WINDOW_BITS = {
    "server_max_window_bits": ("EXT-06", "RFC 7692 §7.1.2.1"),
    "client_max_window_bits": ("EXT-07", "RFC 7692 §7.1.2.2"),
}

# What the oddities of an element mean (see `extensions.Extension`), for whoever reads of them.
_MISTAKES = {
    "bad-name": "its name is no token",
    "empty-parameter": "nothing stands behind a semicolon",
    "bad-parameter-name": "a parameter's name is no token",
    "empty-value": "nothing stands behind a parameter's =",
    "bad-value": "a parameter's value is no token",
    "quoted-not-token": "a parameter's quoted value is no token",
    "unterminated-quote": "a quote does not end",
    "text-after-quote": "text stands behind a quoted value",
}


def extension_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return every rule of extension negotiation that failed, those of the offers first.

    A response counts where the handshake succeeded; a refusal negotiates nothing.
    """
    client = Faults("client")
    offers = [parse(element) for element in handshake.extensions_offered]
    _grammar(client, handshake.request_head.values(FIELD), offers, fatal=False)
    for offer in offers:
        _parameters(client, offer, fatal=False)
    if handshake.response_head is None or not handshake.succeeded:
        return client.found()
    server = Faults("server")
    responses = [parse(element) for element in handshake.extensions]
    _grammar(server, handshake.response_head.values(FIELD), responses, fatal=True)
    for response in responses:
        # RFC 7692 §7.1: the client "MUST _Fail the WebSocket Connection_" for each of these.
        _parameters(server, response, fatal=True)
    _chosen(server, offers, responses)
    _accepted_offer(server, offers, responses)
    _legacy(server, responses)
    return (*client.found(), *server.found())


def _grammar(faults: Faults, lines: list[str], extensions: list[Extension], *, fatal: bool) -> None:
    """HSQ-12: the ABNF of RFC 6455 §9.1.

    A response can break the same rule, and then "the recipient of such malformed data MUST
    immediately _Fail the WebSocket Connection_".
    """
    empty = bool(lines) and not extensions
    if empty or any(not element for line in lines for element in split_list(line)):
        # The list rule `1#` lets empty elements pass, but not a list of nothing else.
        what = f"{FIELD} {'is empty' if empty else 'holds an empty element'}"
        section = "RFC 6455 §9.1; RFC 9110 §5.6.1"
        evidence = ", ".join(lines)
        void = fatal and empty
        faults.add("HSQ-12", what, section, field=FIELD, evidence=evidence, fatal=void)
    for extension in extensions:
        if extension.oddities:
            codes = dict.fromkeys(oddity.code for oddity in extension.oddities)
            mistakes = ", ".join(_MISTAKES[code] for code in codes)
            what = f"the extension {shown(extension.text)} breaks the grammar: {mistakes}"
            section = "RFC 6455 §9.1, §4.3"
            evidence = extension.text
            faults.add("HSQ-12", what, section, field=FIELD, evidence=evidence, fatal=fatal)


def _parameters(faults: Faults, extension: Extension, *, fatal: bool) -> None:
    """EXT-03 to EXT-07: the parameters of one permessage-deflate element (RFC 7692 §7.1)."""
    if not extension.is_permessage_deflate:
        return
    counts = Counter(parameter.name for parameter in extension.parameters)
    # Of a parameter that is there several times, the first value counts.
    values = {parameter.name: parameter.value for parameter in reversed(extension.parameters)}
    for name, count in counts.items():
        code, what, section = "", "", "RFC 7692 §7.1"
        value = values[name]
        if name not in _NO_CONTEXT_TAKEOVER and name not in _MAX_WINDOW_BITS:
            code, what = "EXT-03", f"permessage-deflate has no parameter {shown(name)}"
        elif count > 1:
            code, what = "EXT-04", f"the parameter {name} appears {count} times"
        elif name in _NO_CONTEXT_TAKEOVER and value is not None:
            code, section = "EXT-05", _NO_CONTEXT_TAKEOVER[name]
            what = f"{name} has the value {shown(value)}, and must have none"
        elif name in _MAX_WINDOW_BITS and not _bits_allowed(faults, name, value):
            code, section = _MAX_WINDOW_BITS[name]
            sent = f"the value {shown(value)}" if value is not None else "no value"
            what = f"{name} has {sent}, and must be 8 to 15 in decimal without leading zeros"
        if code:
            evidence = extension.text
            faults.add(code, what, section, field=FIELD, evidence=evidence, fatal=fatal)


def _bits_allowed(faults: Faults, name: str, value: str | None) -> bool:
    """Tell whether a window parameter has a value that its sender may give it."""
    if value is None:
        # §7.1.2.2: only the client's own parameter, and only in an offer, may go without a value.
        return name == "client_max_window_bits" and faults.sender == "client"
    return valid_window_bits(value)


def _chosen(faults: Faults, offers: list[Extension], responses: list[Extension]) -> None:
    """EXT-01, EXT-02: what was chosen is offered, and RSV1 belongs to one extension."""
    offered = {offer.name.lower() for offer in offers}
    for response in responses:
        if response.name.lower() not in offered:
            what = f"the response uses {shown(response.name)}, which the client did not offer"
            section = "RFC 6455 §4.1 response item 5, §9.1"
            evidence = response.text
            faults.add("EXT-01", what, section, field=FIELD, evidence=evidence, fatal=True)
    claims = [response for response in responses if response.claims_rsv1]
    if len(claims) > 1:
        names = ", ".join(response.name for response in claims)
        what = f"{len(claims)} extensions of the response use RSV1: {shown(names)}"
        section = "RFC 6455 §9.1; RFC 7692 §5"
        faults.add("EXT-02", what, section, field=FIELD, evidence=names, fatal=True)


def _accepted_offer(faults: Faults, offers: list[Extension], responses: list[Extension]) -> None:
    """EXT-08 to EXT-10: the response fits one of the offers of permessage-deflate."""
    offered = [offer for offer in offers if offer.is_permessage_deflate]
    response = next((response for response in responses if response.is_permessage_deflate), None)
    if response is None or not offered:
        return
    misfits = [_misfits(offer, response) for offer in offered]
    # Where none fits, the one that comes closest says best what went wrong.
    number = min(range(len(offered)), key=lambda each: _distance(misfits[each]))
    for reason in misfits[number]:
        faults.add(
            reason.code,
            reason.message,
            reason.section,
            field=FIELD,
            evidence=response.text,
            fatal=reason.fatal,
        )
    if len(offered) > 1 and not any(reason.fatal for reason in misfits[number]):
        what = f"offer {number + 1} of {len(offered)} was taken: {shown(offered[number].text)}"
        section = "RFC 7692 §5.1"
        faults.add("EXT-10", what, section, field=FIELD, evidence=response.text)


class _Misfit(NamedTuple):
    """Why a response does not answer an offer; `fatal`: so that it cannot."""

    code: str
    message: str
    section: str
    fatal: bool = True


def _distance(misfits: list[_Misfit]) -> tuple[int, int]:
    return sum(reason.fatal for reason in misfits), len(misfits)


def _misfits(offer: Extension, response: Extension) -> list[_Misfit]:
    """Return why `response` does not answer `offer`."""
    found = []
    name = "server_no_context_takeover"
    if offer.has(name) and not response.has(name):
        # §7.1.1.1: a server accepts the parameter by including it in the response.
        what = f"the client asked for {name} and the response does not have it"
        found.append(_Misfit("EXT-09", what, _NO_CONTEXT_TAKEOVER[name]))
    name = "server_max_window_bits"
    if offer.has(name):
        asked = window_bits(offer.values(name)[0])
        given = window_bits(response.values(name)[0]) if response.has(name) else None
        if not response.has(name) and asked == DEFAULT_WINDOW_BITS:
            # §7.1 voids what the client does not support: a larger window there is not.
            what = (
                f"the response does not repeat {name}={asked}, which the client asked for: that is "
                "the largest window there is, so the request is met"
            )
            found.append(_Misfit("EXT-09", what, "RFC 7692 §7.1.2.1", fatal=False))
        elif not response.has(name):
            what = f"the client asked for {name} and the response does not have it"
            found.append(_Misfit("EXT-09", what, "RFC 7692 §7.1.2.1"))
        elif asked is not None and given is not None and given > asked:
            what = f"the client asked for {name}={asked} at most, the response has {given}"
            found.append(_Misfit("EXT-09", what, "RFC 7692 §7.1.2.1"))
    name = "client_max_window_bits"
    if response.has(name) and not offer.has(name):
        # A value above the offered one is no fault: §7.1.2.2 calls the client's value a hint.
        what = f"the response has {name}, and the offer has not"
        found.append(_Misfit("EXT-08", what, "RFC 7692 §7.1.2.2"))
    return found


def _legacy(faults: Faults, responses: list[Extension]) -> None:
    """EXT-11: compression from before RFC 7692, or somebody's own, in use."""
    for response in responses:
        name = response.name.lower()
        old = name.startswith("permessage-") and not response.is_permessage_deflate
        if response.is_deflate_frame or old or name.startswith("x-"):
            what = f"the extension {shown(response.name)} is no standard, or not any more"
            section = "RFC 6455 §9.1; draft-tyoshino-hybi-websocket-perframe-deflate"
            faults.add("EXT-11", what, section, field=FIELD, evidence=response.text)

"""EXT: what is said of extension negotiation, and when nothing is."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    connection,
    found,
    found_in,
    handshake,
    with_fields,
)
from wsanalyze.checks import extensions as ext
from wsanalyze.checks.check import Check
from wsanalyze.layers.connection import Connection

FIELD = "Sec-WebSocket-Extensions"
PMD = "permessage-deflate"
SERVER_RESET, CLIENT_RESET = "server_no_context_takeover", "client_no_context_takeover"
SERVER_BITS, CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"
BITS = "must be 8 to 15 in decimal without leading zeros"


def negotiated(offered: str | None, chosen: str | None) -> Connection:
    request = REQUEST if offered is None else with_fields(REQUEST, f"{FIELD}: {offered}")
    response = RESPONSE if chosen is None else with_fields(RESPONSE, f"{FIELD}: {chosen}")
    return connection(handshake(request, response))


# The check, offer and response, who is at fault, the sentence.
BROKEN: list[tuple[Check, str | None, str | None, str, str]] = [
    (
        ext.extension_not_offered,
        PMD,
        "x-mux",
        "server",
        "the response uses 'x-mux', which the client did not offer",
    ),
    (
        ext.extension_not_offered,
        None,
        PMD,
        "server",
        f"the response uses '{PMD}', which the client did not offer",
    ),
    (
        ext.conflicting_extensions,
        PMD,
        f"{PMD}, {PMD}",
        "server",
        f"2 extensions of the response use RSV1: '{PMD}, {PMD}'",
    ),
    (
        ext.unknown_deflate_parameter,
        f"{PMD}; level=9",
        None,
        "client",
        "permessage-deflate has no parameter 'level'",
    ),
    (
        ext.unknown_deflate_parameter,
        PMD,
        f"{PMD}; level=9",
        "server",
        "permessage-deflate has no parameter 'level'",
    ),
    (
        ext.repeated_deflate_parameter,
        f"{PMD}; {CLIENT_BITS}; {CLIENT_BITS}=9",
        None,
        "client",
        f"the parameter {CLIENT_BITS} appears 2 times",
    ),
    (
        ext.takeover_with_value,
        PMD,
        f"{PMD}; {SERVER_RESET}=true",
        "server",
        f"{SERVER_RESET} has the value 'true', and must have none",
    ),
    (
        ext.invalid_server_window,
        f"{PMD}; {SERVER_BITS}",
        None,
        "client",
        f"{SERVER_BITS} has no value, and {BITS}",
    ),
    (
        ext.invalid_server_window,
        PMD,
        f"{PMD}; {SERVER_BITS}=16",
        "server",
        f"{SERVER_BITS} has the value '16', and {BITS}",
    ),
    (
        ext.invalid_client_window,
        f"{PMD}; {CLIENT_BITS}",
        f"{PMD}; {CLIENT_BITS}",
        "server",
        f"{CLIENT_BITS} has no value, and {BITS}",
    ),
    (
        ext.invalid_client_window,
        f"{PMD}; {CLIENT_BITS}=08",
        None,
        "client",
        f"{CLIENT_BITS} has the value '08', and {BITS}",
    ),
    (
        ext.client_window_not_offered,
        PMD,
        f"{PMD}; {CLIENT_BITS}=10",
        "server",
        f"the response has {CLIENT_BITS}, and the offer has not",
    ),
    (
        ext.deflate_offer_not_honoured,
        f"{PMD}; {SERVER_BITS}=10",
        f"{PMD}; {SERVER_BITS}=12",
        "server",
        f"the client asked for {SERVER_BITS}=10 at most, the response has 12",
    ),
    (
        ext.deflate_offer_not_honoured,
        f"{PMD}; {SERVER_RESET}",
        PMD,
        "server",
        f"the client asked for {SERVER_RESET} and the response does not have it",
    ),
    (
        ext.which_offer_was_taken,
        f"{PMD}; {SERVER_BITS}=10, {PMD}",
        PMD,
        "server",
        f"offer 2 of 2 was taken: '{PMD}'",
    ),
    *(
        (
            ext.legacy_extension,
            name,
            name,
            "server",
            f"the extension '{name}' is no standard, or not any more",
        )
        for name in ("x-webkit-deflate-frame", "deflate-frame", "permessage-bzip2", "x-mine")
    ),
]


@pytest.mark.parametrize(("check", "offered", "chosen", "sender", "message"), BROKEN)
def test_a_broken_rule(
    check: Check, offered: str | None, chosen: str | None, sender: str, message: str
) -> None:
    (finding,) = found(check, negotiated(offered, chosen))
    assert (finding.message, finding.sender) == (message, sender)
    assert (finding.check, finding.severity) == (check.id, check.severity)
    assert finding.packet == {"client": 4, "server": 6}[sender]
    assert (finding.evidence or "").startswith(f"{FIELD}: ")


@pytest.mark.parametrize(("check", "offered", "chosen"), [row[:3] for row in BROKEN])
def test_where_the_offer_was_not_captured_nothing_is_known(
    check: Check, offered: str | None, chosen: str | None
) -> None:
    record = negotiated(offered, chosen)
    record.request_packet = None
    assert found(check, record) == []


# What comes closest to breaking a rule without doing so.
LEGAL: list[tuple[Check, str | None, str | None]] = [
    (ext.extension_not_offered, f"x, {PMD}", "Permessage-Deflate"),
    (ext.conflicting_extensions, f"{PMD}, {PMD}; {CLIENT_BITS}, x", f"{PMD}, x"),
    (ext.unknown_deflate_parameter, "x; level=9", None),
    (ext.repeated_deflate_parameter, f"{PMD}; {CLIENT_BITS}, {PMD}; {CLIENT_BITS}", None),
    (ext.takeover_with_value, f"{PMD}; {SERVER_RESET}; {CLIENT_RESET}", f"{PMD}; {SERVER_RESET}"),
    (ext.invalid_server_window, f'{PMD}; {SERVER_BITS}="15"', f"{PMD}; {SERVER_BITS}=8"),
    (ext.invalid_client_window, f"{PMD}; {CLIENT_BITS}", f"{PMD}; {CLIENT_BITS}=15"),
    (ext.client_window_not_offered, f"{PMD}, {PMD}; {CLIENT_BITS}", f"{PMD}; {CLIENT_BITS}=9"),
    # The client's own value is a hint (RFC 7692 §7.1.2.2), and smaller is always allowed.
    (ext.deflate_offer_not_honoured, f"{PMD}; {CLIENT_BITS}=10", f"{PMD}; {CLIENT_BITS}=12"),
    (ext.deflate_offer_not_honoured, f"{PMD}; {SERVER_BITS}=12", f"{PMD}; {SERVER_BITS}=9"),
    (ext.deflate_offer_not_honoured, f"{PMD}; {SERVER_RESET}", None),
    (ext.which_offer_was_taken, PMD, PMD),
    # Safari offers it beside the standard one.
    (ext.legacy_extension, f"x-webkit-deflate-frame, {PMD}", PMD),
]


@pytest.mark.parametrize(("check", "offered", "chosen"), LEGAL)
def test_nearly_broken_is_not_broken(check: Check, offered: str | None, chosen: str | None) -> None:
    assert found(check, negotiated(offered, chosen)) == []


def test_the_largest_window_that_is_not_repeated_is_a_remark() -> None:
    given = negotiated(f"{PMD}; {SERVER_BITS}=15; {CLIENT_BITS}=15", f"{PMD}; {CLIENT_BITS}=15")
    (finding,) = found(ext.deflate_offer_not_honoured, given)
    assert finding.severity == "info"
    assert finding.message == (
        f"the response does not repeat {SERVER_BITS}=15, which the client asked for: that is the "
        "largest window there is, so the request is met"
    )


def test_a_refusal_negotiates_nothing() -> None:
    response = with_fields(RESPONSE, f"{FIELD}: x").replace(b"101", b"403")
    assert found(ext.extension_not_offered, connection(handshake(REQUEST, response))) == []


@pytest.mark.parametrize("check", [row[0] for row in BROKEN])
def test_what_servers_really_answer(check: Check) -> None:
    for capture in ("deflate-parameters.pcapng", "websockets-deflate.pcapng", "chromium.pcapng"):
        assert found_in(check, capture) == []


def test_recorded() -> None:
    for check in (ext.extension_not_offered, ext.legacy_extension):
        assert [each.connection for each in found_in(check, "bad-accept.pcapng")] == [7]

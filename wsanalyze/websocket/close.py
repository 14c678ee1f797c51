"""Close status codes: what they mean and who may send them (RFC 6455 §7.4, IANA registry)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusCode:
    """One entry of the IANA WebSocket Close Code Number Registry.

    `meaning` is the registry's short name, `reference` the document that defines the code.
    """

    code: int
    meaning: str
    reference: str


# https://www.iana.org/assignments/websocket/ ("WebSocket Close Code Number Registry")
_REGISTRY = {
    entry.code: entry
    for entry in (
        StatusCode(1000, "Normal Closure", "RFC 6455 §7.4.1"),
        StatusCode(1001, "Going Away", "RFC 6455 §7.4.1"),
        StatusCode(1002, "Protocol error", "RFC 6455 §7.4.1"),
        StatusCode(1003, "Unsupported Data", "RFC 6455 §7.4.1"),
        StatusCode(1004, "Reserved", "RFC 6455 §7.4.1"),
        StatusCode(1005, "No Status Rcvd", "RFC 6455 §7.4.1"),
        StatusCode(1006, "Abnormal Closure", "RFC 6455 §7.4.1"),
        StatusCode(1007, "Invalid frame payload data", "RFC 6455 §7.4.1"),
        StatusCode(1008, "Policy Violation", "RFC 6455 §7.4.1"),
        StatusCode(1009, "Message Too Big", "RFC 6455 §7.4.1"),
        StatusCode(1010, "Mandatory Ext.", "RFC 6455 §7.4.1"),
        StatusCode(1011, "Internal Error", "RFC 6455 §7.4.1, errata 3227"),
        StatusCode(1012, "Service Restart", "IANA WebSocket registry"),
        StatusCode(1013, "Try Again Later", "IANA WebSocket registry"),
        StatusCode(1014, "Bad Gateway", "IANA WebSocket registry"),
        StatusCode(1015, "TLS handshake", "RFC 6455 §7.4.1"),
        StatusCode(3000, "Unauthorized", "IANA WebSocket registry"),
        StatusCode(3003, "Forbidden", "IANA WebSocket registry"),
        StatusCode(3008, "Timeout", "IANA WebSocket registry"),
    )
}

# §7.4.1: each "MUST NOT be set as a status code in a Close control frame by an endpoint" (1005,
# 1006, 1015), or has no meaning yet (1004, "Reserved. The specific meaning might be defined in
# the future").
_NEVER_SENT = frozenset((1004, 1005, 1006, 1015))


def registered(code: int) -> StatusCode | None:
    """Return the registry's entry for `code`, or None where the registry has none."""
    return _REGISTRY.get(code)


def describe(code: int) -> str:
    """Return what a status code means: the registry's name, or that of its range (§7.4.2)."""
    entry = _REGISTRY.get(code)
    if entry is not None:
        return entry.meaning
    if 0 <= code <= 999:
        return "not used"
    if 1000 <= code <= 2999:
        return "unassigned, reserved for the protocol"
    if 3000 <= code <= 3999:
        return "unregistered, reserved for libraries and frameworks"
    if 4000 <= code <= 4999:
        return "private use"
    return "outside every range"


def may_be_sent(code: int) -> bool:
    """Tell whether an endpoint may put `code` into a Close frame (§7.4.1, §7.4.2, registry).

    1000 to 2999 may only be used as registered; 3000 to 4999 are for libraries and applications,
    registered or not. 1010 is the client's alone (§7.4.1), which this does not look at.
    """
    if 3000 <= code <= 4999:
        return True
    return code in _REGISTRY and code not in _NEVER_SENT

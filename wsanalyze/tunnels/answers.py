"""What proxies answer, by number: to a CONNECT, in SOCKS 4, in SOCKS 5."""

from __future__ import annotations

# RFC 1928 §3.
METHODS = {
    0x00: "no authentication",
    0x01: "GSSAPI",
    0x02: "user name and password",
    0xFF: "none of them",
}
# RFC 1928 §6.
REPLIES = {
    0: "succeeded",
    1: "general failure of the proxy",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
# `SOCKS: A protocol for TCP proxy across firewalls`.
SOCKS4_REPLIES = {
    90: "granted",
    91: "rejected or failed",
    92: "rejected: the proxy cannot reach the client's identd",
    93: "rejected: the client's identd knows another user",
}
# RFC 9110 §15.
STATUSES = {
    400: "the proxy could not make sense of the request",
    403: "the proxy will not: its rules do not allow this host or port",
    405: "the proxy does not do CONNECT",
    407: "the proxy wants credentials first (RFC 9110 §15.5.8)",
    502: "the proxy could not reach the far end",
    503: "the proxy cannot now, or could not reach the far end",
    504: "the proxy got no answer from the far end in time",
}
NO_METHOD = 0xFF


def method_name(number: int) -> str:
    """Return what a method of logging in is called (RFC 1928 §3)."""
    if number in METHODS:
        return METHODS[number]
    return f"0x{number:02x}, {'assigned by IANA' if number < 0x80 else 'a private method'}"


def reply_meaning(code: int) -> str:
    """Return what a reply of SOCKS 5 says."""
    return REPLIES.get(code, "unassigned")


def socks4_meaning(code: int) -> str:
    """Return what a reply of SOCKS 4 says."""
    return SOCKS4_REPLIES.get(code, "unknown")


def status_meaning(status: int) -> str:
    """Return what a status says that answers a CONNECT."""
    if 200 <= status <= 299:
        return "the way is open: right behind this head the bytes are those of the far end"
    return STATUSES.get(status, "no tunnel; HTTP with the proxy goes on (RFC 9110 §9.3.6)")


def refusal_meaning(way: str, code: int | None) -> str:
    """Return why a proxy did not open `way`, as the column `tunnel` would have it.

    A way without a place was refused before the place was said.
    """
    kind, _, where = way.partition(" ")
    if code is None:
        return "the answer has no status"
    if kind == "CONNECT":
        return status_meaning(code)
    if kind == "SOCKS4" or kind == "SOCKS4a":
        return socks4_meaning(code)
    if where:
        return reply_meaning(code)
    if code == NO_METHOD:
        return "none of the offered ways of logging in is acceptable"
    return "the proxy does not take this user name and password"

"""The messages between a client and its proxy: what each is called, and what may be kept of it."""

from __future__ import annotations

from wsanalyze.tunnels.dialogue import Dialogue
from wsanalyze.tunnels.socks import Socks4, Socks5

CONNECT_REQUEST, CONNECT_ANSWER = "CONNECT request", "CONNECT answer"
HEADER = "PROXY header"
SOCKS4_REQUEST, SOCKS4_REPLY = "SOCKS4 request", "SOCKS4 reply"
METHODS, METHOD = "SOCKS5 methods", "SOCKS5 method"
LOGIN, STATUS = "SOCKS5 login", "SOCKS5 status"
REQUEST, REPLY = "SOCKS5 request", "SOCKS5 reply"

# Every kind of message, in the order in which those of a protocol are sent.
KINDS = (
    *(CONNECT_REQUEST, CONNECT_ANSWER, HEADER, SOCKS4_REQUEST, SOCKS4_REPLY),
    *(METHODS, METHOD, LOGIN, STATUS, REQUEST, REPLY),
)


def kind_of(dialogue: Dialogue) -> str:
    """Return the kind of the message that a dialogue waits for."""
    if isinstance(dialogue, Socks5):
        return f"SOCKS5 {dialogue.step}"
    if isinstance(dialogue, Socks4):
        return SOCKS4_REQUEST if dialogue.sender == "client" else SOCKS4_REPLY
    return HEADER


def without_password(kind: str, data: bytes) -> bytes:
    """Return a message up to its password, the length of which is left (RFC 1929 §2)."""
    if kind != LOGIN or len(data) < 2:
        return data
    return data[: 3 + data[1]]

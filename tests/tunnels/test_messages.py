"""Messages to and from proxies by their names, and what is never kept of them."""

from __future__ import annotations

from support.dialogues import SOCKS4, SOCKS5_LOGIN, login

from wsanalyze.tunnels.messages import (
    HEADER,
    KINDS,
    LOGIN,
    METHOD,
    METHODS,
    REPLY,
    REQUEST,
    SOCKS4_REPLY,
    SOCKS4_REQUEST,
    STATUS,
    kind_of,
    without_password,
)
from wsanalyze.tunnels.proxy_protocol import ProxyHeader
from wsanalyze.tunnels.socks import Socks4, Socks5


def test_each_message_of_a_dialogue_has_a_kind() -> None:
    for dialogue, script, kinds in (
        (Socks5(), SOCKS5_LOGIN, [METHODS, METHOD, LOGIN, STATUS, REQUEST, REPLY]),
        (Socks4(), SOCKS4, [SOCKS4_REQUEST, SOCKS4_REPLY]),
    ):
        seen = []
        for _, message in script:
            seen.append(kind_of(dialogue))
            dialogue.take(message)
        assert seen == kinds
        assert set(kinds) <= set(KINDS)
    assert kind_of(ProxyHeader()) == HEADER


def test_a_password_is_cut_off_and_its_length_is_not() -> None:
    whole = login(b"anna", b"sesame")
    assert without_password(LOGIN, whole) == b"\x01\x04anna\x06"
    assert without_password(LOGIN, b"\x01") == b"\x01"
    assert without_password(REQUEST, whole) == whole

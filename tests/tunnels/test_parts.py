"""Messages part by part: no byte is left out or told twice, and what each says is what it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialogues import SOCKS4, SOCKS4A, SOCKS5, SOCKS5_LOGIN, Script

from wsanalyze.tunnels import messages
from wsanalyze.tunnels.answers import method_name
from wsanalyze.tunnels.dialogue import Dialogue
from wsanalyze.tunnels.messages import kind_of, without_password
from wsanalyze.tunnels.parts import code_of, parts_of
from wsanalyze.tunnels.proxy_protocol import SIGNATURE, ProxyHeader
from wsanalyze.tunnels.socks import Socks4, Socks5

V1 = b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"
# A client with TLS 1.3, and its host name.
INNER = b"\x21\x00\x07TLSv1.3"
TLVS = b"\x02\x00\x04a.tv" + b"\x20\x00" + bytes((5 + len(INNER),)) + b"\x01\0\0\0\0" + INNER
ADDRESSES = bytes((192, 0, 2, 1, 198, 51, 100, 2)) + b"\x9c\x40\x01\xbb"
V2 = SIGNATURE + b"\x21\x11" + (len(ADDRESSES) + len(TLVS)).to_bytes(2, "big") + ADDRESSES + TLVS


def spoken(dialogue: Dialogue, script: Script) -> list[tuple[str, bytes]]:
    found = []
    for _, message in script:
        kind = kind_of(dialogue)
        found.append((kind, without_password(kind, message)))
        dialogue.take(message)
    return found


EVERY = [
    *spoken(Socks5(), SOCKS5),
    *spoken(Socks5(), SOCKS5_LOGIN),
    *spoken(Socks4(), SOCKS4),
    *spoken(Socks4(), SOCKS4A),
    (messages.HEADER, V2),
]


@pytest.mark.parametrize(("kind", "data"), EVERY)
def test_the_parts_are_all_of_the_message_in_order(kind: str, data: bytes) -> None:
    assert b"".join(part.data or b"" for part in parts_of(kind, data)) == data


def test_a_request_names_its_address() -> None:
    said = {part.name: part.text for part in parts_of(*spoken(Socks5(), SOCKS5)[2])}
    assert said["CMD"] == "CONNECT: a TCP connection to there"
    assert (said["DST.ADDR"], said["DST.PORT"]) == ("chat.example", "80")
    said = {part.name: part.text for part in parts_of(*spoken(Socks5(), SOCKS5_LOGIN)[4])}
    assert (said["DST.ADDR"], said["DST.PORT"]) == ("2001:db8::2", "8080")


def test_a_login_has_a_secret_name_and_no_password() -> None:
    kind, data = spoken(Socks5(), SOCKS5_LOGIN)[2]
    parts = {part.name: part for part in parts_of(kind, data)}
    assert parts["UNAME"].secret
    assert parts["PASSWD"].data is None
    assert not any(part.secret for name, part in parts.items() if name != "UNAME")


def test_socks_4a_has_the_name_behind_the_user() -> None:
    said = {part.name: part.text for part in parts_of(*spoken(Socks4(), SOCKS4A)[0])}
    assert said["name"] == "chat.example"
    assert "the name follows" in said["DSTIP"]


def test_a_header_of_version_1_is_words() -> None:
    parts = parts_of(messages.HEADER, V1)
    assert b" ".join(part.data or b"" for part in parts[:-1]) + b"\r\n" == V1
    said = {part.name: part.text for part in parts}
    assert (said["client"], said["client's port"]) == ("192.0.2.1", "40000")
    assert (said["server"], said["server's port"]) == ("198.51.100.2", "443")
    unknown = parts_of(messages.HEADER, b"PROXY UNKNOWN x y\r\n")
    assert [part.data for part in unknown] == [b"PROXY", b"UNKNOWN", b"x y", b"\r\n"]


def test_a_header_of_version_2_tells_of_tls() -> None:
    said = {part.name: part.text for part in parts_of(messages.HEADER, V2)}
    assert (said["client"], said["client's port"]) == ("192.0.2.1", "40000")
    assert said["TLV the host that was asked for"] == "a.tv"
    assert said["TLV TLS: TLS version"] == "TLSv1.3"
    local = SIGNATURE + b"\x20\x00\x00\x02ab"
    assert [part.data for part in parts_of(messages.HEADER, local)][-1] == b"ab"
    assert ProxyHeader().take(local) == len(local)


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (messages.REPLY, b"\x05\x05\x00\x01\0\0\0\0\0\0", (5, "connection refused")),
        (messages.REPLY, b"\x05\x7f\x00\x01\0\0\0\0\0\0", (127, "unassigned")),
        (messages.SOCKS4_REPLY, b"\x00\x5a" + bytes(6), (90, "granted")),
        (messages.METHOD, b"\x05\xff", (255, "none of them")),
        (messages.STATUS, b"\x01\x01", (1, "failure")),
        (messages.REQUEST, b"\x05\x01", None),
        (messages.REPLY, b"\x05", None),
    ],
)
def test_what_a_proxy_answers_is_a_number(
    kind: str, data: bytes, code: tuple[int, str] | None
) -> None:
    assert code_of(kind, data) == code


def test_methods_that_nobody_named() -> None:
    assert method_name(0x03) == "0x03, assigned by IANA"
    assert method_name(0x80) == "0x80, a private method"


@given(st.binary(max_size=400))
def test_any_header_that_is_taken_can_be_told(data: bytes) -> None:
    """TLVs are a stranger's: whatever stands in them, the header has parts."""
    length = len(ADDRESSES) + len(data)
    header = SIGNATURE + b"\x21\x11" + length.to_bytes(2, "big") + ADDRESSES + data
    assert ProxyHeader().take(header) == len(header)
    assert parts_of(messages.HEADER, header)

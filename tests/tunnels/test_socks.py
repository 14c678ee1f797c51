"""SOCKS 4, 4A and 5: what is said before the tunnel, and what is no SOCKS although it begins so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialogues import (
    NOWHERE,
    SOCKS4,
    SOCKS4A,
    SOCKS5,
    SOCKS5_LOGIN,
    Script,
    login,
    methods,
    refuses,
    reply4,
    reply5,
    request4,
    request5,
    spoken,
)

from wsanalyze.tunnels.dialogue import GOING, MORE, NONE, OPAQUE, OPEN, REFUSED, Dialogue
from wsanalyze.tunnels.socks import Socks4, Socks5

WAYS: list[tuple[Callable[[], Dialogue], Script, str]] = [
    (Socks4, SOCKS4, "SOCKS4 198.51.100.2:80"),
    (Socks4, SOCKS4A, "SOCKS4a chat.example:80"),
    (Socks5, SOCKS5, "SOCKS5 chat.example:80"),
    (Socks5, SOCKS5_LOGIN, "SOCKS5 [2001:db8::2]:8080"),
    (
        Socks5,
        [*SOCKS5[:2], ("client", request5("192.0.2.9", 1)), *SOCKS5[3:]],
        "SOCKS5 192.0.2.9:1",
    ),
]


@pytest.mark.parametrize(("version", "script", "way"), WAYS, ids=[way for *_, way in WAYS])
class TestAWayIsOpened:
    def test_message_by_message(
        self, version: Callable[[], Dialogue], script: Script, way: str
    ) -> None:
        dialogue = version()
        assert spoken(dialogue, script)
        assert (dialogue.state, dialogue.way) == (OPEN, way)

    def test_each_message_waits_until_it_is_whole(
        self, version: Callable[[], Dialogue], script: Script, way: str
    ) -> None:
        dialogue = version()
        for _, message in script:
            for size in range(len(message)):
                assert dialogue.take(message[:size]) == MORE, (message, size)
            assert dialogue.take(bytearray(message)) == len(message)
        assert (dialogue.state, dialogue.way) == (OPEN, way)


@pytest.mark.parametrize(("version", "script"), [way[:2] for way in WAYS])
def test_no_login_is_kept(version: Callable[[], Dialogue], script: Script) -> None:
    dialogue = version()
    assert spoken(dialogue, script)
    kept = repr(vars(dialogue))
    assert "anna" not in kept
    assert "s3cret" not in kept


class TestSocks5:
    """RFC 1928, RFC 1929."""

    @pytest.mark.parametrize(
        "message",
        [
            b"\x04\x01\x00",
            b"\x05\x00",
            b"\x05\x01\xff",
            b"GET / HTTP/1.1\r\n\r\n",
        ],
    )
    def test_no_first_message(self, message: bytes) -> None:
        assert refuses(Socks5(), message)

    @pytest.mark.parametrize("answer", [b"\x05\x02", b"\x04\x00", b"\x05\x80", b"HT"])
    def test_a_method_that_was_not_offered_is_no_answer(self, answer: bytes) -> None:
        dialogue = Socks5()
        dialogue.take(methods(0, 1))
        assert refuses(dialogue, answer)

    def test_no_method_is_acceptable(self) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [("client", methods(0)), ("server", b"\x05\xff")])
        assert (dialogue.state, dialogue.code, dialogue.way) == (REFUSED, 255, None)

    def test_what_gssapi_protects_cannot_be_read(self) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [("client", methods(0, 1)), ("server", b"\x05\x01")])
        assert (dialogue.state, dialogue.why) == (
            OPAQUE,
            "SOCKS5 with GSSAPI, which may encrypt (RFC 1961)",
        )

    @pytest.mark.parametrize("method", [0x03, 0x80, 0xFE])
    def test_methods_that_nobody_describes(self, method: int) -> None:
        dialogue = Socks5()
        chosen = [("client", methods(0, method)), ("server", bytes((5, method)))]
        assert spoken(dialogue, chosen)
        assert dialogue.state == OPAQUE
        assert dialogue.why == f"SOCKS5 with the method 0x{method:02x} of logging in"

    def test_a_login_that_fails(self) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [*SOCKS5_LOGIN[:3], ("server", b"\x01\x01")])
        assert (dialogue.state, dialogue.code, dialogue.way) == (REFUSED, 1, None)

    def test_a_login_without_a_password(self) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [*SOCKS5_LOGIN[:2], ("client", login(b"a", b""))])
        assert dialogue.state == GOING

    @pytest.mark.parametrize("message", [b"\x05\x01a\x01b", b"\x01\x00\x01b"])
    def test_no_login(self, message: bytes) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, SOCKS5_LOGIN[:2])
        assert refuses(dialogue, message)

    @pytest.mark.parametrize(
        ("command", "why"), [(2, "SOCKS5 BIND, where the other end connects"), (3, None)]
    )
    def test_bind_and_udp_lead_elsewhere(self, command: int, why: str | None) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [*SOCKS5[:2], ("client", request5(command=command))])
        assert (dialogue.state, dialogue.way, dialogue.why) == (OPAQUE, None, why)

    @pytest.mark.parametrize(
        "message",
        [
            request5(command=0),
            request5(command=4),
            request5(b""),
            b"\x05\x01\x01\x01" + bytes(6),
            b"\x05\x01\x00\x02" + bytes(6),
            b"\x04\x01\x00\x01" + bytes(6),
        ],
    )
    def test_no_request(self, message: bytes) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, SOCKS5[:2])
        assert refuses(dialogue, message)

    @pytest.mark.parametrize("code", [1, 2, 5, 8, 9, 255])
    def test_a_refusal(self, code: int) -> None:
        dialogue = Socks5()
        assert spoken(dialogue, [*SOCKS5[:3], ("server", reply5(code))])
        assert (dialogue.state, dialogue.code) == (REFUSED, code)
        assert dialogue.way == "SOCKS5 chat.example:80"


class TestSocks4:
    """The notes of the authors of SOCKS."""

    @pytest.mark.parametrize(
        "message",
        [
            b"\x05\x01\x00",
            request4(command=3),
            request4(port=0),
            request4(NOWHERE),
            request4(user=b"\x1b[31m"),
            request4(user=b"a" * 256),
            request4(name=b""),
            request4(name=b"a\x01b"),
            request4(name=b"a" * 256),
            request4()[:8] + b"a" * 256,
            # The first bytes of a reply of DNS over TCP, and of a Thrift frame.
            b"\x04\x00\x81\x80\x00\x01\x00\x01\x00",
            b"\x04\x80\x01\x00\x01\x00\x00\x00",
        ],
    )
    def test_no_request(self, message: bytes) -> None:
        assert refuses(Socks4(), message)

    def test_bind_leads_elsewhere(self) -> None:
        dialogue = Socks4()
        assert spoken(dialogue, [("client", request4(command=2))])
        assert (dialogue.state, dialogue.way) == (OPAQUE, None)
        assert dialogue.why == "SOCKS4 BIND, where the other end connects"

    @pytest.mark.parametrize("code", [91, 92, 93])
    def test_a_refusal(self, code: int) -> None:
        dialogue = Socks4()
        assert spoken(dialogue, [*SOCKS4[:1], ("server", reply4(code))])
        assert (dialogue.state, dialogue.code) == (REFUSED, code)

    @pytest.mark.parametrize("message", [reply4(89), reply4(94), b"\x04\x5a" + bytes(6)])
    def test_no_reply(self, message: bytes) -> None:
        dialogue = Socks4()
        assert spoken(dialogue, SOCKS4[:1])
        assert refuses(dialogue, message)


@given(st.lists(st.binary(max_size=600), max_size=6), st.sampled_from((Socks4, Socks5)))
def test_whatever_comes(messages: list[bytes], version: Callable[[], Dialogue]) -> None:
    dialogue = version()
    for message in messages:
        if dialogue.state != GOING:
            break
        size = dialogue.take(message)
        assert size in (MORE, NONE) or 0 < size <= len(message)


@given(st.binary(min_size=1, max_size=255), st.integers(1, 65535))
def test_any_name_is_written_in_visible_characters(name: bytes, port: int) -> None:
    dialogue = Socks5()
    assert spoken(dialogue, [*SOCKS5[:2], ("client", request5(name, port))])
    assert dialogue.way is not None
    assert dialogue.way.replace("…", "").isascii()
    assert dialogue.way.isprintable()
    assert dialogue.way.endswith(f":{port}")

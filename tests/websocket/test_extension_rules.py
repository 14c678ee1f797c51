"""Extension negotiation (RFC 6455 §9.1, RFC 7692 §5 and §7.1)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from wsproto.extensions import PerMessageDeflate

from wsanalyze.websocket.extensions import parse
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

PMD = "permessage-deflate"
ASK = (
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
ANSWER = (
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)


def shake(offered: str, chosen: str | None = None) -> Handshake:
    field = "Sec-WebSocket-Extensions"
    offer = f"{field}: {offered}\r\n" if offered else ""
    request = read_head(f"{ASK}{offer}\r\n".encode("latin-1"))
    answer = f"{field}: {chosen}\r\n" if chosen else ""
    return Handshake(request, read_head(f"{ANSWER}{answer}\r\n".encode("latin-1")))


def codes(handshake: Handshake) -> list[str]:
    return [fault.code for fault in handshake.faults]


class TestAgreements:
    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (PMD, None),
            (PMD, PMD),
            # RFC 7692 §7.1.2.1 and §7.1.2.2: the same or smaller; smaller unasked.
            (f"{PMD}; server_max_window_bits=10", f"{PMD}; server_max_window_bits=9"),
            (PMD, f"{PMD}; server_max_window_bits=10"),
            (f"{PMD}; client_max_window_bits", f"{PMD}; client_max_window_bits=10"),
            (f"{PMD}; client_max_window_bits", PMD),
            # The client's own value is a hint (§7.1.2.2).
            (f"{PMD}; client_max_window_bits=10", f"{PMD}; client_max_window_bits=12"),
            # §7.1.1.1, §7.1.1.2: unasked; and the client's hint is not taken up.
            (PMD, f"{PMD}; server_no_context_takeover; client_no_context_takeover"),
            (f"{PMD}; client_no_context_takeover", PMD),
            # RFC 6455 §9.1: the quoted form of a token.
            (f'{PMD}; server_max_window_bits="10"', f'{PMD}; server_max_window_bits="10"'),
        ],
    )
    def test_no_fault(self, offered: str, chosen: str | None) -> None:
        handshake = shake(offered, chosen)
        assert handshake.faults == ()
        assert handshake.outcome == "established"

    def test_of_several_offers_the_first_that_fits_was_taken(self) -> None:
        # RFC 7692 §7.1.3
        offered = f"{PMD}; client_max_window_bits; server_max_window_bits=10, {PMD}"
        (fault,) = shake(offered, f"{PMD}; server_no_context_takeover").faults
        assert (fault.code, fault.message) == ("EXT-10", f"offer 2 of 2 was taken: '{PMD}'")


class TestFaults:
    @pytest.mark.parametrize(
        ("chosen", "expected"),
        [
            ("x-foo", ["EXT-01", "EXT-11"]),
            (f"{PMD}, {PMD}", ["EXT-02"]),
            (f"{PMD}; foo", ["EXT-03"]),
            (f"{PMD}; server_no_context_takeover; server_no_context_takeover", ["EXT-04"]),
            (f"{PMD}; server_no_context_takeover=1", ["EXT-05"]),
            (f"{PMD}; client_no_context_takeover=true", ["EXT-05"]),
            (f"{PMD}; server_max_window_bits", ["EXT-06"]),
            (f"{PMD}; server_max_window_bits=7", ["EXT-06"]),
            (f"{PMD}; server_max_window_bits=08", ["EXT-06"]),
            (f"{PMD}; client_max_window_bits=16", ["EXT-07"]),
            (f"{PMD}; client_max_window_bits", ["EXT-07"]),
            (f'{PMD}; a="b c"', ["HSQ-12", "EXT-03"]),
        ],
    )
    def test_a_response_that_the_client_must_fail(self, chosen: str, expected: list[str]) -> None:
        handshake = shake(f"{PMD}; client_max_window_bits", chosen)
        assert codes(handshake) == expected
        assert handshake.outcome == "invalid"
        assert {fault.sender for fault in handshake.faults} == {"server"}

    def test_an_empty_field_voids_the_response_and_an_empty_element_does_not(self) -> None:
        empty, gap = shake(PMD, " "), shake(PMD, f"{PMD},,")
        assert codes(empty) == codes(gap) == ["HSQ-12"]
        assert (empty.outcome, gap.outcome) == ("invalid", "established")

    @pytest.mark.parametrize(
        ("offered", "chosen", "expected"),
        [
            (PMD, f"{PMD}; client_max_window_bits=10", "EXT-08"),
            (f"{PMD}; server_no_context_takeover", PMD, "EXT-09"),
            (f"{PMD}; server_max_window_bits=10", PMD, "EXT-09"),
            (f"{PMD}; server_max_window_bits=10", f"{PMD}; server_max_window_bits=11", "EXT-09"),
        ],
    )
    def test_a_response_that_fits_no_offer(self, offered: str, chosen: str, expected: str) -> None:
        handshake = shake(offered, chosen)
        assert codes(handshake) == [expected]
        assert handshake.outcome == "invalid"

    def test_the_largest_window_need_not_be_repeated(self) -> None:
        """Boost.Beast asks for it, and its own server does not repeat it."""
        handshake = shake(f"{PMD}; server_max_window_bits=15; client_max_window_bits=15", PMD)
        assert codes(handshake) == ["EXT-09"]
        assert [fault.fatal for fault in handshake.faults] == [False]
        assert handshake.outcome == "established"

    def test_an_offer_that_fits_wholly_was_taken_before_one_that_fits_in_effect(self) -> None:
        handshake = shake(f"{PMD}; server_max_window_bits=15, {PMD}", PMD)
        assert [fault.message for fault in handshake.faults] == [
            "offer 2 of 2 was taken: 'permessage-deflate'"
        ]

    @pytest.mark.parametrize(
        ("offered", "expected"),
        [
            (f"{PMD}; foo=1", ["EXT-03"]),
            (f"{PMD}; client_max_window_bits; client_max_window_bits", ["EXT-04"]),
            (f"{PMD}; client_no_context_takeover=1", ["EXT-05"]),
            (f"{PMD}; server_max_window_bits", ["EXT-06"]),
            (f"{PMD}; client_max_window_bits=1", ["EXT-07"]),
            ("other; foo=1; foo=2", []),
        ],
    )
    def test_a_bad_offer_voids_nothing(self, offered: str, expected: list[str]) -> None:
        handshake = shake(offered)
        assert codes(handshake) == expected
        assert handshake.outcome == "established"

    @pytest.mark.parametrize(
        "name", ["x-webkit-deflate-frame", "deflate-frame", "permessage-bzip2"]
    )
    def test_legacy_extensions_in_use(self, name: str) -> None:
        handshake = shake(name, name)
        assert codes(handshake) == ["EXT-11"]
        assert handshake.outcome == "established"


BITS = st.none() | st.integers(9, 15)


class TestOracles:
    @given(st.booleans(), st.booleans(), BITS, st.just(True) | BITS, st.data())
    def test_websockets_accepts_what_we_call_valid(
        self,
        server_reset: bool,
        client_reset: bool,
        server_bits: int | None,
        client_bits: int | bool | None,
        data: st.DataObject,
    ) -> None:
        factory = ClientPerMessageDeflateFactory(
            server_reset, client_reset, server_bits, client_bits
        )
        offered = render(factory.get_request_params())
        one_of_these: list[list[tuple[str, str | None]]] = [
            [("server_no_context_takeover", None)],
            [("client_no_context_takeover", None), ("x", "1")],
            [("server_max_window_bits", "9"), ("server_max_window_bits", "12")],
            [("server_max_window_bits", "12")],
            [("client_max_window_bits", "9")],
        ]
        drawn = [data.draw(st.none() | st.sampled_from(pairs)) for pairs in one_of_these]
        parameters = [pair for pair in drawn if pair is not None]
        try:
            factory.process_response_params(parameters, [])
            accepted = True
        except NegotiationError:
            accepted = False
        handshake = shake(offered, render(parameters))
        if server_bits == 15 and "server_max_window_bits" not in dict(parameters):
            # There websockets is stricter than RFC 7692 §7.1: it supports what was agreed.
            assert not accepted
        else:
            assert (handshake.outcome == "established") == accepted
        assert handshake.deflate is not None

    @given(st.booleans(), st.booleans(), BITS, st.just(True) | BITS, BITS, BITS)
    def test_what_a_websockets_server_answers_is_valid(
        self,
        server_reset: bool,
        client_reset: bool,
        server_bits: int | None,
        client_bits: int | bool | None,
        own_server_bits: int | None,
        own_client_bits: int | None,
    ) -> None:
        client = ClientPerMessageDeflateFactory(
            server_reset, client_reset, server_bits, client_bits
        )
        server = ServerPerMessageDeflateFactory(False, False, own_server_bits, own_client_bits)
        request = list(client.get_request_params())
        response, extension = server.process_request_params(request, [])
        handshake = shake(render(request), render(response))
        deflate = handshake.deflate
        assert handshake.outcome == "established"
        assert handshake.faults == ()
        assert deflate is not None
        assert deflate.server_no_context_takeover == extension.local_no_context_takeover
        assert deflate.client_no_context_takeover == extension.remote_no_context_takeover
        assert deflate.server_max_window_bits == extension.local_max_window_bits
        assert deflate.client_max_window_bits == extension.remote_max_window_bits

    @given(st.booleans(), st.booleans(), st.integers(9, 15), st.integers(9, 15))
    def test_what_a_wsproto_server_answers_is_valid(
        self, client_reset: bool, server_reset: bool, client_bits: int, server_bits: int
    ) -> None:
        client = PerMessageDeflate(client_reset, client_bits, server_reset, server_bits)
        offered = f"{PMD}; {client.offer()}"
        server = PerMessageDeflate()
        accepted = server.accept(offered)
        handshake = shake(offered, f"{PMD}; {accepted}" if accepted else PMD)
        deflate = handshake.deflate
        assert deflate is not None
        assert deflate.server_max_window_bits == server.server_max_window_bits
        assert deflate.client_max_window_bits == server.client_max_window_bits
        assert deflate.server_no_context_takeover == server.server_no_context_takeover

    @given(st.text('abc;=" ,10'), st.text('abc;=" ,10'))
    def test_no_text_raises(self, offered: str, chosen: str) -> None:
        handshake = shake(f"{PMD};{offered}", f"{PMD};{chosen}")
        assert handshake.faults is handshake.faults


def render(parameters: Sequence[tuple[str, str | None]]) -> str:
    text = "; ".join([PMD, *(n if v is None else f"{n}={v}" for n, v in parameters)])
    assert parse(text).oddities == ()
    return text

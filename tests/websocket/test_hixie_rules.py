"""What makes a handshake of Hixie invalid, and what is known of it."""

from __future__ import annotations

import pytest
from support.hixie import ANSWER, BODY, Changes, ask, ask_75, switch, switch_75

from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head


def shake(
    asked: Changes | None = None,
    answered: Changes | None = None,
    *,
    body: bytes | None = BODY,
    answer: bytes | None = ANSWER,
) -> Handshake:
    """Return a handshake of Hixie-76."""
    return Handshake(read_head(ask(asked)), read_head(switch(answered)), (), body, answer)


def codes(handshake: Handshake) -> list[tuple[str, str, bool]]:
    return [(fault.code, fault.sender, fault.fatal) for fault in handshake.faults]


def test_the_example_of_the_draft() -> None:
    handshake = shake()
    assert (handshake.version, handshake.outcome, handshake.framing) == (
        "hixie-76",
        "established",
        "hixie",
    )
    assert handshake.faults == ()
    assert handshake.key == "5e6e3a64735b3455"
    assert handshake.accept == handshake.accept_expected == "386a4b5327793a472a436f2c5778612d"
    assert handshake.accept_valid is True


def test_a_wrong_answer() -> None:
    handshake = shake(answer=ANSWER[::-1])
    assert (handshake.outcome, handshake.accept_valid) == ("invalid", False)
    assert codes(handshake) == [("LEG-01", "server", True)]
    assert handshake.faults[0].message.endswith("it answers another challenge, or none")


@pytest.mark.parametrize("length", [0, 1, 15])
def test_an_answer_that_does_not_come(length: int) -> None:
    handshake = shake(answer=ANSWER[:length])
    assert (handshake.outcome, handshake.status) == ("unanswered", 101)
    assert codes(handshake) == [("LEG-01", "server", False)]
    assert f"{length} of the 16 bytes" in handshake.faults[0].message


def test_eight_bytes_that_do_not_come_and_a_server_that_waits() -> None:
    handshake = shake(body=BODY[:3], answer=b"")
    assert (handshake.outcome, handshake.accept_expected) == ("unanswered", None)
    assert codes(handshake) == [("LEG-01", "client", False), ("LEG-01", "server", False)]
    assert "3 of the 8 bytes" in handshake.faults[0].message


def test_eight_bytes_that_do_not_come_and_a_server_that_answers() -> None:
    handshake = shake(body=b"")
    assert (handshake.outcome, handshake.key, handshake.accept_valid) == ("invalid", None, None)
    assert codes(handshake) == [("LEG-01", "client", False), ("HSR-09", "server", True)] or codes(
        handshake
    ) == [("HSR-09", "server", True), ("LEG-01", "client", False)]


def test_no_response_at_all() -> None:
    handshake = Handshake(read_head(ask()), None, (), b"")
    assert handshake.outcome == "unanswered"
    assert codes(handshake) == [("LEG-01", "client", False)]


@pytest.mark.parametrize(("body", "answer"), [(None, ANSWER), (BODY, None), (None, None)])
def test_what_was_lost_is_nobody_s_fault(body: bytes | None, answer: bytes | None) -> None:
    handshake = shake(body=body, answer=answer)
    assert (handshake.outcome, handshake.faults) == ("established", ())
    assert handshake.accept_valid is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Sec-WebSocket-Key1": None}, "Sec-WebSocket-Key1 is missing"),
        ({"Sec-WebSocket-Key2": None}, "Sec-WebSocket-Key2 is missing"),
        ({"Sec-WebSocket-Key1": "12345"}, "has no spaces"),
        ({"Sec-WebSocket-Key2": "1 0 1"}, "its 2 spaces do not divide"),
        ({"Sec-WebSocket-Key2": "a b"}, "has no digits"),
    ],
)
def test_keys_that_a_server_must_abort_for(changes: Changes, said: str) -> None:
    handshake = shake(changes)
    assert (handshake.outcome, handshake.accept_expected) == ("invalid", None)
    assert sorted(codes(handshake)) == [("HSR-09", "server", True), ("LEG-02", "client", False)]
    assert any(said in fault.message for fault in handshake.faults if fault.code == "LEG-02")


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec-WebSocket-Origin": None},
        {"Sec-WebSocket-Origin": "http://example.org"},
        {"Sec-WebSocket-Location": None},
        {"Sec-WebSocket-Location": "ws://backend:8080/demo"},
        {"Sec-WebSocket-Location": "ws://example.com/"},
        {"Sec-WebSocket-Location": "/demo"},
    ],
)
def test_origin_and_location(changes: Changes) -> None:
    handshake = shake(answered=changes)
    assert handshake.outcome == "invalid"
    assert codes(handshake) == [("LEG-03", "server", True)]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({"Origin": "http://EXAMPLE.com"}, {}),
        ({"Origin": None}, {"Sec-WebSocket-Origin": "null"}),
        ({"Host": "Example.COM"}, {}),
        # Whether the client spoke TLS to somebody in between is not to be seen.
        ({}, {"Sec-WebSocket-Location": "wss://example.com/demo"}),
        ({"Sec-WebSocket-Protocol": "sample"}, {"Sec-WebSocket-Protocol": "sample"}),
        # The form with which a client tells proxies of the eight bytes.
        ({"Upgrade": "WEBSOCKET"}, {}),
    ],
)
def test_what_is_right(asked: Changes, answered: Changes) -> None:
    handshake = shake(asked, answered)
    assert (handshake.outcome, handshake.faults) == ("established", ())


@pytest.mark.parametrize("chosen", [None, "other"])
def test_another_subprotocol(chosen: str | None) -> None:
    handshake = shake({"Sec-WebSocket-Protocol": "sample"}, {"Sec-WebSocket-Protocol": chosen})
    assert handshake.outcome == "invalid"
    assert codes(handshake) == [("HSR-06", "server", True)]


def test_subprotocols_of_draft_2_have_spaces_between_them() -> None:
    handshake = shake(
        {"Sec-WebSocket-Draft": "2", "Sec-WebSocket-Protocol": "one two"},
        {"Sec-WebSocket-Protocol": "two"},
    )
    assert (handshake.version, handshake.framing, handshake.outcome) == (
        "2",
        "draft",
        "established",
    )
    assert handshake.subprotocols_offered == ["one", "two"]


def test_hixie_75() -> None:
    handshake = Handshake(read_head(ask_75()), read_head(switch_75()))
    assert (handshake.version, handshake.outcome, handshake.framing, handshake.faults) == (
        "hixie-75",
        "established",
        "hixie",
        (),
    )
    assert (handshake.key, handshake.accept, handshake.accept_valid) == (None, None, None)
    wrong = Handshake(read_head(ask_75()), read_head(switch_75({"WebSocket-Origin": "null"})))
    assert (wrong.outcome, codes(wrong)) == ("invalid", [("LEG-03", "server", True)])


RFC = {
    "Sec-WebSocket-Origin": None,
    "Sec-WebSocket-Location": None,
    "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
}


class TestAnswersOfOtherVersions:
    def test_rfc_6455_to_hixie_76(self) -> None:
        handshake = shake(answered=RFC)
        assert (handshake.outcome, handshake.framing) == ("invalid", None)

    def test_hixie_75_to_hixie_76(self) -> None:
        handshake = Handshake(read_head(ask()), read_head(switch_75()), (), BODY, None)
        assert (handshake.outcome, handshake.framing) == ("invalid", None)

    def test_hixie_76_to_hixie_75(self) -> None:
        handshake = Handshake(read_head(ask_75()), read_head(switch()))
        assert (handshake.outcome, handshake.framing) == ("invalid", None)

    def test_hixie_76_to_13(self) -> None:
        asked = {"Sec-WebSocket-Key1": None, "Sec-WebSocket-Key2": None}
        request = read_head(ask({**asked, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x"}))
        handshake = Handshake(request, read_head(switch()))
        assert (handshake.version, handshake.outcome, handshake.framing) == ("13", "invalid", None)

    def test_something_else_is_upgraded_to(self) -> None:
        assert shake(answered={"Upgrade": "h2c"}).framing is None


@pytest.mark.parametrize(
    ("version", "framing"), [("4", "draft"), ("6", "draft"), ("7", "rfc6455"), ("13", "rfc6455")]
)
def test_framing_of_the_numbered_versions(version: str, framing: str) -> None:
    asked = {"Sec-WebSocket-Key1": None, "Sec-WebSocket-Key2": None}
    request = read_head(ask({**asked, "Sec-WebSocket-Version": version, "Sec-WebSocket-Key": "x"}))
    assert Handshake(request, read_head(switch(RFC))).framing == framing
    squeezed = {**RFC, "Sec-WebSocket-Extensions": "deflate-stream"}
    assert Handshake(request, read_head(switch(squeezed))).framing is None

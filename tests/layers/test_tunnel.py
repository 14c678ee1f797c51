"""WebSocket inside tunnels: the way that is told, the places of frames, and what is let go."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dialogues import (
    SCRIPTS,
    SIGNATURE,
    SOCKS4,
    SOCKS5,
    SOCKS5_LOGIN,
    Script,
    header2,
    methods,
    reply4,
    reply5,
    request5,
)
from support.sessions import Stage, facts, frame, http, masked, request, response
from support.tunnelled import CONNECT, SESSION, played, said, whole

from wsanalyze.limits import Limits
from wsanalyze.recording import Wants
from wsanalyze.tunnels.way import DEEPEST

NOTHING, WEBSOCKET, HTTP, TLS, OTHER = range(5)

ASKED_FOR_CREDENTIALS = http("HTTP/1.1 407 X", "Content-Length: 4", body=b"who?")
WAYS = {**SCRIPTS, "connect": (CONNECT, "CONNECT chat.example:80")}


class TestLogins:
    """What is kept of credentials that a proxy was given: of which kind, and where."""

    def of(self, script: Script) -> list[tuple[str, int]]:
        stage = played([*script, *SESSION])
        stage.finish()
        return [(login.what, login.packet) for login in stage.connection.proxy_logins]

    def asked_with(self, *fields: str) -> list[tuple[str, int]]:
        return self.of([("client", http("CONNECT chat.example:80 HTTP/1.1", *fields)), CONNECT[1]])

    def test_of_a_connect(self) -> None:
        assert self.asked_with("Proxy-Authorization: basic YW5uYTpz") == [
            ("Proxy-Authorization: Basic", 1)
        ]
        assert self.asked_with("proxy-authorization:Bearer\tabc") == [
            ("Proxy-Authorization: Bearer", 1)
        ]

    @pytest.mark.parametrize(
        "field",
        [
            'Proxy-Authorization: Digest username="anna"',
            "Proxy-Authorization: Basic ",
            "Proxy-Authorization: Basically none",
            "Authorization: Basic YW5uYTpz",
            "X-Proxy-Authorization: Basic YW5uYTpz",
        ],
    )
    def test_what_nobody_can_use_there(self, field: str) -> None:
        assert self.asked_with(field) == []

    def test_of_socks(self) -> None:
        assert self.of(SOCKS5_LOGIN) == [("SOCKS5 user name and password", 3)]
        assert self.of(SOCKS5) == []
        assert self.of(SOCKS4) == []

    def test_of_a_request_that_was_refused_and_another_one(self) -> None:
        login = http("CONNECT chat.example:80 HTTP/1.1", "Proxy-Authorization: Basic YW5uYTpz")
        first = [CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)]
        assert self.of([*first, ("client", login), CONNECT[1]]) == [
            ("Proxy-Authorization: Basic", 3)
        ]


@pytest.mark.parametrize(("script", "way"), WAYS.values(), ids=WAYS)
class TestEveryWay:
    def test_message_by_message(self, script: Script, way: str) -> None:
        whole(played([*script, *SESSION]), way, script)

    def test_byte_by_byte(self, script: Script, way: str) -> None:
        whole(played([*script, *SESSION], Stage(pieces=1)), way, script)

    def test_without_a_syn(self, script: Script, way: str) -> None:
        whole(played([*script, *SESSION], Stage(opened=False)), way, script)

    def test_the_client_sends_everything_ahead(self, script: Script, way: str) -> None:
        stage = Stage()
        stage.client(said([*script, *SESSION[:1]], "client"))
        stage.server(said([*script, *SESSION[:2]], "server"))
        whole(played(SESSION[2:], stage), way, script)

    def test_the_client_sends_everything_ahead_in_pieces(self, script: Script, way: str) -> None:
        stage = Stage(pieces=7)
        stage.client(said([*script, *SESSION[:1]], "client"))
        stage.server(said([*script, *SESSION[:2]], "server"))
        whole(played(SESSION[2:], stage), way, script)

    def test_the_capture_has_the_server_first(self, script: Script, way: str) -> None:
        stage = Stage()
        both = [*script, *SESSION]
        stage.server(*(message for sender, message in both if sender == "server"))
        stage.client(*(message for sender, message in both if sender == "client"))
        whole(stage, way, script)

    def test_pairs_of_packets_are_swapped(self, script: Script, way: str) -> None:
        both = [*script, *SESSION]
        for index in range(len(both) - 1):
            if both[index][0] == both[index + 1][0]:
                continue
            swapped = [*both[:index], both[index + 1], both[index], *both[index + 2 :]]
            whole(played(swapped), way, script)

    def test_a_gap_anywhere_in_the_dialogue(self, script: Script, way: str) -> None:
        for index, (sender, message) in enumerate(script):
            stage = played(script[:index])
            stage.gap(0 if sender == "client" else 1, len(message))
            played([*script[index + 1 :], *SESSION], stage)
            stage.finish()
            assert stage.recorder.held == 0
            # Nothing is made up: where there is a row, it is that of the session.
            for row in stage.connections:
                assert row.tunnel in (None, way)
                assert [each["payload"] for each in stage.messages] == [b"hello", b"world"]

    def test_a_gap_behind_it_is_one_of_the_inner_stream(self, script: Script, way: str) -> None:
        stage = played([*script, *SESSION])
        stage.gap(0, 100).client(masked(b"again"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.tunnel, row.client_lost_bytes) == ("established", way, 100)
        assert stage.frames[0]["offset"] == len(said(script, "client")) + len(request())

    def test_it_ends(self, script: Script, way: str) -> None:
        stage = played([*script, *SESSION]).end(1)
        whole(stage, way, script)
        assert stage.connection.ended_by == "server-fin"

    def test_the_end_is_captured_before_the_answer(self, script: Script, way: str) -> None:
        stage = Stage()
        stage.client(said([*script, *SESSION], "client")).end(0)
        stage.server(said([*script, *SESSION], "server"))
        whole(stage, way, script)
        assert stage.connection.ended_by == "client-fin"


@pytest.mark.parametrize("script", [script for script, _ in WAYS.values()], ids=WAYS)
class TestEveryDialogue:
    def test_every_prefix_is_no_attempt(self, script: Script) -> None:
        stages = [Stage() for _ in range(len(said(script, "client")) + 1)]
        for size, stage in enumerate(stages):
            stage.client(said(script, "client")[:size]).server(said(script, "server"))
            stage.finish()
            assert stage.connections == []
            assert stage.recorder.held == 0

    def test_any_byte_may_be_another(self, script: Script) -> None:
        both = [*script, *SESSION]
        for index, (sender, message) in enumerate(script):
            for place, bit in product(range(len(message)), (0x01, 0x80)):
                changed = bytearray(message)
                changed[place] ^= bit
                stage = played([*both[:index], (sender, bytes(changed)), *both[index + 1 :]])
                stage.finish()
                assert stage.recorder.held == 0
                for row in stage.connections:
                    assert row.tunnel is None or row.tunnel.isprintable()

    def test_evicted(self, script: Script) -> None:
        stage = played([*script, *SESSION])
        stage.finish(1)
        assert stage.connection.ended_by == "evicted"
        assert stage.recorder.held == 0

    def test_other_protocols_inside(self, script: Script) -> None:
        tls = played([*script, ("client", b"\x16\x03\x01\x02\x00\x01")])
        assert (tls.gone, tls.conversation.spoke) == (True, TLS)
        ssh = played([*script, ("client", b"SSH-2.0-OpenSSH_9.2p1\r\n")])
        assert (ssh.gone, ssh.conversation.spoke) == (True, OTHER)
        get = played(
            [*script, ("client", http("GET / HTTP/1.1")), ("server", http("HTTP/1.1 204"))]
        )
        assert (get.gone, get.conversation.spoke) == (False, HTTP)
        assert tls.connections == ssh.connections == get.connections == []

    def test_facts_are_the_same_however_it_is_cut(self, script: Script) -> None:
        wanted = facts(played([*script, *SESSION]).finish())
        for pieces in (2, 3, 5):
            assert facts(played([*script, *SESSION], Stage(pieces=pieces)).finish()) == wanted


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_one_in_another(outer: str, inner: str) -> None:
    scripts = (WAYS[outer][0], WAYS[inner][0])
    way = f"{WAYS[outer][1]}, {WAYS[inner][1]}"
    whole(played([*scripts[0], *scripts[1], *SESSION]), way, *scripts)
    whole(played([*scripts[0], *scripts[1], *SESSION], Stage(pieces=1)), way, *scripts)


@pytest.mark.parametrize("kind", ["socks5", "proxy2", "connect"])
def test_so_many_in_one_another_and_no_more(kind: str) -> None:
    script, way = WAYS[kind]
    deepest = played([*script * DEEPEST, *SESSION])
    deepest.finish()
    assert deepest.connection.tunnel == ", ".join([way] * DEEPEST)
    deeper = played([*script * (DEEPEST + 1), *SESSION])
    deeper.finish()
    assert deeper.connections == []
    much_deeper = played([*script * 2000, *SESSION])
    assert much_deeper.gone


@pytest.mark.parametrize("lost", [1, 3])
def test_the_answers_of_a_lost_packet_come_last(lost: int) -> None:
    """A hole waits to the end: by then everything of the client was read."""
    both = [*SOCKS5, *CONNECT, *SESSION]
    stage = Stage()
    for index, (sender, message) in enumerate(both):
        if sender == "client" or index < lost:
            stage.data(0 if sender == "client" else 1, message)
    stage.gap(1, len(both[lost][1]))
    stage.server(*(message for sender, message in both[lost + 1 :] if sender == "server"))
    inner = "CONNECT chat.example:80"
    whole(stage, f"SOCKS5 chat.example:80, {inner}" if lost == 3 else inner, SOCKS5, CONNECT)


class TestSocks:
    @pytest.mark.parametrize(
        "script",
        [
            [("client", methods(0)), ("server", b"\x05\xff")],
            [*SOCKS5_LOGIN[:3], ("server", b"\x01\x01")],
            [*SOCKS5[:3], ("server", reply5(5))],
            [*SOCKS4[:1], ("server", reply4(91))],
            [*SOCKS5[:2], ("client", request5(command=2))],
            [("client", methods(0, 1)), ("server", b"\x05\x01")],
        ],
    )
    def test_no_way_is_opened(self, script: Script) -> None:
        stage = played(script)
        assert (stage.gone, stage.conversation.spoke) == (True, OTHER)
        assert (stage.connections, stage.recorder.held) == ([], 0)

    def test_what_cannot_be_read_is_counted(self) -> None:
        script: Script = [("client", methods(0, 1)), ("server", b"\x05\x01")]
        stage = played([*script, *SESSION])
        (summary,) = stage.recorder.summaries
        assert summary.unread_tunnels == 1
        assert summary.tunnel_reasons == {"SOCKS5 with GSSAPI, which may encrypt (RFC 1961)": 1}
        (refused,) = played([("client", methods(0)), ("server", b"\x05\xff")]).recorder.summaries
        assert refused.unread_tunnels == 0

    @pytest.mark.parametrize(
        "data",
        [
            b"\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00",  # DCE/RPC
            b"\x04\x00\x00\x00\x00\x00\x00\x00",
            b"\x04\x01\x00\x00\x00\x10\x00\x00\x00\x00",  # SMB-like zeros
            b"\x05\x01\xff",
        ],
    )
    def test_what_is_none_is_let_go_at_once(self, data: bytes) -> None:
        stage = Stage().client(data)
        assert (stage.gone, stage.conversation.spoke) == (True, OTHER)

    def test_what_turns_out_to_be_none_is_let_go(self) -> None:
        stage = Stage().client(methods(0)).server(b"\x01\x02\x03")
        assert (stage.gone, stage.conversation.spoke) == (True, OTHER)
        assert stage.recorder.held == 0

    def test_frames_that_begin_so_are_found_where_the_beginning_is_not_there(self) -> None:
        stage = Stage(opened=False).client(b"\x05\x04more of a message")
        for number in range(12):
            stage.client(masked(b"text number %d" % number)).server(frame(b"answer %d" % number))
        stage.finish()
        assert (stage.connection.outcome, stage.connection.tunnel) == ("unseen", None)

    @pytest.mark.parametrize("lost", range(1, 4))
    def test_the_session_is_read_whatever_later_message_was_lost(self, lost: int) -> None:
        stage = played(SOCKS5[:lost])
        stage.gap(0 if SOCKS5[lost][0] == "client" else 1, len(SOCKS5[lost][1]))
        played([*SOCKS5[lost + 1 :], *SESSION], stage)
        # Where to, is known from the request on.
        whole(stage, "SOCKS5 chat.example:80" if lost == 3 else None, SOCKS5)

    def test_more_than_is_held(self) -> None:
        stage = Stage(limits=Limits(held=1000)).client(methods(0), bytes(1000))
        assert stage.gone
        assert stage.recorder.reached == {"held": 1}
        assert stage.recorder.held == 0

    def test_more_than_all_may_hold(self) -> None:
        stage = Stage(limits=Limits(held_total=500)).client(methods(0), b"\x05")
        assert stage.gone
        assert stage.recorder.reached == {"held_total": 1}


class TestProxyHeader:
    @pytest.mark.parametrize("pieces", [None, 1, 500])
    @pytest.mark.parametrize("size", [984, 985])
    def test_a_header_beyond_the_limit_of_heads(self, size: int, pieces: int | None) -> None:
        header = header2(tlvs=bytes(size - 12))
        stage = Stage(limits=Limits(head=1000), pieces=pieces).client(header, request())
        assert stage.gone == (size == 985)
        assert stage.recorder.reached == ({"head": 1} if size == 985 else {})

    def test_a_length_that_never_comes_costs_little(self) -> None:
        stage = Stage().client(SIGNATURE + b"\x21\x11\xff\xff" + bytes(100))
        assert stage.gone
        assert stage.recorder.held == 0

    @pytest.mark.parametrize("method", ["POST", "PUT", "PROPFIND", "PROXY", "P"])
    def test_a_method_that_begins_so(self, method: str) -> None:
        for pieces in (None, 1):
            stage = Stage(pieces=pieces).client(http(f"{method} /x HTTP/1.1"), request())
            stage.server(http("HTTP/1.1 204 X"), response())
            stage.finish()
            assert stage.connection.outcome == "established"

    def test_empty_lines_before_a_request(self) -> None:
        for pieces in (None, 1):
            stage = Stage(pieces=pieces).client(b"\r\n\r\n" + request()).server(response())
            stage.finish()
            assert stage.connection.outcome == "established"

    def test_the_server_does_not_send_one(self) -> None:
        stage = Stage().server(b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n")
        assert stage.gone


class TestRefusals:
    """What proxies refused is kept for the checks, and only for them."""

    def refusals(self, script: Script, limits: Limits | None = None) -> list[tuple[object, ...]]:
        stage = played(script, Stage(wants=Wants(observe=True), limits=limits))
        found = stage.finish().refusals
        return [
            (each.way, each.code, each.outer, each.packet, each.client_ip, each.proxy_port)
            for each in found
        ]

    def test_of_connect(self) -> None:
        asked = [CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)]
        wanted = ("CONNECT chat.example:80", 407, None, 2, "192.0.2.1", 8080)
        assert self.refusals(asked) == [wanted]

    def test_inside_another_tunnel(self) -> None:
        asked = [*SOCKS5, CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)]
        wanted = ("CONNECT chat.example:80", 407, "SOCKS5 chat.example:80", 6, "192.0.2.1", 8080)
        assert self.refusals(asked) == [wanted]

    def test_of_socks(self) -> None:
        asked = [*SOCKS5[:3], ("server", reply5(2))]
        assert self.refusals(asked)[0][:2] == ("SOCKS5 chat.example:80", 2)
        assert self.refusals([("client", methods(0)), ("server", b"\x05\xff")])[0][:2] == (
            "SOCKS5",
            255,
        )
        assert self.refusals([SOCKS4[0], ("server", reply4(91))])[0][1] == 91

    def test_only_so_many(self) -> None:
        script = [CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)] * 3
        assert len(self.refusals(script, Limits(refusals=2))) == 2

    def test_where_no_check_looks_they_are_counted(self) -> None:
        recording = played([CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)]).finish()
        assert [each.code for each in recording.refusals] == [407]
        assert recording.tunnels_refused == 1


PARTS = st.sampled_from(
    [message for script, _ in WAYS.values() for _, message in script]
    + [message for _, message in SESSION]
    + [SIGNATURE, b"PROXY ", b"\x05", b"\x04\x01", b"\r\n"]
)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.one_of(PARTS, st.binary(max_size=40))), max_size=20),
    st.booleans(),
)
def test_whatever_comes_in_whatever_order(steps: list[tuple[int, bytes]], opened: bool) -> None:
    stage = Stage(opened=opened, wants=Wants(observe=True))
    for kind, data in steps:
        if kind < 2:
            stage.data(kind, data) if data else stage.end(kind)
        else:
            stage.gap(kind - 2, len(data) + 1)
    stage.finish()
    assert stage.recorder.held == 0 or stage.gone

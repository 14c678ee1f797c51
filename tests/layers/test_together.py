"""Layers in one another: HTTP/2 in TLS, TLS in tunnels, tunnels in TLS; and what losses leave."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from support.http2 import ENABLED, SETTINGS, Connection, changed, h2
from support.invariants import OUTCOMES, check
from support.sessions import Stage, frame, http, masked, request, response, sha256
from support.stacked import (
    SECURE,
    SUITES,
    TEXTS,
    WAYS,
    encrypted,
    http2_script,
    through_connect,
    through_proxy_protocol,
    through_socks5,
    websocket_script,
)
from support.tls import NAME, Flight, Pair, play
from support.tls_crafted import Crafted13, crafted_secrets

from wsanalyze.http2.frames import PREFACE
from wsanalyze.recording import Wants
from wsanalyze.tls.keylog import Secrets

NOTHING, WEBSOCKET, HTTP, TLS, OTHER = range(5)


@cache
def over_http2(suite: str) -> Pair:
    return encrypted(http2_script(), suite, "h2")


def watched(secrets: Secrets | None, *, opened: bool = True) -> Stage:
    """Return a stage of which the checks know everything."""
    wants = Wants(payloads="full", tls=True, observe=True)
    return Stage(secrets=secrets, wants=wants, opened=opened)


def checked(stage: Stage) -> None:
    """End it, and check what is true of every recording."""
    stage.finish()
    (summary,) = stage.recording.captures = stage.recorder.summaries
    summary.attempts = len(stage.connections)
    for outcome in OUTCOMES:
        count = sum(each.outcome == outcome for each in stage.connections)
        setattr(summary, f"attempts_{outcome}", count)
    check(stage.recording)


def row(stage: Stage) -> list[tuple[object, ...]]:
    return [
        (each.http_stream, each.scheme, each.tunnel, each.outcome, each.ended_by)
        for each in stage.connections
    ]


def texts(stage: Stage) -> list[bytes]:
    return [each["payload"] for each in stage.messages]


class TestHttp2InTls:
    @pytest.mark.parametrize("pieces", [None, 1, 7])
    @pytest.mark.parametrize("suite", SUITES)
    def test_each_stream_is_a_row(self, suite: str, pieces: int | None) -> None:
        pair = over_http2(suite)
        stage = play(watched(pair.secrets), pair.flights, pieces)
        checked(stage)
        assert row(stage) == [
            (1, "wss", None, "established", "client-close"),
            (3, "wss", None, "established", "client-close"),
        ]
        assert sorted(texts(stage)) == sorted([*TEXTS * 2, *(each * 20 for each in TEXTS * 2)])
        assert [each.alpn for each in stage.connections] == ["h2", "h2"]
        assert stage.conversation.spoke == WEBSOCKET
        assert stage.recorder.held == 0

    def test_offsets_are_of_the_stream(self) -> None:
        pair = over_http2("TLS 1.3")
        stage = play(watched(pair.secrets), pair.flights)
        stage.finish()
        first = [each for each in stage.frames if each["connection"] == 0 and not each["sender"]]
        lengths = [each["header_length"] + each["length"] for each in first]
        assert [each["offset"] for each in first] == [sum(lengths[:n]) for n in range(len(first))]

    @pytest.mark.parametrize("suite", SUITES)
    def test_any_flight_is_lost(self, suite: str) -> None:
        """Nothing is made up, and nobody is blamed for what the capture does not have."""
        pair = over_http2(suite)
        said = {sha256(each * times) for each in TEXTS for times in (1, 20)}
        found = 0
        for lost, (side, data) in enumerate(pair.flights):
            stage = play(watched(pair.secrets), pair.flights[:lost])
            stage.gap(side, len(data))
            play(stage, pair.flights[lost + 1 :])
            checked(stage)
            whole = {each["sha256"] for each in stage.messages if each["complete"]}
            assert whole <= said, lost
            assert stage.recorder.held == 0
            found += len(stage.messages)
            shared = [
                each.observation.stream.shared
                for each in stage.connections
                if each.observation is not None and each.observation.stream is not None
            ]
            assert len(shared) == len(stage.connections)
            assert all(each.malformed == 0 for each in shared), lost
        assert found > 20 * len(pair.flights)

    def test_without_the_beginning_of_tcp(self) -> None:
        """Who says the ClientHello is the client."""
        pair = over_http2("TLS 1.3")
        stage = play(watched(pair.secrets, opened=False), pair.flights)
        checked(stage)
        assert [each.outcome for each in stage.connections] == ["established"] * 2
        observation = stage.connections[0].observation
        assert observation is not None
        assert observation.stream is not None
        assert (observation.stream.shared.whole, observation.stream.shared.malformed) == (True, 0)

    def test_a_capture_that_begins_later(self) -> None:
        pair = over_http2("TLS 1.3")
        said = {sha256(each * times) for each in TEXTS for times in (1, 20)}
        for first in range(1, len(pair.flights) - 14):
            stage = play(watched(pair.secrets, opened=False), pair.flights[first:])
            checked(stage)
            assert {each["sha256"] for each in stage.messages if each["complete"]} <= said
            assert {each.http_stream for each in stage.connections} == {1, 3}, first
            assert {each.scheme for each in stage.connections} == {"wss"}

    def test_what_comes_first_is_not_the_beginning(self) -> None:
        """A record of the client is lost behind the handshake: HPACK's table is not known."""
        crafted = Crafted13()
        script = http2_script()
        stage = play(watched(crafted_secrets()), crafted.handshake(alpn=b"h2"))
        sealed = [
            (side, (crafted.server if side else crafted.client)(data)) for side, data in script
        ]
        side, first = sealed[0]
        stage.gap(side, len(first))
        # The server's SETTINGS come behind the client's next frame.
        play(stage, [sealed[2], sealed[1], *sealed[3:]])
        checked(stage)
        assert {each.http_stream for each in stage.connections} == {1, 3}
        observation = stage.connections[0].observation
        assert observation is not None
        assert observation.stream is not None
        assert (observation.stream.shared.whole, observation.stream.shared.malformed) == (False, 0)

    def test_a_client_that_offered_what_it_does_not_speak(self) -> None:
        crafted = Crafted13()
        flights = crafted.handshake(alpn=b"h2")
        flights.append((0, crafted.client(request())))
        flights.append((1, crafted.server(http("HTTP/1.1 400 Bad Request"))))
        stage = play(watched(crafted_secrets()), flights)
        stage.finish()
        found = stage.connection
        assert (found.http_version, found.alpn, found.outcome) == ("1.1", "h2", "refused")

    @pytest.mark.parametrize("lost", [False, True])
    def test_such_a_client_and_a_server_that_speaks_first(self, lost: bool) -> None:
        crafted = Crafted13()
        flights = crafted.handshake(alpn=b"h2")
        flights.append((1, crafted.server(h2(SETTINGS, 0, 0, ENABLED))))
        flights.append((0, crafted.client(request())))
        stage = play(watched(crafted_secrets()), flights)
        if lost:
            stage.gap(0, 30)
        stage.data(1, crafted.server(h2(7, 0, 0, bytes(7) + b"\1"))).end(1).end(0)
        stage.finish()
        found = stage.connection
        assert (found.http_version, found.alpn, found.outcome) == ("1.1", "h2", "unanswered")
        assert found.ended_by == "server-fin"

    def test_without_secrets(self) -> None:
        pair = over_http2("TLS 1.3")
        stage = play(watched(None), pair.flights)
        stage.finish()
        assert (stage.conversation.spoke, stage.connections) == (TLS, [])


in_each_way = pytest.mark.parametrize("way", WAYS)


class TestTlsInTunnels:
    @in_each_way
    @pytest.mark.parametrize("pieces", [None, 1])
    @pytest.mark.parametrize("script", [websocket_script, http2_script])
    def test_wss(self, way: str, script: Callable[[], list[Flight]], pieces: int | None) -> None:
        pair = encrypted(script(), alpn="h2" if script is http2_script else "http/1.1")
        stage = play(watched(pair.secrets), [*WAYS[way](), *pair.flights], pieces)
        checked(stage)
        assert {each.tunnel for each in stage.connections} == {way}
        assert {each.scheme for each in stage.connections} == {"wss"}
        assert {each.sni for each in stage.connections} == {NAME}
        assert {each.ended_by for each in stage.connections} == {"client-close"}
        assert texts(stage)[0] == TEXTS[0]
        assert len(texts(stage)) >= 2 * len(TEXTS)
        assert (stage.conversation.spoke, stage.recorder.held) == (WEBSOCKET, 0)

    @in_each_way
    def test_offsets_are_of_what_was_decrypted(self, way: str) -> None:
        pair = encrypted(websocket_script())
        stage = play(watched(pair.secrets), [*WAYS[way](), *pair.flights])
        stage.finish()
        assert stage.frames[0]["offset"] in (len(request()), len(response()))

    @in_each_way
    def test_without_secrets_its_handshake_is_known(self, way: str) -> None:
        pair = encrypted(websocket_script())
        stage = play(watched(None), [*WAYS[way](), *pair.flights])
        stage.finish()
        assert (stage.conversation.spoke, stage.connections) == (TLS, [])
        (tls,) = stage.recording.tls
        assert (tls.sni, tls.decrypted) == (NAME, False)

    @in_each_way
    def test_any_flight_is_lost(self, way: str) -> None:
        pair = encrypted(websocket_script())
        flights = [*WAYS[way](), *pair.flights]
        said = {sha256(each) for each in TEXTS}
        for lost, (side, data) in enumerate(flights):
            stage = play(watched(pair.secrets), flights[:lost])
            stage.gap(side, len(data))
            play(stage, flights[lost + 1 :])
            checked(stage)
            assert {each["sha256"] for each in stage.messages if each["complete"]} <= said
            # Without the request of a CONNECT its answer tells that there was one.
            known = {way, "CONNECT"} if way.startswith("CONNECT") else {way}
            assert {each.tunnel for each in stage.connections} <= {*known, None}
            assert stage.recorder.held == 0

    @in_each_way
    def test_every_prefix(self, way: str) -> None:
        pair = encrypted([(0, request()), (1, response()), (0, masked(b"hi"))])
        flights = [*WAYS[way](), *pair.flights]
        for number, (side, data) in enumerate(flights):
            for stop in range(1, len(data), 5):
                stage = play(watched(pair.secrets), [*flights[:number], (side, data[:stop])])
                checked(stage)
                assert stage.recorder.held == 0

    def test_the_answer_of_the_proxy_is_lost(self) -> None:
        """Who goes on with TLS was let through."""
        pair = encrypted(websocket_script())
        for way in ("CONNECT chat.example:443", "SOCKS5 chat.example:443"):
            flights = WAYS[way]()
            stage = play(watched(pair.secrets), flights[:-1])
            stage.gap(1, len(flights[-1][1]))
            play(stage, pair.flights).finish()
            assert row(stage) == [(None, "wss", way, "established", "client-close")]


class TestTunnelsInTls:
    def test_a_tunnel_of_a_proxy_within_tls_leads_to_tls(self) -> None:
        inner = encrypted(websocket_script())
        outer = encrypted([*through_connect(), *inner.flights], "AES-GCM")
        secrets = inner.secrets
        secrets.add(outer.keylog.splitlines())
        for pieces in (None, 1):
            stage = play(watched(secrets), outer.flights, pieces)
            checked(stage)
            way = "CONNECT chat.example:443"
            assert row(stage) == [(None, "wss", way, "established", "client-close")]
            assert stage.connection.tls_version == "TLS 1.3"
            assert [each.version for each in stage.recording.tls] == ["TLS 1.2", "TLS 1.3"]

    @pytest.mark.parametrize("way", list(WAYS)[:3])
    def test_tls_ends_at_a_proxy_that_is_asked_for_a_way(self, way: str) -> None:
        pair = encrypted([*WAYS[way](), *websocket_script()])
        stage = play(watched(pair.secrets), pair.flights)
        checked(stage)
        assert row(stage) == [(None, "ws", way, "established", "client-close")]
        assert stage.connection.tls is None
        assert stage.recording.tls[0].decrypted

    def test_a_proxy_that_says_for_whom_it_asks_does_so_within_tls_with_the_server(self) -> None:
        pair = encrypted([*through_proxy_protocol(), *websocket_script()])
        stage = play(watched(pair.secrets), pair.flights)
        checked(stage)
        way = "PROXY 192.0.2.1:5000"
        assert row(stage) == [(None, "wss", way, "established", "client-close")]

    def test_http2_in_a_tunnel_in_the_clear(self) -> None:
        stage = play(watched(None), [*through_connect(), *http2_script()])
        checked(stage)
        way = "CONNECT chat.example:443"
        assert row(stage) == [
            (number, "ws", way, "established", "client-close") for number in (1, 3)
        ]

    def test_what_was_agreed_on_with_a_proxy_is_not_for_what_is_in_the_tunnel(self) -> None:
        """ALPN `h2` is for the proxy, and bytes tell that both ends do not keep to it."""
        pair = encrypted([*through_connect(), *websocket_script()], alpn="h2")
        stage = play(watched(pair.secrets), pair.flights)
        checked(stage)
        way = "CONNECT chat.example:443"
        assert row(stage) == [(None, "ws", way, "established", "client-close")]


class TestHolesOfUnknownLength:
    """A negative length: at most so many bytes."""

    def gap(self, stage: Stage, side: int, length: int) -> None:
        stage.packet += 1
        stage.layer.gap(side, length, 0, stage.packet, stage.packet)

    @pytest.mark.parametrize("length", [-10, -10_000])
    def test_in_a_frame_of_http2(self, length: int) -> None:
        """Where the next frame begins is looked for, and how much DATA is missing not said."""
        stage = Connection().begin().open(1)
        half = h2(0, 0, 1, masked(b"x" * 3000, 2))[:1000]
        stage.client(half)
        self.gap(stage, 0, length)
        for each in TEXTS:
            stage.talk(1, each)
        checked(stage)
        found = [each["payload"] for each in stage.messages if not each["sender"]]
        assert [each for each in found if each is not None][-len(TEXTS) :] == TEXTS
        assert [each["length"] for each in stage.frames if each["length"] == 3000] == [3000]

    def test_in_a_field_block(self) -> None:
        stage = Connection().begin().open(1)
        block = h2(1, 4, 3, stage.block(0, changed(SECURE, _path="/" + "q" * 60)))
        stage.client(block[:20])
        self.gap(stage, 0, -40)
        stage.talk(1, b"a")
        for each in TEXTS:
            stage.talk(1, each)
        checked(stage)
        assert [each.http_stream for each in stage.connections] == [1]
        assert {sha256(each) for each in TEXTS} <= {each["sha256"] for each in stage.messages}

    def test_before_http2(self) -> None:
        stage = Connection()
        self.gap(stage, 0, -100)
        stage.client(PREFACE + h2(SETTINGS)).server(h2(SETTINGS, 0, 0, ENABLED))
        stage.finish()
        assert stage.connections == []

    def test_behind_an_upgrade_request(self) -> None:
        """What a client sends before the answer is held, and so is what is not known of it."""
        stage = Stage().client(request())
        stage.client(masked(bytes(2000), 2)[:500])
        self.gap(stage, 0, -1506)
        stage.client(masked(b"no frame")[:2] + bytes(40))
        for each in TEXTS:
            stage.client(masked(each))
        stage.server(response())
        checked(stage)
        found = [each["payload"] for each in stage.messages if each["complete"]]
        assert found[-4:] == TEXTS[-4:]
        assert b"no frame" not in b"".join(found)

    @in_each_way
    def test_in_a_tunnel(self, way: str) -> None:
        stage = play(Stage(), [*WAYS[way](), *websocket_script()[:4]])
        self.gap(stage, 1, -100)
        for each in TEXTS:
            stage.server(frame(each))
        checked(stage)
        said = {sha256(each) for each in TEXTS}
        assert {each["sha256"] for each in stage.messages if each["complete"]} <= said
        assert len(stage.messages) > 4

    @pytest.mark.parametrize("side", [0, 1])
    @pytest.mark.parametrize("before", [0, 1, 2, 3])
    def test_in_the_dialogue_of_a_tunnel(self, before: int, side: int) -> None:
        flights = [*through_socks5(), *websocket_script()]
        stage = play(Stage(), flights[:before])
        self.gap(stage, side, -50)
        play(stage, flights[before:])
        checked(stage)
        assert {each["sha256"] for each in stage.messages} <= {sha256(each) for each in TEXTS}
        assert stage.recorder.held == 0

"""Packets of WebSocket connections from the first on, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.packets import Wire, segment

from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.keeping import PacketWriter
from wsanalyze.capture.source import open_capture
from wsanalyze.capture.undecided import OVERHEAD, SWEEP, WebSocketPackets
from wsanalyze.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
NOTHING, WEBSOCKET, HTTP = 0, 1, 2


@dataclass(eq=False)
class Talk:
    """A conversation that a test decides about."""

    spoke: int = NOTHING
    let_go: int = 0


class Given:
    """Packets named by a letter, each of a conversation."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.wire = Wire()
        self.chooser = WebSocketPackets(limits or Limits())

    def choose(self, *given: tuple[bytes, Talk | None]) -> list[bytes]:
        """Give packets in one batch and return the text of those that are kept."""
        (batch,) = self.wire.batches([segment(data=text) for text, _ in given])
        chosen = self.chooser.choose(batch, [talk for _, talk in given])
        return [data[54:] for *_, data in chosen]


def test_what_came_before_the_upgrade_comes_first() -> None:
    given, talk = Given(), Talk()
    assert given.choose((b"syn", talk), (b"request", talk)) == []
    talk.spoke = WEBSOCKET
    assert given.choose((b"answer", talk), (b"frame", talk)) == [
        b"syn",
        b"request",
        b"answer",
        b"frame",
    ]
    assert given.choose((b"more", talk)) == [b"more"]


def test_what_turns_out_to_be_websocket_without_a_packet_is_kept_at_the_end() -> None:
    """As of TLS whose secret comes late, or with the end of the connection."""
    given, talk, other = Given(), Talk(), Talk()
    assert given.choose((b"a", talk), (b"b", other), (b"c", talk)) == []
    talk.spoke, talk.let_go = WEBSOCKET, 2
    assert [data[54:] for *_, data in given.chooser.decided()] == [b"a", b"c"]
    assert given.chooser.decided() == []


def test_what_turns_out_to_be_something_else_is_dropped() -> None:
    given, talk, other = Given(), Talk(), Talk()
    assert given.choose((b"a", talk), (b"b", other), (b"no TCP", None)) == []
    talk.let_go = 1
    assert given.choose((b"c", talk)) == []
    other.spoke = WEBSOCKET
    assert given.choose((b"d", talk), (b"e", other)) == [b"b", b"e"]
    assert given.chooser._size == 0


def test_it_is_kept_though_nobody_reads_it_any_more() -> None:
    given, talk = Given(), Talk(WEBSOCKET, let_go=2)
    assert given.choose((b"last ACK", talk)) == [b"last ACK"]


def test_http_is_held_until_it_upgrades() -> None:
    given, talk = Given(), Talk(HTTP)
    for i in range(10):
        assert given.choose((b"%d" % i, talk)) == []
    talk.spoke = WEBSOCKET
    assert given.choose((b"frame", talk)) == [*(b"%d" % i for i in range(10)), b"frame"]


def test_too_much_of_one_conversation() -> None:
    given, talk = Given(Limits(undecided=OVERHEAD + 3 * (OVERHEAD + 55))), Talk()
    assert given.choose(*((b"%d" % i, talk) for i in range(3))) == []
    assert given.chooser.reached == {"undecided": 0, "undecided_total": 0}
    assert given.choose((b"3", talk), (b"4", talk)) == []
    assert given.chooser.reached == {"undecided": 1, "undecided_total": 0}
    talk.spoke = WEBSOCKET
    assert given.choose((b"5", talk)) == [b"5"]
    assert given.chooser._size == 0


def test_too_much_in_all() -> None:
    each = 2 * OVERHEAD + 55
    given = Given(Limits(undecided_total=3 * each))
    talks = [Talk() for _ in range(4)]
    assert given.choose(*((b"a", talk) for talk in talks)) == []
    # The one that was silent for longest has left.
    assert given.chooser.reached == {"undecided": 0, "undecided_total": 1}
    for talk in talks:
        talk.spoke = WEBSOCKET
    assert given.choose(*((b"b", talk) for talk in talks)) == [b"b", *[b"a", b"b"] * 3]


def test_conversations_that_have_ended_are_forgotten() -> None:
    given, talk, other = Given(), Talk(), Talk()
    given.choose((b"a", talk))
    talk.let_go = 2
    for _ in range(SWEEP):
        given.choose((b"b", replace(other, let_go=1)))
    assert len(given.chooser._held) == 0
    assert given.chooser._size == 0


@pytest.mark.parametrize(
    "name",
    ["aiohttp-chat.pcapng", "keepalive.pcap", "http-before-upgrade.pcapng", "chromium.pcapng"],
)
def test_a_whole_capture(name: str, tmp_path: Path) -> None:
    """Of a capture of WebSocket and other traffic the connections are the same afterwards."""
    from wsanalyze.pipeline import Pass, read
    from wsanalyze.recording import Recording, Wants
    from wsanalyze.tls.keylog import Secrets
    from wsanalyze.transport.counts import PacketCounts

    limits = Limits()
    chooser = WebSocketPackets(limits)
    path = tmp_path / "kept.pcapng"
    counts = PacketCounts()
    with open_capture(ROOT / "captures" / name) as reader:
        writer = PacketWriter(path, reader.info)
        reader._batch.capacity = 3
        run = Pass(Recording(Wants()), limits, reader.infos, Secrets(limits.secrets))
        transport = run.transport
        while (batch := reader.next()) is not None:
            transport.whose = []
            transport.feed(batch, counts)
            assert len(transport.whose) == batch.count
            writer.write_packets(chooser.choose(batch, transport.whose))
    writer.close()
    assert 0 < writer.packets <= counts.packets

    def facts(source: Path) -> list[tuple[object, ...]]:
        recording = read([str(source)], wants=Wants(), limits=limits)
        return [
            (
                each.outcome,
                each.client_port,
                each.started,
                each.ended,
                each.client_frames,
                each.server_frames,
                each.client_bytes,
                each.server_bytes,
            )
            for each in recording.connections
        ]

    assert facts(path) == facts(ROOT / "captures" / name)


def test_transport_says_whose_each_packet_is() -> None:
    from wsanalyze.transport.counts import PacketCounts
    from wsanalyze.transport.tcp import Transport

    transport = Transport(lambda _: pytest.fail("nobody reads"), lambda _: None, Limits(), None, 7)
    one = segment(seq=1)
    other = segment(("192.0.2.9", 1), seq=1)
    junk = bytes(60)
    transport.whose = []
    for batch in Wire().batches([one, other, junk, one]):
        transport.feed(batch, PacketCounts())
    first, second, nobody, third = transport.whose
    assert nobody is None
    assert first is third is not second
    assert first is not None
    assert second is not None
    assert (first.index, second.index) == (0, 1)


def test_info_is_not_needed_for_links(tmp_path: Path) -> None:
    writer = PacketWriter(tmp_path / "kept.pcapng", CaptureInfo("lo"))
    writer.write_packets([(1, 1, 1, 1, b"x")])
    writer.close()
    assert writer.packets == 1

"""One pass: several captures, their summaries, progress, Ctrl-C, and what was asked for."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from support.chance import chance
from support.packets import (
    ACK,
    CLIENT,
    FIN,
    SECOND,
    SERVER,
    SYN,
    T0,
    Packet,
    ethernet,
    ipv4,
    pcap_of,
    segment,
)
from support.sessions import (
    CLOSE,
    brief,
    connections_of,
    facts,
    frame,
    frames_of,
    http,
    masked,
    request,
    response,
)

import wsanalyze
from wsanalyze.capture.several import open_captures
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import Interrupted, _CtrlC, read
from wsanalyze.recording import Recording, Wants

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


class Talk:
    """A TCP conversation in packets, from its SYN on."""

    def __init__(self, port: int = CLIENT[1], isn: int = 1000) -> None:
        self.ends = ((CLIENT[0], port), SERVER)
        self.next = [isn + 1, 70001]
        self.packets: list[Packet] = [
            segment(*self.ends, isn, flags=SYN),
            segment(self.ends[1], self.ends[0], 70000, isn + 1, SYN | ACK),
        ]

    def say(self, side: int, data: bytes, flags: int = ACK) -> Talk:
        """Add a packet of one side."""
        self.packets.append(
            segment(
                self.ends[side],
                self.ends[1 - side],
                self.next[side],
                self.next[1 - side],
                flags,
                data,
            )
        )
        self.next[side] += len(data)
        return self

    def upgrade(self) -> Talk:
        """Add the handshake."""
        return self.say(0, request()).say(1, response())


def chat(port: int = CLIENT[1]) -> list[Packet]:
    """Return ten packets of a whole session."""
    talk = Talk(port).upgrade().say(0, masked(b"hi")).say(1, frame(b"ho"))
    talk.say(0, masked(b"\x03\xe8", CLOSE)).say(1, frame(b"\x03\xe8", CLOSE))
    return talk.say(1, b"", FIN | ACK).say(0, b"", FIN | ACK).packets


def passed(
    *captures: Sequence[Packet] | bytes, limits: Limits | None = None, **wants: object
) -> Recording:
    """Return the recording of captures in memory."""
    files = [io.BytesIO(each if isinstance(each, bytes) else pcap_of(each)) for each in captures]
    return read(files, wants=Wants(**wants), limits=limits or Limits())  # type: ignore[arg-type]


def test_a_session_from_its_packets() -> None:
    recording = passed(chat())
    (row,) = recording.connections
    assert (row.outcome, row.ended_by) == ("established", "client-close")
    assert (row.started, row.ended) == (T0 + SECOND, T0 + 10 * SECOND)
    assert (row.requested, row.responded) == (T0 + 3 * SECOND, T0 + 4 * SECOND)
    assert row.connect_ms == 1000.0
    assert brief(frames_of(recording), "sender", "packet", "offset") == [
        (0, 5, len(request())),
        (0, 7, len(request()) + 8),
        (1, 6, len(response())),
        (1, 8, len(response()) + 4),
    ]


def test_what_was_cut_by_a_tool_that_says_the_packet_was_no_longer() -> None:
    """As `editcap -L -s 60`: only the length that IP tells shows that there was more."""
    sent = [each for each in chat() if isinstance(each, bytes)]
    (summary,) = passed([each[:60] for each in sent]).captures
    longer = sum(len(each) > 60 for each in sent)
    assert longer > 0
    assert (summary.cut_packets, summary.wire_bytes) == (longer, summary.captured_bytes)


def test_summary_of_a_capture() -> None:
    web = Talk(40001).say(0, http("GET / HTTP/1.1")).packets
    tls = Talk(40002).say(0, b"\x16\x03\x01\x00").packets
    ssh = Talk(40003).say(1, b"SSH-2.0-x\r\n").packets
    silent = Talk(40004).packets
    others: list[Packet] = [
        ethernet(ipv4(bytes(8), protocol=17)),
        ethernet(bytes(28), 0x0806),
        ethernet(ipv4(bytes(19))),
        ethernet(ipv4(bytes(20), fragment=0x2000)),
        (ethernet(ipv4(bytes(20)))[:20], 54),
    ]
    packets = [*chat(), *web, *tls, *ssh, *silent, *others]
    recording = passed(packets)
    (summary,) = recording.captures
    assert (summary.format, summary.compression) == ("pcap", None)
    assert (summary.packets, summary.tcp_packets, summary.udp_packets) == (26, 21, 1)
    assert (summary.other_packets, summary.not_decoded_malformed) == (1, 1)
    assert (summary.not_decoded_fragment, summary.not_decoded_truncated) == (1, 1)
    assert (summary.not_decoded_link, summary.cut_packets) == (0, 1)
    assert summary.wire_bytes - summary.captured_bytes == 34
    assert (summary.first_time, summary.last_time) == (T0 + SECOND, T0 + 26 * SECOND)
    assert summary.tcp_conversations == 5
    assert (summary.conversations_websocket, summary.conversations_http) == (1, 1)
    assert (summary.conversations_tls, summary.conversations_other) == (1, 1)
    assert summary.conversations_empty == 1
    assert (summary.attempts, summary.attempts_established) == (1, 1)
    assert (summary.frames, summary.messages, summary.lost_bytes) == (4, 2, 0)
    assert set(summary.limits.values()) == {0}
    assert summary.problem is None


def test_attempts_by_outcome() -> None:
    refused = Talk(40001).say(0, request()).say(1, http("HTTP/1.1 403 No", "Content-Length: 0"))
    unanswered = Talk(40002).say(0, request())
    invalid = Talk(40003).say(0, request()).say(1, response().replace(b"xOo", b"xxx"))
    unseen = Talk(40004).say(1, response()).say(1, frame(b"a"))
    talks = [refused, unanswered, invalid, unseen]
    (summary,) = passed([*chat(), *(each for talk in talks for each in talk.packets)]).captures
    assert summary.attempts == 5
    assert summary.attempts_established == summary.attempts_refused == 1
    assert summary.attempts_unanswered == summary.attempts_invalid == summary.attempts_unseen == 1


class TestSeveralCaptures:
    """Several captures are one stream of packets in time order."""

    def halves(self, tmp_path: Path, even: slice, odd: slice) -> list[Path]:
        packets = chat()
        times = [T0 + (i + 1) * SECOND for i in range(len(packets))]
        paths = [tmp_path / "one.pcap", tmp_path / "two.pcap"]
        for path, part in zip(paths, (even, odd), strict=True):
            path.write_bytes(pcap_of(packets[part], times=times[part]))
        return paths

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (slice(0, 5), slice(5, None)),
            (slice(0, None, 2), slice(1, None, 2)),
            (slice(5, None), slice(0, 5)),
        ],
        ids=["one behind the other", "interleaved", "the later named first"],
    )
    def test_a_session_over_two(self, tmp_path: Path, first: slice, second: slice) -> None:
        paths = self.halves(tmp_path, first, second)
        recording = read(paths, wants=Wants(payloads="full"), limits=Limits())
        whole = facts(passed(chat(), payloads="full"))
        found = facts(recording)
        assert found["frames"] == whole["frames"]
        assert found["messages"] == whole["messages"]
        assert [each.capture for each in recording.captures] == [str(path) for path in paths]
        began = 1 if first.start == 5 else 0
        assert [each.attempts for each in recording.captures] == [1 - began, began]
        assert sum(each.tcp_conversations for each in recording.captures) == 1
        assert recording.connections[0].capture == str(paths[began])

    def test_two_sessions_in_two(self) -> None:
        recording = passed(chat(40001), chat(40002))
        assert [row.client_port for row in recording.connections] == [40001, 40002]
        assert [each.attempts for each in recording.captures] == [1, 1]
        assert [each.frames for each in recording.captures] == [4, 4]

    def test_limits_are_counted_once(self) -> None:
        recording = passed(chat(40001), chat(40002), limits=Limits(flows=1))
        assert recording.captures[0].limits["flows"] >= 1
        assert recording.captures[1].limits == {}


@pytest.mark.parametrize("interleaved", [False, True])
def test_the_halves_of_a_shipped_capture_are_the_whole(interleaved: bool, tmp_path: Path) -> None:
    from wsanalyze.capture.source import open_capture

    packets: list[tuple[int, int, int, int, bytes]] = []
    with open_capture(CAPTURES / "fragments.pcapng") as reader:
        while (batch := reader.next()) is not None:
            packets += batch.packets()
    parts = (packets[::2], packets[1::2]) if interleaved else (packets[:99], packets[99:])
    paths = []
    for i, part in enumerate(parts):
        paths.append(tmp_path / f"{i}.pcap")
        paths[-1].write_bytes(
            pcap_of([(each[4], each[3]) for each in part], times=[each[1] for each in part])
        )
    wants = Wants(payloads="full")
    found = facts(read(paths, wants=wants, limits=Limits()))
    whole = facts(read([CAPTURES / "fragments.pcapng"], wants=wants, limits=Limits()))
    for name in ("frames", "messages"):
        assert found[name] == whole[name]


class TestProgress:
    """`progress(bytes_read, total)` is called now and then, and at the end."""

    def test_at_the_end_it_is_all(self) -> None:
        calls: list[tuple[int, int | None]] = []
        path = CAPTURES / "fragments.pcapng"
        read(
            [path, CAPTURES / "keepalive.pcap"],
            wants=Wants(),
            limits=Limits(),
            progress=lambda done, total: calls.append((done, total)),
        )
        total = path.stat().st_size + (CAPTURES / "keepalive.pcap").stat().st_size
        assert calls[-1] == (total, total)
        assert calls == sorted(calls, key=lambda call: call[0])

    def test_ctrl_c_leaves_what_was_found(self) -> None:
        def interrupt(*_: int | None) -> None:
            raise KeyboardInterrupt

        many = [each for port in range(40000, 41000) for each in chat(port)] * 5
        gc.enable()
        with pytest.raises(Interrupted) as caught:
            read([io.BytesIO(pcap_of(many))], wants=Wants(), limits=Limits(), progress=interrupt)
        recording = caught.value.recording
        assert recording.connections
        assert recording.captures[0].attempts == len(recording.connections)
        assert all(row.ended >= row.started for row in recording.connections)
        assert gc.isenabled()

    def test_ctrl_c_lets_a_batch_be_finished(self) -> None:
        reader = open_captures([io.BytesIO(pcap_of(chat()))])
        with reader, _CtrlC() as interruption:
            assert interruption.next_of(reader) is not None
            # In the midst of a batch it is only noted.
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                interruption.next_of(reader)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class TestWants:
    """What is not asked for is None, and changes no count."""

    @pytest.mark.parametrize("segments", [False, True])
    @pytest.mark.parametrize("messages", [False, True])
    @pytest.mark.parametrize("frames", [False, True])
    def test_what_is_there(self, frames: bool, messages: bool, segments: bool) -> None:
        recording = passed(chat(), frames=frames, messages=messages, segments=segments)
        assert (recording.frames is not None) is frames
        assert (recording.messages is not None) is messages
        assert (recording.segments is not None) is segments
        (row,) = recording.connections
        assert (row.client_frames, row.server_messages, row.client_close_code) == (2, 1, 1000)
        assert recording.captures[0].frames == 4
        if recording.segments is not None:
            assert recording.segments.count == 10

    @pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
    def test_counts_are_the_same_without_rows(self, path: Path) -> None:
        found = [
            read([path], wants=Wants(frames=rows, messages=rows), limits=Limits())
            for rows in (False, True)
        ]
        without, with_rows = ([asdict(each) for each in one.captures] for one in found)
        assert without == with_rows
        without, with_rows = (connections_of(each) for each in found)
        assert without == with_rows

    @pytest.mark.parametrize("seed", range(12))
    def test_counts_are_the_same_without_rows_where_packets_are_missing(
        self, seed: int, tmp_path: Path
    ) -> None:
        rng = chance(f"missing {seed}")
        path = CAPTURES / ("keepalive.pcap", "fragments.pcapng", "mixed-peers.pcapng")[seed % 3]
        with open_captures([path], limits=Limits(), skip_unreadable=False) as reader:
            kept = [
                each
                for batch in iter(reader.next, None)
                for each in batch.packets()
                if rng.random() > 0.05
            ]
        thinned = tmp_path / "thinned.pcap"
        data = [(each[4], each[3]) for each in kept]
        thinned.write_bytes(pcap_of(data, times=[each[1] for each in kept]))
        found = [
            read([thinned], wants=Wants(frames=rows, messages=rows), limits=Limits())
            for rows in (False, True)
        ]
        assert connections_of(found[0]) == connections_of(found[1])
        assert [asdict(each) for each in found[0].captures] == [
            asdict(each) for each in found[1].captures
        ]

    def test_segments_change_nothing_else(self) -> None:
        path = CAPTURES / "lossy-path-client.pcapng"
        found = [
            facts(read([path], wants=Wants(segments=segments), limits=Limits()))
            for segments in (False, True)
        ]
        assert found[0] == found[1]


class TestWhatCannotBeRead:
    """An input of which nothing can be read is an error; what is cut is read as far as it goes."""

    @pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello" * 10, pcap_of([])[:20]])
    def test_no_capture(self, data: bytes) -> None:
        gc.enable()
        with pytest.raises(CaptureError):
            passed(data)
        assert gc.isenabled()

    def test_one_of_two(self) -> None:
        with pytest.raises(CaptureError):
            passed(chat(), b"hello" * 10)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(CaptureError):
            read([tmp_path / "none.pcap"], wants=Wants(), limits=Limits())

    def test_no_packets(self) -> None:
        recording = passed([])
        assert recording.connections == []
        (summary,) = recording.captures
        assert (summary.packets, summary.first_time, summary.problem) == (0, None, None)

    def test_a_capture_that_is_cut(self) -> None:
        data = pcap_of(chat())
        recording = passed(data[:-5])
        (summary,) = recording.captures
        assert summary.packets == 9
        assert summary.problem is not None
        assert "cut off" in summary.problem
        assert recording.connections[0].client_frames == 2


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two trees of the same sources, one built and one not.

    WSANALYZE_OTHER_TREE names the other one; without it, the sources that are imported here are
    copied without their extension modules.
    """
    here = Path(wsanalyze.__file__).resolve().parent.parent
    named = os.environ.get("WSANALYZE_OTHER_TREE")
    if named is not None:
        return [here, Path(named)]
    if not any((here / "wsanalyze").glob("*.so")):
        pytest.skip("nothing is compiled here, and WSANALYZE_OTHER_TREE names no other tree")
    copy = tmp_path_factory.mktemp("uncompiled")
    ignored = shutil.ignore_patterns("*.so", "*.c", "__pycache__")
    shutil.copytree(here / "wsanalyze", copy / "wsanalyze", ignore=ignored)
    return [here, copy]


class TestBuilds:
    """The compiled and the uncompiled kernels leave the same behind, bit for bit."""

    SCRIPT = Path(__file__).resolve().parent / "support" / "compare_builds.py"

    def dumps(self, tree: Path, captures: list[Path]) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-P", str(self.SCRIPT), *map(str, captures)],
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"},
            cwd=tree,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()

    def compare(self, trees: list[Path], captures: list[Path]) -> None:
        """Assert that both builds say the same of each capture, and that they are two builds."""
        (build, *found), (other_build, *other) = (self.dumps(tree, captures) for tree in trees)
        assert json.loads(build) != json.loads(other_build)
        assert len(found) == len(captures)
        for capture, mine, theirs in zip(captures, found, other, strict=True):
            if mine != theirs:
                assert json.loads(mine) == json.loads(theirs), capture.name

    def test_shipped_captures(self, trees: list[Path]) -> None:
        self.compare(trees, sorted(path for path in CAPTURES.iterdir() if ".pcap" in path.name))

    def test_damaged_captures(self, trees: list[Path], tmp_path: Path) -> None:
        source = chance(1)
        damaged: list[Path] = []
        for name in ("websockets-plain.pcapng", "keepalive.pcap", "oddities.pcapng") * 10:
            data = bytearray((CAPTURES / name).read_bytes())
            for _ in range(source.choice([1, 10, 100])):
                data[source.randrange(24, len(data))] = source.randrange(256)
            damaged.append(tmp_path / f"{len(damaged)}-{name}")
            damaged[-1].write_bytes(data)
        self.compare(trees, damaged)


class TestSnapLengths:
    """Two captures of the same packets, of which one keeps less of each."""

    def long_talk(self, messages: int) -> list[Packet]:
        """Return a session whose heads and messages are longer than the shorter snap length."""
        talk = Talk().upgrade()
        for number in range(messages):
            talk.say(number & 1, frame(b"%03d" % number * 30, mask=None if number & 1 else b"mask"))
        return talk.packets

    def captured(self, packets: list[Packet], snap: int, begin: int) -> bytes:
        """Return a capture of packets, one in 100 microseconds, that keeps `snap` bytes of each."""
        kept: list[Packet] = [(bytes(each[:snap]), len(each)) for each in packets]
        data = pcap_of(kept, times=[begin + 100_000 * i for i in range(len(kept))])
        return data[:16] + snap.to_bytes(4, "little") + data[20:]

    @pytest.mark.parametrize("late", [-250_000, 1000, 150_000])
    def test_the_longer_copy_fills_what_the_shorter_lacks(self, late: int) -> None:
        packets = self.long_talk(60)
        whole = self.captured(packets, 65535, T0 + late)
        found = passed(whole, self.captured(packets, 96, T0), payloads="full")
        alone = passed(whole, payloads="full")
        assert facts(found)["messages"] == facts(alone)["messages"]
        (row,), (wanted,) = found.connections, alone.connections
        assert row.outcome == "established"
        assert (row.client_lost_bytes, row.server_lost_bytes) == (0, 0)
        assert (row.client_frames, row.server_frames) == (wanted.client_frames, 30)
        assert (row.client_retransmissions, row.server_retransmissions) == (0, 0)

    def test_copies_that_do_not_come_are_not_waited_for(self) -> None:
        packets = self.long_talk(600)
        whole = self.captured(packets[:4], 65535, T0 + 1000)
        found = passed(whole, self.captured(packets, 96, T0))
        (row,) = found.connections
        assert (row.client_frames, row.server_frames) == (300, 300)
        cut = sum(max(0, len(each) - 96) for each in packets[4:])
        assert row.client_lost_bytes + row.server_lost_bytes == cut
        assert set(found.captures[0].limits.values()) == {0}


def test_what_is_cut_while_frames_are_looked_for_is_their_connections() -> None:
    talk = Talk().say(0, request()).say(1, http("HTTP/1.1 400 No", "Content-Length: 0"))
    talk.next[0] += 500
    for number in range(6):
        talk.say(0, masked(b"a message of the client, number %d" % number * (number + 1)))
        talk.say(1, frame(b"a message of the server, number %d" % number * (number + 1)))
    cut = talk.packets[4]
    assert isinstance(cut, bytes)
    talk.packets[4] = (cut[:-20], len(cut))
    refused, found = passed(talk.packets).connections
    assert (refused.outcome, refused.client_lost_bytes, refused.server_lost_bytes) == (
        "refused",
        500,
        0,
    )
    assert (found.outcome, found.client_lost_bytes, found.server_lost_bytes) == ("unseen", 20, 0)

"""What is noticed while a session is read: the same whoever asks, where the tables have it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.chance import chance
from support.packets import ACK, CLIENT, SERVER, pcap_of, segment
from support.sessions import CLOSE, frame, request, response

from wsanalyze.analysis import Analysis
from wsanalyze.limits import Limits
from wsanalyze.observation import Event, Observation
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.rows import in_order

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from losses.truth import Kept, load  # noqa: E402

CAPTURES = ROOT / "captures"
NAMES = sorted(path.name for path in CAPTURES.glob("*.pcap*") if path.suffix != ".json")
LOSSY = ("websockets-deflate.pcapng", "fragments.pcapng", "keepalive.pcap")
ROWS = Wants(observe=True, hashes=False, payloads="none")
COUNTS = Wants(frames=False, messages=False, observe=True, hashes=False, payloads="none")


@cache
def recorded(name: str, wants: Wants) -> Recording:
    return read([CAPTURES / name], wants=wants, limits=Limits())


def events(observation: Observation) -> Iterator[Event]:
    """Yield every event of an observation, those within others too."""
    found = list(observation.events)
    for side in (observation.client, observation.server):
        found += [side.close, side.before_close, side.first, side.last, side.largest]
    found.append(observation.longest_silence_before)
    while found:
        if (event := found.pop()) is not None:
            yield event
            found.append(event.other)


def plain(observation: Observation) -> dict[str, Any]:
    return {field.name: _plain(getattr(observation, field.name)) for field in fields(observation)}


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_way_notices_what_the_long_way_does(name: str) -> None:
    quick, long = recorded(name, COUNTS), recorded(name, ROWS)
    for one, other in zip(quick.connections, long.connections, strict=True):
        assert one.observation is not None
        assert other.observation is not None
        assert plain(one.observation) == plain(other.observation)


@pytest.mark.parametrize("name", NAMES)
def test_events_stand_where_the_table_of_frames_has_them(name: str) -> None:
    compare_places(recorded(name, ROWS), [CAPTURES / name])


@pytest.mark.parametrize("share", [0.02, 0.1])
@pytest.mark.parametrize("name", LOSSY)
def test_they_do_where_packets_are_lost(name: str, share: float) -> None:
    capture, source = load(CAPTURES / name), chance(name)
    for _ in range(20):
        kept = [Kept(n) for n in range(len(capture.packets)) if source.random() > share]
        data = capture.written(kept)
        recording = read([io.BytesIO(data)], wants=ROWS, limits=Limits())
        compare_places(recording, [])


def compare_places(recording: Recording, sources: list[Path]) -> None:
    analysis = Analysis(recording, list(sources), Limits(), skip_unreadable=False)
    frames = {(row.connection, row.frame): row for row in analysis.frames.itertuples(index=False)}
    for number, connection in enumerate(in_order(recording.connections)):
        assert connection.observation is not None
        if connection.handshake is not None and connection.handshake.framing != "rfc6455":
            continue
        for event in events(connection.observation):
            if event.frame is None:
                assert event.kind in ("early", "http")
                continue
            row = frames[number, event.frame]
            assert (row.sender, row.packet) == (event.sender, event.packet), event
            assert row.time.value == event.time
            assert (row.opcode, row.header_length) == (event.opcode, event.header_length)
            assert row.masking_key == f"{event.masking_key:08x}" if row.masked else True


def test_what_the_transport_saw_of_the_end() -> None:
    cut = recorded("cut-connections.pcapng", COUNTS)
    by_path = {
        connection.handshake.target: connection.observation
        for connection in cut.connections
        if connection.handshake is not None
    }
    for path, observation in by_path.items():
        assert observation is not None
        assert observation.endings, path
        assert all(ending.ttl == 64 for ending in observation.endings), path
        assert observation.silence_ns is not None


def test_masking_keys_have_a_limit_in_all() -> None:
    asked, answered = request(), response()
    frames = b"".join(frame(b"x", mask=number.to_bytes(4, "big")) for number in range(300))
    packets = [
        segment(CLIENT, SERVER, 1000, 5000, ACK, asked),
        segment(SERVER, CLIENT, 5000, 1000 + len(asked), ACK, answered),
        segment(CLIENT, SERVER, 1000 + len(asked), 5000 + len(answered), ACK, frames),
    ]
    for limit, kept in ((10_000, 300), (1000, 256), (0, 64)):
        source = io.BytesIO(pcap_of(packets))
        recording = read([source], wants=COUNTS, limits=Limits(masking_keys=limit))
        observation = recording.connections[0].observation
        assert observation is not None
        assert list(observation.client.masking_keys) == list(range(kept))
        assert recording.captures[0].limits["masking_keys"] == 300 - kept


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        (b"", set()),
        (b"\x03\xe8", set()),
        (b"\x03\xe9", set()),
        (b"\x03\xe8bye", set()),
        (b"\x03\xe8by\xff", {"odd-reason"}),
        (b"\x03", {"odd-code"}),
        (b"\x03\xea", {"odd-code"}),
        (b"\x0f\xa0 expired\xff", {"odd-code", "odd-reason"}),
    ],
)
def test_what_of_a_close_is_counted(body: bytes, counted: set[str]) -> None:
    asked, answered = request(), response()
    close = frame(body, CLOSE, mask=b"abcd")
    packets = [
        segment(CLIENT, SERVER, 1000, 5000, ACK, asked),
        segment(SERVER, CLIENT, 5000, 1000 + len(asked), ACK, answered),
        segment(CLIENT, SERVER, 1000 + len(asked), 5000 + len(answered), ACK, close),
    ]
    recording = read([io.BytesIO(pcap_of(packets))], wants=COUNTS, limits=Limits())
    observation = recording.connections[0].observation
    assert observation is not None
    assert observation.counts == {(kind, "client"): 1 for kind in counted | {"one-close"}}

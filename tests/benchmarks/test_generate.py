"""The generated captures hold what the truth file and the README say."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from capture_reading import Frame, Packet, Side, conversations, read

pytest.importorskip("numpy")

GENERATE = Path(__file__).parents[2] / "benchmarks" / "generate.py"
WEBSOCKET_SERVER = "198.51.100.10"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PROFILES = ("small-frames", "mixed", "bulk", "noise")
SIZES = {"small-frames": "600KB", "mixed": "2MB", "bulk": "8MB", "noise": "3MB"}

Truth = dict[str, Any]
Ends = tuple[Side, Side]


def generate(folder: Path, profile: str, *options: str) -> tuple[Path, Truth]:
    """Run the generator; returns the file and the truth."""
    file, truth = folder / "capture", folder / "truth.json"
    command = [sys.executable, str(GENERATE), profile, "-o", str(file), "--truth", str(truth)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return file, json.loads(truth.read_text())


@pytest.fixture(scope="module", params=PROFILES)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Truth, list[Packet]]:
    """Each profile in a small file: the file, its truth, its packets."""
    profile = request.param
    file, truth = generate(tmp_path_factory.mktemp(profile), profile, "--size", SIZES[profile])
    return file, truth, read(file)


def websockets(packets: list[Packet]) -> Iterator[Ends]:
    """Client's and server's side of each WebSocket conversation."""
    for (client, server), sides in conversations(packets).items():
        if server[0] == WEBSOCKET_SERVER:
            yield sides[client], sides[server]


def messages(frames: list[Frame]) -> list[tuple[int, bytes]]:
    """Opcode and payload of each data message, fragments joined."""
    found: list[tuple[int, bytes]] = []
    for frame in frames:
        if frame.opcode in (1, 2):
            found.append((frame.opcode, frame.payload))
        elif frame.opcode == 0:
            found[-1] = (found[-1][0], found[-1][1] + frame.payload)
    return found


def counted(name: str, frames: list[Frame]) -> Counter[str]:
    """What the truth counts about one side."""
    data = messages(frames)
    opcodes = Counter(frame.opcode for frame in frames)
    return Counter(
        {
            f"{name}_frames": len(frames),
            f"{name}_messages": len(data),
            f"{name}_text_messages": opcodes[1],
            f"{name}_binary_messages": opcodes[2],
            f"{name}_continuations": opcodes[0],
            f"{name}_bytes": sum(len(frame.payload) for frame in frames),
            f"{name}_pings": opcodes[9],
            f"{name}_pongs": opcodes[10],
        }
    )


def close_code(frames: list[Frame]) -> str:
    """The close code that a side sent, as the truth names it."""
    body = frames[-1].payload
    return str(int.from_bytes(body[:2], "big")) if body else "none"


def test_truth_counts_packets(made: tuple[Path, Truth, list[Packet]]) -> None:
    file, truth, packets = made
    tcp = [packet for packet in packets if packet.protocol == 6]
    assert truth["file_bytes"] == file.stat().st_size
    assert truth["packets"] == len(packets)
    assert truth["bytes"] == sum(len(packet.data) for packet in packets)
    assert truth["data_packets"] == sum(bool(packet.payload) for packet in packets)
    assert truth["pure_acks"] == sum(p.flags == 0x10 and not p.payload for p in tcp)
    assert truth["tcp_conversations"] == sum(packet.flags == 0x02 for packet in tcp)
    assert truth["first_ns"] == packets[0].time_ns
    assert truth["last_ns"] == packets[-1].time_ns


def test_truth_counts_websocket(made: tuple[Path, Truth, list[Packet]]) -> None:
    _, truth, packets = made
    total: Counter[str] = Counter()
    codes: dict[str, Counter[str]] = {"client": Counter(), "server": Counter()}
    for ends in websockets(packets):
        total["connections"] += 1
        for name, side in zip(("client", "server"), ends, strict=True):
            frames = side.head_and_frames()[1]
            total.update(counted(name, frames))
            codes[name][close_code(frames)] += 1
    expected = {k: v for k, v in truth["websocket"].items() if not k.endswith("_closed_first")}
    assert {key: total[key] for key in expected} == expected
    assert codes == {name: truth[f"{name}_close_codes"] for name in codes}


def test_headers_are_right(made: tuple[Path, Truth, list[Packet]]) -> None:
    for packet in made[2]:
        header = packet.data[14:34]
        assert int.from_bytes(header[2:4], "big") == len(packet.data) - 14
        words = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, 20, 2))
        assert words % 0xFFFF == 0
        if packet.protocol == 17:
            assert int.from_bytes(packet.data[38:40], "big") == len(packet.data) - 34


def test_time_advances(made: tuple[Path, Truth, list[Packet]]) -> None:
    times = [packet.time_ns for packet in made[2]]
    assert times == sorted(times)
    assert times[-1] - times[0] > 1_000_000_000


def test_handshakes_are_right(made: tuple[Path, Truth, list[Packet]]) -> None:
    keys = set()
    for client, server in websockets(made[2]):
        request, response = client.head_and_frames()[0], server.head_and_frames()[0]
        key = request.partition(b"Sec-WebSocket-Key: ")[2][:24]
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        assert b"Sec-WebSocket-Accept: " + accept in response
        keys.add(key)
    assert len(keys) == made[1]["websocket"]["connections"]


def test_frames_follow_the_protocol(made: tuple[Path, Truth, list[Packet]]) -> None:
    keys = []
    for client, server in websockets(made[2]):
        sent, answered = client.head_and_frames()[1], server.head_and_frames()[1]
        keys += [frame.key for frame in sent]
        assert not any(frame.key for frame in answered)
        for frames in (sent, answered):
            assert [frame.opcode for frame in frames].count(8) == 1
            assert frames[-1].opcode == 8
            for opcode, payload in messages(frames):
                if opcode == 1:
                    payload.decode()
    assert all(len(key) == 4 for key in keys)
    assert len(set(keys)) > 0.99 * len(keys)


def test_connections_open_and_end(made: tuple[Path, Truth, list[Packet]]) -> None:
    for sides in conversations(made[2]).values():
        client, server = sides.values()
        assert client.flags[0] == 0x02
        assert server.flags[0] == 0x12
        assert client.flags[-1] == 0x11
        assert server.flags[-2:] == [0x11, 0x10]


def test_frames_of_small_frames_are_small(tmp_path: Path) -> None:
    file, truth = generate(tmp_path, "small-frames", "--size", "1MB")
    packets = read(file)
    sizes = []
    for ends in websockets(packets):
        data = [m for side in ends for m in messages(side.head_and_frames()[1])]
        sizes += [len(payload) for _, payload in data]
        for opcode, payload in data:
            if opcode == 1:
                json.loads(payload)
        assert sum(len(side.head_and_frames()[1]) for side in ends) <= 3_100
    assert 20 <= min(sizes) <= max(sizes) <= 200
    assert 0.45 < truth["pure_acks"] / truth["data_packets"] < 0.55


def test_texts_have_multi_byte_characters(tmp_path: Path) -> None:
    file, _ = generate(tmp_path, "bulk", "--size", "6MB")
    for ends in websockets(read(file)):
        for side in ends:
            for opcode, payload in messages(side.head_and_frames()[1]):
                assert 65_536 - 3 <= len(payload) <= 1 << 20
                if opcode == 1:
                    text = payload.decode()
                    assert 0.8 * len(payload) < len(text) < len(payload)


@pytest.mark.parametrize(("profile", "low", "high"), [("mixed", 0.25, 0.35), ("noise", 0, 0.03)])
def test_websocket_has_its_share(tmp_path: Path, profile: str, low: float, high: float) -> None:
    _, truth = generate(tmp_path, profile, "--size", "20MB")
    assert set(truth["kinds"]) == {"websocket", "http", "tls", "dns", "quic"}
    assert low < truth["kinds"]["websocket"]["share"] < high


@pytest.mark.parametrize("mss", [7, 100, 536, 1448, 8948])
@pytest.mark.parametrize("profile", ["small-frames", "mixed"])
def test_segments_have_the_mss(tmp_path: Path, profile: str, mss: int) -> None:
    file, truth = generate(tmp_path, profile, "--size", "400KB", "--mss", str(mss))
    packets = read(file)
    tcp = [packet for packet in packets if packet.protocol == 6]
    assert max(len(packet.payload) for packet in tcp) <= mss
    frames = sum(len(s.head_and_frames()[1]) for ends in websockets(packets) for s in ends)
    assert frames == truth["websocket"]["client_frames"] + truth["websocket"]["server_frames"]


@pytest.mark.parametrize("size", [1_000, 300_000, 3_000_000])
def test_the_file_has_about_the_size(tmp_path: Path, size: int) -> None:
    file, truth = generate(tmp_path, "small-frames", "--size", str(size))
    assert file.stat().st_size >= size
    # Conversations are finished: at most one cohort of one for files this small.
    assert file.stat().st_size < size + 1_000_000
    assert truth["websocket"]["connections"] > 0


def test_a_larger_file_has_more_connections(tmp_path: Path) -> None:
    small = generate(tmp_path, "small-frames", "--size", "1MB")[1]["websocket"]
    large = generate(tmp_path, "small-frames", "--size", "8MB")[1]["websocket"]
    assert large["connections"] > 5 * small["connections"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def data(seed: int) -> bytes:
        return generate(tmp_path, "mixed", "--size", "500KB", "--seed", str(seed))[0].read_bytes()

    assert data(5) == data(5)
    assert data(5) != data(6)


@pytest.mark.parametrize("file_format", ["pcap", "pcapng"])
@pytest.mark.parametrize(("resolution", "unit"), [("us", 1_000), ("ns", 1)])
def test_formats_hold_well_formed_packets(
    tmp_path: Path, file_format: str, resolution: str, unit: int
) -> None:
    options = ("--size", "300KB", "--format", file_format, "--resolution", resolution)
    file, truth = generate(tmp_path, "mixed", *options)
    packets = read(file)
    assert len(packets) == truth["packets"]
    assert file.stat().st_size == truth["file_bytes"]
    assert packets[0].time_ns == truth["first_ns"] // unit * unit
    assert conversations(packets)


@pytest.mark.parametrize("size", ["many", "-3MB", "5 parsecs"])
def test_a_wrong_size_is_refused(tmp_path: Path, size: str) -> None:
    command = [sys.executable, str(GENERATE), "bulk", "-o", str(tmp_path / "x"), f"--size={size}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--size" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_counts_the_same_frames(made: tuple[Path, Truth, list[Packet]]) -> None:
    file, truth, _ = made
    command = ["tshark", "-n", "-r", str(file), "-Y", "websocket", "-T", "fields"]
    command += ["-e", "websocket.opcode", "-e", "websocket.mask"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    opcodes: list[str] = []
    masks: list[str] = []
    for line in done.stdout.splitlines():
        opcode, mask = line.split("\t")
        opcodes += opcode.split(",")
        masks += mask.split(",")
    websocket = truth["websocket"]
    assert masks.count("1") == websocket["client_frames"]
    assert masks.count("0") == websocket["server_frames"]
    assert opcodes.count("9") == websocket["client_pings"] + websocket["server_pings"]
    assert opcodes.count("8") == 2 * websocket["connections"]

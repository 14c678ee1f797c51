"""A WebSocket client and server on loopback: live, kept and recorded beside it, all are one."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
import pytest
from support.live import drain, needs_capture, tcpdump
from support.ports import free_port

import wsanalyze
from wsanalyze.capture.keeping import PacketWriter
from wsanalyze.capture.live import open_live, why_not

pytestmark = needs_capture


def talk(port: int) -> None:
    """Have the package websockets exchange messages of many sizes, compressed and not."""
    from websockets.sync.client import connect
    from websockets.sync.server import ServerConnection, serve

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for compression in ("deflate", None):
            with connect(f"ws://127.0.0.1:{port}/", compression=compression) as client:
                for size in (0, 1, 125, 126, 65_535, 65_536, 300_000):
                    client.send("x" * size)
                    assert client.recv() == "x" * size
                    client.send(bytes(size))
                    client.recv()
                client.ping().wait(20)
        server.shutdown()
        thread.join()


# What two sockets may see otherwise of the same packets: microseconds, and in which order packets
# came that were on different processors at the same time.
VARIES = r"time|_ms$|started|requested|responded|ended$|duration|^packet|_packet$|^capture$|^frame$"


def rows(table: pd.DataFrame) -> list[tuple[object, ...]]:
    kept = table.drop(columns=table.filter(regex=VARIES).columns)
    return sorted(map(tuple, kept.astype(str).itertuples(index=False)))


@pytest.mark.parametrize("source", ["dumpcap", "socket"])
def test_live_finds_what_a_file_gives(source: str, tmp_path: Path) -> None:
    if (reason := why_not(source)) is not None:
        pytest.skip(str(reason))
    port = free_port()
    recorded, kept = tmp_path / "recorded.pcap", tmp_path / "kept.pcapng"
    live = open_live(["lo"], source=source, capture_filter=f"tcp port {port}")
    with tcpdump(recorded, "lo", f"tcp port {port}") as until_it_has:
        talk(port)
        packets = drain(live)
        until_it_has(len(packets))
    received = live.statistics()
    live.close()
    writer = PacketWriter(kept, live.infos[0])
    writer.write_packets(packets)
    writer.close(received)
    ours, theirs = (wsanalyze.analyze(path, payloads="full") for path in (str(kept), str(recorded)))
    assert len(ours.messages) == 56
    assert list(ours.connections["outcome"]) == ["established", "established"]
    assert rows(ours.connections) == rows(theirs.connections)
    assert rows(ours.frames) == rows(theirs.frames)
    assert rows(ours.messages) == rows(theirs.messages)
    assert ours.summary["dropped"].tolist() == [0]

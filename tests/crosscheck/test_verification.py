"""Shipped captures and damaged ones, laid beside tshark: nothing is left unexplained."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest
from support import variants
from support.tshark import needs_tshark

import wsanalyze
from wsanalyze.crosscheck.verification import Verification

pytest.importorskip("pyshark")
pytestmark = needs_tshark

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SHIPPED = sorted(path for path in CAPTURES.iterdir() if ".pcap" in path.name)
# What differs in shipped captures, by reason; in all others nothing does.
KNOWN = {
    "connect-tunnels.pcapng": {"not-http": 60},
    "cut-connections.pcapng": {"unfinished": 1},
    "damaged-segments.pcapng": {"filled-late": 3},
    "from-the-middle.pcapng": {"no-handshake": 32},
    "hixie-75.pcapng": {"older-version": 20},
    "hixie-76.pcapng": {"older-version": 39, "not-websocket": 9},
    "hixie-proxies.pcapng": {"older-version": 8},
    "hostile-ways.pcapng": {"http2": 4, "not-http": 4},
    "http-behind-upgrade.pcapng": {"http": 6},
    "http2-field-blocks.pcapng": {"http2": 296},
    "http2-haproxy.pcapng": {"http2": 8},
    "http2-node.pcapng": {"http2": 30},
    "http2-requests.pcapng": {"http2": 28},
    "http2-streams.pcapng": {"http2": 31},
    "http2-translated.pcapng": {"http2": 18},
    "http2-unruly.pcapng": {"http2": 57},
    "http2-upgrade.pcapng": {"http2": 8},
    "hybi-early.pcapng": {"older-version": 54},
    "judged-violations.pcapng": {"early": 1},
    "lossy-path-client.pcapng": {"filled-late": 98},
    "lossy-path-server.pcapng": {"filled-late": 23},
    "old-failures.pcapng": {"older-version": 3},
    "one-direction.pcapng": {"no-handshake": 14},
    "overrun.pcap": {"behind-hole": 46},
    "snapped.pcap": {"no-handshake": 14},
    "socks-tunnels.pcapng": {"not-http": 20},
    "unruly-peers.pcapng": {"unfinished": 1},
    "wss-firefox.pcapng": {"http2": 20},
    "wss-http2.pcapng": {"http2": 30},
    "wss-http2-chromium.pcapng": {"http2": 20},
    "wss-records.pcapng": {"not-http": 36},
    "wss-tunnels.pcapng": {"not-http": 10},
    "http2-connect.pcapng": {"not-http": 12},
}
DAMAGED = {
    "cut": variants.cut_at(0.7),
    "with checksums": variants.made_by_us(variants.with_checksums),
    "twice": variants.twice(variants.later(1000)),
    "shuffled": variants.shuffled(9),
}


def reasons(found: Verification) -> dict[str | None, int]:
    return Counter(each.reason and each.reason.name for each in found.differences)


@pytest.mark.parametrize("capture", SHIPPED, ids=lambda path: path.name)
def test_shipped(capture: Path) -> None:
    found = wsanalyze.verify(capture)
    assert found.agreed
    assert (found.until, found.problems) == (None, ())
    assert reasons(found) == KNOWN.get(capture.name, {})
    assert found.agree <= min(found.ours, found.theirs)
    if capture.name not in KNOWN:
        assert found.agree == found.ours == found.theirs


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_ends_in_a_verification(name: str, tmp_path: Path) -> None:
    (made,) = DAMAGED[name](CAPTURES / "fragments.pcapng", tmp_path)
    found = wsanalyze.verify(made)
    assert found.ours > 0
    assert bool(found.problems) == (name == "cut")


@pytest.mark.parametrize("within", [2, 5, 9])
@pytest.mark.parametrize(
    "name", ["fragments.pcapng", "websockets-plain.pcapng", "large-messages.pcap"]
)
def test_packets_that_moved(name: str, within: int, tmp_path: Path) -> None:
    (made,) = variants.shuffled(within)(CAPTURES / name, tmp_path)
    found = wsanalyze.verify(made)
    assert None not in reasons(found)
    assert reasons(found).keys() <= {
        *("filled-late", "answer-first", "early", "behind-early", "not-http"),
    }


def test_the_first_packets() -> None:
    found = wsanalyze.verify(CAPTURES / "keepalive.pcap", packets=20)
    assert found.until == 20
    assert 0 < found.agree == found.ours == found.theirs < 25
    assert found.statement.endswith(f"agree on all {found.agree} frames, up to packet 20.")


def test_http_is_no_fault_of_tshark() -> None:
    found = wsanalyze.verify(CAPTURES / "http-behind-upgrade.pcapng")
    assert found.statement.endswith(
        f"agree on {found.agree} frames; bytes that are HTTP and no frames (FRM-13) "
        "explain 6 differences."
    )


def test_no_more_packets_than_there_are_is_everything() -> None:
    assert wsanalyze.verify(CAPTURES / "keepalive.pcap", packets=49).until is None


def test_within_a_running_event_loop() -> None:
    async def cell() -> Verification:
        return wsanalyze.verify(CAPTURES / "keepalive.pcap")

    assert asyncio.run(cell()).agree == 25


@pytest.mark.parametrize(
    ("source", "options"),
    [("-", {}), (str(CAPTURES), {}), ("x", {"timeout": 0}), ("x", {"packets": 0})],
)
def test_what_makes_no_sense(source: str, options: dict[str, int]) -> None:
    with pytest.raises(wsanalyze.UsageError):
        wsanalyze.verify(source, **options)  # type: ignore[arg-type]


def test_key_logs_that_can_be_read_once_only_are_refused(tmp_path: Path) -> None:
    """As a shell makes them of `--keylog <(…)`: tshark would have to read them, too."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(wsanalyze.UsageError, match="pipe: verify reads key logs twice"):
        wsanalyze.verify(CAPTURES / "chat-wss.pcapng", keylogs=[pipe])

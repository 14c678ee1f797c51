"""Live sources: what they hand on is what tcpdump writes of the same traffic; what they refuse."""

from __future__ import annotations

import gc
import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.live import (
    descriptors,
    drain,
    exchange,
    needs_capture,
    needs_dumpcap,
    receive,
    send,
    tcpdump,
    veth,
)
from support.ports import free_port

from wsanalyze.capture.live import LiveSource, list_interfaces, open_live, why_not
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import CaptureError, UsageError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = needs_capture
SOURCES = ("dumpcap", "socket")


def opened(source: str, *interfaces: str, **options: object) -> LiveSource:
    if source == "dumpcap" and (error := why_not("dumpcap")) is not None:
        pytest.skip(str(error))
    return open_live(interfaces, source=source, **options)  # type: ignore[arg-type]


def bare(packets: list[tuple[int, int, int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    # In any order: packets on two processors at once are not in the same one for two sockets.
    return sorted((link, wire, data) for _, _, link, wire, data in packets)


@pytest.mark.parametrize("source", SOURCES)
def test_what_comes_is_what_tcpdump_writes(source: str, tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "same.pcap"
    live = opened(source, "lo", capture_filter=f"port {port}")
    with tcpdump(path, "lo", f"port {port}") as until_it_has:
        exchange(port)
        packets = drain(live)
        until_it_has(len(packets))
    live.close()
    with open_capture(path) as reader:
        batch = reader.next()
        assert batch is not None
        expected = batch.packets()
        assert reader.next() is None
    assert bare(packets) == bare(expected)
    assert [number for number, *_ in packets] == list(range(1, len(packets) + 1))
    assert max(len(data) for *_, data in packets) == 65_549
    assert live.failure is None
    received = live.statistics()
    assert (received.received, received.dropped_by_kernel) == (len(packets), 0)
    (info,) = live.infos
    assert (info.packets, info.dropped) == (len(packets), 0)
    assert [(each.name, each.link) for each in info.interfaces] == [("lo", 1)]
    assert info.first_time_ns == min(time for _, time, *_ in packets)
    assert info.last_time_ns == max(time for _, time, *_ in packets)


@pytest.mark.parametrize("source", SOURCES)
def test_several_interfaces(source: str) -> None:
    with veth() as (one, other):
        live = opened(source, one, "lo", capture_filter="ether proto 0x88b5")
        send(other, b"over the wire")
        packets = receive(live, 1)
        send("lo", b"inside", b"inside")
        packets += drain(live)
        live.close()
    assert [data[14:27].rstrip(b"\0") for *_, data in packets] == [
        b"over the wire",
        b"inside",
        b"inside",
    ]
    assert {each.name for each in live.infos[0].interfaces} == {one, "lo"}


@pytest.mark.parametrize("source", SOURCES)
def test_packets_are_cut_where_that_is_wanted(source: str) -> None:
    for expression in ("ether proto 0x88b5", None):
        with veth() as (one, other):
            live = opened(source, one, snap_length=60, capture_filter=expression)
            send(other, bytes(range(200)))
            long = [each for each in drain(live) if each[3] == 214]
            live.close()
        assert [(wire, len(data)) for _, _, _, wire, data in long] == [(214, 60)]


@pytest.mark.parametrize("promiscuous", [True, False])
@pytest.mark.parametrize("source", SOURCES)
def test_an_interface_is_promiscuous_where_that_is_wanted(source: str, promiscuous: bool) -> None:
    with veth() as (one, _):
        live = opened(source, one, promiscuous=promiscuous)
        command = ["ip", "-json", "-details", "link", "show", one]
        (link,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        live.close()
    assert link["promiscuity"] == promiscuous


@pytest.mark.parametrize("source", SOURCES)
def test_vlan_tags_are_there(source: str) -> None:
    with veth() as (one, other):
        live = opened(source, one)
        send(other, b"tagged", tag=0x2005)
        packets = [data for *_, data in drain(live) if b"tagged" in data]
        live.close()
    assert [data[12:24] for data in packets] == [bytes.fromhex("8100200588b5") + b"tagged"]


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_comes(source: str) -> None:
    live = opened(source, "lo", capture_filter="ether proto 0x88b6")
    assert live.next(0) is None
    assert live.next(0.1) is None
    assert not live.ended
    assert drain(live) == []
    assert (live.ended, live.failure, live.next(5)) == (True, None, None)
    live.close()


@pytest.mark.parametrize("source", SOURCES)
def test_stop_and_close_twice(source: str) -> None:
    live = opened(source, "lo")
    live.stop()
    live.stop()
    live.close()
    live.close()
    assert live.next(0) is None


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_stays_open(source: str) -> None:
    opened(source, "lo").close()
    gc.collect()
    before = descriptors()
    for _ in range(3):
        live = opened(source, "lo")
        live.next(0)
        live.close()
    gc.collect()
    assert descriptors() == before


@pytest.mark.parametrize("source", SOURCES)
def test_thousands_of_calls_take_nothing_more(source: str) -> None:
    port = free_port()
    live = opened(source, "lo", capture_filter=f"udp dst port {port}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for _ in range(200):
            sending.sendto(bytes(1000), ("127.0.0.1", port))
            live.next(0)
        before, open_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, descriptors()
        for _ in range(3000):
            sending.sendto(bytes(1000), ("127.0.0.1", port))
            live.next(0)
        assert descriptors() == open_before
    # KiB: the window and the ring were touched before.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024
    drain(live)
    assert live.statistics().received == 3200
    live.close()


@pytest.mark.parametrize("source", ["auto", *SOURCES])
def test_a_filter_that_makes_no_sense(source: str) -> None:
    with pytest.raises(UsageError, match=r"^filter 'tcp prt 80': .*syntax error.*pcap-filter"):
        opened(source, "lo", capture_filter="tcp prt 80")


def test_a_socket_cannot_look_at_tags() -> None:
    with pytest.raises(UsageError, match="VLAN"):
        opened("socket", "lo", capture_filter="vlan 3 and tcp")


@pytest.mark.parametrize("source", ["auto", *SOURCES])
def test_no_such_interface(source: str) -> None:
    with pytest.raises(CaptureError, match=r"^nowhere0: no such interface .*--list"):
        opened(source, "nowhere0")


@pytest.mark.parametrize("source", ["auto", *SOURCES])
def test_an_interface_that_is_down(source: str) -> None:
    with veth() as (one, _):
        subprocess.run(["ip", "link", "set", one, "down"], check=True)
        with pytest.raises(CaptureError, match=f"^{one}: is down .ip link set {one} up"):
            opened(source, one)


@pytest.mark.parametrize(
    ("interfaces", "options", "said"),
    [
        ((), {}, "name an interface"),
        (("lo", "lo"), {}, "named twice"),
        (("lo", "-"), {}, "beside interfaces"),
        (("lo",), {"source": "pcap"}, "auto, dumpcap, socket"),
        (("lo",), {"buffer_mib": 0}, "buffer size 0"),
        (("lo",), {"buffer_mib": 4096}, "buffer size 4096"),
        (("lo",), {"snap_length": 0}, "snap length 0"),
        (("lo",), {"snap_length": 262_145}, "snap length 262145"),
        (("-",), {"capture_filter": "tcp"}, "tcpdump"),
        (("-",), {"source": "dumpcap"}, "not for standard input"),
        (("lo",), {"user": "nobody-of-that-name"}, "there is no user"),
    ],
)
def test_what_makes_no_sense(
    interfaces: tuple[str, ...], options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        open_live(interfaces, **options)  # type: ignore[arg-type]


def without_rights(program: str, *, path: str | None = None) -> str:
    """Run a program as root that may not capture, and return what it prints."""
    if os.geteuid() != 0:
        pytest.skip("it takes root to give up a capability")
    command = ["setpriv", "--bounding-set", "-net_raw,-net_admin", sys.executable, "-c", program]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **({} if path is None else {"PATH": path})},
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


OPEN = """
from wsanalyze.capture.live import *
from wsanalyze.errors import CaptureError
try:
    open_live(["lo"], source={source!r})
except CaptureError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("dumpcap", "lo: dumpcap is not permitted to capture (sudo setcap cap_net_raw"),
        ("socket", "lo: a socket of our own is not permitted (run it with sudo"),
        (
            "auto",
            "lo: cannot be captured on: dumpcap is not permitted to capture; "
            "a socket of our own is not permitted (run: sudo setcap",
        ),
    ],
)
def test_nothing_is_permitted(source: str, said: str) -> None:
    printed = without_rights(OPEN.format(source=source))
    assert printed.startswith(said)
    assert printed.count("\n") == 1


def test_dumpcap_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaptureError, match="sudo apt install wireshark-common"):
        open_live(["lo"], source="dumpcap")
    live = open_live(["lo"])
    live.close()
    assert live.description.startswith("socket on lo")
    assert live.description.endswith("not dumpcap: dumpcap is not installed")


def test_interfaces_are_listed() -> None:
    with veth() as (one, _):
        found = {offer.name: offer for offer in list_interfaces()}
    assert found["lo"].loopback
    assert "127.0.0.1" in found["lo"].addresses
    assert not found[one].loopback
    assert (found[one].up, found[one].link) == (True, 1)
    assert "socket" in found[one].sources


@needs_dumpcap
def test_all_interfaces_together_are_listed_last() -> None:
    last = list_interfaces()[-1]
    assert (last.name, last.up, last.sources) == ("any", True, ("dumpcap",))
    live = open_live(["any"], capture_filter="udp port 9")
    live.close()


def test_a_user_that_does_not_exist_is_refused_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsanalyze.capture.live._opened", lambda *_: pytest.fail("opened"))
    with pytest.raises(UsageError, match="no user 'nosuch'"):
        open_live(["lo"], user="nosuch")


def test_interfaces_without_rights_say_that_nothing_opens_them() -> None:
    program = (
        "from wsanalyze.capture.live import *\nfor each in list_interfaces(): print(*each.sources)"
    )
    assert without_rights(program).strip() == ""


def test_loopback_is_seen_once_by_every_source() -> None:
    for source in SOURCES:
        live = opened(source, "lo", capture_filter="udp port 9")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            for i in range(5):
                sending.sendto(b"unique %d" % i, ("127.0.0.1", 9))
        packets = [data for *_, data in drain(live) if b"unique" in data]
        live.close()
        assert [data[-8:] for data in packets] == [b"unique %d" % i for i in range(5)]

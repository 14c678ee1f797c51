"""dumpcap as a child: it never outlives us, and what becomes of it and of interfaces is told."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.live import (
    OURS,
    descriptors,
    drain,
    ip,
    make_veth,
    needs_dumpcap,
    processes_of,
    receive,
    send,
    until,
    veth,
)

from wsanalyze.capture.dumpcap import Dumpcap
from wsanalyze.capture.live import Options, open_live
from wsanalyze.errors import CaptureError, UsageError
from wsanalyze.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
pytestmark = needs_dumpcap

CAPTURE = """
import sys, time
from wsanalyze.capture.live import open_live
live = open_live(["lo"], source="dumpcap", capture_filter="ether proto 0x88b6")
print(live._child.pid, flush=True)
time.sleep(60)
"""


def opened(*interfaces: str, expression: str = OURS) -> Dumpcap:
    live = open_live(interfaces, source="dumpcap", capture_filter=expression)
    assert isinstance(live, Dumpcap)
    return live


def dumpcap_of(session: int) -> int:
    """Return the process number of the dumpcap of a session."""
    names = {each: Path(f"/proc/{each}/comm").read_text().strip() for each in processes_of(session)}
    (number,) = [each for each, name in names.items() if name == "dumpcap"]
    return number


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_we_end_dumpcap_goes_with_us(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CAPTURE],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as ours:
        assert ours.stdout is not None
        session = int(ours.stdout.readline())
        assert len(processes_of(session)) == 2
        ours.send_signal(how)
        ours.wait(20)
    until(lambda: not processes_of(session))


def test_a_process_that_we_forked_does_not_keep_it_alive() -> None:
    forking = CAPTURE.replace("time.sleep(60)", "import os; os.fork(); time.sleep(3)")
    with subprocess.Popen(
        [sys.executable, "-c", forking], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
    ) as ours:
        assert ours.stdout is not None
        session = int(ours.stdout.readline())
        until(lambda: len(processes_of(ours.pid)) == 2)
        ours.kill()
        ours.wait(20)
        until(lambda: not processes_of(session))
        until(lambda: not processes_of(ours.pid))


def test_it_is_gone_when_closed() -> None:
    live = opened("lo")
    session = live._child.pid
    assert len(processes_of(session)) == 2
    live.close()
    assert processes_of(session) == []


def test_it_is_gone_when_nobody_has_it_any_more() -> None:
    # What tests before this one have left is none of it.
    gc.collect()
    live = opened("lo")
    session, before = live._child.pid, descriptors()
    assert len(processes_of(session)) == 2
    del live
    gc.collect()
    assert not processes_of(session)
    assert len(descriptors()) == len(before) - 5


def test_dumpcap_is_killed() -> None:
    live = opened("lo")
    session = live._child.pid
    os.kill(dumpcap_of(session), signal.SIGKILL)
    until(lambda: live.ended, live)
    assert live.failure == "dumpcap ended (by signal 9): it said nothing"
    assert processes_of(session) == []


def test_what_came_before_it_was_killed_is_handed_out() -> None:
    live = opened("lo")
    send("lo", b"first", b"second")
    packets = receive(live, 2)
    send("lo", b"third")
    packets += receive(live, 1)
    os.kill(dumpcap_of(live._child.pid), signal.SIGKILL)
    until(lambda: live.ended, live)
    assert [data[14:20].rstrip(b"\0") for *_, data in packets] == [b"first", b"second", b"third"]
    assert live.statistics().received == 3
    # It could not say any more what it lost.
    assert live.statistics().dropped_by_kernel is None


def test_who_watches_over_it_is_killed() -> None:
    live = opened("lo")
    session = live._child.pid
    os.kill(session, signal.SIGKILL)
    until(lambda: live.ended, live)
    assert live.failure == "dumpcap was killed, with the process that watches over it"
    until(lambda: not processes_of(session))


def test_an_interface_goes_down_and_comes_back() -> None:
    with veth() as (one, other):
        live = opened(one)
        send(other, b"before")
        assert len(receive(live, 1)) == 1
        ip("link", "set", one, "down")
        until(lambda: live.problems, live)
        ip("link", "set", one, "up")
        until(lambda: len(live.problems) == 2, live)
        assert live.problems == [f"{one} went down", f"{one} is back"]
        send(other, b"after")
        assert receive(live, 1)[0][4][14:19] == b"after"
        assert drain(live) == []
        assert live.failure is None
        live.close()


@pytest.mark.parametrize("beside", [(), ("lo",)])
def test_an_interface_is_gone_and_comes_back(beside: tuple[str, ...]) -> None:
    with veth() as (one, other):
        live = opened(one, *beside)
        send(other, b"before")
        packets = receive(live, 1)
        ip("link", "del", one)
        until(lambda: f"{one} is gone" in live.problems, live)
        make_veth(one, other)
        until(lambda: f"{one} is back" in live.problems, live)
        # dumpcap starts again: until it has, packets are nobody's.
        until(
            lambda: one in live._running and len(live.infos[0].interfaces) > 1 + len(beside), live
        )
        send(other, b"after")
        packets += receive(live, 1)
        assert drain(live) == []
        assert [number for number, *_ in packets] == [1, 2]
        assert packets[1][4][14:19] == b"after"
        assert live.failure is None
        assert live.statistics().received == 2
        assert live.statistics().dropped_by_kernel == 0
        live.close()


def test_it_goes_on_when_we_are_root_no_more() -> None:
    if os.geteuid() != 0:
        pytest.skip("it takes root to give it up")
    with veth() as (one, other):
        program = f"""
from wsanalyze.capture.live import open_live
live = open_live([{one!r}], source="dumpcap", user="nobody", capture_filter={OURS!r})
print(live.description, flush=True)
input()
live.next(0)
while len(live.infos[0].interfaces) < 2:
    live.next(0.1)
print(*live.problems, sep=", ", flush=True)
input()
while (batch := live.next(1)) is None:
    pass
print(batch.packets()[0][4][14:19])
live.stop()
while not live.ended:
    live.next(1)
print(live.failure, live.statistics().dropped_by_kernel, live._child.pid, flush=True)
live.close()
"""
        with subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stdout.readline().endswith("from here on as nobody\n")
            ip("link", "del", one)
            make_veth(one, other)
            child.stdin.write("\n")
            assert child.stdout.readline().endswith(f"{one} is gone, {one} is back\n")
            send(other, b"after")
            child.stdin.write("\n")
            assert child.stdout.readline() == "b'after'\n"
            failure, dropped, session = child.stdout.readline().split()
            assert (failure, dropped) == ("None", "0")
    assert processes_of(int(session)) == []


@pytest.mark.parametrize("interface", ["lo", "any"])
def test_each_packet_on_loopback_that_is_lost_is_counted_once(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        # Nobody else's packets are counted, either.
        sending.bind(("127.0.0.1", 0))
        mine = sending.getsockname()[1]
        live = open_live(
            [interface], source="dumpcap", capture_filter=f"udp src port {mine}", buffer_mib=1
        )
        assert isinstance(live, Dumpcap)
        child = dumpcap_of(live._child.pid)
        os.kill(child, signal.SIGSTOP)
        # Each goes out and comes in.
        for _ in range(3000):
            sending.sendto(bytes(1400), ("127.0.0.1", 9))
        os.kill(child, signal.SIGCONT)
        packets = drain(live)
    counts = live.statistics()
    assert counts.received == len(packets) < 3000
    assert counts.dropped_by_kernel == live.infos[0].dropped == 3000 - len(packets)
    live.close()


@pytest.mark.parametrize(
    ("expression", "why"),
    [("tcp port (nonsense", "unknown port"), ("(tcp) nonsense", "syntax error")],
)
def test_a_filter_with_parentheses_that_is_wrong(expression: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened("lo", expression=expression)
    assert str(caught.value).startswith(f"filter {expression!r}: ")
    assert why in str(caught.value)


def fake(tmp_path: Path, script: str) -> str:
    program = tmp_path / "dumpcap"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    return str(program)


def test_words_of_any_kind_are_one_line(tmp_path: Path) -> None:
    program = fake(
        tmp_path, r'printf "dumpcap: it \033[31mfailed\007 here\nand more\n" >&2; exit 1'
    )
    with pytest.raises(CaptureError) as caught:
        Dumpcap(program, ["lo"], Options(), Limits())
    assert str(caught.value) == "lo: dumpcap: it [31mfailed here"


def test_a_program_that_gives_something_else(tmp_path: Path) -> None:
    live = Dumpcap(
        fake(tmp_path, "echo This is no capture at all; sleep 60"), ["lo"], Options(), Limits()
    )
    session = live._child.pid
    until(lambda: live.ended, live)
    assert live.failure is not None
    assert "not a capture: text" in live.failure
    until(lambda: not processes_of(session))


def test_it_does_not_end_when_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.capture.dumpcap.PATIENCE", 1)
    capture = ROOT / "captures" / "aiohttp-chat.pcapng"
    live = Dumpcap(
        fake(tmp_path, f"trap '' INT\ncat {capture}\nsleep 60 & wait\nsleep 60"),
        ["lo"],
        Options(),
        Limits(),
    )
    session = live._child.pid
    assert len(drain(live)) > 10
    assert live.problems == ["dumpcap did not end when it was told to: it was killed"]
    assert live.failure is None
    until(lambda: not processes_of(session))


def test_it_floods_its_words(tmp_path: Path) -> None:
    live = Dumpcap(
        fake(tmp_path, f"cat {ROOT / 'captures' / 'aiohttp-chat.pcapng'}; yes >&2"),
        ["lo"],
        Options(),
        Limits(),
    )
    for _ in range(200):
        live.next(0.01)
    assert len(live._words) <= 16 * 1024
    live.close()

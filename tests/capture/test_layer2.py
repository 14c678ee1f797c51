"""A packet socket of our own: interfaces that come and go, losses, rights that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.live import OURS, drain, ip, make_veth, needs_capture, receive, send, until, veth

from wsanalyze.capture.layer2 import Layer2
from wsanalyze.capture.live import open_live

ROOT = Path(__file__).resolve().parents[2]
pytestmark = needs_capture


def opened(*interfaces: str, expression: str = OURS, mib: int = 4) -> Layer2:
    live = open_live(interfaces, source="socket", capture_filter=expression, buffer_mib=mib)
    assert isinstance(live, Layer2)
    return live


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
        send(other, b"before", b"and one more")
        packets = receive(live, 2)
        ip("link", "del", one)
        until(lambda: f"{one} is gone" in live.problems, live)
        make_veth(one, other)
        until(lambda: f"{one} is back" in live.problems, live)
        send(other, b"after")
        packets += receive(live, 1)
        assert drain(live) == []
        assert [number for number, *_ in packets] == [1, 2, 3]
        assert live.failure is None
        counts = {each.name: (each.received, each.dropped) for each in live.infos[0].interfaces}
        assert counts == {one: (3, 0)} | dict.fromkeys(beside, (0, 0))
        live.close()


def test_it_may_not_be_opened_again() -> None:
    if os.geteuid() != 0:
        pytest.skip("it takes root to give it up")
    with veth() as (one, other):
        program = f"""
from wsanalyze.capture.live import open_live
live = open_live([{one!r}], source="socket", user="nobody")
print(live.description, flush=True)
while not live.ended:
    live.next(1)
print(*live.problems, sep=", ")
print(live.failure)
"""
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline().endswith("from here on as nobody\n")
            ip("link", "del", one)
            make_veth(one, other)
            problems, failure = child.stdout.read().splitlines()
    assert problems.endswith(
        f"{one} is gone, {one} is back, {one} cannot be opened again: "
        "a socket of our own is not permitted"
    )
    assert failure == (
        f"{one}: is back, but cannot be opened again: a socket of our own is not permitted"
    )


def test_what_the_ring_has_no_room_for_is_counted() -> None:
    with veth() as (one, other):
        live = opened(one, mib=1)
        for _ in range(40):
            send(other, *[bytes(1400)] * 50)
        packets = drain(live)
        received = live.statistics()
        live.close()
    assert received.received == len(packets)
    assert received.dropped_by_kernel == 2000 - len(packets)
    assert received.dropped_by_kernel > 0
    assert live.infos[0].dropped == received.dropped_by_kernel


def test_a_batch_stays_what_it_is_until_the_next_call() -> None:
    with veth() as (one, other):
        live = opened(one)
        send(other, b"kept")
        batch = None
        while batch is None:
            batch = live.next(1)
        before = batch.packets()
        send(other, *[b"others"] * 100)
        assert batch.packets() == before
        live.close()
        assert batch.packets() == []


def test_scapy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from wsanalyze.capture.live import why_not

    monkeypatch.setattr("wsanalyze.capture.packet_socket.find_spec", lambda _name: None)
    assert str(why_not("socket")) == ("socket: a socket of our own needs scapy (pip install scapy)")

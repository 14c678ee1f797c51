"""Recorded sessions in tunnels: lost, cut, changed and swapped packets make up nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from support.invariants import check
from support.records import Record, pcap, records_of

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.rows import in_order

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
NAMES = ("connect-tunnels.pcapng", "socks-tunnels.pcapng", "proxy-protocol.pcapng")
# Ethernet and an IPv4 header without options; TCP's ports are next.
PORTS = 34
WANTS = Wants(observe=True)


def recorded(records: Sequence[Record]) -> Recording:
    """Read packets, and check what is true of every recording."""
    recording = read([io.BytesIO(pcap(records))], wants=WANTS, limits=Limits())
    check(recording)
    return recording


@cache
def tunnelled() -> dict[str, list[Record]]:
    """Return the packets of each conversation with a tunnel, by the way and its path."""
    found = {}
    for name in NAMES:
        records = records_of(CAPTURES / name)
        recording = read([CAPTURES / name], wants=WANTS, limits=Limits())
        for row in in_order(recording.connections):
            if row.tunnel is not None and row.handshake is not None:
                ports = {row.client_port, row.server_port}
                mine = [each for each in records if is_between(each, ports)]
                found[f"{row.tunnel} {row.handshake.target}"] = mine
    return found


def is_between(each: Record, ports: set[int]) -> bool:
    """Say whether a packet goes from one of two ports to the other."""
    data = each.data
    if data[12:14] != b"\x08\x00":
        return False
    ends = (data[PORTS : PORTS + 2], data[PORTS + 2 : PORTS + 4])
    return {int.from_bytes(port, "big") for port in ends} == ports


def payload_of(each: Record) -> int:
    """Return where a packet's payload begins."""
    return PORTS + (each.data[PORTS + 12] >> 4) * 4


def before_upgrade(records: Sequence[Record]) -> list[int]:
    """Return the packets with payload before the one that ends the upgrade request."""
    found = []
    for number, each in enumerate(records):
        payload = each.data[payload_of(each) :]
        if payload:
            found.append(number)
        if b"sec-websocket-version" in payload.lower():
            return found
    raise AssertionError("no upgrade request")


def tables(recording: Recording) -> list[tuple[object, ...]]:
    """Return what was read of each connection."""
    return [
        (each.tunnel, each.outcome, each.client_frames, each.server_frames, each.client_bytes)
        for each in recording.connections
    ]


def changed(each: Record, at: int, bits: int) -> Record:
    """Return a packet with another byte."""
    data = bytearray(each.data)
    data[at] ^= bits
    return replace(each, data=bytes(data))


def ways() -> Iterator[object]:
    """Yield a case for each conversation."""
    for name in tunnelled():
        yield pytest.param(name, id=name.replace("/", ""))


def test_every_kind_was_recorded() -> None:
    kinds = {name.split(" ")[0] for name in tunnelled()}
    assert kinds == {"CONNECT", "SOCKS4", "SOCKS4a", "SOCKS5", "PROXY"}
    assert len(tunnelled()) == 20


@pytest.mark.parametrize("name", list(ways()))
class TestConversation:
    def test_alone(self, name: str) -> None:
        ((tunnel, outcome, *frames),) = tables(recorded(tunnelled()[name]))
        assert f"{tunnel} " == name[: name.rindex("/")]
        assert (outcome, frames[0] > 0) in (("established", True), ("refused", False))

    def test_every_prefix(self, name: str) -> None:
        records = tunnelled()[name]
        (whole,) = tables(recorded(records))
        for size in range(1, len(records)):
            rows = tables(recorded(records[:size]))
            assert len(rows) <= 1
            assert all(row[0] == whole[0] for row in rows)

    def test_without_the_packets_that_opened_it(self, name: str) -> None:
        records = tunnelled()[name]
        for number in range(3):
            rows = tables(recorded(records[: 3 - number - 1] + records[3:]))
            assert rows == tables(recorded(records))

    def test_any_packet_is_lost(self, name: str) -> None:
        records = tunnelled()[name]
        for number in before_upgrade(records):
            rows = tables(recorded(records[:number] + records[number + 1 :]))
            assert len(rows) <= 1

    def test_any_two_packets_are_swapped(self, name: str) -> None:
        records = tunnelled()[name]
        wanted = tables(recorded(records))
        places = before_upgrade(records)
        for one, other in pairwise(places):
            swapped = list(records)
            swapped[one], swapped[other] = (
                replace(records[other], time=records[one].time),
                replace(records[one], time=records[other].time),
            )
            assert tables(recorded(swapped)) == wanted

    def test_every_byte_before_the_upgrade_is_another(self, name: str) -> None:
        records = tunnelled()[name]
        for number in before_upgrade(records)[:-1]:
            each = records[number]
            # What follows the upgrade request is left out: it is not what is changed.
            front, behind = records[:number], records[number + 1 : number + 12]
            for at in range(payload_of(each), min(len(each.data), payload_of(each) + 300)):
                recording = recorded([*front, changed(each, at, 0x80 | 1 << at % 7), *behind])
                # A CONNECT that runs into the upgrade request asks for it, too.
                assert len(recording.connections) <= 2

"""A ring of blocks as the kernel lays it out, read in place."""

from __future__ import annotations

import struct

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.ring import Ring

BLOCK = 4096
KERNEL, USER = 0, 1
OUTGOING, HOST = 4, 0
VLAN_VALID, TPID_VALID = 0x10, 0x40
SECONDS = 1_700_000_000


def packet(
    data: bytes,
    *,
    kind: int = HOST,
    status: int = 0,
    tag: int = 0,
    tpid: int = 0,
    nanoseconds: int = 5,
    wire: int | None = None,
    captured: int | None = None,
    last: bool = False,
) -> bytes:
    """Return struct tpacket3_hdr, sockaddr_ll, 16 bytes of room and the packet."""
    mac = 68 + 16
    length = mac + len(data)
    length += -length % 16
    head = struct.pack(
        "=IIIIIIHHIIHHQ",
        0 if last else length,
        SECONDS,
        nanoseconds,
        len(data) if captured is None else captured,
        len(data) if wire is None else wire,
        status,
        mac,
        mac + 14,
        0,
        tag,
        tpid,
        0,
        0,
    )
    address = struct.pack("=HHiHBB8s", 17, 8, 1, 1, kind, 6, b"")
    return (head + address + bytes(16) + data).ljust(length, b"\0")


def block(*packets: bytes, status: int = USER, count: int | None = None, first: int = 48) -> bytes:
    """Return struct tpacket_block_desc and packets."""
    number = len(packets) if count is None else count
    head = struct.pack("=IIIIIIQQQ", 1, 48, status, number, first, 0, 0, 0, 0)
    return (head[:48] + b"".join(packets)).ljust(BLOCK, b"\0")


def ring(*blocks: bytes, link: int = 1, once: bool = False) -> tuple[Ring, bytearray]:
    memory = bytearray(b"".join(blocks))
    return Ring(memoryview(memory), BLOCK, len(blocks), link, once), memory


def read(made: Ring, capacity: int = 100, numbered: int = 0) -> list[tuple[int, int, int, bytes]]:
    batch = Batch(Buffer(b""), capacity)
    made.index(batch, numbered)
    return [(number, time, wire, data) for number, time, _, wire, data in batch.packets()]


def test_packets_of_a_block() -> None:
    made, _ = ring(block(packet(b"one"), packet(b"three", nanoseconds=7, wire=90, last=True)))
    assert made.is_ready()
    assert read(made, numbered=10) == [
        (11, SECONDS * 10**9 + 5, 3, b"one"),
        (12, SECONDS * 10**9 + 7, 90, b"three"),
    ]
    assert (made.packets, made.earliest_ns % 10**9, made.latest_ns % 10**9) == (2, 5, 7)


def test_blocks_are_given_back_and_come_round_again() -> None:
    made, memory = ring(block(packet(b"a")), block(packet(b"b")), block(status=KERNEL))
    assert [data for *_, data in read(made)] == [b"a"]
    made.give_back()
    assert memory[8:12] == bytes(4)
    assert [data for *_, data in read(made)] == [b"b"]
    assert memory[BLOCK + 8 : BLOCK + 12] == b"\1\0\0\0"
    made.give_back()
    assert memory[BLOCK + 8 : BLOCK + 12] == bytes(4)
    assert not made.is_ready()
    assert read(made) == []
    made.give_back()
    memory[2 * BLOCK : 3 * BLOCK] = block(packet(b"c"))
    assert [data for *_, data in read(made)] == [b"c"]
    made.give_back()
    memory[:BLOCK] = block(packet(b"d"))
    assert [data for *_, data in read(made)] == [b"d"]


def test_a_block_that_fills_several_batches() -> None:
    made, memory = ring(block(*(packet(b"%d" % i) for i in range(5))))
    found = []
    for _ in range(3):
        assert made.is_ready()
        found += [data for *_, data in read(made, capacity=2)]
        made.give_back()
    assert found == [b"0", b"1", b"2", b"3", b"4"]
    assert memory[8:12] == bytes(4)


def test_what_goes_out_is_left_out_where_it_comes_in_too() -> None:
    content = block(packet(b"out", kind=OUTGOING), packet(b"in"))
    assert [data for *_, data in read(ring(content, once=True)[0], numbered=1)] == [b"in"]
    assert [data for *_, data in read(ring(content)[0])] == [b"out", b"in"]


def test_an_empty_block() -> None:
    made, memory = ring(block())
    assert made.is_ready()
    assert read(made) == []
    made.give_back()
    assert memory[8:12] == bytes(4)


FRAME = b"ABCDEFabcdef\x08\x00rest"


@pytest.mark.parametrize(
    ("status", "tpid", "kind"),
    [
        (VLAN_VALID, 0, b"\x81\x00"),
        (VLAN_VALID, 0x88A8, b"\x81\x00"),
        (VLAN_VALID | TPID_VALID, 0x88A8, b"\x88\xa8"),
    ],
)
def test_a_tag_is_put_back(status: int, tpid: int, kind: bytes) -> None:
    made, _ = ring(block(packet(FRAME, status=status, tag=0x2005, tpid=tpid)))
    ((_, _, wire, data),) = read(made)
    assert data == b"ABCDEFabcdef" + kind + b"\x20\x05" + b"\x08\x00rest"
    assert wire == len(FRAME) + 4


def test_no_tag_without_ethernet_or_addresses() -> None:
    (raw,) = read(ring(block(packet(FRAME, status=VLAN_VALID, tag=1)), link=101)[0])
    assert raw[3] == FRAME
    (short,) = read(ring(block(packet(b"short", status=VLAN_VALID, tag=1)))[0])
    assert short[3] == b"short"


def test_what_no_kernel_says_reads_nothing_outside() -> None:
    far = struct.pack("=I", 0xFFFFFFF0)
    for content in (
        block(packet(b"x"), first=0xFFFFFFF0),
        block(packet(b"x"), first=BLOCK - 4),
        block(packet(b"x", captured=0xFFFFFFFF)),
        block(far + packet(b"x")[4:], packet(b"y")),
        block(packet(b"x", last=True), count=3),
    ):
        made, _ = ring(content, block(packet(b"another block")))
        found = read(made)
        assert all(data == b"x" for *_, data in found)
        made.give_back()
        assert [data for *_, data in read(made)] == [b"another block"]


def test_a_ring_that_is_smaller_than_it_says() -> None:
    made = Ring(memoryview(bytearray(BLOCK)), BLOCK, 2, 1, False)
    with pytest.raises(IndexError):
        made.index(Batch(Buffer(b"")), 0)

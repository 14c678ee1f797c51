"""The blocks beside the packets: versions, clocks, names, counts of drops, secrets."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from crafted_captures import interface, option, resolution, secrets, section, statistics
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.capture import blocks as blocks_module
from wsanalyze.capture.blocks import Blocks, Clock, DamageError, is_pcapng, section_header

U64 = st.integers(0, 2**64 - 1)


def body(block: bytes) -> bytes:
    return block[8:-4]


@given(U64, st.sampled_from([2, 10]), st.integers(0, 127), st.integers(-(2**63), 2**63 - 1))
def test_a_clock_is_exact(units: int, base: int, power: int, offset: int) -> None:
    exact = Fraction(units * 10**9, base**power) + offset * 10**9
    assert Clock(base**power, offset).time_ns(units) == exact.__floor__()


@given(U64, st.sampled_from([2, 10]), st.integers(0, 12), st.integers(-(2**33), 2**33))
def test_the_fast_way_is_the_exact_way(units: int, base: int, power: int, offset: int) -> None:
    clock = Clock(base**power, offset)
    unit_ns, offset_ns, last = clock.fast()
    if units <= last:
        assert units * unit_ns + offset_ns == clock.time_ns(units) < 2**63
        assert last * unit_ns < 2**63


@pytest.mark.parametrize("version", [(1, 0), (1, 2)])
def test_versions_that_are_known(version: tuple[int, int]) -> None:
    Blocks().begin_section(False, body(section(version=version)))


@pytest.mark.parametrize("version", [(0, 1), (1, 1), (2, 0)])
def test_versions_that_are_not(version: tuple[int, int]) -> None:
    with pytest.raises(DamageError, match=r"version \d\.\d, which is not known"):
        Blocks().begin_section(False, body(section(version=version)))


def test_an_interface_in_full() -> None:
    options = option(2, b"eth0") + resolution(9) + option(14, struct.pack("<q", -5))
    blocks = Blocks()
    found, clock = blocks.add_interface(body(interface(113, 96, options + option(13, b"\4"))))
    assert (found.name, found.link, found.snap_length) == ("eth0", 113, 96)
    assert (found.resolution, found.fcs_length) == (10**9, 4)
    assert clock == Clock(10**9, -5)
    assert blocks.interfaces == blocks.section == [found]


def test_an_interface_with_nothing_said() -> None:
    found, clock = Blocks().add_interface(body(interface(snap=0)))
    assert (found.name, found.snap_length, found.received, found.dropped) == ("", None, None, None)
    assert clock == Clock(10**6, 0)


@pytest.mark.parametrize(
    ("value", "per_second"), [(0, 1), (6, 10**6), (0x80, 1), (0x8A, 1024), (0xFF, 2**127)]
)
def test_resolutions_are_powers_of_ten_or_two(value: int, per_second: int) -> None:
    found, _ = Blocks().add_interface(body(interface(options=resolution(value))))
    assert found.resolution == per_second


def test_a_name_that_is_not_text_stays_readable() -> None:
    found, _ = Blocks().add_interface(body(interface(options=option(2, b"e\xffth\0"))))
    assert found.name == "e\ufffdth"


def test_an_option_longer_than_its_block_is_damage() -> None:
    with pytest.raises(DamageError, match="option 9 of 77 bytes"):
        Blocks().add_interface(bytes(8) + struct.pack("<HH", 9, 77) + bytes(4))


def test_an_interface_too_short_is_damage() -> None:
    with pytest.raises(DamageError, match="too short"):
        Blocks().add_interface(bytes(7))


def test_interfaces_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "INTERFACES", 3)
    monkeypatch.setattr(blocks_module, "LISTED", 2)
    blocks = Blocks()
    for _ in range(3):
        blocks.add_interface(body(interface()))
    assert (len(blocks.section), len(blocks.interfaces)) == (3, 2)
    with pytest.raises(DamageError, match="more than 3 interfaces"):
        blocks.add_interface(body(interface()))


@pytest.mark.parametrize(
    ("snaps", "snap"), [([96], 96), ([96, 200], 200), ([96, 0], None), ([0, 96], None)]
)
def test_the_snap_length_is_the_largest(snaps: list[int], snap: int | None) -> None:
    blocks = Blocks()
    for each in snaps:
        blocks.add_interface(body(interface(snap=each)))
    assert blocks.snap_length == snap


def test_the_last_statistics_of_an_interface_count() -> None:
    blocks = Blocks()
    found, _ = blocks.add_interface(body(interface()))
    assert blocks.dropped is None
    blocks.add_statistics(body(statistics(received=10, interface_dropped=1, system_dropped=1)))
    blocks.add_statistics(body(statistics(received=20, interface_dropped=3, system_dropped=2)))
    assert (found.received, found.dropped, blocks.dropped) == (20, 5, 5)


def test_drops_add_up_over_interfaces_and_sections() -> None:
    blocks = Blocks()
    for _ in range(2):
        blocks.begin_section(False, body(section()))
        for number in range(2):
            blocks.add_interface(body(interface()))
            blocks.add_statistics(body(statistics(number, interface_dropped=10 + number)))
    assert blocks.dropped == 42


def test_drops_that_no_table_can_count_are_not_believed() -> None:
    blocks = Blocks()
    blocks.begin_section(False, body(section()))
    for _ in range(2):
        blocks.add_interface(body(interface()))
    blocks.add_statistics(body(statistics(0, interface_dropped=(1 << 64) - 1)))
    assert blocks.dropped is None
    blocks.add_statistics(body(statistics(0, interface_dropped=(1 << 63) - 8)))
    blocks.add_statistics(body(statistics(1, interface_dropped=8)))
    assert blocks.dropped == (1 << 63) - 8
    blocks.add_statistics(body(statistics(1, interface_dropped=7)))
    assert blocks.dropped == (1 << 63) - 1


def test_statistics_without_drops_say_nothing_of_them() -> None:
    blocks = Blocks()
    found, _ = blocks.add_interface(body(interface()))
    blocks.add_statistics(body(statistics(received=10)))
    assert (found.received, found.dropped, blocks.dropped) == (10, None, None)


def test_statistics_of_no_interface_are_let_go() -> None:
    blocks = Blocks()
    blocks.add_statistics(body(statistics(3, interface_dropped=10)))
    blocks.add_statistics(b"")
    assert blocks.dropped is None


def test_secrets_are_kept_as_they_are() -> None:
    blocks = Blocks()
    blocks.add_secrets(body(secrets(b"CLIENT_RANDOM a b\n")))
    assert blocks.secrets == [(0x544C534B, b"CLIENT_RANDOM a b\n")]


def test_secrets_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "SECRETS", 10)
    monkeypatch.setattr(blocks_module, "SECRET_OVERHEAD", 0)
    blocks = Blocks()
    for data in (b"12345678", b"1234", b"12"):
        blocks.add_secrets(body(secrets(data)))
    assert [data for _, data in blocks.secrets] == [b"12345678", b"12"]
    assert blocks.secrets_skipped == 1


def test_empty_secrets_cost_something_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "SECRETS", 1000)
    blocks = Blocks()
    for _ in range(100):
        blocks.add_secrets(body(secrets(b"")))
    assert len(blocks.secrets) == 1000 // blocks_module.SECRET_OVERHEAD
    assert len(blocks.secrets) + blocks.secrets_skipped == 100


@pytest.mark.parametrize("damaged", [b"", bytes(7), struct.pack("<II", 1, 0xFFFFFFFF)])
def test_secrets_longer_than_their_block_are_counted(damaged: bytes) -> None:
    blocks = Blocks()
    blocks.add_secrets(damaged)
    assert (blocks.secrets, blocks.secrets_skipped) == ([], 1)


def test_a_section_header_is_known_by_both_its_numbers() -> None:
    assert is_pcapng(section()[:4])
    assert is_pcapng(section(">"))
    assert not is_pcapng(b"\x0a\x0d\x0d\x0a" + bytes(8))
    assert section_header(section(">")) == ("big", 28)
    assert section_header(section()[:5]) == ("little", 28)
    with pytest.raises(DamageError, match="claims 12 bytes"):
        section_header(section()[:4] + struct.pack("<I", 12) + section()[8:])

"""Recorded captures in every wrapping, order and clock: the same tables must come of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pandas as pd
import pytest
from support import records as r
from support import variants as v
from support.chance import chance
from support.compared import (
    CAPTURES,
    COPIES,
    ETHERNET,
    NUMBERS,
    RECORDED,
    SPANS,
    TIMES,
    check_same,
    made,
    ours,
    recorded,
    said,
    theirs,
    tool,
)
from support.variants import Variant, needs_wireshark, zstd

import wsanalyze

NOTHING_CHANGES = [
    tool("-F", "pcapng"),
    tool("-F", "nsecpcap"),
    tool("--capture-comment", "copied"),
    tool("-a", "3:look here"),
    tool("--discard-all-secrets"),
    tool("-s", 65535),
    ours("pcap, big-endian", v.made_by_us(lambda each: r.pcap(each, order=">"))),
    ours("pcapng, big-endian", v.made_by_us(lambda each: r.pcapng(each, order=">"))),
    ours("a section for each packet, both byte orders", v.made_by_us(v.big_and_little)),
    ours("obsolete packet blocks", v.made_by_us(v.obsolete)),
    ours("units of 100 ps", v.made_by_us(lambda each: r.pcapng(each, resolution=10))),
    ours("frame check sequences", v.made_by_us(v.with_checksums)),
    ours("gzip", v.compressed(gzip.compress)),
    ours("gzip members", v.compressed(v.members)),
    ours("bzip2", v.compressed(bz2.compress)),
    ours("xz", v.compressed(lzma.compress)),
    ours("zstd", v.compressed(zstd.compress)),
]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", NOTHING_CHANGES)
def test_nothing_changes(variant: Variant, name: str, tmp_path: Path) -> None:
    check_same(made(variant, name, tmp_path), recorded(name))


def test_lz4(tmp_path: Path) -> None:
    lz4 = pytest.importorskip("lz4.frame")
    test_nothing_changes(v.compressed(lz4.compress), RECORDED[0], tmp_path)


@needs_wireshark
def test_secrets_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48 + "\n")
    variant = v.edited("--inject-secrets", f"tls,{tmp_path / 'keys'}")
    check_same(made(variant, RECORDED[0], tmp_path), recorded(RECORDED[0]))


def test_padding_changes_nothing(tmp_path: Path) -> None:
    variant = v.made_by_us(lambda each: r.pcapng(list(v.lengthened(each))))
    check_same(made(variant, RECORDED[0], tmp_path), recorded(RECORDED[0]))


def in_units(resolution: int) -> Variant:
    """Return the variant that is a pcapng file with this if_tsresol."""
    return v.made_by_us(lambda each: r.pcapng(each, resolution=resolution))


def microseconds(*, modified: bool) -> Variant:
    """Return the variant that is a big-endian pcap file of microseconds."""
    return v.made_by_us(lambda each: r.pcap(each, order=">", fraction_ns=1000, modified=modified))


# With the largest difference that the clock makes, in ns.
COARSER = [
    pytest.param(v.edited("-F", "pcap"), 1000, marks=needs_wireshark, id="editcap -F pcap"),
    pytest.param(v.edited("-F", "modpcap"), 1000, marks=needs_wireshark, id="editcap -F modpcap"),
    pytest.param(microseconds(modified=False), 1000, id="pcap, big-endian"),
    pytest.param(microseconds(modified=True), 1000, id="modified pcap, big-endian"),
    pytest.param(v.made_by_us(v.clocks_side_by_side), 2, id="clocks side by side"),
    pytest.param(in_units(0x80 | 20), 955, id="2^-20 s"),
    pytest.param(in_units(3), 10**6, id="milliseconds"),
    pytest.param(in_units(0), 10**9, id="seconds"),
]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize(("variant", "unit_ns"), COARSER)
def test_coarser_clocks(variant: Variant, unit_ns: int, name: str, tmp_path: Path) -> None:
    found, wanted = made(variant, name, tmp_path), recorded(name)
    check_same(found, wanted, TIMES, SPANS)
    off = wanted.frames["time"] - found.frames["time"]
    assert (off >= pd.Timedelta(0)).all()
    assert (off < pd.Timedelta(unit_ns, "ns")).all()


SEVERAL_FILES = [
    theirs(v.rotated),
    theirs(v.rotated_backwards),
    theirs(v.a_directory),
    theirs(v.rotated_and_compressed),
    theirs(v.by_seconds),
    ours("dealt out to two files", v.dealt(2)),
    ours("dealt out to five files", v.dealt(5)),
]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", SEVERAL_FILES)
def test_several_files_are_one_stream(variant: Variant, name: str, tmp_path: Path) -> None:
    found, wanted = made(variant, name, tmp_path), recorded(name)
    check_same(found, wanted, NUMBERS)
    assert len(found.summary) > 1
    # A packet's number is that of its own file.
    assert found.segments["packet"].max() <= found.summary["packets"].max()


@pytest.mark.parametrize("name", RECORDED)
def test_files_with_clocks_of_their_own(name: str, tmp_path: Path) -> None:
    """A coarse clock puts packets before others that came first; what was said is the same."""
    found, wanted = made(v.dealt_to_clocks, name, tmp_path), recorded(name)
    if name != "cut-connections.pcapng":
        assert said(found) == said(wanted)
    assert found.summary["packets"].sum() == wanted.summary["packets"].sum()
    assert found.summary["lost_bytes"].sum() == wanted.summary["lost_bytes"].sum()


def rows_of(analysis: wsanalyze.Analysis, port: set[int]) -> list[dict[str, object]]:
    """Return the frames of the connections from these client ports, without connection numbers."""
    ports = analysis.connections["client_port"].isin(port)
    numbers = set(analysis.connections.index[ports])
    rows = analysis.frames[analysis.frames["connection"].isin(numbers)].astype(str)
    return rows.drop(columns="connection").to_dict("records")


def stepping_back(i: int, each: r.Record) -> int:
    """Return the time of a clock that is set back by a minute at every tenth packet."""
    return each.time - 60 * r.SECOND * (i // 10)


def an_hour_ahead(_i: int, each: r.Record) -> int:
    """Return the time of a clock that is an hour ahead."""
    return each.time + 3600 * r.SECOND


@pytest.mark.parametrize("clock", [stepping_back, an_hour_ahead, lambda _i, _each: 0])
def test_a_clock_that_is_wrong_beside_one_that_is_right(
    clock: v.Callable[[int, r.Record], int], tmp_path: Path
) -> None:
    """A file's own order stays, whatever its clock and the other files say."""
    wrong = v.retimed(clock)(CAPTURES / "websockets-deflate.pcapng", tmp_path)
    right = CAPTURES / "chromium.pcapng"
    both = wsanalyze.analyze([*wrong, right])
    for alone in (wsanalyze.analyze(wrong), wsanalyze.analyze(right)):
        ports = set(alone.connections["client_port"])
        assert rows_of(both, ports) == rows_of(alone, ports)
        assert len(rows_of(both, ports)) > 0


def test_copies_from_clocks_that_differ_are_not_told(tmp_path: Path) -> None:
    """What is an hour apart is another connection, or a retransmission: here all comes twice."""
    name = "websockets-deflate.pcapng"
    (later,) = v.retimed(an_hour_ahead)(CAPTURES / name, tmp_path)
    found, wanted = wsanalyze.analyze([CAPTURES / name, later]), recorded(name)
    assert len(found) == 2 * len(wanted)
    assert len(found.messages) == 2 * len(wanted.messages)
    assert found.summary["duplicate_packets"].sum() == 0


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", [theirs(v.merged), theirs(v.appended_and_sorted)])
def test_merged_by_wireshark(variant: Variant, name: str, tmp_path: Path) -> None:
    check_same(made(variant, name, tmp_path), recorded(name))


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
def test_from_a_hex_dump(name: str, tmp_path: Path) -> None:
    if name == "any-interface.pcap":
        pytest.skip("text2pcap numbers cooked captures in another way")
    check_same(made(v.from_text, name, tmp_path), recorded(name), TIMES, SPANS)


SEEN_TWICE = [
    ours("at once", v.twice(v.later(0))),
    ours("1 µs later", v.twice(v.later(1000))),
    ours("in bursts of 20", v.twice(v.later(0), 20)),
    ours("in bursts of 300", v.twice(v.later(0), 300)),
    ours("as two files", v.the_same_file_twice),
    ours("as two files that overlap", v.overlapping),
    theirs(v.merged_with_itself),
]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", SEEN_TWICE)
def test_packets_seen_twice(variant: Variant, name: str, tmp_path: Path) -> None:
    """The tables are those of each packet once, but for the numbers of packets and of copies."""
    found, wanted = made(variant, name, tmp_path), recorded(name)
    check_same(found, wanted, NUMBERS, COPIES, {"ended", "duration_s"})
    copies = found.connections[sorted(COPIES)].sum().sum()
    assert copies > 0
    assert found.summary["duplicate_packets"].sum() >= copies


ELSEWHERE = [
    ours("behind a router", v.twice(v.routed)),
    ours("behind a router, in bursts", v.twice(v.routed, 64)),
    ours("in a VLAN", v.twice(v.tagged)),
    ours("on an interface of another kind", v.twice_on_two_interfaces),
]


@pytest.mark.parametrize("name", ETHERNET)
@pytest.mark.parametrize("variant", ELSEWHERE)
def test_packets_seen_twice_elsewhere(variant: Variant, name: str, tmp_path: Path) -> None:
    found, wanted = made(variant, name, tmp_path), recorded(name)
    check_same(found, wanted, NUMBERS, COPIES, {"ended", "duration_s"})


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
def test_editcap_takes_the_copies_away_again(name: str, tmp_path: Path) -> None:
    found = made(v.twice_then_once, name, tmp_path)
    # One of them has copies of its own: the path duplicated packets.
    check_same(found, recorded(name), NUMBERS, COPIES)
    assert found.summary["duplicate_packets"].sum() == 0


OTHER_TIMES = [
    tool("-t", 3600.5),
    tool("-t", -3600),
    tool("-S", 0.001),
    tool("-S", -0.5),
    ours("all zero", v.retimed(lambda _i, _each: 0)),
    ours("counting down", v.retimed(lambda i, each: each.time - 2 * i * r.SECOND)),
    ours("by chance", v.retimed(lambda i, _each: chance(i).randrange(1 << 60))),
    ours("without times", v.made_by_us(v.without_times)),
    ours("before 1970", v.made_by_us(v.before_1970)),
    ours("beyond 2262", v.made_by_us(v.beyond_2262)),
]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", OTHER_TIMES)
def test_other_times(variant: Variant, name: str, tmp_path: Path) -> None:
    """Times order nothing within one file: whatever they are, the rest is the same."""
    found, wanted = made(variant, name, tmp_path), recorded(name)
    if name == "lossy-path-client.pcapng":
        # Its path duplicated packets; without times a copy is not told from a retransmission.
        for row in (found.connections, wanted.connections):
            row["server_retransmissions"] += row.pop("server_duplicates")
        for each in (found, wanted):
            each.segments["note"] = each.segments["note"].replace("duplicate", "retransmission")
        for row in (found.summary, wanted.summary):
            row["duplicate_packets"] = 0
    check_same(found, wanted, TIMES, SPANS)


def test_times_before_1970_are_times(tmp_path: Path) -> None:
    found = made(v.made_by_us(v.before_1970), RECORDED[0], tmp_path)
    wanted = recorded(RECORDED[0])
    assert found.summary["first_time"].iloc[0].year == 1960
    assert (found.connections["started"].dt.year == 1960).all()
    assert list(found.connections["connect_ms"]) == list(wanted.connections["connect_ms"])
    assert found.summary["clamped_times"].iloc[0] == 0


def test_times_beyond_64_bits_are_counted(tmp_path: Path) -> None:
    found = made(v.made_by_us(v.beyond_2262), RECORDED[0], tmp_path)
    summary = found.summary.iloc[0]
    assert summary["clamped_times"] == summary["packets"] > 0
    assert summary["last_time"] == pd.Timestamp.max.tz_localize("UTC")


def test_times_that_are_missing_are_counted(tmp_path: Path) -> None:
    found = made(v.made_by_us(v.without_times), RECORDED[0], tmp_path)
    summary = found.summary.iloc[0]
    assert summary["untimed_packets"] == summary["packets"] > 0
    assert pd.isna(summary["first_time"])


MOVED = [ours(f"by up to {within} places", v.shuffled(within)) for within in (2, 5, 9)]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("variant", MOVED)
def test_moved_packets(variant: Variant, name: str, tmp_path: Path) -> None:
    """What was said stays what it was; who was first, and which segments were late, may not."""
    found, wanted = made(variant, name, tmp_path), recorded(name)
    if name == "cut-connections.pcapng":
        return  # its ends are cut: what came before a reset depends on the order
    assert said(found) == said(wanted)


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
def test_sorted_again_by_reordercap(name: str, tmp_path: Path) -> None:
    check_same(made(v.shuffled_and_sorted, name, tmp_path), recorded(name))


def test_both_sides_of_a_path_together() -> None:
    """Each packet that got through is seen by client and server: nothing is sent twice for that."""
    sides = [CAPTURES / f"lossy-path-{side}.pcapng" for side in ("client", "server")]
    found = wsanalyze.analyze(sides, payloads="full")
    alone = [wsanalyze.analyze(side, payloads="full") for side in sides]
    assert said(found) == said(alone[0]) == said(alone[1])
    rows = found.connections
    assert (rows["client_duplicates"] > 0).all()
    assert (rows["server_duplicates"] > 0).all()


def test_a_router_sees_each_packet_twice(tmp_path: Path) -> None:
    """Recorded on `any` between two networks; without what went out again, it is the same."""
    incoming = [each for each in r.records_of(CAPTURES / "routed-any.pcap") if each.data[10] == 0]
    (tmp_path / "incoming.pcap").write_bytes(r.pcap(incoming))
    found = recorded("routed-any.pcap")
    wanted = wsanalyze.analyze(tmp_path / "incoming.pcap", segments=True, payloads="full")
    check_same(found, wanted, NUMBERS, COPIES, {"ended", "duration_s"})
    assert found.connections[sorted(COPIES)].to_numpy().tolist() == [[7, 7], [8, 9]]
    # The server answered two SYNs at once with two equal packets, which IPv6 does not number.
    assert wanted.connections[sorted(COPIES)].to_numpy().tolist() == [[0, 0], [0, 1]]


def test_there_are_forty_variants() -> None:
    lists = (NOTHING_CHANGES, COARSER, SEVERAL_FILES, SEEN_TWICE, ELSEWHERE, OTHER_TIMES, MOVED)
    assert sum(len(each) for each in lists) >= 40

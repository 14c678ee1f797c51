"""Tables of a variant of a recorded capture, compared with those of the recorded one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import wsanalyze
from support import variants as v
from support.variants import Variant, needs_wireshark

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
# With permessage-deflate; IPv6; cooked v2; retransmissions, holes and reordering; resets and cuts.
RECORDED = (
    "websockets-deflate.pcapng",
    "ws-ipv6.pcapng",
    "any-interface.pcap",
    "lossy-path-client.pcapng",
    "cut-connections.pcapng",
)
ETHERNET = [name for name in RECORDED if name != "any-interface.pcap"]

TABLES = ("connections", "headers", "frames", "messages", "segments")
# Which file a connection began in says nothing about it.
NAMES = {"capture"}
NUMBERS = {"packet", "packet_end", "request_packet", "response_packet"}
TIMES = {"time", "time_end", "started", "requested", "responded", "ended"}
# How long something took is also what some findings are about.
SPANS = {"connect_ms", "handshake_ms", "duration_s", "findings", "severity"}
COPIES = {"client_duplicates", "server_duplicates"}


def made(variant: Variant, name: str, directory: Path) -> wsanalyze.Analysis:
    """Return the analysis of a variant of a recorded capture."""
    sources = variant(CAPTURES / name, directory)
    return wsanalyze.analyze(sources, segments=True, payloads="full")


def recorded(name: str) -> wsanalyze.Analysis:
    """Return the analysis of a recorded capture."""
    return wsanalyze.analyze(CAPTURES / name, segments=True, payloads="full")


def table(analysis: wsanalyze.Analysis, name: str, without: set[str]) -> pd.DataFrame:
    """Return a table without some columns.

    Where copies do not count, `segments` is without them, and over IPv6 without what takes up no
    sequence space: nobody can tell which of two equal acknowledgments is a copy.
    """
    rows: pd.DataFrame = getattr(analysis, name)
    if name == "segments" and without >= COPIES:
        is_ipv6 = rows["connection"].map(analysis.connections["client_ip"].str.contains(":"))
        is_bare = rows["length"].eq(0) & ~rows["flags"].str.contains("SYN|FIN")
        kept = rows["note"].ne("duplicate").fillna(True) & ~(is_ipv6 & is_bare)
        rows = rows[kept].reset_index(drop=True)
    return rows.drop(columns=[column for column in rows if column in without])


def check_same(found: wsanalyze.Analysis, wanted: wsanalyze.Analysis, *without: set[str]) -> None:
    """Fail where a table differs, but for columns that may."""
    columns = NAMES.union(*without)
    for name in TABLES:
        pd.testing.assert_frame_equal(table(found, name, columns), table(wanted, name, columns))
    assert found.summary["problem"].isna().all()
    ours, theirs = found.summary.sum(numeric_only=True), wanted.summary.sum(numeric_only=True)
    for name in ("frames", "messages", "attempts", "lost_bytes"):
        assert ours[name] == theirs[name]
    if not columns >= COPIES:
        for name in ("packets", "tcp_packets", "duplicate_packets", "tcp_conversations"):
            assert ours[name] == theirs[name]


def said(analysis: wsanalyze.Analysis) -> dict[object, list[tuple[object, ...]]]:
    """Return the messages of each sender in order, by connection key."""
    keys = analysis.connections["key"].fillna("").tolist()
    names = ("sender", "type", "length", "sha256", "frames", "complete")
    result: dict[object, list[tuple[object, ...]]] = {}
    for row in analysis.messages.to_dict("records"):
        facts = tuple(str(row[name]) for name in names)
        result.setdefault((keys[row["connection"]], row["sender"]), []).append(facts)
    return result


def identities(analysis: wsanalyze.Analysis, place: str = "offset") -> set[tuple[object, ...]]:
    """Return what tells each frame from every other one, wherever its packets stand.

    Offsets count from the first byte that is known: where a capture begins in the middle, `place`
    is `time`.
    """
    ports = analysis.connections["client_port"].tolist()
    names = ("sender", place, "opcode", "fin", "masking_key", "length")
    return {
        (ports[row["connection"]], *(str(row[name]) for name in names))
        for row in analysis.frames.to_dict("records")
    }


def tool(*options: object) -> object:
    """Return a variant of editcap's as a parameter."""
    name = "editcap " + " ".join(str(option) for option in options)
    return pytest.param(v.edited(*options), marks=needs_wireshark, id=name)


def ours(name: str, variant: Variant) -> object:
    """Return a variant of our own as a parameter."""
    return pytest.param(variant, id=name)


def theirs(variant: Variant) -> object:
    """Return a variant that needs Wireshark's tools as a parameter."""
    return pytest.param(variant, marks=needs_wireshark, id=variant.__name__)

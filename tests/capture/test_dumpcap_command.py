"""What dumpcap is told of each interface."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsanalyze.capture.dumpcap_command import arguments_of, both
from wsanalyze.capture.live import Options


@pytest.mark.parametrize(
    ("expression", "whole"),
    [
        (None, "not outbound"),
        ("tcp port 80 or udp", "not outbound and (tcp port 80 or udp)"),
        ("vlan 5 and (tcp)", "not outbound and (vlan 5 and (tcp))"),
        # Not to be made one that makes sense: dumpcap shall say what is wrong with it.
        ("tcp) or (udp", "tcp) or (udp"),
        ("tcp or (udp", "tcp or (udp"),
    ],
)
def test_a_filter_beside_ours(expression: str | None, whole: str) -> None:
    assert both("not outbound", expression) == whole


def listing(tmp_path: Path, *links: str) -> str:
    """Return a program that says it has these link types."""
    program = tmp_path / "dumpcap"
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{link} (of some kind)'\n" for link in links))
    program.chmod(0o755)
    return str(program)


def test_of_all_interfaces_loopback_is_taken_once_by_the_kernel(tmp_path: Path) -> None:
    program = listing(tmp_path, "LINUX_SLL", "LINUX_SLL2")
    told = arguments_of(program, "any", Options("tcp port 80", promiscuous=False), [1])
    assert told[-5:] == [
        "-y",
        "LINUX_SLL2",
        "-f",
        "not (outbound and ifindex 1) and (tcp port 80)",
        "-p",
    ]


def test_where_packets_do_not_say_their_interface_they_are_all_taken(tmp_path: Path) -> None:
    program = listing(tmp_path, "LINUX_SLL")
    assert arguments_of(program, "any", Options(), [1]) == ["-i", "any", "-s", "262144", "-B", "64"]


def test_one_interface_is_taken_as_it_is() -> None:
    told = arguments_of("/nowhere", "lo", Options("udp"), [1])
    assert told == ["-i", "lo", "-s", "262144", "-B", "64", "-f", "udp"]

"""dumpcap's words, of several versions, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsanalyze.capture.dumpcap_words import (
    Losses,
    complaint,
    error,
    how_to_permit,
    losses,
    lost_link,
)
from wsanalyze.capture.live import NotPossibleError
from wsanalyze.errors import CaptureError, UsageError

ENDED = """\
Capturing on 'Loopback: lo' and 'eth0'
File: -
Packets captured: 12
Packets received/dropped on interface 'Loopback: lo': 10/3 \
(pcap:1/dumpcap:2/flushed:0/ps_ifdrop:4) (76.9%)
Packets received/dropped on interface 'eth0': 2/9 \
(pcap:9/dumpcap:0/flushed:0/ps_ifdrop:0) (18.2%)
"""
REFUSED = """\
dumpcap: cap_set_proc() fail return: Operation not permitted
Capturing on 'Loopback: lo'
dumpcap: You do not have permission to capture on device "lo".
(socket: Operation not permitted)
Please check to make sure you have sufficient permissions.
"""


def made_of(words: str) -> str:
    return str(error(words, "/nowhere/dumpcap", "lo", "tcp prt"))


def test_losses() -> None:
    assert losses(ENDED) == Losses(by_kernel=12, by_interface=4)
    assert losses("File: -\nPackets captured: 12\n") is None


@pytest.mark.parametrize(
    ("counted", "lost"), [(0, 0), (1, 1), (174_322, 87_161), (174_323, 87_162)]
)
def test_the_kernel_counts_a_packet_on_loopback_twice(counted: int, lost: int) -> None:
    words = (
        f"Packets received/dropped on interface 'Loopback: lo': 64488/{counted + 2} "
        f"(pcap:{counted}/dumpcap:1/flushed:1/ps_ifdrop:0) (27.0%)\n"
    )
    assert losses(words, frozenset({"lo"})) == Losses(lost + 2, 0)
    assert losses(words, frozenset({"eth0"})) == Losses(counted + 2, 0)


def test_no_permission() -> None:
    assert isinstance(error(REFUSED, "dumpcap", "lo", None), NotPossibleError)
    assert made_of(REFUSED) == (
        "lo: dumpcap is not permitted to capture (sudo apt install wireshark-common)"
    )


def test_a_filter() -> None:
    words = (
        "dumpcap: Invalid capture filter \"tcp prt\" for interface 'lo'.\n\nThat string isn't a "
        "valid capture filter (can't parse filter expression: syntax error).\nSee the User's Guide"
    )
    assert isinstance(error(words, "dumpcap", "lo", "tcp prt"), UsageError)
    assert made_of(words) == (
        "filter 'tcp prt': can't parse filter expression: syntax error (see pcap-filter(7))"
    )


def test_no_such_device() -> None:
    words = 'dumpcap: There is no device named "x\033[1m".\n(No such device exists)\n'
    assert isinstance(error(words, "dumpcap", "lo", None), CaptureError)
    assert made_of(words) == "x [1m: no such interface (wsanalyze live --list names them)"


def test_down() -> None:
    words = (
        'dumpcap: The capture session could not be initiated on capture device "x" '
        "(That device is not up).\n"
    )
    assert made_of(words) == "lo: is down (ip link set lo up)"


def test_anything_else_is_said_as_it_is() -> None:
    assert (
        made_of("Capturing on 'lo'\ndumpcap: Something else.\n") == "lo: dumpcap: Something else."
    )
    assert complaint("") == "it said nothing"


@pytest.mark.parametrize(
    "words",
    [
        "dumpcap: The network adapter on which the capture was being done is no longer running; "
        "the capture has stopped.",
        "dumpcap: Error while capturing packets: The interface disappeared",
        "dumpcap: Error while capturing packets: The interface went down",
        'dumpcap: There is no device named "x".',
    ],
)
def test_a_link_was_lost(words: str) -> None:
    assert lost_link(words)


def test_nothing_was_lost() -> None:
    assert not lost_link(ENDED)


def test_what_to_run(tmp_path: Path) -> None:
    program = tmp_path / "dumpcap"
    assert how_to_permit(str(program)) == "sudo apt install wireshark-common"
    program.touch()
    assert how_to_permit(str(program)) == f"sudo setcap cap_net_raw,cap_net_admin=eip {program}"


def test_what_to_run_where_a_group_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.capture.dumpcap_words.has_capabilities", lambda _: True)
    program = tmp_path / "dumpcap"
    program.touch(mode=0o750)
    assert how_to_permit(str(program)) == (
        f"sudo usermod -aG {program.group()} $USER, then log in again"
    )
    program.chmod(0o755)
    assert how_to_permit(str(program)).startswith("run it with sudo")

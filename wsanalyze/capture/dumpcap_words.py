"""What dumpcap says on standard error, understood: why it ended, and what was lost."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from wsanalyze.capture.live import NotPossibleError
from wsanalyze.errors import CaptureError, UsageError

# "… on interface 'X': 10/3 (pcap:1/dumpcap:2/flushed:0/ps_ifdrop:0) (76.9%)"
LOSSES = re.compile(
    r"^Packets received/dropped on interface '(?P<name>.*)': (?P<received>\d+)/\d+ "
    r"\(pcap:(?P<pcap>\d+)/dumpcap:(?P<dumpcap>\d+)/flushed:(?P<flushed>\d+)"
    r"/ps_ifdrop:(?P<interface>\d+)\)",
    re.MULTILINE,
)
NO_DEVICE = re.compile(r"There is no device named \"(.*?)\"")
# The filter itself, which comes before the reason, may have parentheses and anything else in it.
BAD_FILTER = re.compile(
    r"Invalid capture filter .* isn't a valid capture filter \((.*)\)\.$", re.DOTALL | re.MULTILINE
)
NOT_UP = re.compile(r"That device is not up|Network is down|device went down", re.IGNORECASE)
LINK_LOST = re.compile(
    r"no longer running|device disappeared|interface (?:went down|disappeared)|Network is down"
    r"|No such device|device is not up|There is no device named|No buffer space available",
    re.IGNORECASE,
)
NOT_PERMITTED = re.compile(r"permission|not permitted|cannot be started", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Losses:
    """What dumpcap lost in one run, all interfaces together, in packets."""

    by_kernel: int
    by_interface: int


def losses(words: str, loopback: frozenset[str] = frozenset()) -> Losses | None:
    """Return what was lost; None where dumpcap was killed before it could say.

    `loopback`: names of loopback interfaces. There every packet goes out and comes in; libpcap
    leaves out the one that goes out, but the kernel counts both where the buffer has no room.
    """
    found = list(LOSSES.finditer(words))
    if not found:
        return None
    kernel = 0
    for each in found:
        pcap = int(each["pcap"])
        if each["name"].removeprefix("Loopback: ") in loopback:
            # Rounded up: room for the one that goes out alone is none.
            pcap = (pcap + 1) // 2
        kernel += pcap + int(each["dumpcap"]) + int(each["flushed"])
    return Losses(kernel, sum(int(each["interface"]) for each in found))


def lost_link(words: str) -> bool:
    """Say whether dumpcap ended because an interface went away or down."""
    return LINK_LOST.search(words) is not None


def error(words: str, program: str, interfaces: str, capture_filter: str | None) -> Exception:
    """Return the error for a dumpcap that could not start."""
    if (match := BAD_FILTER.search(words)) is not None:
        return UsageError(f"filter {capture_filter!r}: {_line(match[1])} (see pcap-filter(7))")
    if (match := NO_DEVICE.search(words)) is not None:
        return CaptureError(
            _line(match[1]), "no such interface", advice="wsanalyze live --list names them"
        )
    if NOT_UP.search(words):
        one = interfaces if "," not in interfaces else "INTERFACE"
        return CaptureError(interfaces, "is down", advice=f"ip link set {one} up")
    if NOT_PERMITTED.search(words):
        return NotPossibleError(
            interfaces, "dumpcap is not permitted to capture", advice=how_to_permit(program)
        )
    return CaptureError(interfaces, complaint(words))


def complaint(words: str) -> str:
    """Return dumpcap's complaint in one line."""
    for line in words.splitlines():
        if line.startswith("dumpcap: ") and "cap_set_proc" not in line:
            return _line(line)
    return "it said nothing"


def how_to_permit(program: str) -> str:
    """Return the command that lets this user capture with dumpcap."""
    try:
        status = Path(program).stat()
    except OSError:
        return "sudo apt install wireshark-common"
    if not has_capabilities(program):
        return f"sudo setcap cap_net_raw,cap_net_admin=eip {program}"
    # Debian gives the file to the group `wireshark`, and nobody else may run it.
    if not status.st_mode & stat.S_IXOTH:
        return f"sudo usermod -aG {_group(status.st_gid)} $USER, then log in again"
    return "run it with sudo: in this container, or on this mount, file capabilities have no effect"


def has_capabilities(program: str) -> bool:
    """Say whether a program has file capabilities."""
    try:
        return bool(os.getxattr(program, "security.capability"))
    except OSError:
        return False


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _line(text: str) -> str:
    """Return text in one line, without what a terminal would obey."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())

"""tshark as an oracle: fields of a capture's packets."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

REASSEMBLY = (
    "tcp.desegment_tcp_streams:TRUE",
    "tcp.reassemble_out_of_order:TRUE",
)


def fields(
    capture: Path,
    names: Sequence[str],
    *,
    where: str = "",
    occurrences: str = "a",
    more: Sequence[str] = (),
) -> list[list[str]]:
    """Return the fields of each packet that `where` selects; several values are joined with `|`."""
    assert TSHARK is not None
    command = [TSHARK, "-n", "-r", str(capture), "-T", "fields", "-E", f"occurrence={occurrences}"]
    command += ["-E", "aggregator=|", "-E", "separator=/t"]
    for option in REASSEMBLY:
        command += ["-o", option]
    command += [*more, *(["-Y", where] if where else [])]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def followed(capture: Path) -> bytes:
    """Return what `follow,tcp` shows of stream 0, both sides in one."""
    assert TSHARK is not None
    command = [TSHARK, "-n", "-q", "-r", str(capture), "-z", "follow,tcp,raw,0"]
    for option in REASSEMBLY:
        command += ["-o", option]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    lines = (line.strip() for line in done.stdout.splitlines())
    return b"".join(bytes.fromhex(line) for line in lines if re.fullmatch("[0-9a-f]+", line))

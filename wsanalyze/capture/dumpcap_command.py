"""How dumpcap is called: where it is, whether it may capture, and what it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from wsanalyze.capture import dumpcap_words
from wsanalyze.capture.links import VIRTUAL
from wsanalyze.capture.live import NotPossibleError, Options

# Seconds until it must have answered.
PATIENCE = 15
# Linux cooked capture 2, which has the number of the interface (libpcap 1.10).
COOKED = "LINUX_SLL2"


def arguments_of(program: str, name: str, options: Options, loopback: Collection[int]) -> list[str]:
    """Return what dumpcap is told of one interface: what stands behind -i is for that one.

    `loopback`: the numbers of those interfaces. There every packet goes out and comes in. libpcap
    leaves out the one that goes out, but only after the kernel gave it room, or counted it as lost.
    Of several interfaces together that would not be known any more, so there the kernel leaves it
    out. (Alone, libpcap cannot have it do so: it would run such a filter itself, on a packet that
    does not say which way it goes.)
    """
    arguments = ["-i", name, "-s", str(options.snap_length), "-B", str(options.buffer_mib)]
    expression = options.capture_filter
    if name in VIRTUAL and loopback and _tells_interfaces(program, name):
        arguments += ["-y", COOKED]
        for number in loopback:
            expression = both(f"not (outbound and ifindex {number})", expression)
    if expression:
        arguments += ["-f", expression]
    return arguments if options.promiscuous else [*arguments, "-p"]


def both(ours: str, theirs: str | None) -> str:
    """Return a filter for packets that pass two; one whose parentheses do not match stays alone."""
    if not theirs:
        return ours
    depth = 0
    for each in theirs:
        depth += (each == "(") - (each == ")")
        if depth < 0:
            return theirs
    return theirs if depth else f"{ours} and ({theirs})"


def _tells_interfaces(program: str, name: str) -> bool:
    """Say whether packets of several interfaces can be captured with the number of each."""
    done = _asked(program, name)
    return done.returncode == 0 and COOKED in done.stdout.decode("utf-8", "replace").split()


def check_dumpcap() -> None:
    """Raise NotPossibleError where dumpcap is missing, or not permitted to capture."""
    program = find_dumpcap()
    done = _asked(program, "lo")
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace")
        error = dumpcap_words.error(words, program, "lo", None)
        if isinstance(error, NotPossibleError):
            raise error


def _asked(program: str, name: str) -> subprocess.CompletedProcess[bytes]:
    """Ask for the link types of an interface, which dumpcap opens to say them."""
    return subprocess.run(
        [program, "-L", "-i", name],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
        timeout=PATIENCE,
        check=False,
    )


def find_dumpcap() -> str:
    """Return dumpcap's path. Raises NotPossibleError where it is missing or may not be run."""
    program = shutil.which("dumpcap")
    if program is not None:
        return str(Path(program).absolute())
    found = shutil.which("dumpcap", mode=os.F_OK)
    if found is None:
        raise NotPossibleError(
            "dumpcap", "dumpcap is not installed", advice="sudo apt install wireshark-common"
        )
    advice = dumpcap_words.how_to_permit(found)
    raise NotPossibleError("dumpcap", "you may not run dumpcap", advice=advice)

"""Dump every column and record of captures, to compare the compiled package with the uncompiled.

    python compare_builds.py CAPTURE…

prints one JSON object per capture. It imports whatever `wsanalyze` the interpreter finds, and
nothing of the tests: run it with PYTHONPATH set to a tree that was built, or not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from wsanalyze import buffer
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

# Reached by many captures, not by all.
TIGHT = Limits(
    flows=4, out_of_order=3000, head=300, held=500, message=300, payload=50, fragments=5000
)


def is_compiled() -> bool:
    """Say whether the kernels that were imported are compiled."""
    return not str(buffer.__file__).endswith(".py")


def plain(value: Any) -> Any:
    """Return a record as JSON has it; anything else as its repr."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if value is None or type(value) in (bool, int, float, str) else repr(value)


def dump(recording: Recording) -> dict[str, Any]:
    """Return everything that a pass leaves behind."""
    found: dict[str, Any] = {
        "connections": plain(recording.connections),
        "captures": plain(recording.captures),
    }
    for name in ("frames", "messages", "segments"):
        columns = getattr(recording, name)
        found[name] = {column: list(view) for column, view in columns.arrays().items()}
    assert recording.messages is not None
    for name in ("digests", "payloads"):
        found[name] = hashlib.sha256(getattr(recording.messages, name)).hexdigest()
    return found


def dumped(capture: Path) -> dict[str, Any]:
    """Return what both sets of limits make of a capture."""
    wants = Wants(payloads="full", segments=True)
    found: dict[str, Any] = {"capture": str(capture)}
    for name, limits in (("usual", Limits()), ("tight", TIGHT)):
        try:
            found[name] = dump(read([capture], wants=wants, limits=limits))
        except CaptureError as error:
            found[name] = str(error)
    return found


def main(paths: list[str]) -> None:
    """Print which build this is, then one line per capture."""
    print(json.dumps({"compiled": is_compiled()}))
    for path in paths:
        print(json.dumps(dumped(Path(path)), sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1:])

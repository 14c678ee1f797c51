"""Keeps the table of captures in README.md true to the files beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable

from recording.stage import CAPTURES, Session

BEGIN, END = "<!-- table of captures: written by record.py -->", "<!-- end of table -->"


def packet_count(path: str) -> int:
    """Return the number of packets in a capture, as capinfos counts them."""
    answer = subprocess.run(["capinfos", "-TrcM", path], check=True, capture_output=True, text=True)
    return int(answer.stdout.split("\t")[1])


def row(name: str) -> str:
    """Return the table row of one capture."""
    truth = json.loads((CAPTURES / f"{name}.truth.json").read_text(encoding="utf-8"))
    path = CAPTURES / truth["capture"]
    software = ", ".join(f"{name} {version}" for name, version in truth["software"].items())
    numbers = f"{packet_count(str(path))} | {path.stat().st_size} | {len(truth['connections'])}"
    return f"| `{path.name}` | {numbers} | {truth['recorded']} | {truth['shows']} | {software} |"


def update_readme(sessions: Iterable[Session]) -> None:
    """Write the table of those sessions that are recorded."""
    names = [name for session in sessions for name in session.names]
    rows = [row(name) for name in names if (CAPTURES / f"{name}.truth.json").exists()]
    head = "| capture | packets | bytes | attempts | recorded | shows | software |"
    rule = "|---|--:|--:|--:|---|---|---|"
    readme = CAPTURES / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(before + "\n".join([BEGIN, head, rule, *rows, END]) + after, encoding="utf-8")

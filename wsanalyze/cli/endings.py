"""What the ending of a file's name says of its format."""

from __future__ import annotations

from pathlib import Path


def ending_of(output: str) -> str:
    """Return the ending of a path to write to, in lower case and without its dot.

    Empty for standard output, for a folder that is there or is written as one, and for what begins
    with no letter, as in `out-2026.11`.
    """
    if output == "-" or output.endswith("/") or Path(output).is_dir():
        return ""
    ending = Path(output).suffix.removeprefix(".").lower()
    return ending if ending[:1].isalpha() else ""

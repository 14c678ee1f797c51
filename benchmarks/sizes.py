"""Sizes as people write them: `500MB`, `4GB`, `64KiB`."""

from __future__ import annotations

import re

UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}


def parse_size(text: str) -> int:
    """Bytes in `500MB`, `4GB`, `64KiB`, `1000`; ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if match is None or match[2].upper() not in UNITS:
        raise ValueError(f"not a size: {text!r} (write 500MB, 4GB, 64KiB)")
    return int(float(match[1]) * UNITS[match[2].upper()])

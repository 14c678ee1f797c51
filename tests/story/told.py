"""Stories of shipped captures, read once each."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

import wsanalyze
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Story

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


@lru_cache(maxsize=8)
def analysis(name: str) -> Analysis:
    return wsanalyze.analyze(CAPTURES / name)


@lru_cache(maxsize=32)
def told(name: str, number: int = 0, frames: tuple[int, int] = (0, 11)) -> Story:
    """Return the story of a connection of a capture."""
    return analysis(name).explain(number, frames=frames)


def without_secrets(data: bytes) -> tuple[bytes, bytes]:
    """Return a pcapng file without its Decryption Secrets Blocks, and the key log in them."""
    kept, keylog, at = [], b"", 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        block = data[at : at + size]
        if kind == 0x0A:
            keylog += block[16 : 16 + struct.unpack_from("<I", block, 12)[0]]
        else:
            kept.append(block)
        at += size
    return b"".join(kept), keylog


@lru_cache(maxsize=4)
def one_sided(folder: Path, missing: str) -> Analysis:
    """Return chat-wss, analysed without the lines of a key log that begin with `missing`."""
    capture, keylog = without_secrets((CAPTURES / "chat-wss.pcapng").read_bytes())
    path, keys = folder / "chat.pcapng", folder / "keys.log"
    path.write_bytes(capture)
    lines = keylog.splitlines(keepends=True)
    keys.write_bytes(b"".join(each for each in lines if not each.startswith(missing.encode())))
    return wsanalyze.analyze(path, keylog=keys)

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


@lru_cache(maxsize=8)
def one_sided(
    folder: Path,
    missing: str,
    name: str = "chat-wss.pcapng",
    number: int | None = None,
    *,
    wrong: bool = False,
) -> Analysis:
    """Return a capture, analysed without the lines of its key log that begin with `missing`.

    `number`: of one TLS connection alone, as they come in the key log (None: of all). `wrong`: with
    other secrets in these lines instead.
    """
    capture, keylog = without_secrets((CAPTURES / name).read_bytes())
    lines = [line.decode() for line in keylog.splitlines() if line.startswith((b"C", b"S", b"E"))]
    randoms = list(dict.fromkeys(line.split()[1] for line in lines))
    of = "" if number is None else randoms[number]
    folder.mkdir(exist_ok=True)
    path, keys = folder / name, folder / f"{name}.keys"
    path.write_bytes(capture)
    cut = [line for line in lines if line.startswith(missing) and of in line]
    kept = [line for line in lines if line not in cut]
    kept += [line[:-4] + "c5c5" for line in cut if wrong]
    keys.write_text("\n".join(kept) + "\n")
    return wsanalyze.analyze(path, keylog=keys)

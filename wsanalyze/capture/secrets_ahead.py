# cython: language_level=3, wraparound=False, initializedcheck=False
"""Secrets of TLS further on in a pcapng file than it is read: blocks are hopped over, not read.

Who captures and hooks a program at the same time writes a secret when it is known, behind the
packets that need it (draft-ietf-opsawg-pcapng §4.7).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from wsanalyze.capture.blocks import SECRETS, Blocks

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

SECTION_HEADER, DECRYPTION_SECRETS = b"\x0a\x0d\x0d\x0a", 10
LITTLE = b"\x4d\x3c\x2b\x1a"
# Type and length; a section header has its byte order behind them.
HEAD = 12
CHUNK = 1024 * 1024
# Bytes of a file that are hopped over; some seconds.
MOST = 16 * 1024 * 1024 * 1024


def secrets_of_file(path: str) -> list[tuple[int, bytes]]:
    """Return the decryption secrets blocks of a pcapng file as (type, bytes), from its beginning.

    Those behind damage are not found; none where the file cannot be read.
    """
    blocks, little, at = Blocks(), True, 0
    try:
        with Path(path).open("rb", buffering=0) as file:
            while at < MOST:
                file.seek(at)
                chunk = file.read(CHUNK)
                hopped = 0
                while len(chunk) - hopped >= HEAD:
                    kind = chunk[hopped : hopped + 4]
                    if kind == SECTION_HEADER:
                        little = chunk[hopped + 8 : hopped + 12] == LITTLE
                    order: Literal["little", "big"] = "little" if little else "big"
                    length = int.from_bytes(chunk[hopped + 4 : hopped + 8], order)
                    if length < HEAD:
                        return blocks.secrets
                    if int.from_bytes(kind, order) == DECRYPTION_SECRETS:
                        blocks.byte_order = order
                        file.seek(at + hopped + 8)
                        # What is longer than all that is kept counts as skipped.
                        blocks.add_secrets(file.read(min(length - HEAD, SECRETS)))
                    hopped += length + -length % 4
                    hopped = hop(chunk, hopped, little)
                if hopped == 0:
                    break
                at += hopped
    except OSError:
        pass  # what was found stands; the capture's own reader says what is wrong with the file
    return blocks.secrets


def hop(chunk: bytes, at: cython.longlong, little: cython.bint) -> int:
    """Return where the next block begins that is no packet, or whose header is not there whole.

    Section headers are the same in either byte order, and secrets the only blocks of type 10.
    """
    stop: cython.longlong = len(chunk)
    first: cython.Py_ssize_t
    low: cython.longlong
    length: cython.longlong
    while at <= stop - 12:
        first = at
        low = chunk[first] if little else chunk[first + 3]
        if low == 10:
            return at
        length = chunk[first + 7] if little else chunk[first + 4]
        length = length << 8 | (chunk[first + 6] if little else chunk[first + 5])
        length = length << 8 | (chunk[first + 5] if little else chunk[first + 6])
        length = length << 8 | (chunk[first + 4] if little else chunk[first + 7])
        if length < 12:
            return at
        at += length + (4 - length % 4) % 4
    return at

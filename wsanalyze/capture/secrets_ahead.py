"""Secrets of TLS further on in a pcapng file than it is read: blocks are hopped over, not read.

Who captures and hooks a program at the same time writes a secret when it is known, behind the
packets that need it (draft-ietf-opsawg-pcapng §4.7).
"""

from __future__ import annotations

import struct
from pathlib import Path

from wsanalyze.capture.blocks import Blocks

SECTION_HEADER, DECRYPTION_SECRETS = 0x0A0D0D0A, 10
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
    blocks, little, at, base, chunk = Blocks(), True, 0, 0, b""
    heads = struct.Struct("<II")
    try:
        with Path(path).open("rb", buffering=0) as file:
            while at < MOST:
                if at + HEAD > base + len(chunk):
                    file.seek(at)
                    base, chunk = at, file.read(CHUNK)
                    if len(chunk) < HEAD:
                        break
                kind, length = heads.unpack_from(chunk, at - base)
                if kind == SECTION_HEADER:
                    magic = at - base + 8
                    little = chunk[magic : magic + 4] == LITTLE
                    heads = struct.Struct("<II" if little else ">II")
                    length = heads.unpack_from(chunk, at - base)[1]
                if length < HEAD:
                    break
                if kind == DECRYPTION_SECRETS:
                    blocks.byte_order = "little" if little else "big"
                    file.seek(at + 8)
                    blocks.add_secrets(file.read(length - HEAD))
                    base, chunk = 0, b""
                at += length + -length % 4
    except OSError:
        pass  # what was found stands; the capture's own reader says what is wrong with the file
    return blocks.secrets

"""Compressed inputs, decompressed as a stream: never more in memory than was asked for."""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from wsanalyze.capture.stored import Stored, reason
from wsanalyze.errors import CaptureError

# Compressed bytes taken at a time: few enough that what an error loses is small.
PIECE = 64 * 1024
# Bytes that tell the formats apart.
MAGIC_LENGTH = 6
# Memory for one xz dictionary; `xz -9` takes 65 MiB, a hostile header asks for 4 GiB.
XZ_MEMORY = 256 * 1024 * 1024


class Decoder(Protocol):
    """What bz2, lzma, lz4.frame and the zstd modules have in common."""

    @property
    def eof(self) -> bool:
        """Say whether the end of the frame was reached."""

    @property
    def needs_input(self) -> bool:
        """Say whether nothing more comes out before more is put in."""

    @property
    def unused_data(self) -> bytes:
        """Return what was given behind the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes of what `data` adds."""


def compression_of(head: bytes) -> str | None:
    """Return the name of the compression that the first bytes announce, None for none."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or _is_skippable(head):
        return "zstd"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:6] in (b"\x31\x41", b"\x17\x72"):
        return "bzip2"
    if head[:4] == b"\x04\x22\x4d\x18":
        return "lz4"
    return None


def _is_skippable(head: bytes) -> bool:
    """Say whether a frame begins that zstd (and lz4) decoders skip (RFC 8878 §3.1.2)."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50


class Decompressed:
    """The decompressed bytes of a Stored that begins with `head`, which was read already.

    Members or frames that follow one another are one stream; anything else behind the last one is
    ignored, as gzip(1) does. `problem` says why the stream ended early, None where it did not.
    Raises CaptureError where the module for `compression` is missing.
    """

    def __init__(self, stored: Stored, compression: str, head: bytes) -> None:
        """Decompress `head`, then what `stored` still has."""
        self.compression = compression
        self.problem: str | None = None
        self._stored = stored
        self._make = _decoder_maker(stored.name, compression)
        self._decoder = self._make()
        self._input = head
        self._piece = memoryview(bytearray(PIECE))
        self._ended = False

    def readinto(self, view: memoryview) -> int:
        """Give what can be decompressed of what has arrived; 0 at the end, good or bad."""
        while not self._ended:
            if self._decoder.eof:
                self._next_member()
                continue
            data = b""
            if self._decoder.needs_input:
                data = self._input or self._more()
                self._input = b""
                if not data:
                    self._stop("is cut off")
                    break
            out = self._decompress(data, len(view))
            if out:
                view[: len(out)] = out
                return len(out)
        return 0

    def _decompress(self, data: bytes, limit: int) -> bytes:
        try:
            return self._decoder.decompress(data, limit)
        except Exception as error:  # noqa: BLE001 - five libraries, five families of errors
            self._stop(f"cannot be decompressed: {reason(error)}")
        return b""

    def _next_member(self) -> None:
        """Begin the member that follows the one that ended, or end."""
        rest = self._decoder.unused_data
        while len(rest) < MAGIC_LENGTH:
            more = self._more()
            if not more:
                break
            rest += more
        # A member cut within its magic number cannot be told from garbage: both are let go.
        if compression_of(rest) == self.compression:
            self._decoder = self._make()
            self._input = rest
        else:
            self._ended = True

    def _more(self) -> bytes:
        return bytes(self._piece[: self._stored.readinto(self._piece)])

    def _stop(self, why: str) -> None:
        self.problem = f"the {self.compression} data {why}"
        self._ended = True


def _decoder_maker(name: str, compression: str) -> Callable[[], Decoder]:
    if compression == "gzip":
        return Gunzip
    if compression == "bzip2":
        return bz2.BZ2Decompressor
    if compression == "xz":
        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    if compression == "lz4":
        maker = _first_of(("lz4.frame",), "LZ4FrameDecompressor")
        if maker is not None:
            lz4 = maker
            return lambda: Unlz4(lz4())
        module = "lz4"
    else:
        maker = _first_of(("compression.zstd", "backports.zstd"), "ZstdDecompressor")
        module = "backports.zstd"
    if maker is None:
        advice = f"pip install {module}, or decompress it into a pipe: {compression} -dc FILE | …"
        raise CaptureError(name, f"is {compression}-compressed", offset=0, advice=advice)
    return maker


def _first_of(modules: tuple[str, ...], attribute: str) -> Callable[[], Decoder] | None:
    for module in modules:
        try:
            maker: Any = getattr(importlib.import_module(module), attribute)
        except ImportError:
            continue
        return maker  # type: ignore[no-any-return]
    return None


class Unlz4:
    """lz4's decoder with the interface of the others.

    It has None for "nothing behind the end", and asks for input while it still holds output.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Expect the beginning of a frame."""
        self.needs_input = True
        self._decoder = decoder

    @property
    def eof(self) -> bool:
        """Say whether the frame's end was reached."""
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        """Return what was given behind the frame's end."""
        return self._decoder.unused_data or b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes of what `data` adds."""
        out = self._decoder.decompress(data, max_length)
        self.needs_input = self._decoder.needs_input and not 0 < max_length <= len(out)
        return out


class Gunzip:
    """zlib's gzip decoder with the interface of the others.

    Where the data is damaged, everything before the damage is given first: a wrong checksum at
    the end of a small file must not cost the whole file.
    """

    def __init__(self) -> None:
        """Expect the beginning of a member."""
        self.needs_input = True
        self._inflate = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        """Say whether the member's end was reached."""
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        """Return what was given behind the member's end."""
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes; give no data unless `needs_input`."""
        if self._error is not None:
            raise self._error
        limit = max(max_length, 0)
        data = self._inflate.unconsumed_tail or data
        before = self._inflate.copy()
        try:
            out = self._inflate.decompress(data, limit)
        except zlib.error as error:
            self._error = error
            self.needs_input = False
            return _until_error(before, data)
        self.needs_input = not self._inflate.unconsumed_tail and not (limit and len(out) >= limit)
        return out


def _until_error(inflate: Any, data: bytes) -> bytes:
    """Return what `inflate` makes of `data`, byte by byte, before it fails."""
    out = []
    try:
        for i in range(len(data)):
            out.append(inflate.decompress(data[i : i + 1]))  # noqa: PERF401 - kept on failure
    except zlib.error:
        pass
    return b"".join(out)

"""What a caller in Python hands in, as the rest takes it; a UsageError for what makes no sense."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from wsanalyze.checks.catalogue import chosen, named
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.errors import UsageError
from wsanalyze.findings import audit
from wsanalyze.tables.build import Judge

# scapy brings types of its own: a PacketList, a PcapReader, any iterable of packets.
Source: TypeAlias = (
    "str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview | Iterable[Any]"
)
KeyLog: TypeAlias = "str | os.PathLike[str]"

PAYLOADS = ("none", "preview", "full")


def payloads_wanted(payloads: str, preview_length: int) -> None:
    """Raise UsageError where what is to be kept of payloads makes no sense."""
    if payloads not in PAYLOADS:
        raise UsageError(f"payloads={payloads!r}: it must be one of {', '.join(PAYLOADS)}")
    if preview_length < 0:
        raise UsageError(f"preview_length={preview_length}: it must be 0 or more bytes")


def as_keylogs(keylog: KeyLog | Sequence[KeyLog] | None) -> list[Path]:
    """Return the paths of key logs; UsageError for what cannot be one."""
    if keylog is None:
        return []
    several: Sequence[object] = keylog if isinstance(keylog, list | tuple) else [keylog]
    paths = [Path(each) for each in several if isinstance(each, str | os.PathLike)]
    if len(paths) < len(several):
        raise UsageError("keylog is a path, or a list of paths")
    return paths


def judge_of(words: Sequence[str], thresholds: Thresholds | None, show_secrets: bool) -> Judge:
    """Return what finds findings; UsageError for a word that names no check."""
    for word in words:
        if not named(word):
            raise UsageError(f"checks: {word!r} names no check (wsanalyze checks lists them)")
    return partial(
        audit,
        checks=chosen(words) if words else None,
        thresholds=thresholds,
        show_secrets=show_secrets,
    )


class InMemory(io.BytesIO):
    """The contents of a capture that somebody gave as bytes: they can be read again."""


def as_sources(source: Source | Sequence[Source]) -> list[str | Path | BinaryIO]:
    """Return the sources as the pipeline takes them; UsageError for what cannot be one."""
    from wsanalyze.capture.scapy_packets import is_packet

    several = isinstance(source, list | tuple)
    if not several or (source and is_packet(source[0])):  # type: ignore[index]
        return [_as_source(source)]
    if not source:
        raise UsageError("no source: give at least one capture")
    return [_as_source(each) for each in source]  # type: ignore[union-attr]


def _as_source(source: object) -> str | Path | BinaryIO:
    from wsanalyze.capture.scapy_packets import maybe_packets

    if isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return Path(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return InMemory(source)
    packets = maybe_packets(source)
    if packets is not None:
        return cast(BinaryIO, packets)
    if isinstance(source, io.TextIOBase) or not callable(getattr(source, "read", None)):
        raise UsageError(
            f"{type(source).__name__} is no source: give a path, '-', an open binary file, bytes, "
            "scapy packets, or a list of them"
        )
    return cast(BinaryIO, source)

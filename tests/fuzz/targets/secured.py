"""Recorded wss with its secrets, its packets changed: no message comes out that was not sent."""

from __future__ import annotations

import io
import random
import tempfile
import zlib
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from pathlib import Path

from support.invariants import check as check_invariants
from support.sessions import messages_of

from fuzz.captures import CAPTURES, changed_packets, packets_of, pcap_of
from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from fuzz.targets.pipeline import TIGHT, USUAL
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import Source, read
from wsanalyze.recording import Recording, Wants

# TLS 1.2 and 1.3, resumed, with keys that change on the way; HTTP/2; what a proxy does to it.
NAMES = ("wss-handshakes", "wss-http2-chromium", "wss-rekeyed", "proxy-protocol-tls")


def check(data: bytes) -> Hashable:
    """Read it with all secrets, or with what a key log may lack."""
    dice = zlib.crc32(data)
    limits = TIGHT if dice % 4 == 0 else USUAL
    log = logs()[dice // 4 % len(logs())]
    try:
        recording = recorded(io.BytesIO(data), limits, () if log is None else (log,))
    except CaptureError:
        return None
    check_invariants(recording)
    digests = list(of_wss(recording))
    assert set(digests) <= sent(), "a message that nobody sent"
    tls = recording.tls or ()
    opened = sum(each.decrypted for each in tls)
    assert all(each.decrypted or each.reason for each in tls)
    reasons = frozenset(each.reason[:20] for each in tls if each.reason)
    return magnitude(len(digests)), magnitude(opened), reasons, limits is TIGHT


def recorded(source: Source, limits: Limits, keylogs: Sequence[Path] = ()) -> Recording:
    """Read a capture with key logs."""
    return read([source], wants=Wants(tls=True), limits=limits, keylogs=keylogs)


def of_wss(recording: Recording) -> Iterator[bytes]:
    """Yield the digests of what came through TLS; what came in the clear may have been changed."""
    for row in messages_of(recording):
        tls = recording.connections[row["connection"]].tls
        if tls is not None and tls.decrypted and row["sha256"] is not None:
            yield row["sha256"]


@cache
def sent() -> frozenset[bytes]:
    """Return the digests of the messages of the recordings, whose secrets are in them."""
    paths = [CAPTURES / f"{name}.pcapng" for name in NAMES]
    return frozenset(digest for path in paths for digest in of_wss(recorded(path, USUAL)))


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for key logs that goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="wsanalyze-fuzz-")


@cache
def logs() -> Sequence[Path | None]:
    """Return key logs: whole, without those of handshakes, with half of the lines; and none."""
    lines = [line for name in NAMES for line in lines_of(CAPTURES / f"{name}.pcapng")]
    kept = {
        "whole": lines,
        "application": [line for line in lines if b"HANDSHAKE" not in line],
        "half": [line for line in lines if zlib.crc32(line) & 1],
    }
    paths = []
    for name, some in kept.items():
        paths.append(Path(folder().name, name))
        paths[-1].write_bytes(b"\n".join(some))
    return (paths[0], *paths, None)


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of the key logs in a capture."""
    with open_capture(path) as reader:
        while reader.next() is not None:
            pass
        return [line for _, data in reader.info.secrets for line in data.splitlines()]


@cache
def seeds() -> Sequence[bytes]:
    """Return the packets of the recordings, without the secrets that these have."""
    return [pcap_of(*packets_of((CAPTURES / f"{name}.pcapng").read_bytes())) for name in NAMES]


def mutate(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change packets, mostly."""
    if chance.random() < 0.1:
        return mutated(data, others, chance)
    return changed_packets(data, others, chance)


TARGET = Target(
    "secured",
    "What comes out of wss was sent, whatever is lost, changed, repeated and moved of its packets.",
    seeds,
    mutate,
    check,
)

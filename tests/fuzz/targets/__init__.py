"""The fuzz targets, one file each."""

from __future__ import annotations

from fuzz.target import Target
from fuzz.targets import (
    frames,
    heads,
    http2,
    inflate,
    packets,
    pipeline,
    readers,
    reassembly,
    secured,
    stories,
    tables,
    tls,
)

TARGETS: dict[str, Target] = {
    module.TARGET.name: module.TARGET
    for module in (
        readers,
        packets,
        reassembly,
        heads,
        frames,
        inflate,
        pipeline,
        tables,
        tls,
        http2,
        secured,
        stories,
    )
}

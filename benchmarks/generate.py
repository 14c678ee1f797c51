"""Write a capture file of synthetic WebSocket traffic, of any size.

    python benchmarks/generate.py small-frames --size 500MB -o small.pcap --truth small.json

Profiles and what is in them: see README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from sizes import parse_size
from traffic.files import Writer
from traffic.generator import DEFAULT_MSS, Generator
from traffic.profiles import PROFILES


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a capture of synthetic WebSocket traffic.")
    parser.add_argument("profile", choices=sorted(PROFILES))
    parser.add_argument("--size", type=parse_size, default="100MB", help="default 100MB")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="also write the totals, as JSON")
    parser.add_argument("--format", choices=["pcap", "pcapng"], default="pcap")
    parser.add_argument("--resolution", choices=["us", "ns"], default="ns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mss", type=int, default=DEFAULT_MSS, help="bytes of payload a segment")
    parsed = parser.parse_args(arguments)
    if not 1 <= parsed.mss <= 65_000:
        parser.error("--mss must be 1 to 65000")
    return parsed


def write(options: argparse.Namespace) -> dict[str, object]:
    """Write the file; returns its truth."""
    with options.output.open("wb") as file:
        writer = Writer(file, options.format, options.resolution)
        generator = Generator(PROFILES[options.profile], writer, options.seed, options.mss)
        generator.run(options.size)
    return {
        "profile": options.profile,
        "seed": options.seed,
        "mss": options.mss,
        "format": options.format,
        "resolution": options.resolution,
        "file_bytes": writer.written,
        **generator.truth.as_json(),
    }


def main() -> int:
    """Run the command; a line on standard error says what was written and how fast."""
    options = parse_arguments()
    begin = time.perf_counter()
    truth = write(options)
    seconds = time.perf_counter() - begin
    if options.truth:
        options.truth.write_text(json.dumps(truth, indent=2) + "\n")
    size = options.output.stat().st_size
    print(
        f"{options.output}: {size / 1e6:,.1f} MB, {truth['packets']:,} packets of "
        f"{truth['average_packet']} bytes on average, in {seconds:.1f} s "
        f"({size / 1e6 / seconds:,.0f} MB/s)",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

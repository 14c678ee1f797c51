"""Record the sessions of this folder again: `python captures/record.py [NAME…] [--out DIR]`.

Each session is played and recorded in a network namespace of its own, so that nothing else is in
the capture and every port is free. README.md says what is needed and how the truth is derived.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from recording.readme import update_readme
from recording.stage import CAPTURES, Stage, enter_namespace
from sessions import SESSIONS

SECONDS_PER_SESSION = 300


def record_inside(name: str, directory: Path) -> None:
    """Record one session in this process, which is alone in a network namespace."""
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix=f"record-{name}-") as scratch:
        stage = Stage(SESSIONS[name], Path(scratch))
        asyncio.run(asyncio.wait_for(stage.record_into(directory), SECONDS_PER_SESSION))


def record_in_namespace(name: str, directory: Path) -> bool:
    """Record one session in a child with a new network namespace; return whether it went well."""
    inside = [sys.executable, __file__, name, "--inside", "--out", str(directory)]
    print(f"{name}: recording", flush=True)
    return subprocess.run(["unshare", "--net", *inside], check=False).returncode == 0


def main() -> int:
    """Record what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(
        description="Record real WebSocket sessions, with their truth."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="sessions to record (default: all)"
    )
    parser.add_argument(
        "--out", type=Path, default=CAPTURES, help="where to write (default: captures/)"
    )
    parser.add_argument("--list", action="store_true", help="list the sessions and stop")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in SESSIONS]
    if unknown:
        parser.error(f"no such session: {', '.join(unknown)} (--list shows them)")
    if options.list:
        print("\n".join(f"{name:24} {session.shows}" for name, session in SESSIONS.items()))
        return 0
    directory = options.out.resolve()
    if options.inside:
        record_inside(options.names[0], directory)
        return 0
    directory.mkdir(parents=True, exist_ok=True)
    failed = [
        name for name in options.names or SESSIONS if not record_in_namespace(name, directory)
    ]
    if directory == CAPTURES:
        update_readme(SESSIONS.values())
    for name in failed:
        print(f"{name}: FAILED", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

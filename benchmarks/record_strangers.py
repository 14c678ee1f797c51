"""Record TCP connections of other protocols, for `false_positives.py --captures`.

    python benchmarks/record_strangers.py /tmp/strangers [NAME…]

Root on Linux, with tcpdump, ethtool, iproute2, and of the servers in `losses/recorded.py` whatever
is there: the others are said to have failed. Everything runs in a network namespace that has
nothing but loopback, with segments as on Ethernet. At most `MOST` seconds are recorded of each.
"""

from __future__ import annotations

import argparse
import os
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from losses.recorded import RECORDED

MOST = 60
SIZE = 8_000_000
PRELUDE = """
up() {
  for _ in $(seq 200); do
    (exec 3<>/dev/tcp/127.0.0.1/$1) 2> /dev/null && return; sleep 0.1
  done
  echo "nobody listens on $1"; exit 1
}
"""
INSIDE = "WSANALYZE_STRANGERS_INSIDE"


def write_material(folder: Path) -> None:
    """Write what the servers are to serve."""
    library = Path(sysconfig.get_paths()["stdlib"])
    modules = (path.read_bytes() for path in sorted(library.rglob("*.py")))
    text = b"".join(modules)[:SIZE]
    programs = b"".join(path.read_bytes() for path in sorted(library.rglob("*.so")))
    programs += Path(sys.executable).resolve().read_bytes()
    # Quiet sound: a slow wave with a little noise.
    noise = os.urandom(SIZE // 2)
    samples = ((number * 7 % 911) - 455 + (each >> 3) for number, each in enumerate(noise))
    sound = struct.pack(f"<{SIZE // 2}h", *samples)
    contents = {
        "random": os.urandom(SIZE),
        "log": text,
        "binary": programs[:SIZE],
        "sound": sound,
        "zeros": bytes(SIZE),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def end(process: subprocess.Popen[bytes], how: int) -> None:
    """End a process and all that it started."""
    try:
        os.killpg(process.pid, how)
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


def record(name: str, script: str, target: Path, material: Path) -> str:
    """Record one; return what became of it."""
    here = Path(__file__).resolve().parent
    capture = target / f"{name}.pcap"
    with tempfile.TemporaryDirectory() as folder, (target / f"{name}.output").open("wb") as output:
        sniffer = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-B", "32768", "-U", "-Z", "root", "-w", str(capture), "tcp"],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(0.7)
        environment = os.environ | {
            "MATERIAL": str(material),
            "LIBRARY": sysconfig.get_paths()["stdlib"],
            "PYTHON": sys.executable,
            "SPEAK": f"{sys.executable} {here / 'losses' / 'speakers.py'}",
        }
        said = subprocess.Popen(
            ["bash", "-c", PRELUDE + script],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            result = f"status {said.wait(MOST)}"
        except subprocess.TimeoutExpired:
            result = "ended"
        end(said, signal.SIGTERM)
        time.sleep(0.3)
        end(sniffer, signal.SIGINT)
    return f"{name:14} {result:10} {capture.stat().st_size / 1e6:8.1f} MB"


def main() -> int:
    """Run the command, first once more inside a namespace of its own."""
    parser = argparse.ArgumentParser(description="Record connections of other protocols.")
    parser.add_argument("target", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECORDED))
    options = parser.parse_args()
    if INSIDE not in os.environ:
        command = ["unshare", "--net", "--kill-child", sys.executable, *sys.argv]
        return subprocess.call(command, env=os.environ | {INSIDE: "1"})
    subprocess.run(["ip", "link", "set", "lo", "mtu", "1500", "up"], check=True)
    subprocess.run(["ethtool", "-K", "lo", "tso", "off", "gso", "off"], check=True)
    options.target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as material:
        Path(material).chmod(0o755)
        write_material(Path(material))
        for name in options.names or RECORDED:
            print(record(name, RECORDED[name], options.target, Path(material)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`wsanalyze doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import click

from wsanalyze import __version__
from wsanalyze.capture.live import list_interfaces, why_not
from wsanalyze.cli.kernels import kernels, state
from wsanalyze.views.escape import visible

NEEDED = ("numpy", "pandas", "pyarrow", "click", "rich", "jinja2")
# Extra → the packages that it brings, and what they are for. Only what something is made of today.
EXTRAS = {
    "excel": (("openpyxl",), "export to xlsx"),
    "scapy": (("scapy",), "live without dumpcap"),
    "http2": (("hpack",), "WebSocket over HTTP/2"),
    "pyshark": (("pyshark",), "verify, with tshark"),
    "tls": (("cryptography",), "decrypt wss with key logs"),
}
# Program → what it is for, and the package of Debian and others that has it.
PROGRAMS = {
    "dumpcap": ("capture live, or record to a pipe", "wireshark-common"),
    "tshark": ("a second opinion: verify, with pyshark", "tshark"),
    "tcpdump": ("record to a pipe: tcpdump -w - | wsanalyze -", "tcpdump"),
}
# Seconds that a program may take to tell its version.
PATIENCE = 10

Line = tuple[str, str, str]
GOOD, MISSING, OPTIONAL = "ok", "missing", "-"


@click.command(short_help="Show what works on this machine, and what to install for the rest.")
@click.option("-q", "--quiet", is_flag=True, hidden=True)
@click.option("-v", "--verbose", is_flag=True, help="Name each kernel.")
@click.option("--no-color", is_flag=True, hidden=True)
def command(quiet: bool, verbose: bool, no_color: bool) -> int:  # noqa: ARG001 - the same everywhere
    """Show Python, packages, kernels and programs, and what to install for what is missing."""
    lines = [*_self(verbose), *_packages(), *_extras(), *_programs(), *_live()]
    width = max(len(name) for _, name, _ in lines)
    for mark, name, text in lines:
        click.echo(f"{mark:<8} {name:<{width}}  {visible(text)}")
    return 0


def _self(verbose: bool) -> Iterator[Line]:
    yield GOOD, "wsanalyze", __version__
    yield GOOD, "Python", f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    found = kernels()
    if all(found.values()):
        yield GOOD, "kernels", f"{len(found)} compiled"
    else:
        advice = "install a C compiler, then: WSANALYZE_EXTENSIONS=require pip install ."
        yield MISSING, "kernels", f"{state(found)}: works, but slower; {advice}"
    if verbose:
        for name, compiled in found.items():
            yield GOOD if compiled else MISSING, name, "compiled" if compiled else "plain Python"


def _packages() -> Iterator[Line]:
    for name in (*NEEDED, *(("backports.zstd",) if sys.version_info < (3, 14) else ())):
        version = _version_of(name)
        yield (GOOD, name, version) if version else (MISSING, name, f"pip install {name}")


def _extras() -> Iterator[Line]:
    for extra, (packages, purpose) in EXTRAS.items():
        versions = {name: _version_of(name) for name in packages}
        if all(versions.values()):
            found = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield GOOD, f"[{extra}]", f"{found}: {purpose}"
        else:
            yield OPTIONAL, f"[{extra}]", f"{purpose}: pip install {' '.join(packages)}"


def _programs() -> Iterator[Line]:
    for program, (purpose, package) in PROGRAMS.items():
        path = shutil.which(program)
        if path is None:
            yield OPTIONAL, program, f"{purpose}: install {package}"
        elif not os.access(path, os.X_OK):
            yield OPTIONAL, program, f"{purpose}: you may not run {path}"
        else:
            yield GOOD, program, f"{_first_line(path)}: {purpose}"


def _live() -> Iterator[Line]:
    """Say which ways to capture live work for this user, by trying them."""
    offers = list_interfaces()
    for source, title in (("dumpcap", "live: dumpcap"), ("socket", "live: socket")):
        reason = why_not(source)
        if reason is not None:
            yield OPTIONAL, title, f"{reason.what}: {reason.advice}"
            continue
        names = ", ".join(offer.name for offer in offers if source in offer.sources)
        yield GOOD, title, f"captures on {names or 'no interface: none is up'}"


def _first_line(program: str) -> str:
    """Return the first line of what a program says of its version."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not start"
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").splitlines()
    return lines[0].strip().rstrip(".") if lines else "version unknown"


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

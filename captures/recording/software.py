"""The versions of the software that takes part in a session."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

NODE_PACKAGES = Path(__file__).resolve().parent.parent
#: Programs, and the option that makes them tell their version.
PROGRAMS = {
    "node": "--version",
    "nginx": "-v",
    "chromium": "--version",
    "firefox-esr": "--version",
    "dumpcap": "--version",
    "tcpdump": "--version",
    "haproxy": "-v",
    "perl": "--version",
    "ruby": "--version",
    "java": "--version",
    "apache2": "-v",
    "squid": "-v",
    "varnishd": "-V",
    "nft": "--version",
    "socat": "-V",
    "openssl": "version",
    "danted": "-v",
    "ssh": "-V",
    "go": "version",
    "g++": "--version",
    "mitmdump": "--version",
    "nghttpx": "--version",
}
#: Libraries, and a program, that do not tell their version: the packages of Debian that do.
DEBIAN_PACKAGES = {
    "microsocks": "microsocks",
    "gorilla/websocket": "golang-github-gorilla-websocket-dev",
    "Boost": "libboost1.74-dev",
    "websocketpp": "libwebsocketpp-dev",
    "libwebsockets": "libwebsockets17",
    "Qt WebSockets": "libqt5websockets5",
    "GnuTLS": "libgnutls30",
}


def version_of(software: str) -> str:
    """Return the installed version of a program, of Python, of a Python package, or of another's.

    Packages of Node, Ruby and Perl begin with `npm:`, `gem:` and `perl:`.
    """
    if software == "python":
        return sys.version.split()[0]
    if software.startswith("npm:"):
        script = f"require('{software.removeprefix('npm:')}/package.json').version"
        return output("node", "-p", script).strip()
    if software.startswith("gem:"):
        script = f"print Gem::Specification.find_by_name('{software.removeprefix('gem:')}').version"
        return output("ruby", "-e", script).strip()
    if software.startswith("perl:"):
        module = software.removeprefix("perl:")
        return output("perl", f"-M{module}", "-e", f"print ${module}::VERSION").strip()
    if software in DEBIAN_PACKAGES:
        package = DEBIAN_PACKAGES[software]
        return re.split("[-+]", output("dpkg-query", "-W", "-f", "${Version}", package))[0]
    if software in PROGRAMS:
        answer = output(software, PROGRAMS[software])
        found = re.search(r"\d+\.\d+[\w.]*", answer)
        if found is None:
            raise ValueError(f"{software} does not tell its version: {answer!r}")
        return found[0]
    return importlib.metadata.version(software)


def plain(software: str) -> str:
    """Return the name of a software without what says whose package it is."""
    return re.sub("^(npm|gem|perl):", "", software)


def output(*command: str) -> str:
    """Return what a command prints; nginx prints its version to standard error."""
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=NODE_PACKAGES)
    return answer.stdout + answer.stderr

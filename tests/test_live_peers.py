"""Live between two hosts: clients and servers of several libraries, over ws and wss.

What live finds, with the secrets that the clients log meanwhile, equals row by row what a capture
file gives: of the packets that it keeps itself, and of what tcpdump recorded beside it.

aiohttp may be in another Python (WSANALYZE_PEERS names it), the package `ws` where NODE_PATH says.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from cli.live_running import SOURCES, live, of
from cli.running import COMMAND, SECONDS
from support.live import needs_dumpcap, tcpdump, two_hosts
from support.live_rows import LATER, OF_CAPTURE, assert_same

import wsanalyze

x509 = pytest.importorskip("cryptography.x509")

pytestmark = [
    needs_dumpcap,
    pytest.mark.skipif(shutil.which("ip") is None, reason="namespaces take ip"),
]
PEERS = Path(__file__).parent / "support"
PYTHON = os.environ.get("WSANALYZE_PEERS", sys.executable)
HOST, PORT = "192.0.2.2", 8080
# Of a client: a connection over ws, one over wss; messages of both sides.
CONNECTIONS, MESSAGES = 2, 28
LIBRARIES = ("websockets", "aiohttp", "ws")


@cache
def is_there(library: str) -> bool:
    """Whether a library can be run here."""
    if library == "ws":
        command = ["node", "-e", "require('ws')"]
    else:
        command = [PYTHON, "-c", f"import {library}"]
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def peer(library: str, what: str, *files: Path, keylog: Path | None = None) -> list[str]:
    """Return the command of a client or server."""
    if library == "ws":
        logged = [] if keylog is None else [f"--tls-keylog={keylog}"]
        command = ["node", *logged, str(PEERS / "peers.cjs")]
    else:
        command = [PYTHON, str(PEERS / "peers.py")]
    return [*command, library, what, HOST, str(PORT), *map(str, files)]


def inside(namespace: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of HOST that signs itself, and its key; return where."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@contextmanager
def serving(library: str, namespace: str, *files: Path) -> Iterator[None]:
    """Let a server serve while the block goes on."""
    command = inside(namespace, *peer(library, "serve", *files))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"serving\n"
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_live_gives_the_rows_of_a_file(library: str, source: str, tmp_path: Path) -> None:
    if not is_there(library):
        pytest.skip(f"{library} is missing")
    clients = [each for each in LIBRARIES if is_there(each)]
    kept, folder, recorded = (tmp_path / name for name in ("kept.pcapng", "out", "tcpdump.pcap"))
    keylog, (trusted, key) = tmp_path / "keys.log", certificate(tmp_path)
    options = ["wire", "--source", source, "-f", "jsonl", "-w", kept, "-o", folder]
    options += ["--keylog", keylog]
    with (
        two_hosts() as (client, server),
        serving(library, server, trusted, key),
        tcpdump(recorded, "wire", "tcp", within=inside(server)) as until_it_has,
        live(tmp_path, *options, program=inside(server, *COMMAND)) as running,
    ):
        for number, each in enumerate(clients, 1):
            command = inside(client, *peer(each, "talk", trusted, keylog=keylog))
            talking = {**os.environ, "SSLKEYLOGFILE": str(keylog)}
            subprocess.run(command, check=True, env=talking, timeout=SECONDS)
            running.until_told(number * CONNECTIONS, "ended")
        events = running.end()
        until_it_has(events[-1]["tcp_packets"])
    assert running.process.returncode == 0
    asked = [(each["scheme"], each["target"]) for each in of(events, "requested")]
    assert asked == [(scheme, f"/{each}") for each in clients for scheme in ("ws", "wss")]
    messages = of(events, "message")
    assert len(messages) == MESSAGES * len(clients)
    assert all(each["complete"] and each["length"] is not None for each in messages)
    assert events[-1]["dropped_by_kernel"] == 0
    assert_same(folder, kept, but=LATER, keylog=keylog)
    assert_same(folder, recorded, but=[*LATER, *OF_CAPTURE], keylog=keylog)
    tls = wsanalyze.analyze(kept, keylog=keylog).tls
    assert len(pd.read_parquet(folder / "tls")) == len(tls) == len(clients)

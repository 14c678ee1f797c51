"""wss with what should not be: certificates out of date, old versions, weak suites, an opener."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.processes import running
from recording.stage import Session, Stage
from sessions.websockets_peers import echo
from sessions.wss import NAME, client_context, limit, server_context

EXPIRED, NOT_YET, OLD, ANONYMOUS, VALID = 9350, 9351, 9352, 9353, 9354
PROXY, OPENED, PASSED = 9360, 9361, 9362

CURVE = "ec -pkeyopt ec_paramgen_curve:prime256v1"
AUTHORITY = """
[ca]
default_ca = own
[own]
new_certs_dir = {scratch}
database = {scratch}/index.txt
serial = {scratch}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def certify(scratch: Path, name: str, begins: timedelta, ends: timedelta) -> tuple[Path, Path]:
    """Make an authority that signs a certificate for a time as seen from now; return its files.

    `openssl req` cannot make one of the past.
    """
    configuration = scratch / "authority.conf"
    configuration.write_text(AUTHORITY.format(scratch=scratch), encoding="ascii")
    (scratch / "index.txt").write_text("", encoding="ascii")
    (scratch / "serial").write_text(f"{len(name):02d}\n", encoding="ascii")
    root, root_key = scratch / "root.pem", scratch / "root.key"
    certificate, key, asked = (scratch / f"{name}.{end}" for end in ("pem", "key", "csr"))
    now = datetime.now(UTC)
    dates = [(now + each).strftime("%Y%m%d%H%M%SZ") for each in (begins, ends)]
    lines = f"""
        req -x509 -newkey {CURVE} -nodes -subj /CN=authority -days 90 -keyout {root_key} -out {root}
        req -newkey {CURVE} -nodes -subj /CN={NAME} -keyout {key} -out {asked}
        ca -batch -config {configuration} -cert {root} -keyfile {root_key} -in {asked}
            -out {certificate} -notext -startdate {dates[0]} -enddate {dates[1]}
    """
    for line in lines.replace("\n            ", " ").strip().splitlines():
        subprocess.run(["openssl", *line.split()], check=True, capture_output=True)
    return certificate, key


def careless(stage: Stage) -> ssl.SSLContext:
    """Return the context of a client that looks at no certificate; its secrets are logged."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    context.keylog_filename = str(stage.keylog)
    return context


async def talk(
    stage: Stage, port: int, path: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Serve, connect, say something, close."""
    mine, theirs = contexts
    options = {"compression": None, "ping_interval": None}
    server = serve(echo, "127.0.0.1", port, ssl=mine, logger=stage.logger("server"), **options)  # type: ignore[call-overload]
    url = f"wss://{NAME}:{port}{path}"
    logger = stage.logger("client")
    async with (
        server,
        connect(url, host="127.0.0.1", ssl=theirs, logger=logger, **options) as client,  # type: ignore[arg-type]
    ):
        await client.send(f"on {path}")
        await client.recv()
        await client.close(1000, "bye")


async def play_out_of_date(stage: Stage) -> None:
    """A client that does not look talks to each server; one that does gives up."""
    day = timedelta(days=1)
    for port, path, begins, ends, version in (
        (EXPIRED, "/expired", -90 * day, -30 * day, ssl.TLSVersion.TLSv1_2),
        (NOT_YET, "/not-yet", 2 * day, 90 * day, ssl.TLSVersion.TLSv1_3),
    ):
        mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        mine.load_cert_chain(*certify(stage.scratch, path.strip("/"), begins, ends))
        mine.maximum_version = version
        await talk(stage, port, path, (mine, careless(stage)))
        if path == "/expired":
            await talk(stage, port, "/expired-again", (mine, careless(stage)))
            await give_up(stage, mine)
    for port, path, version, suite in (
        (OLD, "/tls-1.0", "1.0", "ECDHE-ECDSA-AES128-SHA"),
        (OLD, "/tls-1.1", "1.1", "ECDHE-ECDSA-AES256-SHA"),
        (ANONYMOUS, "/anonymous", "1.2", "AECDH-AES128-SHA"),
    ):
        pair = server_context(stage), careless(stage)
        for context in pair:
            limit(context, version, suite, may_encrypt_first=True)
        await talk(stage, port, path, pair)
    await talk(stage, VALID, "/valid", (server_context(stage), client_context(stage)))


async def give_up(stage: Stage, mine: ssl.SSLContext) -> None:
    """Connect with a client that checks: nothing is asked for then."""
    strict = ssl.create_default_context(cafile=str(stage.scratch / "root.pem"))
    strict.keylog_filename = str(stage.keylog)
    async with serve(echo, "127.0.0.1", EXPIRED, ssl=mine):
        try:
            async with connect(f"wss://{NAME}:{EXPIRED}/strict", host="127.0.0.1", ssl=strict):
                raise AssertionError("an expired certificate was taken")
        except ssl.SSLCertVerificationError:
            return


async def through(stage: Stage, port: int, path: str, context: ssl.SSLContext) -> None:
    """Talk to a server through the proxy."""
    way = f"CONNECT localhost:{port}"
    options = {"compression": None, "ping_interval": None, "ssl": context}
    async with connect(
        f"wss://localhost:{port}{path}",
        proxy=f"http://127.0.0.1:{PROXY}",
        logger=stage.logger("client", way),
        **options,  # type: ignore[arg-type]
    ) as client:
        await client.send(f"on {path}")
        await client.recv()
        await (await client.ping(b"end to end"))
        await client.close(1000, "bye")


async def play_opened(stage: Stage) -> None:
    """mitmproxy opens what goes to one port, and leaves another alone."""
    authority = stage.scratch / "mitmproxy" / "mitmproxy-ca-cert.pem"
    options = {"compression": None, "ping_interval": None, "ssl": server_context(stage)}
    line = ["mitmdump", "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(PROXY)]
    for setting in (
        f"confdir={authority.parent}",
        "ssl_insecure=true",
        "connection_strategy=lazy",
        f"ignore_hosts=localhost:{PASSED}",
    ):
        line += ["--set", setting]
    environment = os.environ | {"MITMPROXY_SSLKEYLOGFILE": str(stage.keylog)}
    hosts = {"host": "127.0.0.1", "logger": stage.logger("server")}
    async with (
        serve(echo, port=OPENED, **hosts, **options),  # type: ignore[arg-type]
        serve(echo, port=PASSED, **hosts, **options),  # type: ignore[arg-type]
        running(PROXY, *line, env=environment),
    ):
        while not authority.exists():
            await asyncio.sleep(0.1)
        trusting = ssl.create_default_context(cafile=str(authority))
        trusting.set_alpn_protocols(["http/1.1"])
        trusting.keylog_filename = str(stage.keylog)
        await through(stage, OPENED, "/opened", trusting)
        await through(stage, OPENED, "/opened-again", trusting)
        await through(stage, PASSED, "/passed", careless(stage))


SESSIONS = (
    Session(
        "wss-out-of-date",
        "wss whose certificate has expired, or is not valid yet, with a client that does not look "
        "(and one that gives up); TLS 1.0 and 1.1; a suite without a certificate; and all as it "
        "should be; the secrets are in the capture",
        play_out_of_date,
        ("websockets", "openssl"),
    ),
    Session(
        "wss-opened",
        "both legs of a proxy that opens TLS (mitmproxy): two connections that it opens, and one "
        "that it hands through; the secrets are in the capture",
        play_opened,
        ("mitmdump", "websockets", "openssl"),
    ),
)

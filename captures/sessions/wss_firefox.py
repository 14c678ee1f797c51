"""Firefox, whose TLS, HTTP/2 and WebSocket are its own: wss in HTTP/1.1 and over HTTP/2.

What the pages say is what they say in Chromium.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from asyncio.subprocess import Process
from pathlib import Path

from recording.processes import start
from recording.stage import Session, Stage
from sessions.wss import NAME
from sessions.wss_implementations import PAGE, WEBSOCKETS, browse
from sessions.wss_ways import BROWSED, browse_http2

PREFERENCES = {
    "network.dns.localDomains": f'"{NAME}"',
    "network.proxy.type": "0",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
    "network.http.http2.websockets": "true",
    "app.normandy.enabled": "false",
    "browser.safebrowsing.malware.enabled": "false",
    "browser.safebrowsing.phishing.enabled": "false",
    "datareporting.policy.dataSubmissionEnabled": "false",
    "services.settings.server": '"data:,"',
    "toolkit.telemetry.enabled": "false",
}
# SHA-256 as NSS names it in its list of certificates that a user accepted.
SHA256 = "OID.2.16.840.1.101.3.4.2.1"


def make_profile(folder: Path, pem: str) -> None:
    """Make a profile for which the certificate is good on each of the sessions' ports."""
    folder.mkdir()
    lines = [f'user_pref("{name}", {value});\n' for name, value in PREFERENCES.items()]
    (folder / "user.js").write_text("".join(lines), encoding="ascii")
    found = ssl.PEM_cert_to_DER_cert(Path(pem).read_text(encoding="ascii"))
    digest = hashlib.sha256(found).hexdigest().upper()
    said = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    accepted = [f"{NAME}:{port}:\t{SHA256}\t{said}\t\n" for port in (PAGE, WEBSOCKETS, BROWSED)]
    (folder / "cert_override.txt").write_text("".join(accepted), encoding="ascii")


async def firefox(stage: Stage, port: int, pem: str) -> Process:
    """Open the page of a server in Firefox, which logs its secrets."""
    profile = stage.scratch / f"firefox-{port}"
    make_profile(profile, pem)
    return await start(
        "firefox-esr",
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        f"https://{NAME}:{port}/",
        env=os.environ | {"SSLKEYLOGFILE": str(stage.keylog), "HOME": str(stage.scratch)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def play(stage: Stage) -> None:
    """Hypercorn and `websockets` in HTTP/1.1, then Node over HTTP/2."""
    await browse(stage, firefox)
    await browse_http2(stage, firefox)


SESSIONS = (
    Session(
        "wss-firefox",
        "Firefox, its secrets in the capture: in HTTP/1.1 to Hypercorn, which its page is from, "
        "and to Python websockets; over HTTP/2 to Node's own server, three WebSockets on the "
        "connection of their page",
        play,
        (
            "firefox-esr",
            "hypercorn",
            "wsproto",
            "websockets",
            "node",
            "npm:ws",
            "openssl",
        ),
    ),
)

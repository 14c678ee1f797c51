"""A client and a server on loopback, watched while they talk: what `make demo` shows of live.

Where capturing is not permitted, or nothing is there to capture with, it says so, and plays a
recorded capture into `wsanalyze live -` instead. Nothing but Python and wsanalyze is needed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from wsanalyze.websocket import accept_value

RECORDED = Path(__file__).parent / "aiohttp-chat.pcapng"
LIVE = [sys.executable, "-P", "-m", "wsanalyze", "live"]
# What goes wrong must not let anybody wait.
SECONDS = 20
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
STARTED = "Ctrl-C ends it"


def frame(payload: bytes, *, opcode: int = 1, mask: bytes = b"") -> bytes:
    """Return a frame of up to 125 bytes (RFC 6455 §5.2)."""
    head = bytes((0x80 | opcode, (0x80 if mask else 0) | len(payload)))
    if not mask:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def read_head(stream: socket.socket) -> bytes:
    """Read up to the empty line behind a head."""
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        read += stream.recv(1)
    return read


def serve(listening: socket.socket) -> None:
    """Answer one client: agree, greet it as often as it speaks, and close when it does."""
    stream, _ = listening.accept()
    with stream:
        read_head(stream)
        answer = (
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_value(KEY)}",
            "Sec-WebSocket-Protocol: chat",
        )
        stream.sendall("\r\n".join((*answer, "", "")).encode())
        while data := stream.recv(4096):
            if data[0] & 0x0F == 8:
                stream.sendall(frame((1000).to_bytes(2, "big"), opcode=8))
                return
            stream.sendall(frame("grüß dich".encode()))


def talk(port: int) -> None:
    """Ask for WebSocket, say something three times, close."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as stream:
        request = (
            "GET /chat HTTP/1.1",
            f"Host: localhost:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: chat",
        )
        stream.sendall("\r\n".join((*request, "", "")).encode())
        read_head(stream)
        for number in range(3):
            stream.sendall(frame(f"hello number {number}".encode(), mask=os.urandom(4)))
            stream.recv(4096)
            time.sleep(0.3)
        bye = (1000).to_bytes(2, "big") + b"that is all"
        stream.sendall(frame(bye, opcode=8, mask=os.urandom(4)))
        stream.recv(4096)


def watch(port: int) -> bool:
    """Watch loopback while both talk; False where that is not possible here."""
    options = ["lo", "--filter", f"tcp port {port}", "--until-closed", "--duration", str(SECONDS)]
    with subprocess.Popen([*LIVE, *options], stderr=subprocess.PIPE, text=True) as live:
        said = []
        for line in live.stderr or ():
            said.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
            if STARTED in line:
                talk(port)
        if live.wait(SECONDS) == 0 or any(STARTED in line for line in said):
            return True
    return False


def main() -> int:
    """Show it, one way or the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        print(f"A client and a server talk on port {port}, watched live on loopback:", flush=True)
        if watch(port):
            return 0
    print(f"So nothing can be captured here; this is {RECORDED.name}, played:", flush=True)
    with RECORDED.open("rb") as capture:
        subprocess.run([*LIVE, "-"], stdin=capture, timeout=SECONDS, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Ports for servers of tests."""

from __future__ import annotations

import secrets
import socket

# Below those that systems give to clients (Linux: 32768 to 60999): what is captured on one of these
# is no stranger's connection, and no client takes it before its server does.
FIRST, LAST = 10_000, 32_000


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port

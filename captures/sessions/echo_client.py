"""A client made with the Python library websocket-client: `python echo_client.py URL`."""

from __future__ import annotations

import sys

import websocket

MESSAGES = ("from Python", "Grüße, 世界, 🦉", "", b"\x00\x01\xfe\xff", b"", "again and " * 500)


def main(url: str) -> None:
    """Send messages, each after the echo of the one before, and close."""
    client = websocket.create_connection(url)
    for message in MESSAGES:
        text = isinstance(message, str)
        client.send(message, websocket.ABNF.OPCODE_TEXT if text else websocket.ABNF.OPCODE_BINARY)
        client.recv()
    client.ping("are you there?")
    client.send("after the ping")
    client.recv()
    client.close(1000, b"done")


if __name__ == "__main__":
    main(sys.argv[1])

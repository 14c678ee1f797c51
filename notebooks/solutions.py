"""The answers to the exercises of `3-lesson.ipynb`, for the teacher. Tests put them in.

Each name is that of the student's function or variable.
"""

from __future__ import annotations

import base64
import hashlib

maker = "client"
ping_opcode = 9
sendable = {1000, 1001, 3000, 4000}


def accept_of(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a key (RFC 6455 §4.2.2 item 5.4)."""
    both = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(both.encode()).digest()).decode()  # noqa: S324


def fin_and_opcode(byte: int) -> tuple[bool, int]:
    """Return FIN and opcode of the first byte of a frame (RFC 6455 §5.2)."""
    return byte & 0x80 != 0, byte & 0x0F


def payload_length(header: bytes) -> int:
    """Return the payload length that a header says, in bytes (RFC 6455 §5.2)."""
    length = header[1] & 0x7F
    if length == 126:
        return int.from_bytes(header[2:4], "big")
    if length == 127:
        return int.from_bytes(header[2:10], "big")
    return length


def unmasked(data: bytes, key: bytes) -> bytes:
    """Return masked bytes as they were (RFC 6455 §5.3)."""
    return bytes(byte ^ key[place % 4] for place, byte in enumerate(data))


def server_frame(text: str) -> bytes:
    """Return the frame in which a server sends a short text (RFC 6455 §5.2)."""
    payload = text.encode()
    return bytes([0b1000_0001, len(payload)]) + payload


def code_and_reason(payload: bytes) -> tuple[int | None, str]:
    """Return code and reason of the payload of a Close frame (RFC 6455 §5.5.1)."""
    if not payload:
        return None, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()

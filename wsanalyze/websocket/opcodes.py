"""Frame opcodes and their names (RFC 6455 §5.2, §11.8)."""

from __future__ import annotations

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_NAMES = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}


def opcode_name(opcode: int) -> str:
    """Return the name of an opcode as the `frames` table shows it; `reserved-N` for the others."""
    return _NAMES.get(opcode) or f"reserved-{opcode}"


def is_control(opcode: int) -> bool:
    """Tell whether frames of this opcode are control frames.

    RFC 6455 §5.5: "opcodes where the most significant bit of the opcode is 1", reserved ones
    included.
    """
    return bool(opcode & 0x8)


def is_reserved(opcode: int) -> bool:
    """Tell whether RFC 6455 §5.2 keeps this opcode for later: 3 to 7 and 11 to 15."""
    return opcode not in _NAMES

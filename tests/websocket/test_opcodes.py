"""Frame opcodes (RFC 6455 §5.2, §5.5)."""

from __future__ import annotations

import pytest

from wsanalyze.websocket.opcodes import is_control, is_reserved, opcode_name


@pytest.mark.parametrize(
    ("opcode", "name", "control", "reserved"),
    [
        (0, "continuation", False, False),
        (1, "text", False, False),
        (2, "binary", False, False),
        (3, "reserved-3", False, True),
        (7, "reserved-7", False, True),
        (8, "close", True, False),
        (9, "ping", True, False),
        (10, "pong", True, False),
        (11, "reserved-11", True, True),
        (15, "reserved-15", True, True),
    ],
)
def test_opcode(opcode: int, name: str, control: bool, reserved: bool) -> None:
    assert opcode_name(opcode) == name
    assert is_control(opcode) is control
    assert is_reserved(opcode) is reserved

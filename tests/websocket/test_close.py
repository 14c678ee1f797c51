"""Close status codes (RFC 6455 §7.4, IANA WebSocket Close Code Number Registry)."""

from __future__ import annotations

import pytest
from websockets.frames import CloseCode

from wsanalyze.websocket.close import describe, may_be_sent, registered


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011])
def test_codes_of_rfc_6455_may_be_sent(code: int) -> None:
    assert may_be_sent(code)
    assert registered(code) is not None


@pytest.mark.parametrize("code", [1012, 1013, 1014, 3000, 3003, 3008, 3999, 4000, 4999])
def test_registered_later_or_free_to_use(code: int) -> None:
    assert may_be_sent(code)


@pytest.mark.parametrize("code", [1004, 1005, 1006, 1015])
def test_reserved_codes_never_stand_in_a_frame(code: int) -> None:
    assert not may_be_sent(code)
    assert registered(code) is not None


@pytest.mark.parametrize("code", [0, 999, 1016, 1100, 2000, 2999, 5000, 65535, -1])
def test_codes_outside_the_ranges_may_not_be_sent(code: int) -> None:
    assert not may_be_sent(code)
    assert registered(code) is None


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (1000, "Normal Closure"),
        (1006, "Abnormal Closure"),
        (1013, "Try Again Later"),
        (3000, "Unauthorized"),
        (999, "not used"),
        (2999, "unassigned, reserved for the protocol"),
        (3500, "unregistered, reserved for libraries and frameworks"),
        (4001, "private use"),
        (5000, "outside every range"),
    ],
)
def test_describe(code: int, meaning: str) -> None:
    assert describe(code) == meaning


def test_every_code_that_websockets_knows_is_in_the_registry() -> None:
    assert all(registered(int(code)) for code in CloseCode)

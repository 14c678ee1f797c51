"""Meanings of header fields, opcodes and statuses: there are some for what everyone sends."""

from __future__ import annotations

import pytest

from story.told import analysis
from wsanalyze.story.meanings import (
    FIELDS,
    OPCODES,
    field_meaning,
    opcode_meaning,
    status_meaning,
)


def test_names_are_looked_up_in_any_case() -> None:
    assert field_meaning("SEC-WebSocket-key") == FIELDS["sec-websocket-key"]
    assert field_meaning("X-Nobody-Knows") is None
    assert all(name == name.lower() for name in FIELDS)


@pytest.mark.parametrize(
    "name",
    [
        "chromium.pcapng",
        "hixie-75.pcapng",
        "hixie-76.pcapng",
        "hybi-drafts.pcapng",
        "wss-http2.pcapng",
    ],
)
def test_every_field_of_websocket_has_one(name: str) -> None:
    for connection in analysis(name):
        handshake = connection.handshake
        assert handshake is not None
        heads = [head for head in (handshake.request_head, handshake.response_head) if head]
        for field in (field for head in heads for field in head.fields):
            if "websocket" in field.name.lower() or field.name.startswith(":"):
                assert field_meaning(field.name), field.name


def test_only_a_101_must_name_the_upgrade() -> None:
    for name in ("Connection", "Upgrade"):
        assert "must" in (field_meaning(name, status=101) or "")
        assert "must" not in (field_meaning(name, status=401) or "must")
    assert field_meaning("Server", status=401) == FIELDS["server"]


def test_opcodes() -> None:
    assert sorted(OPCODES) == [0, 1, 2, 8, 9, 10]
    assert all("RFC 6455" in meaning for meaning in OPCODES.values())
    assert "reserved" in opcode_meaning(3)


def test_statuses() -> None:
    assert status_meaning(101)
    assert status_meaning(302) == status_meaning(307)
    assert status_meaning(299) is None
    assert status_meaning(None) is None

"""What a TLS connection says about itself, in whatever order it is read."""

from __future__ import annotations

import pytest

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.layers.tls_facts import take_alert

CLOSE_NOTIFY = b"\x01\x00"
SERVER, CLIENT = ("server", (100, 26)), ("client", (200, 27))


@pytest.mark.parametrize("read", [(SERVER, CLIENT), (CLIENT, SERVER)])
def test_who_ended_tls_first_is_who_said_so_first(
    read: tuple[tuple[str, tuple[int, int]], ...],
) -> None:
    """What is behind missing bytes is read late: its time says when it came."""
    facts = TlsConnection(0, 0, "192.0.2.1", 50000, "198.51.100.2", 443, 0)
    for sender, place in read:
        take_alert(facts, sender, CLOSE_NOTIFY, place)
    assert (facts.closed_by, facts.closed_at) == SERVER
    assert set(facts.notified) == {"server", "client"}

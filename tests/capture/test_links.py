"""Interfaces as rtnetlink tells of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.live import ip, veth

from wsanalyze.capture.links import LinkWatch, list_links, missed_packets


def test_loopback_is_there() -> None:
    (found,) = [link for link in list_links() if link.loopback]
    assert (found.name, found.link, found.index) == ("lo", 1, 1)


def test_an_interface_with_addresses() -> None:
    with veth() as (one, _):
        ip("address", "add", "192.0.2.77/24", "dev", one)
        ip("address", "add", "2001:db8::77/64", "dev", one)
        (found,) = [link for link in list_links() if link.name == one]
    assert {"192.0.2.77", "2001:db8::77"} <= set(found.addresses)
    assert found.up
    assert not found.loopback


def test_what_becomes_of_it() -> None:
    with veth() as (one, other):
        watch = LinkWatch((one, "lo"))
        assert watch.up == {one: True, "lo": True}
        assert watch.changes() == []
        ip("link", "set", one, "down")
        ip("link", "set", other, "down")
        assert watch.changes() == [(one, "down")]
        assert watch.changes() == []
        ip("link", "set", one, "up")
        assert watch.changes() == [(one, "back")]
        ip("link", "set", one, "down")
        ip("link", "set", one, "up")
        assert watch.changes() == [(one, "down"), (one, "back")]
        ip("link", "del", one)
        assert watch.changes() == [(one, "down"), (one, "gone")]
        assert watch.up == {one: None, "lo": True}
        subprocess.run(["ip", "link", "add", one, "type", "veth", "peer", other], check=True)
        assert watch.changes() == []
        assert watch.up[one] is False
        ip("link", "set", one, "up")
        assert watch.changes() == [(one, "back")]
        watch.close()
        watch.close()
        assert watch.fileno() == -1
        assert watch.changes() == []


def test_another_name_is_another_interface() -> None:
    with veth() as (one, _):
        watch = LinkWatch((one,))
        ip("link", "set", one, "down")
        ip("link", "set", one, "name", one + "z")
        assert watch.changes()[-1] == (one, "gone")
        ip("link", "set", one + "z", "name", one)
        ip("link", "set", one, "up")
        assert watch.changes()[-1] == (one, "back")
        watch.close()


def test_packets_that_an_interface_had_no_room_for() -> None:
    assert missed_packets("lo") == 0
    assert missed_packets("nowhere0") is None


def test_nothing_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        list_links()
        LinkWatch(("lo",)).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before

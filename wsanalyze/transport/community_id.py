"""Community ID version 1: the join key to the logs of Zeek, Suricata and others."""

from __future__ import annotations

import base64
from hashlib import sha1
from ipaddress import ip_address

TCP_PROTOCOL = 6


def community_id(first: tuple[str, int], second: tuple[str, int], *, seed: int = 0) -> str:
    """Return the Community ID of a TCP conversation between two (address, port) ends.

    Which end is named first makes no difference: the spec puts the smaller (address, port) first.
    Source: the Community ID specification, version 1 ("1:" + base64 of a SHA-1).
    """
    ends = sorted((ip_address(address).packed, port) for address, port in (first, second))
    digest = sha1(seed.to_bytes(2, "big"), usedforsecurity=False)
    digest.update(ends[0][0] + ends[1][0])
    digest.update(bytes((TCP_PROTOCOL, 0)))
    digest.update(ends[0][1].to_bytes(2, "big") + ends[1][1].to_bytes(2, "big"))
    return "1:" + base64.b64encode(digest.digest()).decode("ascii")

"""Two versions of the same bytes of a stream: both of them, and which was read, and why."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes kept of each version.
SHOWN = 64


@dataclass(frozen=True, slots=True)
class Conflict:
    """Bytes of a direction that came twice and were not the same.

    - `offset`: stream offset of the first byte that differs (0: the first behind the SYN);
      `length`: bytes from there to the last that differs
    - `first_packet`, `second_packet`: the packets that the versions came in
    - `first`, `second`: the bytes of each from `offset` on, at most SHOWN
    - `used`: `first` or `second`, the version that was handed on
    - `why`: `acknowledged` (the receiver had the first before the second came), `checksum` (one of
      them has a valid TCP checksum and the other has not), `first` (nothing tells them apart)
    - `late`: by its checksum the second was accepted, but the first had been handed on already
    """

    offset: int
    length: int
    first_packet: int
    second_packet: int
    first: bytes
    second: bytes
    used: str
    why: str
    late: bool


def differing(first: bytes, second: bytes) -> tuple[int, int]:
    """Return the first place where two stretches of one length differ, and that behind the last."""
    low = 0
    high = len(first)
    while first[low] == second[low]:
        low += 1
    while first[high - 1] == second[high - 1]:
        high -= 1
    return low, high

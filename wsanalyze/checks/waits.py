"""How long clients wait before they come back."""

from __future__ import annotations

from collections.abc import Sequence

SECOND = 1_000_000_000
# What the waits of a client that comes back must reach, to be more than chance.
GROWN = SECOND // 10


def grow(waits: Sequence[int]) -> bool:
    """Tell whether waits between attempts, in ns, grow as they should (RFC 6455 §7.2.3).

    They may stop growing at some limit, have a random part, and milliseconds are the machine's:
    the later half counts, that must be twice the first two, and no less than GROWN.
    """
    if len(waits) < 3:
        return False
    later = sorted(waits[len(waits) // 2 :])
    middle = later[len(later) // 2]
    return middle >= GROWN and middle >= waits[0] + waits[1]

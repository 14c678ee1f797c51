"""What is said before a tunnel is open, message by message: the state that all protocols share."""

from __future__ import annotations

from typing import Protocol

# What `Dialogue.take` says of bytes that are no whole message yet, and of bytes that are none.
MORE = 0
NONE = -1

# What has become of a dialogue: it goes on; bytes of the tunnel follow on both sides; the proxy
# said no; what follows cannot be read (it is encrypted, or comes from somebody else).
GOING, OPEN, REFUSED, OPAQUE = range(4)


class Dialogue(Protocol):
    """Messages that client and proxy send in turn; each is whole before the next is looked at.

    - `sender`: whose message is the next, `client` or `server`
    - `state`: GOING, OPEN, REFUSED or OPAQUE
    - `way`: what the column `tunnel` has for it, None while that is not known
    - `code`: what the proxy answered in the end, as its protocol numbers it; None before
    - `why`: what follows where it is OPAQUE and may hold WebSocket, else None
    """

    sender: str
    state: int
    way: str | None
    code: int | None
    why: str | None

    def take(self, data: bytes | bytearray) -> int:
        """Take the message that `data` begins with: its size, MORE or NONE.

        Whatever is behind the message is left alone.
        """
        ...

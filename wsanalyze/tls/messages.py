"""Handshake messages, put together across records (RFC 8446 §4 and §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, END_OF_EARLY_DATA = 1, 2, 4, 5
ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE = 8, 11, 12, 14
CLIENT_KEY_EXCHANGE, FINISHED, KEY_UPDATE = 16, 20, 24

HEADER = 4
# Certificate chains reach some 20 kB; OpenSSL takes 100 kB.
LONGEST = 256 * 1024


class Messages:
    """The handshake messages of one side, which may be cut anywhere by records.

    `lost` is set where a message claims more than LONGEST bytes: nothing more is found then.
    """

    __slots__ = ("data", "lost")

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost = False

    def read(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Take the content of a record, yield each message that is whole: its type and its body."""
        if self.lost:
            return
        self.data += content
        while len(self.data) >= HEADER:
            stop = HEADER + int.from_bytes(self.data[1:HEADER], "big")
            if stop > HEADER + LONGEST:
                self.lost = True
                self.data = bytearray()
                return
            if len(self.data) < stop:
                return
            kind, body = self.data[0], bytes(self.data[HEADER:stop])
            del self.data[:stop]
            yield kind, body

    def forget(self) -> None:
        """Drop a message of which bytes are missing."""
        self.data = bytearray()

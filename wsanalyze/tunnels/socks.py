"""SOCKS: what client and proxy say to each other before bytes of the tunnel follow.

Version 4 has no document but its authors' notes (`SOCKS: A protocol for TCP proxy across
firewalls`, and `SOCKS 4A`); version 5 is RFC 1928, its user names and passwords RFC 1929. Other
protocols begin with the bytes 4 and 5, too: whatever none of the documents allows is no SOCKS.
Names and passwords are passed over, and not kept.
"""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.tunnels.dialogue import GOING, MORE, NONE, OPAQUE, OPEN, REFUSED
from wsanalyze.tunnels.way import authority_written, endpoint

# Bytes of a user's name and of a host's that are read of SOCKS 4, which has no bound: what
# version 5 can say at most.
LONGEST = 255

CONNECT, BIND, UDP = 1, 2, 3
NO_AUTHENTICATION, GSSAPI, USER_AND_PASSWORD, NO_METHOD = 0, 1, 2, 0xFF
IPV4, NAME, IPV6 = 1, 3, 4
# What a proxy of version 4 answers: granted, and three refusals.
GRANTED, REFUSALS = 90, (91, 92, 93)


class Socks4:
    """A request and its reply (SOCKS 4, and 4A where the client leaves the name to the proxy)."""

    def __init__(self) -> None:
        self.sender = "client"
        self.state = GOING
        self.way: str | None = None
        self.code: int | None = None
        self.why: str | None = None

    def take(self, data: bytes | bytearray) -> int:
        """Take the next message: its size, MORE or NONE (see `Dialogue`)."""
        return self._request(data) if self.sender == "client" else self._reply(data)

    def _request(self, data: bytes | bytearray) -> int:
        if data[:1] not in (b"", b"\x04") or data[1:2] not in (b"", b"\x01", b"\x02"):
            return NONE
        if len(data) < 8:
            return MORE
        address, port = bytes(data[4:8]), int.from_bytes(data[2:4], "big")
        if port == 0 or address == bytes(4):
            return NONE
        end = _text_end(data, 8)
        if end <= 0:
            return end
        where = endpoint(address, port)
        kind = "SOCKS4"
        # "an IP address of the form 0.0.0.x, with nonzero x": the name is behind the user's.
        if address[:3] == bytes(3):
            first, end = end, _text_end(data, end)
            if end <= 0:
                return end
            if end == first + 1:
                return NONE
            kind, where = "SOCKS4a", f"{authority_written(bytes(data[first : end - 1]))}:{port}"
        if data[1] != CONNECT:
            self.state, self.why = OPAQUE, "SOCKS4 BIND, where the other end connects"
            return end
        self.way = f"{kind} {where}"
        self.sender = "server"
        return end

    def _reply(self, data: bytes | bytearray) -> int:
        if data[:1] not in (b"", b"\x00"):
            return NONE
        if len(data) >= 2 and data[1] != GRANTED and data[1] not in REFUSALS:
            return NONE
        if len(data) < 8:
            return MORE
        self.code = data[1]
        self.state = OPEN if data[1] == GRANTED else REFUSED
        return 8


def _text_end(data: bytes | bytearray, start: int) -> int:
    """Return where a text behind `start` ends, with its zero; MORE or NONE where it does not."""
    end = data.find(b"\x00", start, start + LONGEST + 1)
    text = data[start : end if end >= 0 else start + LONGEST + 1]
    if any(byte < 0x20 or byte == 0x7F for byte in text) or (end < 0 and len(text) > LONGEST):
        return NONE
    return MORE if end < 0 else end + 1


class Socks5:
    """A choice of methods, a login where the proxy wants one, a request and its reply."""

    def __init__(self) -> None:
        self.sender = "client"
        self.state = GOING
        self.way: str | None = None
        self.code: int | None = None
        self.why: str | None = None
        self.offered = b""
        self.step = "methods"
        # Whether a user name and a password were sent.
        self.login = False

    def take(self, data: bytes | bytearray) -> int:
        """Take the next message: its size, MORE or NONE (see `Dialogue`)."""
        return _STEPS[self.step](self, data)

    def _methods(self, data: bytes | bytearray) -> int:
        """RFC 1928 §3: version, how many methods, the methods."""
        if data[:1] not in (b"", b"\x05") or data[1:2] == b"\x00":
            return NONE
        if len(data) < 2 or len(data) < 2 + data[1]:
            return MORE
        self.offered = bytes(data[2 : 2 + data[1]])
        # FF says that none is acceptable: nobody can offer it.
        if NO_METHOD in self.offered:
            return NONE
        self.sender, self.step = "server", "method"
        return 2 + len(self.offered)

    def _method(self, data: bytes | bytearray) -> int:
        """RFC 1928 §3: version, the method that was chosen among those offered."""
        if data[:1] not in (b"", b"\x05"):
            return NONE
        if len(data) < 2:
            return MORE
        if data[1] == NO_METHOD:
            self.state, self.code = REFUSED, NO_METHOD
        elif data[1] not in self.offered:
            return NONE
        elif data[1] == NO_AUTHENTICATION:
            self.sender, self.step = "client", "request"
        elif data[1] == USER_AND_PASSWORD:
            self.sender, self.step = "client", "login"
        else:
            self.state, self.why = OPAQUE, _method_of(data[1])
        return 2

    def _login(self, data: bytes | bytearray) -> int:
        """RFC 1929 §2: version 1, user name and password, each behind its length."""
        if data[:1] not in (b"", b"\x01") or data[1:2] == b"\x00":
            return NONE
        if len(data) < 2 or len(data) < 3 + data[1]:
            return MORE
        size = 3 + data[1] + data[2 + data[1]]
        if len(data) < size:
            return MORE
        self.login = True
        self.sender, self.step = "server", "status"
        return size

    def _status(self, data: bytes | bytearray) -> int:
        """RFC 1929 §2: version 1; anything but 0 is a failure, and the end."""
        if data[:1] not in (b"", b"\x01"):
            return NONE
        if len(data) < 2:
            return MORE
        if data[1]:
            self.state, self.code = REFUSED, data[1]
        self.sender, self.step = "client", "request"
        return 2

    def _request(self, data: bytes | bytearray) -> int:
        """RFC 1928 §4: version, command, 0, address and port."""
        if len(data) >= 2 and data[1] not in (CONNECT, BIND, UDP):
            return NONE
        size, where = _address(data)
        if size <= 0:
            return size
        if data[1] != CONNECT:
            self.state = OPAQUE
            # What is associated is UDP, and says nothing here.
            self.why = "SOCKS5 BIND, where the other end connects" if data[1] == BIND else None
            return size
        self.way = f"SOCKS5 {where}"
        self.sender, self.step = "server", "reply"
        return size

    def _reply(self, data: bytes | bytearray) -> int:
        """RFC 1928 §6: version, reply, 0, address and port."""
        size, _ = _address(data)
        if size <= 0:
            return size
        self.code = data[1]
        self.state = REFUSED if data[1] else OPEN
        return size


_STEPS: dict[str, Callable[[Socks5, bytes | bytearray], int]] = {
    "methods": Socks5._methods,
    "method": Socks5._method,
    "login": Socks5._login,
    "status": Socks5._status,
    "request": Socks5._request,
    "reply": Socks5._reply,
}


def _method_of(number: int) -> str:
    """Say what a method is behind which nothing is read."""
    if number == GSSAPI:
        return "SOCKS5 with GSSAPI, which may encrypt (RFC 1961)"
    return f"SOCKS5 with the method 0x{number:02x} of logging in"


def _address(data: bytes | bytearray) -> tuple[int, str]:
    """Return the size of a request or a reply, MORE or NONE, and the address and port in it."""
    if data[:1] not in (b"", b"\x05") or data[2:3] not in (b"", b"\x00"):
        return NONE, ""
    if data[3:4] not in (b"", b"\x01", b"\x03", b"\x04"):
        return NONE, ""
    if len(data) < 5:
        return MORE, ""
    start = 4
    size = {IPV4: 4, IPV6: 16}.get(data[3], 0)
    if data[3] == NAME:
        start, size = 5, data[4]
        if size == 0:
            return NONE, ""
    if len(data) < start + size + 2:
        return MORE, ""
    host = bytes(data[start : start + size])
    port = int.from_bytes(data[start + size : start + size + 2], "big")
    where = f"{authority_written(host)}:{port}" if data[3] == NAME else endpoint(host, port)
    return start + size + 2, where

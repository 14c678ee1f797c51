"""What clients and proxies say before a tunnel is open, made by hand, and who reads it."""

from __future__ import annotations

from ipaddress import ip_address

from wsanalyze.tunnels.dialogue import GOING, NONE, Dialogue

# What a proxy says that does not tell from which address it went on.
NOWHERE = str(ip_address(0))
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"

# Sender and bytes, message by message.
Script = list[tuple[str, bytes]]


def methods(*numbers: int) -> bytes:
    """Return the first message of SOCKS 5."""
    return bytes((5, len(numbers), *numbers))


def login(user: bytes = b"anna", password: bytes = b"s3cret") -> bytes:
    """Return a user name and a password (RFC 1929)."""
    return bytes((1, len(user))) + user + bytes((len(password),)) + password


def address5(host: str | bytes) -> bytes:
    """Return a host as SOCKS 5 has it: a name where it is bytes, else an address."""
    if isinstance(host, bytes):
        return bytes((3, len(host))) + host
    packed = ip_address(host).packed
    return bytes((1 if len(packed) == 4 else 4,)) + packed


def request5(host: str | bytes = b"chat.example", port: int = 80, command: int = 1) -> bytes:
    """Return a request of SOCKS 5."""
    return bytes((5, command, 0)) + address5(host) + port.to_bytes(2, "big")


def reply5(code: int = 0, host: str | bytes = NOWHERE, port: int = 0) -> bytes:
    """Return a reply of SOCKS 5."""
    return bytes((5, code, 0)) + address5(host) + port.to_bytes(2, "big")


def request4(
    address: str = "198.51.100.2",
    port: int = 80,
    *,
    user: bytes = b"",
    name: bytes | None = None,
    command: int = 1,
) -> bytes:
    """Return a request of SOCKS 4; with a name, one of 4A."""
    asked = "0.0.0.1" if name is not None else address
    data = bytes((4, command)) + port.to_bytes(2, "big") + ip_address(asked).packed + user + b"\x00"
    return data if name is None else data + name + b"\x00"


def reply4(code: int = 90) -> bytes:
    """Return a reply of SOCKS 4."""
    return bytes((0, code)) + bytes(6)


def header2(
    source: str = "192.0.2.1",
    port: int = 5000,
    *,
    command: int = 1,
    family: int | None = None,
    tlvs: bytes = b"",
    length: int | None = None,
) -> bytes:
    """Return a header of the PROXY protocol, version 2, of a client behind TCP."""
    packed = ip_address(source).packed
    if family is None:
        family = 0x11 if len(packed) == 4 else 0x21
    body = packed + packed + port.to_bytes(2, "big") + (80).to_bytes(2, "big") + tlvs
    size = len(body) if length is None else length
    return SIGNATURE + bytes((0x20 | command, family)) + size.to_bytes(2, "big") + body


SOCKS5: Script = [
    ("client", methods(0)),
    ("server", b"\x05\x00"),
    ("client", request5()),
    ("server", reply5()),
]
SOCKS5_LOGIN: Script = [
    ("client", methods(0, 2)),
    ("server", b"\x05\x02"),
    ("client", login()),
    ("server", b"\x01\x00"),
    ("client", request5("2001:db8::2", 8080)),
    ("server", reply5(0, "2001:db8::3", 4000)),
]
SOCKS4: Script = [("client", request4(user=b"anna")), ("server", reply4())]
SOCKS4A: Script = [("client", request4(name=b"chat.example")), ("server", reply4())]
PROXY1: Script = [("client", b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n")]
PROXY2: Script = [("client", header2())]

# Name → script, and what the column `tunnel` has for it.
SCRIPTS: dict[str, tuple[Script, str]] = {
    "socks5": (SOCKS5, "SOCKS5 chat.example:80"),
    "socks5-login": (SOCKS5_LOGIN, "SOCKS5 [2001:db8::2]:8080"),
    "socks4": (SOCKS4, "SOCKS4 198.51.100.2:80"),
    "socks4a": (SOCKS4A, "SOCKS4a chat.example:80"),
    "proxy1": (PROXY1, "PROXY 192.0.2.1:5000"),
    "proxy2": (PROXY2, "PROXY 192.0.2.1:5000"),
}


def spoken(dialogue: Dialogue, script: Script) -> bool:
    """Let a dialogue read the messages of a script, each with bytes behind it that are none.

    Returns whether it took each of them whole; what became of it stands in it.
    """
    for sender, message in script:
        if dialogue.state != GOING or dialogue.sender != sender:
            return False
        if dialogue.take(message + b"\xee\xee") != len(message):
            return False
    return True


def refuses(dialogue: Dialogue, message: bytes) -> bool:
    """Say whether a dialogue finds that a message is none, or not its next one."""
    return dialogue.take(message) == NONE

"""A message to or from a proxy, part by part: its bytes, the name of each part, what it says.

Sources: RFC 1928 and RFC 1929 (SOCKS 5), `SOCKS: A protocol for TCP proxy across firewalls` and
`SOCKS 4A`, HAProxy's proxy-protocol.txt (§2.1, §2.2). Heads of CONNECT are lines of HTTP, and read
as such elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from wsanalyze.tunnels import messages
from wsanalyze.tunnels.answers import NO_METHOD, method_name, reply_meaning, socks4_meaning
from wsanalyze.tunnels.proxy_protocol import (
    CLIENT_SSL,
    FIXED,
    INET,
    INET6,
    PROXIED,
    SIGNATURE,
    SIZES,
    SSL,
    SSL_BEGINS,
    UNIX,
    UNSPECIFIED,
    tlvs,
)
from wsanalyze.tunnels.socks import IPV4, NAME

COMMANDS = {1: "CONNECT: a TCP connection to there", 2: "BIND", 3: "UDP ASSOCIATE"}
ADDRESS_TYPES = {1: "IPv4 address", 3: "name, which the proxy looks up", 4: "IPv6 address"}
FAMILIES = {
    UNSPECIFIED: "unspecified",
    INET: "IPv4",
    INET6: "IPv6",
    UNIX: "UNIX sockets",
}
TRANSPORTS = {0: "unspecified", 1: "TCP", 2: "UDP"}
TLVS = {
    0x01: "ALPN",
    0x02: "the host that was asked for",
    0x03: "CRC32c of the header",
    0x04: "nothing (padding)",
    0x05: "unique ID",
    SSL: "TLS of the proxy's client",
    0x21: "TLS version",
    0x22: "name in the client's certificate",
    0x23: "cipher suite",
    0x24: "signature algorithm",
    0x25: "key algorithm",
    0x30: "network namespace",
}
# Those whose value is text (§2.2.1 to §2.2.7).
TEXTS = frozenset((0x01, 0x02, 0x21, 0x22, 0x23, 0x24, 0x25, 0x30))
# TLVs of one header that are told.
TOLD = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: its bytes as sent, its name, what it says (text of the wire as sent).

    `data` is None where the bytes are a secret and were not kept; `secret`: whether they, and what
    is said of them, are somebody's credentials.
    """

    data: bytes | None
    name: str
    text: str
    secret: bool = False


def parts_of(kind: str, data: bytes) -> tuple[Part, ...]:
    """Return the parts of a message of a kind of `messages.KINDS`; () for heads of HTTP.

    `data` is whole but for the password of a login; what is cut short has the parts that are there.
    """
    reader = _READERS.get(kind)
    return tuple(reader(data)) if reader is not None else ()


def code_of(kind: str, data: bytes) -> tuple[int, str] | None:
    """Return the number by which a proxy answers in this message, and what it means."""
    if len(data) < 2:
        return None
    code = data[1]
    if kind == messages.REPLY:
        return code, reply_meaning(code)
    if kind == messages.SOCKS4_REPLY:
        return code, socks4_meaning(code)
    if kind == messages.METHOD:
        return code, method_name(code)
    if kind == messages.STATUS:
        return code, "success" if code == 0 else "failure"
    return None


def _methods(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 5")
    yield Part(data[1:2], "NMETHODS", f"methods that follow: {len(data[2:])}")
    for number in data[2:]:
        yield Part(bytes((number,)), "METHODS", method_name(number))


def _method(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 5")
    text = method_name(data[1]) if data[1:] else ""
    if data[1:2] == bytes((NO_METHOD,)):
        text = "none of them is acceptable: the client must leave"
    yield Part(data[1:2], "METHOD", text)


def _login(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 1 of the login")
    name = data[2 : 2 + data[1]]
    yield Part(data[1:2], "ULEN", f"length of the user name: {data[1]}")
    yield Part(name, "UNAME", _text(name), secret=True)
    yield Part(data[-1:], "PLEN", f"length of the password: {data[-1]}")
    yield Part(None, "PASSWD", "the password, in the clear; it is not shown")


def _status(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 1 of the login")
    yield Part(data[1:2], "STATUS", "success" if data[1:2] == b"\0" else "failure: the end")


def _request(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 5")
    yield Part(data[1:2], "CMD", COMMANDS.get(data[1], "unknown"))
    yield from _address(data, "DST")


def _reply(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VER", "version 5")
    yield Part(data[1:2], "REP", reply_meaning(data[1]))
    yield from _address(data, "BND")


def _address(data: bytes, which: str) -> Iterator[Part]:
    """RFC 1928 §5: a reserved byte, the type, the address, the port."""
    yield Part(data[2:3], "RSV", "reserved, 0")
    kind = data[3]
    yield Part(data[3:4], "ATYP", ADDRESS_TYPES.get(kind, "unknown"))
    host, port = data[4:-2], data[-2:]
    if kind == NAME:
        yield Part(host[:1], "", f"length of the name: {len(host) - 1}")
        yield Part(host[1:], f"{which}.ADDR", _text(host[1:]))
    else:
        shown = str(IPv4Address(host) if kind == IPV4 else IPv6Address(host))
        yield Part(host, f"{which}.ADDR", shown)
    yield Part(port, f"{which}.PORT", str(int.from_bytes(port, "big")))


def _socks4_request(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VN", "version 4")
    yield Part(data[1:2], "CD", COMMANDS.get(data[1], "unknown"))
    yield Part(data[2:4], "DSTPORT", str(int.from_bytes(data[2:4], "big")))
    is_named = data[4:7] == bytes(3)
    address = str(IPv4Address(data[4:8]))
    text = f"{address}: no address; the name follows (SOCKS 4A)" if is_named else address
    yield Part(data[4:8], "DSTIP", text)
    end = data.index(0, 8) + 1
    user = data[8 : end - 1]
    yield Part(data[8:end], "USERID", _text(user) if user else "empty", secret=bool(user))
    if is_named:
        yield Part(data[end:], "name", _text(data[end:-1]))


def _socks4_reply(data: bytes) -> Iterator[Part]:
    yield Part(data[:1], "VN", "version of the reply, 0")
    yield Part(data[1:2], "CD", socks4_meaning(data[1]))
    yield Part(data[2:4], "DSTPORT", f"{int.from_bytes(data[2:4], 'big')}, to be ignored")
    yield Part(data[4:8], "DSTIP", f"{IPv4Address(data[4:8])}, to be ignored")


def _header(data: bytes) -> Iterator[Part]:
    return _binary(data) if data[:1] == SIGNATURE[:1] else _line(data)


def _line(data: bytes) -> Iterator[Part]:
    """§2.1: words in one line."""
    words = data.removesuffix(b"\r\n").split(b" ")
    yield Part(words[0], "", "version 1, one line of text")
    names = ("protocol", "client", "server", "client's port", "server's port")
    if words[1:2] == [b"UNKNOWN"]:
        yield Part(words[1], "protocol", "unknown: what follows is to be ignored")
        if words[2:]:
            yield Part(b" ".join(words[2:]), "ignored", _text(b" ".join(words[2:])))
    else:
        for word, name in zip(words[1:], names, strict=False):
            yield Part(word, name, _text(word))
    yield Part(data[-2:], "CR LF", "the end of the header")


def _binary(data: bytes) -> Iterator[Part]:
    """§2.2: signature, version and command, family, length, addresses, TLVs."""
    yield Part(data[:12], "signature", "always these twelve bytes, which no other protocol sends")
    command = "PROXY" if data[12] & 15 == PROXIED else "LOCAL: the proxy asks for itself"
    yield Part(data[12:13], "version, command", f"{data[12] >> 4}, {command}")
    family, transport = data[13] >> 4, data[13] & 15
    names = f"{FAMILIES.get(family, 'unknown')}, {TRANSPORTS.get(transport, 'unknown')}"
    yield Part(data[13:14], "family, transport", names)
    yield Part(data[14:16], "length", f"{_counted(int.from_bytes(data[14:16], 'big'))} to follow")
    rest = data[FIXED:]
    if data[12] & 15 != PROXIED:
        if rest:
            yield Part(rest, "ignored", "what a LOCAL header says of addresses")
        return
    size = {INET: 4, INET6: 16}.get(family, 0)
    if size:
        read = IPv4Address if family == INET else IPv6Address
        for at, name in ((0, "client"), (size, "server")):
            yield Part(rest[at : at + size], name, str(read(rest[at : at + size])))
        for at, name in ((2 * size, "client's port"), (2 * size + 2, "server's port")):
            yield Part(rest[at : at + 2], name, str(int.from_bytes(rest[at : at + 2], "big")))
    elif family == UNIX:
        yield Part(rest[:108], "client", _text(rest[:108].rstrip(b"\0")))
        yield Part(rest[108:216], "server", _text(rest[108:216].rstrip(b"\0")))
    yield from _tlvs(rest[SIZES.get(family, 0) :], "")


def _tlvs(data: bytes, of: str) -> Iterator[Part]:
    """§2.2.1 to §2.2.7: type, length, value; those of TLS have others inside."""
    for number, (kind, value) in enumerate(tlvs(data)):
        if number >= TOLD:
            yield Part(b"", "TLVs", "and more of them")
            return
        name = TLVS.get(kind, f"type 0x{kind:02x}")
        whole = bytes((kind,)) + len(value).to_bytes(2, "big") + value
        if kind == SSL and len(value) >= SSL_BEGINS and not of:
            used = "used" if value[0] & CLIENT_SSL else "not used"
            checked = "verified" if value[1:5] == bytes(4) else "not verified"
            text = f"{used}; the client's certificate, if it has one: {checked}"
            yield Part(whole[: 3 + SSL_BEGINS], f"TLV {name}", text)
            yield from _tlvs(value[SSL_BEGINS:], "TLS: ")
        else:
            text = _text(value) if kind in TEXTS else _counted(len(value))
            yield Part(whole, f"TLV {of}{name}", text)


def _counted(length: int) -> str:
    return "1 byte" if length == 1 else f"{length} bytes"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


_READERS: dict[str, Callable[[bytes], Iterator[Part]]] = {
    messages.HEADER: _header,
    messages.SOCKS4_REQUEST: _socks4_request,
    messages.SOCKS4_REPLY: _socks4_reply,
    messages.METHODS: _methods,
    messages.METHOD: _method,
    messages.LOGIN: _login,
    messages.STATUS: _status,
    messages.REQUEST: _request,
    messages.REPLY: _reply,
}

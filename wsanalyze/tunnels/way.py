"""The way through proxies as the column `tunnel` has it: `SOCKS5 chat.example:80`."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

# Between two of them, the outer one first. No name has a blank in it: it is percent-encoded.
JOINER = ", "

# Tunnels in one another that are followed. People use one, seldom two or three.
DEEPEST = 8

# A name of the DNS has 253 characters at most (RFC 1035 §2.3.4), a port five.
LONGEST = 260

# What a name or address is written in; anything else could be mistaken for what stands around it.
_UNSAFE = re.compile(rb"[^0-9A-Za-z._~:\[\]-]")
# What ends an authority, percent-encoded too, or stands between parameters.
_BEHIND = re.compile(
    rb"(?s)\A(.*?(?:[?#;/\\&,=\s]|%(?:2[36CF]|3[BDF]|5C|20|09)))(?=.)", re.IGNORECASE
)


def joined(outer: str | None, way: str) -> str:
    """Return the way of a tunnel inside another one (None: of the first)."""
    return way if outer is None else outer + JOINER + way


def depth(tunnel: str | None) -> int:
    """Return how many tunnels are in one another."""
    return 0 if tunnel is None else tunnel.count(JOINER) + 1


def steps(tunnel: str | None) -> list[tuple[str, str]]:
    """Return each tunnel as its kind and where it leads, or comes from; the outer one first."""
    parts = [] if tunnel is None else tunnel.split(JOINER)
    return [(kind, where) for kind, _, where in (part.partition(" ") for part in parts)]


def destination(tunnel: str | None) -> str | None:
    """Return the host and port that the innermost proxy was asked for; None where none was asked.

    A header of the PROXY protocol asks for nothing. Empty where the asking is not in the capture.
    """
    if tunnel is None:
        return None
    asked = [where for kind, where in steps(tunnel) if kind != "PROXY"]
    return asked[-1] if asked else None


def address_and_port(address: str, port: int) -> str:
    """Return `192.0.2.1:80` or `[2001:db8::1]:80` (RFC 3986 §3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def host_and_port(where: str) -> tuple[str, int | None]:
    """Return the two parts of `chat.example:80`; None for a port that is none."""
    host, _, port = where.rpartition(":")
    return host, int(port) if re.fullmatch("[0-9]{1,5}", port) else None


def sources(tunnel: str | None) -> tuple[str, ...]:
    """Return the hosts of those for whom proxies said that they ask, the outer one first."""
    if tunnel is None:
        return ()
    return tuple(host_and_port(where)[0] for kind, where in steps(tunnel) if kind == "PROXY")


def written(name: bytes) -> str:
    """Return a name in visible ASCII, percent-encoded (RFC 3986 §2.1) and bounded.

    What stands before an `@` would be a login, which is nobody's business.
    """
    name = name.rpartition(b"@")[2]
    text = _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], name).decode("ascii")
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def authority_written(asked: bytes) -> str:
    """Return what a CONNECT asks for as `written`, without what no authority has (RFC 3986 §3.2).

    Behind `?`, `#`, `;` or a slash a token may stand.
    """
    found = _BEHIND.search(asked.rpartition(b"@")[2])
    return written(asked) if found is None else written(found[1]) + "…"


def asked_in(line: str) -> str:
    """Return what the first line of a CONNECT asks for (RFC 9112 §3.2.3), as sent.

    A login in it may have blanks that nobody encoded.
    """
    asked = line.partition(" ")[2]
    target, version, _ = asked.rpartition(" HTTP/")
    return target if version else asked


def endpoint(address: bytes, port: int) -> str:
    """Return a binary IPv4 or IPv6 address with a port, as URLs have it."""
    if len(address) == 4:
        return f"{IPv4Address(address)}:{port}"
    return f"[{IPv6Address(address)}]:{port}"

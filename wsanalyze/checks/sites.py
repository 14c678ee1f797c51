"""Which site an Origin and a Host name, and whether they belong together."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from wsanalyze.checks.intermediaries import signs
from wsanalyze.websocket.handshake import Handshake

# Neither has a login: what stands in front of an `@` is no name.
_PLACE = r"([^/:\[\]@]+|\[[^\]]+\])(?::([0-9]+))?(?![^/?#,\s])"
ORIGIN = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*)://{_PLACE}")
HOST = re.compile(_PLACE)
# Thousands of connections name few sites: what is told of the last ones is kept.
KEPT_NAMES = 64
# Ends of names that the public DNS does not have (RFC 6761, RFC 6762, RFC 8375, and usage).
_LOCAL = (
    *(".local", ".localhost", ".localdomain", ".internal", ".intranet", ".corp", ".lan", ".home"),
    *(".home.arpa", ".private", ".test", ".example", ".invalid"),
)
# The machine itself, by whichever name.
_LOOPBACK = re.compile(r"(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")


# What a proxy writes anew for its own leg.
_OF_THE_HOP = ("host", "upgrade", "connection")


def names_server(handshake: Handshake) -> bool:
    """Tell whether Host is what the browser wrote, and not a proxy's own name for the server.

    nginx writes the address from its configuration there if it is not told otherwise. A public
    name is taken for what it says; another one only in a request that no proxy has written: nginx
    puts fields that it was told to set, Upgrade and Connection among them, in front of Host, and
    says `upgrade` or `close` where clients say `Upgrade`.
    """
    head = handshake.request_head
    host = HOST.match(handshake.host or "")
    if host is not None and is_public_name(host[1]):
        return True
    if "Upgrade" not in head.tokens("connection") or signs(head):
        return False
    first = next(field.name for field in head.fields if field.name.lower() in _OF_THE_HOP)
    return first == "Host"


def same_site(origin: str, host: str) -> bool:
    """Tell whether an origin and a host belong together, whatever their ports and schemes.

    Names of one registered domain do (www.example.com and ws.example.com), as far as that can be
    told without the list of public suffixes.
    """
    one, other = ORIGIN.match(origin), HOST.match(host)
    if one is None or other is None or domain(one[2]) == domain(other[1]):
        return True
    return is_loopback(one[2]) and is_loopback(other[1])


def is_loopback(name: str) -> bool:
    """Tell whether a name or address is that of the machine itself."""
    return _LOOPBACK.fullmatch(name.lower()) is not None


def is_inside(ip: str) -> bool:
    """Tell whether an address is one that the internet does not route: private, shared, local."""
    try:
        return not ip_address(ip).is_global
    except ValueError:
        return False


@lru_cache(KEPT_NAMES)
def origin_of(text: str) -> re.Match[str] | None:
    """Return an Origin taken apart: scheme, name, port; None for what is none of a site."""
    return ORIGIN.match(text)


@lru_cache(KEPT_NAMES)
def domain(name: str) -> str:
    """Return the last two labels of a name, three below such as co.uk; addresses as they are."""
    lowered = name.lower().rstrip(".")
    labels = lowered.split(".")
    if lowered.startswith("[") or labels[-1].isdigit():
        return lowered
    second = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if second else -2 :])


@lru_cache(KEPT_NAMES)
def is_public_name(name: str) -> bool:
    """Tell whether a name is one of the public DNS: no address, no name of the local network."""
    lowered = name.lower().rstrip(".")
    if "." not in lowered or lowered.endswith(_LOCAL) or lowered.startswith("["):
        return False
    return not lowered.replace(".", "").isdigit()

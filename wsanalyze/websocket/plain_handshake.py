"""A short way to what most handshakes are: ordinary, so that no rule has anything to object to.

It may be quicker than the rules, and must never know better: where it says no, it says nothing.
"""

from __future__ import annotations

import re

from wsanalyze.websocket.accept import accept_value
from wsanalyze.websocket.fields import Head

REMARKABLE_IN_REQUESTS = frozenset(
    (
        "sec-websocket-protocol",
        "sec-websocket-accept",
        "sec-websocket-key1",
        "sec-websocket-key2",
        "content-length",
        "transfer-encoding",
    )
)
REMARKABLE_IN_RESPONSES = frozenset(("sec-websocket-protocol", "sec-websocket-version"))

_PLAIN_OFFERS = (
    ["permessage-deflate"],
    ["permessage-deflate; client_max_window_bits"],
)
_PLAIN_TARGET = re.compile(r"/[^#]*")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")

PLAIN_CONNECTION = frozenset(("upgrade", "keep-alive, upgrade"))

# 22 base64 characters, the last with its four unused bits zero, and the padding.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")


def plainly_good(request: Head, response: Head) -> bool:
    """Tell whether an HTTP/1.1 handshake is one of the many that no rule can object to.

    Only a short way to the answer: False says nothing. RFC 6455 §4.1, §4.2.1, §4.2.2.
    """
    if request.oddities or response.oddities or request.method != "GET":
        return False
    # A refusal is to be told, whatever fields come with it.
    if response.status != 101:
        return False
    if request.http_version != "1.1" or response.http_version != "1.1":
        return False
    once = _single_values(
        request, ("host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version")
    )
    back = _single_values(response, ("upgrade", "connection", "sec-websocket-accept"))
    if once is None or back is None or not once[0] or once[4] != "13":
        return False
    if once[1].lower() != "websocket" or back[0].lower() != "websocket":
        return False
    if once[2].lower() not in PLAIN_CONNECTION or back[1].lower() not in PLAIN_CONNECTION:
        return False
    if _PLAIN_KEY.fullmatch(once[3]) is None or back[2] != accept_value(once[3]):
        return False
    if response.count("content-length") or response.count("transfer-encoding"):
        return False
    chosen = response.values("sec-websocket-protocol")
    if chosen and (len(chosen) > 1 or chosen[0] not in request.tokens("sec-websocket-protocol")):
        return False
    return _plain_extensions(request, response)


def remarkable(request: Head) -> bool:
    """Tell whether a request that is plainly good may have a fault that voids nothing."""
    if request.has_any(REMARKABLE_IN_REQUESTS):
        return True
    offered = request.values("sec-websocket-extensions")
    if offered and offered not in _PLAIN_OFFERS:
        return True
    # A browser without an Origin is remarkable; without either field nobody claims to be one.
    if not request.count("origin") and (
        request.count("user-agent") or request.count("sec-fetch-mode")
    ):
        return True
    target = request.target or ""
    host = request.value("host") or ""
    return _PLAIN_TARGET.fullmatch(target) is None or _PLAIN_HOST.fullmatch(host) is None


def _single_values(head: Head, names: tuple[str, ...]) -> list[str] | None:
    """Return the value of each field, None unless each stands in the head exactly once."""
    found = [head.values(name) for name in names]
    return [values[0] for values in found] if all(len(each) == 1 for each in found) else None


def _plain_extensions(request: Head, response: Head) -> bool:
    """Tell whether the server chose no extension, or the one that is common, without parameters."""
    chosen = response.values("sec-websocket-extensions")
    if not chosen:
        return True
    offered = request.value("sec-websocket-extensions") or ""
    return chosen == ["permessage-deflate"] and offered in (
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
    )

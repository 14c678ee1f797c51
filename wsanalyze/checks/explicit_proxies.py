"""Proxies that clients know of: the way there, what they refused (PRX-21), logins (SEC-17)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.tunnels.way import destination, host_and_port, steps
from wsanalyze.websocket.faults import shown

# Ports that proxies let a CONNECT go to; RFC 9110 §9.3.6 asks them to have such a list.
_USUAL = (80, 443)
_DEFAULT_PORT = {"ws": 80, "wss": 443}

# What a proxy answers that wants credentials: of HTTP, and of SOCKS 5 without one of its methods.
_WANTS_CREDENTIALS = 407

# What a login gives away, and where it is told not to; that of SOCKS is the only other one.
_LOGINS = {
    "Proxy-Authorization: Basic": ("a user name and password", "RFC 7617 §4"),
    "Proxy-Authorization: Bearer": ("a token", "RFC 6750 §5.3"),
}
_SOCKS_LOGIN = ("a user name and password", "RFC 1929 §3")

# Where the ways of a connection are told, by their kinds.
_WAYS = {"CONNECT": "RFC 9110 §9.3.6", "SOCKS5": "RFC 1928 §4"}
_REFUSALS = {"CONNECT": "RFC 9110 §9.3.6", "SOCKS5": "RFC 1928 §6"}

# Who asked where to: the client's address, the host and the port.
_Wish = tuple[str, str]


@check(
    "PRX-21",
    "explicit-proxy",
    "The client used a proxy that it knows of, or was refused by it",
    severity="info",
    tags=("proxy", "handshake"),
    references=("RFC 6455 §4.1 item 3", "RFC 9110 §9.3.6", "RFC 1928 §4", "RFC 1928 §6"),
    explanation=(
        "The client asked a proxy for a way to the server, by CONNECT or SOCKS, and the upgrade "
        "went through it. Such a proxy knows the host and the port, may want credentials, and "
        "refuses what its rules do not allow: many allow CONNECT to port 443 and little else. What "
        "it refused is told where a WebSocket connection of the same client shows what the way was "
        "wanted for: it got through in the end, or went there directly."
    ),
    advice=(
        "Where it refuses, let the proxy allow the port (Squid: SSL_ports, Apache: "
        "AllowCONNECT), or use wss on port 443. Give credentials at once where it wants them."
    ),
    scope=CAPTURE,
    example="connect-tunnels.pcapng",
)
def explicit_proxy(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-21: one finding for each connection through a proxy, and for each refusal."""
    attempts: dict[_Wish, list[Facts]] = {}
    for each in facts.connections:
        if destination(each.connection.tunnel) is not None:
            sections = _sections(kind for kind, _ in steps(each.connection.tunnel))
            finding = each.once("client", _went_through(each), reference=sections)
            yield facts.about(each, finding)
        wish = _maybe_wish(each) if facts.refusals else None
        if wish is not None:
            attempts.setdefault(wish, []).append(each)
    wishes = {wish: _Attempts(concerned) for wish, concerned in attempts.items()}
    for refusal in facts.refusals:
        concerned = wishes.get((refusal.client_ip, refusal.where.lower()))
        if concerned is not None:
            yield _refused(facts, refusal, concerned)


@check(
    "SEC-17",
    "proxy-login-in-the-clear",
    "Credentials for a proxy, readable for everybody on the way",
    severity="warning",
    tags=("security", "privacy", "proxy", "handshake"),
    references=("RFC 7617 §4", "RFC 6750 §5.3", "RFC 1929 §3"),
    explanation=(
        "The client gave its proxy a user name and password, or a token, and the way to the proxy "
        "is not encrypted: whoever is on it can use them. That what follows in the tunnel is "
        "encrypted does not help."
    ),
    advice=(
        "Reach the proxy by TLS, or let it use Digest, Negotiate or addresses; give out other "
        "credentials in place of these."
    ),
    scope=CAPTURE,
    example="connect-tunnels.pcapng",
)
def proxy_login_in_the_clear(facts: CaptureFacts) -> Iterator[Finding]:
    """SEC-17: one finding for each proxy on the way of a connection."""
    for each in facts.connections:
        for login in each.connection.proxy_logins:
            what, section = _LOGINS.get(login.what, _SOCKS_LOGIN)
            finding = Finding(
                f"the client gave its proxy {what} in the clear",
                sender="client",
                time=login.time,
                packet=login.packet,
                evidence=login.what,
                reference=section,
            )
            yield facts.about(each, finding)


class _Attempts:
    """Attempts with the same wish, by the time of their requests: a stranger can make many."""

    def __init__(self, attempts: list[Facts]) -> None:
        self.attempts = sorted(attempts, key=_requested)
        self.last = attempts[-1]
        self.times = [_requested(each) for each in self.attempts]
        ways = [destination(each.connection.tunnel) is not None for each in self.attempts]
        self.last_through = max((place for place, way in enumerate(ways) if way), default=-1)

    def after(self, time: int) -> tuple[Facts | None, bool]:
        """Return the first one at or after a time, and whether one from there on has a way."""
        place = bisect_left(self.times, time)
        if place == len(self.times):
            return None, False
        return self.attempts[place], self.last_through >= place


def _requested(facts: Facts) -> int:
    return facts.connection.requested or 0


def _sections(kinds: Iterable[str]) -> str:
    """Return where these ways are told; SOCKS 4 has no RFC."""
    sections = [_WAYS[kind] for kind in dict.fromkeys(kinds) if kind in _WAYS]
    return "; ".join(("RFC 6455 §4.1 item 3", *sections))


def _went_through(facts: Facts) -> str:
    """Say which way a connection took, and whether many proxies would not let it."""
    record = facts.connection
    message = f"through the proxy at {record.server_ip}:{record.server_port}: {record.tunnel}"
    odd = [
        port
        for kind, where in steps(record.tunnel)
        if kind == "CONNECT" and where and (port := host_and_port(where)[1]) not in (None, *_USUAL)
    ]
    if odd and record.scheme == "ws":
        message += f"; proxies often refuse a CONNECT to port {odd[-1]}"
    return message


def _maybe_wish(facts: Facts) -> _Wish | None:
    """Return where a client wanted to go; None where nothing says that."""
    record, handshake = facts.connection, facts.handshake
    asked = destination(record.tunnel)
    if not asked and handshake is not None and handshake.host and facts.has_request:
        host, port = host_and_port(handshake.host)
        bare = handshake.host if port is None or not host else host
        asked = f"{bare}:{port or _DEFAULT_PORT.get(record.scheme, 80)}"
    return (record.client_ip, asked.lower()) if asked else None


def _refused(facts: CaptureFacts, refusal: Refusal, attempts: _Attempts) -> Finding:
    """Say what a proxy refused, about the attempt that shows what it was asked for."""
    after, through = attempts.after(refusal.time)
    about = after or attempts.last
    kind = refusal.way.partition(" ")[0]
    proxy = f"the proxy at {refusal.proxy_ip}:{refusal.proxy_port}"
    wants = kind == "CONNECT" and refusal.code == _WANTS_CREDENTIALS
    if wants and through:
        message = f"{proxy} wanted credentials first ({refusal.code})"
    else:
        message = f"{proxy} refused {shown(refusal.way)} with {refusal.code}"
        if after is not None and not through:
            message += "; the client went there without it"
    finding = Finding(
        message,
        sender="server",
        time=refusal.time,
        packet=refusal.packet,
        evidence=f"{refusal.way}: {refusal.code}",
        severity="info" if wants and through else "warning",
        reference="RFC 9110 §15.5.8" if wants else _REFUSALS.get(kind, "RFC 6455 §4.1 item 3"),
    )
    return facts.about(about, finding)

"""The opening handshake's request (HSQ): what a client must ask, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import stripped_of_request
from wsanalyze.checks.pipelining import request_behind
from wsanalyze.checks.redaction import address
from wsanalyze.checks.spans import octets
from wsanalyze.websocket.request_rules import DISAGREEMENT

_REQUEST = ("handshake", "request")

# What is at fault of these is a byte or a field's name; of the others it may be a field's value.
HARMLESS_ODDITIES = (
    *("bare-lf", "bare-cr", "nul", "control"),
    *("space-before-colon", "empty-name", "bad-name"),
)

# Bytes shown of what came too early: a frame's longest header, and nothing that could be a secret.
EARLY_SHOWN = 14


def stripped(facts: Facts) -> list[str]:
    """Return what an intermediary took out of the request: that is not the client's fault."""
    return [] if facts.handshake is None else stripped_of_request(facts.handshake.request_head)


@check(
    "HSQ-01",
    "method-not-get",
    "The upgrade request's method is not GET",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1 item 2",),
    explanation=(
        "A WebSocket connection over HTTP/1.1 begins with a GET. Servers and proxies look for "
        "exactly that: any other method may have a body, and is no handshake."
    ),
    advice=(
        "Send the upgrade as a GET. Where a proxy changed the method, look at its rewrite rules."
    ),
    faults=True,
)
def method_not_get(facts: Facts) -> Iterator[Finding]:
    """HSQ-01."""
    return facts.of_faults("HSQ-01")


@check(
    "HSQ-02",
    "old-http-version",
    "The upgrade request has an HTTP version below 1.1",
    severity="error",
    tags=(*_REQUEST, "proxy"),
    references=("RFC 6455 §4.1 item 2", "RFC 9110 §7.8"),
    explanation=(
        "Upgrade came with HTTP/1.1: a server must ignore it in a request of HTTP/1.0. Clients do "
        "not send such requests; proxies do that forward with HTTP/1.0, as nginx by default."
    ),
    advice="Let the proxy speak HTTP/1.1 to the server (nginx: proxy_http_version 1.1).",
    faults=True,
)
def old_http_version(facts: Facts) -> Iterator[Finding]:
    """HSQ-02: not where the version of a proxy that took the upgrade away is meant (PRX-03)."""
    return iter(()) if stripped(facts) else facts.of_faults("HSQ-02")


@check(
    "HSQ-03",
    "invalid-host",
    "Host is missing, empty, repeated or malformed",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1 item 4", "RFC 9112 §3.2"),
    explanation=(
        "Host says which of a server's names is meant, with the port unless it is the usual one. "
        "Without it, or with two, the parties on the way may each take another host for meant."
    ),
    advice="Send Host once, as host or host:port.",
    faults=True,
)
def invalid_host(facts: Facts) -> Iterator[Finding]:
    """HSQ-03."""
    return facts.of_faults("HSQ-03")


@check(
    "HSQ-04",
    "request-without-upgrade",
    "Upgrade does not name websocket",
    severity="error",
    tags=(*_REQUEST, "proxy"),
    references=("RFC 6455 §4.1 item 5",),
    explanation=(
        "The request asks the server to go on in another protocol, whose name stands in Upgrade: "
        "websocket, in any letter case. Upgrade belongs to one connection only, so a proxy takes "
        "it away unless it is told to pass it on."
    ),
    advice=(
        "Where Sec-WebSocket-Key is there and Upgrade is not, a proxy took it: let it pass Upgrade "
        "and Connection on (nginx: proxy_set_header Upgrade $http_upgrade)."
    ),
    faults=True,
)
def request_without_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSQ-04: not where it was taken away on the way, which PRX-01 and HSQ-20 tell."""
    if "HSQ-20" in facts.faults or "Upgrade: websocket" in stripped(facts):
        return iter(())
    return facts.of_faults("HSQ-04")


@check(
    "HSQ-05",
    "request-without-connection-upgrade",
    "Connection does not list Upgrade",
    severity="error",
    tags=(*_REQUEST, "proxy"),
    references=("RFC 6455 §4.1 item 6", "RFC 9110 §7.8"),
    explanation=(
        "Connection names the fields that are meant for the next hop alone. An Upgrade that is not "
        "listed there is to be ignored; a list such as keep-alive, Upgrade is fine."
    ),
    advice=(
        "Send Connection: Upgrade, and let proxies set it (nginx: proxy_set_header Connection)."
    ),
    faults=True,
)
def request_without_connection_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSQ-05: not where it was taken away on the way, which PRX-01 and HSQ-20 tell."""
    if "HSQ-20" in facts.faults or "Connection: Upgrade" in stripped(facts):
        return iter(())
    return facts.of_faults("HSQ-05")


@check(
    "HSQ-13",
    "browser-without-origin",
    "A browser's request has no Origin",
    severity="warning",
    tags=(*_REQUEST, "proxy"),
    references=("RFC 6455 §4.1 item 8",),
    explanation=(
        "A browser always sends Origin: it tells the server which page opens the connection. A "
        "request that looks like a browser's and has none is from a program that pretends, or "
        "somebody on the way took it away."
    ),
    advice="Servers should refuse browsers without an Origin that they know.",
    faults=True,
)
def browser_without_origin(facts: Facts) -> Iterator[Finding]:
    """HSQ-13."""
    return facts.of_faults("HSQ-13")


@check(
    "HSQ-15",
    "odd-request-target",
    "The request target is no path, has a fragment, or contradicts Host",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §3", "RFC 6455 §4.1 item 3", "RFC 9112 §3.2"),
    explanation=(
        "A request to a server names a path, with its query and without a fragment (#). The form "
        "with a scheme is for proxies, and must name the same host as Host."
    ),
    advice="Send path and query only; encode a # that is meant as such as %23.",
    faults=True,
)
def odd_request_target(facts: Facts) -> Iterator[Finding]:
    """HSQ-15: an error, but where target and Host disagree."""
    faults = facts.faults.get("HSQ-15", ())
    for fault, finding in zip(faults, facts.of_faults("HSQ-15"), strict=True):
        if finding.reference == DISAGREEMENT:
            yield replace(finding, severity="warning")
        else:
            yield replace(finding, evidence=_target(facts, fault.evidence) or None)


def _target(facts: Facts, sent: str) -> str:
    """Return a target, or a start line, without what may be secret in it."""
    return facts.without_secrets(address(sent, show=facts.show_secrets))


@check(
    "HSQ-16",
    "request-with-body",
    "The upgrade request announces a body",
    severity="warning",
    tags=_REQUEST,
    references=("RFC 9110 §7.8", "RFC 9110 §9.3.1", "RFC 9112 §6"),
    explanation=(
        "A GET has no body that means anything. The server would have to read it before it may "
        "switch, and whoever disagrees on where it ends takes frames for a request or a request "
        "for frames."
    ),
    advice="Send the upgrade without Content-Length and Transfer-Encoding.",
    faults=True,
    example="hixie-76.pcapng",
)
def request_with_body(facts: Facts) -> Iterator[Finding]:
    """HSQ-16."""
    return facts.of_faults("HSQ-16")


@check(
    "HSQ-17",
    "early-frames",
    "The client sent bytes before the 101",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1",),
    explanation=(
        "A client must wait for the server's answer before it sends anything more. Should the "
        "answer be a refusal, what was sent early is taken for the next HTTP request."
    ),
    advice=("Wait for the 101. Servers should not read such bytes as frames without thinking."),
    events=("early",),
)
def early_frames(facts: Facts) -> Iterator[Finding]:
    """HSQ-17: not of Hixie-76, whose eight bytes are part of the request; requests HSQ-19 tells."""
    handshake, responded = facts.handshake, facts.connection.responded
    if handshake is None or handshake.is_hixie or request_behind(facts):
        return
    if responded is None and not facts.went_unanswered:
        return
    for event in facts.events("early"):
        # Captures of several interfaces have packets in another order than time.
        if responded is not None and event.time >= responded:
            continue
        before = "before the response" if responded is not None else "to which no response came"
        message = f"{octets(event.value)} came behind the request {before}"
        evidence = event.payload[:EARLY_SHOWN].hex(" ")
        yield facts.at(event, message, evidence=evidence, expected="nothing")


@check(
    "HSQ-18",
    "malformed-request-head",
    "The request's head breaks the grammar of HTTP",
    severity="warning",
    tags=(*_REQUEST, "security"),
    references=("RFC 9112 §2.2", "RFC 9112 §5"),
    explanation=(
        "Bare line feeds, folded lines, blanks before a colon and control characters are read in "
        "one way by one program and in another by the next. Such differences are what request "
        "smuggling is made of."
    ),
    advice=(
        "Send heads by a library that does nothing else; let proxies refuse what is malformed."
    ),
    faults=True,
    example="odd-habits.pcapng",
)
def malformed_request_head(facts: Facts) -> Iterator[Finding]:
    """HSQ-18."""
    faults = facts.faults.get("HSQ-18", ())
    for fault, finding in zip(faults, facts.of_faults("HSQ-18"), strict=True):
        evidence = finding.evidence or ""
        harmless = any(f"({code})" in finding.message for code in HARMLESS_ODDITIES)
        if "(bad-start-line)" in finding.message:
            evidence = _target(facts, fault.evidence)
        elif not harmless:
            evidence = facts.secret(evidence)
        yield replace(finding, evidence=evidence)


@check(
    "HSQ-19",
    "pipelined-behind-upgrade",
    "Further requests were sent behind the upgrade request",
    severity="warning",
    tags=(*_REQUEST, "security"),
    references=("RFC 9112 §9.3.2", "RFC 9110 §7.8"),
    explanation=(
        "After a request to upgrade, nothing may follow until the answer is there: it might be a "
        "101, and then these requests would be read as frames. A proxy and a server that disagree "
        "about that let a client reach what it should not."
    ),
    advice="Send the upgrade as the last request of its connection.",
    events=("early",),
    circumstances=("pipelined",),
)
def pipelined_behind_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSQ-19: an error where the upgrade was accepted; of one that was refused SEC-15 tells."""
    count = facts.observation.pipelined
    if not facts.has_request:
        return
    if count and facts.connection.outcome != "refused":
        requests = "1 further request was" if count == 1 else f"{count} further requests were"
        message = f"{requests} sent before the upgrade was answered"
        yield facts.once("client", message)
    behind = request_behind(facts)
    if behind is not None:
        event, method = behind
        message = (
            f"a {method} request ({octets(event.value)}) was sent behind the upgrade before its "
            "answer; that is a 101, so that a server reads it as frames, and a proxy maybe not"
        )
        yield facts.at(
            event,
            message,
            evidence="",
            expected="nothing",
            severity="error",
            reference="RFC 6455 §4.1; RFC 9110 §7.8",
        )


@check(
    "HSQ-20",
    "upgrade-stripped",
    "Sec-WebSocket-Key arrives without Upgrade",
    severity="warning",
    tags=(*_REQUEST, "proxy"),
    references=("RFC 9110 §7.6.1",),
    explanation=(
        "No client sends Sec-WebSocket-Key without Upgrade. A proxy takes Upgrade and Connection "
        "away, as it must, and passes the other fields on: what is left is this."
    ),
    advice="Configure the proxy to forward the upgrade; see PRX-01.",
    faults=True,
)
def upgrade_stripped(facts: Facts) -> Iterator[Finding]:
    """HSQ-20: not where it was taken away on the way, which PRX-01 tells."""
    return iter(()) if "Upgrade: websocket" in stripped(facts) else facts.of_faults("HSQ-20")


@check(
    "HSQ-21",
    "several-upgrade-protocols",
    "Upgrade names other protocols too",
    severity="info",
    tags=_REQUEST,
    references=("RFC 9110 §7.8",),
    explanation=(
        "Upgrade may list several protocols in order of preference, and versions such as "
        "websocket/13. It is allowed, rare, and not understood by every server."
    ),
    advice="Offer websocket alone.",
    faults=True,
    example="odd-habits.pcapng",
)
def several_upgrade_protocols(facts: Facts) -> Iterator[Finding]:
    """HSQ-21."""
    return facts.of_faults("HSQ-21")

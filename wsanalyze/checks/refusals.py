"""Upgrades that did not come about, or late (HSR): refusals, silence, slow answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wsanalyze.checks.both_legs import leg_before
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts, ending_name
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.proxies import refused_as_stripped
from wsanalyze.checks.proxy_answers import body_begins, not_arrived, why_intermediary
from wsanalyze.checks.spans import span
from wsanalyze.checks.ways_to_end import reset_for_fault
from wsanalyze.http2.bodies import error_name

_RESPONSE = ("handshake", "response")
SECOND = 1_000_000_000
# To another place, and there in the same way or another.
REDIRECTS = frozenset((301, 302, 303, 307, 308))


@check(
    "HSR-10",
    "refused",
    "The upgrade was refused, or failed",
    severity="info",
    tags=_RESPONSE,
    references=("RFC 6455 §4.1 response item 1", "RFC 6455 §4.2.2"),
    explanation=(
        "Any response but 101 is plain HTTP: credentials are wanted, there is nothing, the server "
        "cannot; XCN-07 tells of redirections. There is no WebSocket. Who refuses "
        "with 3xx or 4xx means it: that is a remark. It is a warning where the upgrade failed "
        "without anybody refusing it: a page comes (200), the server fails (5xx), or no status is "
        "there at all."
    ),
    advice=(
        "The status and the body say why. 200: the path is served as a page. 5xx: look at the "
        "server's log, or at a proxy's in front of it (PRX-05)."
    ),
    faults=True,
    example="refused-upgrades.pcapng",
)
def refused(facts: Facts) -> Iterator[Finding]:
    """HSR-10: a warning where nobody meant to refuse: a plain page, a failure, no status.

    PRX-05 tells of it where an intermediary did so, PRX-23 where the upgrade did not arrive, PRX-01
    where it arrived without what belongs to it, XCN-07 where it was redirected.
    """
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None or redirected_to(facts) is not None:
        return
    if why_intermediary(facts, handshake.response_head, handshake.status) is not None:
        return
    if not_arrived(facts) is not None or refused_as_stripped(facts):
        return
    status = handshake.status
    unmeant = status is None or status == 200 or status >= 500
    said = body_begins(facts, handshake.response_head)
    for finding in facts.of_faults("HSR-10"):
        yield replace(
            finding,
            message=finding.message + said,
            expected=facts.success,
            severity="warning" if unmeant else "info",
        )


def redirected_to(facts: Facts) -> str | None:
    """Return the place that an upgrade was redirected to; None where it was not."""
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None or handshake.status not in REDIRECTS:
        return None
    if facts.connection.requested is None:
        return None
    return handshake.response_head.value("location") or None


@check(
    "HSR-11",
    "version-refused-silently",
    "A version was refused without saying which are known",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §4.2.2 item 4", "RFC 6455 §4.4"),
    explanation=(
        "A server that does not speak the version asked for must name those it does, in "
        "Sec-WebSocket-Version, so that the client can try again."
    ),
    advice="Answer 426 with Sec-WebSocket-Version: 13 and Upgrade: websocket.",
    faults=True,
)
def version_refused_silently(facts: Facts) -> Iterator[Finding]:
    """HSR-11."""
    for finding in facts.of_faults("HSR-11"):
        yield replace(finding, expected="Sec-WebSocket-Version: 13")


@check(
    "HSR-12",
    "426-without-upgrade",
    "426 without Upgrade",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 9110 §15.5.22",),
    explanation="426 means Upgrade Required: it must say to which protocol, in Upgrade.",
    advice="Send Upgrade: websocket (and Connection: Upgrade) with a 426.",
    faults=True,
)
def upgrade_required_without_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSR-12: not where a proxy took the request's Upgrade, and so the answer's (PRX-23)."""
    if not_arrived(facts) is not None:
        return
    for finding in facts.of_faults("HSR-12"):
        yield replace(finding, expected="Upgrade: websocket")


@check(
    "HSR-18",
    "no-response",
    "The upgrade request was not answered, or late",
    severity="warning",
    tags=_RESPONSE,
    references=("RFC 6455 §4.1",),
    explanation=(
        "No response came within the time that clients wait, or the connection was closed before "
        "one. The server may be down behind a proxy, or wait for bytes that somebody keeps. "
        "Nothing is said where the capture ends before that time, or lacks packets of the server."
    ),
    advice="Compare with a capture beside the server: did the request arrive there?",
    scope=CAPTURE,
    example="hixie-76.pcapng",
    measures=True,
)
def no_response(facts: CaptureFacts) -> Iterator[Finding]:
    """HSR-18: looks at captures, whose end a connection does not know."""
    limit_ns = int(facts.thresholds.handshake_s * SECOND)
    ends = {each.capture: each.last_time or 0 for each in facts.captures}
    for each in facts.connections:
        record = each.connection
        if record.requested is None:
            continue
        if record.responded is None:
            finding = _unanswered(each, ends.get(record.capture, 0), limit_ns)
        elif record.responded - record.requested > limit_ns:
            waited = span(record.responded - record.requested)
            finding = each.once("server", f"the response came after {waited}")
        else:
            continue
        if finding is not None:
            yield facts.about(each, finding)


def _unanswered(facts: Facts, capture_end: int, limit_ns: int) -> Finding | None:
    """Return what became of a request without a response; None where that is not known."""
    record, endings = facts.connection, facts.observation.endings
    requested = record.requested or 0
    if not facts.went_unanswered or record.ended_by == "evicted":
        return None
    # A request that is malformed: H2-03 or H2-04 says so, and this with it.
    if facts.multiplexed and reset_for_fault(facts) is not None:
        return None
    # Another attempt took its place on this connection: its answer is not in the capture.
    if record.ended_by is None:
        return None
    # A capture of one direction shows no responses at all.
    if record.connect_ms is None and all(ending.sender == "client" for ending in endings):
        return None
    closed = {"fin": "closed", "rst": "reset"}
    if endings:
        ending = endings[0]
        if ending.how == "rst" and ending.behind > 0 and not ending.stream:
            # Packets before it are not in the capture: an earlier end, or the answer, may be there.
            return None
        after = ending.time - requested
        did = f"{closed[ending.how]} the {'stream' if ending.stream else 'connection'}"
        if ending.last is not None:
            did = "gave the HTTP/2 connection up"
        if ending.code is not None:
            did += f" ({ending_name(ending)}, {error_name(ending.code)})"
        how = f"{_who(facts, ending.sender)} {did} {span(abs(after))}"
        message = f"{how} after the request, without a response"
        came = 0 if facts.multiplexed else facts.observation.server_segments
        if came:
            segments = "1 segment" if came == 1 else f"{came} segments"
            message += f"; what the server had sent ({segments}) is no response of HTTP"
        if after < 0:
            message = f"{how} before the request came"
        return Finding(message, sender=ending.sender, time=ending.time, packet=ending.packet)
    waited_ns = max(record.ended, capture_end) - requested
    if waited_ns <= limit_ns:
        return None
    return facts.once("server", f"no response came in {span(waited_ns)}")


def _who(facts: Facts, sender: str) -> str:
    """Name an end: the client of a leg behind a proxy is the proxy."""
    if sender == "client" and leg_before(facts) is not None:
        return f"the proxy at {facts.connection.client_ip}"
    return f"the {sender}"


@check(
    "HSR-19",
    "slow-handshake",
    "The handshake took long",
    severity="info",
    tags=_RESPONSE,
    references=(),
    explanation=(
        "The time from the request to its response, beside that of the TCP handshake, which is "
        "what the network alone takes. The rest is the server's, or a proxy's on the way to it."
    ),
    advice=(
        "Where the share of the network is small, look at the server: authentication, start-up."
    ),
    circumstances=("slow",),
)
def slow_handshake(facts: Facts) -> Iterator[Finding]:
    """HSR-19: of an intermediary's own answer PRX-05 tells how long it took."""
    record, handshake = facts.connection, facts.handshake
    if record.requested is None or record.responded is None:
        return
    if handshake is not None and handshake.response_head is not None and not handshake.succeeded:
        why = why_intermediary(facts, handshake.response_head, handshake.status)
        if why is not None:
            return
    took = record.responded - record.requested
    seconds = took / SECOND
    if not facts.thresholds.slow_handshake_s <= seconds <= facts.thresholds.handshake_s:
        return
    message = f"request to response took {span(took)}"
    if record.connect_ms is not None:
        message += f"; SYN to SYN/ACK took {span(round(record.connect_ms * 1e6))}"
    yield facts.once("server", message)

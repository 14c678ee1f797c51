"""All connections together (XCN-01 to 04, 06): who opens how many, comes back, is answered how."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.cuts import loops
from wsanalyze.checks.ending import maybe_cut
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import MAY_BE_SEVERAL, may_be_several
from wsanalyze.checks.waits import grow
from wsanalyze.tunnels.way import sources
from wsanalyze.websocket.faults import shown

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

# Handshakes under way at a time that browsers of one user and tests have.
FEW_AT_ONCE = 2
# Failures in a row from which somebody should wait longer.
FAILURES = 3


# What says nothing of the request: no answer, and that credentials are wanted.
NO_ANSWER = frozenset((None, 401, 407))

# Who asks whom: the client, the endpoint, and for whom the client asks.
_Pair = tuple[str, str, tuple[str, ...]]


def pairs(facts: CaptureFacts, concerns: Callable[[list[Facts]], bool]) -> dict[_Pair, list[Facts]]:
    """Return the attempts of each client at each endpoint, in order of their requests.

    Those for whom a proxy asks are different clients, as are programs that call themselves
    otherwise; probes are left out. `concerns` says of all attempts of one address whether some of
    them may be of concern: of others, which are nearly all, nobody has to tell who they are.
    """
    wanted = {key for key, attempts in facts.by_address.items() if concerns(attempts)}
    found: dict[_Pair, list[Facts]] = {}
    if not wanted:
        return found
    for each in facts.connections:
        record = each.connection
        if record.requested is None or (record.client_ip, each.endpoint) not in wanted:
            continue
        who = each.asked_for
        if who is not None:
            key = (record.client_ip, each.endpoint, (*who, *sources(record.tunnel)))
            found.setdefault(key, []).append(each)
    return found


@check(
    "XCN-01",
    "parallel-handshakes",
    "A client opens several connections at the same time",
    severity="info",
    tags=("client", "handshake"),
    references=("RFC 6455 §4.1 item 2",),
    explanation=(
        "A client must not have more than one connection to the same address in the state "
        "CONNECTING, so that a page cannot flood a server. It concerns one client program: several "
        "users behind one address, or several programs, look the same."
    ),
    advice="Where one program does this, let it wait for each handshake before the next.",
    scope=CAPTURE,
)
def parallel_handshakes(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-01: the most at a time of each client and endpoint, which one program may not be."""
    for (client, endpoint, _), attempts in pairs(facts, _are_many_at_once).items():
        # The streams of one HTTP/2 connection are requests like any others there.
        attempts = [each for each in attempts if not each.multiplexed and _shows_its_end(each)]
        if len(attempts) < 2:
            continue
        most, at = _most_at_once(attempts)
        # Browsers of one user and tests open a few; what is behind one address is not known.
        if most > FEW_AT_ONCE:
            message = f"{client} had {most} handshakes with {endpoint} under way at a time"
            yield facts.about(at, at.once("client", message))


def _shows_its_end(facts: Facts) -> bool:
    """Tell whether it is known when a handshake was over: its answer may be what is missing."""
    return facts.connection.responded is not None or facts.whole("server")


def _are_many_at_once(attempts: list[Facts]) -> bool:
    """Tell whether some of these attempts may be too many at a time.

    In order of time fewer attempts are never more at a time; where a clock was set back, or two
    differ, that is not sure.
    """
    if len(attempts) <= FEW_AT_ONCE:
        return False
    asked = [each.connection.requested or 0 for each in attempts]
    return asked != sorted(asked) or _most_at_once(attempts)[0] > FEW_AT_ONCE


def _most_at_once(attempts: list[Facts]) -> tuple[int, Facts]:
    """Return how many handshakes were under way at most, and the last of them."""
    under_way: list[int] = []
    most, at = 0, attempts[0]
    for each in attempts:
        record = each.connection
        requested = record.requested or 0
        while under_way and under_way[0] <= requested:
            heappop(under_way)
        responded = record.responded if record.responded is not None else record.ended
        heappush(under_way, responded)
        if len(under_way) > most:
            most, at = len(under_way), each
    return most, at


@check(
    "XCN-02",
    "no-back-off",
    "A client reconnects without waiting longer each time",
    severity="warning",
    tags=("client", "timing"),
    references=("RFC 6455 §7.2.3",),
    explanation=(
        "After an abnormal end a client should wait a random time of up to five seconds before it "
        "tries again, and longer after each failure: otherwise a server that comes back is flooded "
        "by all its clients at once."
    ),
    advice="Add a delay that doubles with each failure, with a random part.",
    scope=CAPTURE,
)
def no_back_off(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-02: three failures or more in a row, and the waits do not grow; loops PRX-16 tells."""
    told: set[tuple[str, str, str | None]] | None = None
    for (client, endpoint, _), attempts in pairs(facts, _fail_often).items():
        waits, last = _waits(attempts)
        if told is None:
            told = {(who, where, _target(each)) for who, where, (_, _, each, _) in loops(facts)}
        if (client, endpoint, _target(last)) in told:
            continue
        if len(waits) >= FAILURES and max(waits) <= 5 * SECOND and not grow(waits):
            said = ", ".join(f"{wait / SECOND:.3f}" for wait in waits[-5:])
            message = f"{client} came back to {endpoint} after {said} s"
            if last.asked_for is None or may_be_several(last.asked_for):
                message += MAY_BE_SEVERAL
            yield facts.about(last, last.once("client", message, expected="growing delays"))


def _target(facts: Facts) -> str | None:
    return facts.handshake.target if facts.handshake is not None else None


def _fail_often(attempts: list[Facts]) -> bool:
    return len(attempts) > FAILURES and sum(map(is_failure, attempts)) >= FAILURES


def _waits(attempts: list[Facts]) -> tuple[list[int], Facts]:
    """Return the longest row of waits after failures, in ns, and the attempt behind it."""
    best: list[int] = []
    row: list[int] = []
    last = attempts[0]
    for before, each in itertools.pairwise(attempts):
        wait = (each.connection.requested or 0) - before.connection.ended
        same = before.handshake is not None and before.handshake.target == _target(each)
        if same and 0 <= wait <= MINUTE and is_failure(before):
            row.append(wait)
            if best is row or len(row) > len(best):
                best, last = row, each
        else:
            row = []
    return best, last


def is_failure(facts: Facts) -> bool:
    """Whether an attempt ended so that a client would try again: cut, unanswered, 5xx."""
    record = facts.connection
    if record.outcome == "refused":
        status = facts.handshake.status if facts.handshake is not None else None
        return status is not None and status >= 500
    return facts.went_unanswered or maybe_cut(facts) is not None


@check(
    "XCN-03",
    "mixed-answers",
    "An endpoint answers equal requests differently",
    severity="info",
    tags=("server", "handshake"),
    references=(),
    explanation=(
        "Requests that differ in nothing but their key are accepted at times, and refused at "
        "others: a server that is overloaded, or several behind one address of which one is not "
        "well."
    ),
    advice="Compare the fields of both responses: do they come from the same server?",
    scope=CAPTURE,
    example="two-backends.pcapng",
)
def mixed_answers(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-03: one finding for each endpoint, target and request."""
    answers: dict[tuple[str, str, str], list[Facts]] = {}
    if len(facts.statuses - NO_ANSWER) < 2:
        return
    for each in facts.connections:
        handshake = each.handshake
        if handshake is None or handshake.status in NO_ANSWER:
            continue
        key = (each.endpoint, handshake.host or "", handshake.target or "")
        answers.setdefault(key, []).append(each)
    for (endpoint, _, target), connections in answers.items():
        for alike in _equal_requests(connections):
            statuses = Counter(
                each.handshake.status for each in alike if each.handshake is not None
            )
            succeeded = any(each.handshake and each.handshake.succeeded for each in alike)
            if len(statuses) < 2 or not succeeded:
                continue
            said = ", ".join(
                f"{status} ({'once' if count == 1 else f'{count} times'})"
                for status, count in statuses.most_common(4)
            )
            last = alike[-1]
            path = target.partition("?")[0]
            message = f"{shown(path)} of {endpoint} was answered with {said}"
            yield facts.about(last, last.once("server", message))


def _equal_requests(connections: list[Facts]) -> list[list[Facts]]:
    """Return attempts whose requests are the same but for the key, those together.

    Another Origin, another cookie or a broken field is a reason to answer differently.
    """
    if len({each.handshake.status for each in connections if each.handshake is not None}) < 2:
        return []
    found: dict[tuple[object, ...], list[Facts]] = {}
    for each in connections:
        if each.handshake is None:
            continue
        head = each.handshake.request_head
        fields = [
            (field.name.lower(), field.value)
            for field in head.fields
            if field.name.lower() != "sec-websocket-key"
        ]
        found.setdefault((head.method, head.http_version, *sorted(fields)), []).append(each)
    return list(found.values())


@check(
    "XCN-04",
    "mixed-negotiation",
    "An endpoint negotiates differently with equal offers",
    severity="info",
    tags=("server", "extension", "subprotocol"),
    references=("RFC 7692 §5.1",),
    explanation=(
        "Of clients that offer the same, some get compression or a subprotocol and others do not. "
        "Most often several servers of different versions are behind one address."
    ),
    advice="Compare Server and the extensions of both responses.",
    scope=CAPTURE,
    example="two-backends.pcapng",
)
def mixed_negotiation(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-04: one finding for each endpoint, target and offer."""
    results: dict[tuple[str, ...], dict[str, Facts]] = {}
    for each in facts.distinct:
        handshake, record = each.handshake, each.connection
        if handshake is None or record.outcome != "established":
            continue
        offer = ", ".join(handshake.extensions_offered)
        wanted = ", ".join(handshake.subprotocols_offered)
        if not (offer or wanted):
            continue
        path = (handshake.target or "").partition("?")[0]
        key = (each.endpoint, handshake.host or "", path, offer, wanted)
        got = ", ".join(handshake.extensions) or "no extension"
        result = f"{got} and {handshake.subprotocol or 'no subprotocol'}"
        results.setdefault(key, {}).setdefault(result, each)
    for (endpoint, _, path, _, _), found in results.items():
        if len(found) > 1:
            last = list(found.values())[-1]
            said = "; ".join(shown(result) for result in list(found)[:3])
            message = f"{shown(path)} of {endpoint} answered the same offer with {said}"
            yield facts.about(last, last.once("server", message))


@check(
    "XCN-06",
    "mostly-idle",
    "Many connections that say next to nothing",
    severity="info",
    tags=("server", "timing"),
    references=(),
    explanation=(
        "Most of an endpoint's connections carried no message. They cost memory on every server "
        "and proxy on the way for nothing; or they were opened to see how many are possible."
    ),
    advice="Look at who opens them; close connections that are not used.",
    scope=CAPTURE,
    example="idle-crowd.pcapng",
)
def mostly_idle(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-06: endpoints with ten connections or more, of which most are silent for a minute."""
    for endpoint, connections in facts.by_endpoint.items():
        established = [each for each in connections if each.connection.outcome == "established"]
        idle = [
            each
            for each in established
            if not each.connection.client_messages + each.connection.server_messages
            and each.connection.ended - each.connection.started >= MINUTE
        ]
        if len(established) >= 10 and len(idle) * 2 > len(established):
            message = f"{len(idle)} of {len(established)} connections to {endpoint} had no message"
            yield facts.about(idle[0], idle[0].once("client", message))

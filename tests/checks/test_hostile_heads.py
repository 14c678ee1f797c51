"""Heads and observations of any kind: no check raises, and what it says can be printed."""

from __future__ import annotations

import pytest
from fuzz.targets.heads import mutate, seeds
from hypothesis import given
from hypothesis import strategies as st
from support.chance import chance

from checks.given import REQUEST, RESPONSE, SECOND, connection, event, observed, with_fields
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import INNER, KINDS, SECRETS, Ending, Side
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

AUDIT = Audit(catalogue())
# The name of a field stands before what it holds, which has 200 characters at most.
LONGEST = 260
# Kinds whose `value` is an index.
NAMES = {"secret": len(SECRETS), "inner-protocol": len(INNER)}


def check(*records: Connection) -> None:
    for show in (False, True):
        facts = [Facts(record, show_secrets=show) for record in records]
        for finding in AUDIT.findings(facts, []):
            assert finding.message.isprintable(), finding
            assert len(finding.evidence or "") <= LONGEST, finding


@pytest.mark.parametrize("number", range(40))
def test_mutated_heads(number: int) -> None:
    source, inputs = chance(f"heads {number}"), seeds()
    for _ in range(25):
        asked = mutate(source.choice([REQUEST, *inputs]), inputs, source)
        answered = mutate(source.choice([RESPONSE, *inputs]), inputs, source)
        shake = Handshake(read_head(asked), read_head(answered) if source.random() < 0.8 else None)
        outcome = source.choice([shake.outcome, "established", "refused", "unseen", "unanswered"])
        body = source.randbytes(source.choice((0, 20, 300)))
        scheme = source.choice(("ws", "wss"))
        check(connection(shake, outcome=outcome, scheme=scheme, observation=observed(body=body)))


@pytest.mark.parametrize(
    "line",
    [
        "Age: \xb2",
        "Age: " + "9" * 5000,
        "X-Cache-Hits: \xb9",
        "User-Agent: Mozilla/5.0 (X11) Chrome/" + "9" * 5000,
        "Content-Length: " + "9" * 5000,
        "Sec-WebSocket-Version: " + "9" * 5000,
        "Origin: " + "a" * 5000 + "://" + "b." * 3000,
        "Forwarded: " + "proto=" * 2000,
        "Sec-WebSocket-Protocol: " + "bearer, " * 900,
        "Location: " + "//@" * 2000,
        "Host: ",
    ],
)
def test_fields_with_more_than_fits(line: str) -> None:
    shake = Handshake(read_head(with_fields(REQUEST, line)), read_head(with_fields(RESPONSE, line)))
    check(connection(shake, outcome="established"), connection(shake, outcome="refused", serial=1))


@st.composite
def observations(draw: st.DrawFn) -> Connection:
    """A connection in which anything may have been noticed, in any order."""
    senders, number = st.sampled_from(["client", "server"]), st.integers(0, 1 << 40)
    events = []
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=6)):
        other = event("ping", draw(senders), header_length=2, time=draw(number))
        facts = {
            "payload": draw(st.binary(max_size=64)),
            "value": draw(st.integers(0, NAMES[kind] - 1)) if kind in NAMES else draw(number),
            "head": draw(st.integers(0, 255)),
            "length": draw(number),
            "header_length": draw(st.sampled_from([2, 4, 10])),
            "time": draw(number),
            "certain": draw(st.booleans()),
            "frame": draw(st.sampled_from([None, 0, 2])),
            "other": other,
        }
        events.append(event(kind, draw(senders), **facts))
    endings = [
        Ending(
            draw(senders),
            draw(st.sampled_from(["fin", "rst"])),
            draw(number),
            draw(number),
            draw(st.integers(0, 255)),
            draw(st.sampled_from([None, 64])),
            draw(st.sampled_from([None, 1])),
            draw(st.integers(-10, 10)),
            draw(st.integers(0, 65535)),
            has_ack=draw(st.booleans()),
            bare=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    sides = {}
    for sender in ("client", "server"):
        side = sides[sender] = Side()
        side.masking_keys.extend(draw(st.lists(st.integers(0, 2**32 - 1), max_size=40)))
        side.zero_keys, side.same_keys = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        side.bursts = draw(st.integers(0, 9))
        for name in ("close", "before_close", "first", "last", "largest"):
            if draw(st.booleans()):
                payload = draw(st.binary(max_size=20))
                each = event("close", sender, payload=payload, head=0x88, header_length=2)
                each.length, each.time = len(payload), draw(number)
                setattr(side, name, each)
        for spread in (side.pong_ns, side.ping_ns, side.message_ns, side.message_lengths):
            for each_number in draw(st.lists(number, max_size=3)):
                spread.add(each_number)
    noticed = observed(*events, endings=endings, **sides)
    noticed.silence_ns = draw(st.sampled_from([None, 0, SECOND, 60 * SECOND]))
    noticed.client_after_end, noticed.server_after_end = draw(number), draw(number)
    noticed.pipelined, noticed.requests_after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    counts = ("client_frames", "server_frames", "client_lost_bytes", "client_messages")
    facts = {name: draw(st.integers(0, 3)) for name in counts}
    facts["outcome"] = draw(st.sampled_from(["established", "refused", "invalid", "unseen"]))
    facts["connect_ms"] = draw(st.sampled_from([None, 0.0, 30.0]))
    return connection(observation=noticed, **facts)


@given(st.lists(observations(), min_size=1, max_size=3))
def test_anything_that_may_have_been_noticed(records: list[Connection]) -> None:
    for number, record in enumerate(records):
        record.serial = number
    check(*records)

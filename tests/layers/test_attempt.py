"""One attempt: what its row says from the beginning, and which of TCP's counts are its own."""

from __future__ import annotations

import pytest
from support.sessions import http, request, response

from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.recorder import Recorder
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.head import read_head

REQUEST, RESPONSE = read_head(request()), read_head(response())
REFUSED = read_head(http("HTTP/1.1 403 Forbidden"))


def recorder() -> Recorder:
    made = Recorder(Recording(Wants(frames=False, messages=False)), Limits())
    made.summaries = [CaptureSummary("zero.pcap"), CaptureSummary("one.pcap")]
    return made


def conversation() -> Conversation:
    """Return one between 192.0.2.1:5 and 198.51.100.2:6, the third of the second capture."""
    made = Conversation()
    made.family, made.index, made.capture, made.first_time = 4, 2, 1, 1000
    made.low_low, made.low_port = 0xC0000201, 5
    made.high_low, made.high_port = 0xC6336402, 6
    return made


def attempt(
    of: Conversation, by: Recorder, client_side: int = 0, before: Attempt | None = None
) -> Attempt:
    return Attempt(by, of, client_side, before, time=2000, packet=7, ordinal=9)


@pytest.mark.parametrize("client_side", [0, 1])
def test_what_a_row_says_from_the_beginning(client_side: int) -> None:
    of, by = conversation(), recorder()
    row = attempt(of, by, client_side).connection
    ends = [("192.0.2.1", 5), ("198.51.100.2", 6)]
    assert (row.client_ip, row.client_port) == ends[client_side]
    assert (row.server_ip, row.server_port) == ends[1 - client_side]
    assert (row.serial, row.conversation, row.tcp_stream, row.capture) == (0, 2, 2, "one.pcap")
    assert (row.started, row.requested, row.request_packet, row.requested_ordinal) == (
        1000,
        2000,
        7,
        9,
    )
    assert (row.outcome, row.ended_by, row.scheme) == ("unanswered", "capture-end", "ws")
    assert row.client_direction == client_side
    assert by.connections == [row]
    assert of.spoke == 1


@pytest.mark.parametrize(
    ("syn", "answer", "connect_ms"),
    [
        (None, None, None),
        (5, None, None),
        (None, 5, None),
        (1_000_000, 3_500_000, 2.5),
        (0, 1, 1e-6),
        (-3_000_000, -1, 2.999999),
    ],
)
def test_time_to_connect(syn: int | None, answer: int | None, connect_ms: float | None) -> None:
    of = conversation()
    if syn is not None:
        of.syn_time = syn
    if answer is not None:
        of.answer_time = answer
    assert attempt(of, recorder()).connection.connect_ms == connect_ms


@pytest.mark.parametrize(
    ("head", "outcome", "switches"),
    [(RESPONSE, "established", True), (REFUSED, "refused", False)],
)
def test_an_answer(head: object, outcome: str, switches: bool) -> None:
    made = attempt(conversation(), recorder())
    made.asked(REQUEST)
    assert made.connection.http_version == "1.1"
    assert made.answered(head, 3000, 8) is switches  # type: ignore[arg-type]
    row = made.connection
    assert (row.outcome, row.responded, row.response_packet) == (outcome, 3000, 8)
    assert row.handshake is not None
    assert row.handshake.target == "/chat"


def test_an_answer_without_its_request() -> None:
    made = attempt(conversation(), recorder())
    assert made.answered(RESPONSE, 3000, 8)
    assert (made.connection.outcome, made.connection.http_version) == ("unseen", None)


@pytest.mark.parametrize(("version", "said"), [("1.0", "1.0"), ("1.1", "1.1"), ("2.0", None)])
def test_http_version(version: str, said: str | None) -> None:
    made = attempt(conversation(), recorder())
    made.asked(read_head(request().replace(b"HTTP/1.1", f"HTTP/{version}".encode())))
    assert made.connection.http_version == said


def test_interim_responses_are_part_of_the_handshake() -> None:
    made = attempt(conversation(), recorder())
    made.asked(REQUEST)
    made.interims.append(read_head(http("HTTP/1.1 103 Early Hints")))
    made.answered(RESPONSE, 3000, 8)
    assert made.connection.handshake is not None
    assert len(made.connection.handshake.interim_heads) == 1


@pytest.mark.parametrize("client_side", [0, 1])
def test_each_is_charged_with_what_came_after_the_one_before(client_side: int) -> None:
    of, by = conversation(), recorder()
    client, server = (of.high, of.low) if client_side else (of.low, of.high)
    client.retransmissions, server.lost = 1, 2
    first = attempt(of, by, client_side)
    client.retransmissions, client.out_of_order, server.lost = 4, 5, 6
    first.settle(5000)
    second = attempt(of, by, client_side, first)
    client.lost, server.retransmissions, server.out_of_order, server.lost = 10, 20, 30, 46
    second.settle(6000)
    names = [
        f"{role}_{what}"
        for what in ("lost_bytes", "retransmissions", "out_of_order")
        for role in ("client", "server")
    ]
    rows = [[getattr(row, name) for name in names] for row in by.connections]
    assert rows == [[0, 6, 4, 0, 5, 0], [10, 40, 0, 20, 0, 30]]
    assert [row.ended for row in by.connections] == [5000, 6000]
    assert [row.serial for row in by.connections] == [0, 1]


def test_settling_counts_it_for_the_capture_in_which_it_began() -> None:
    of, by = conversation(), recorder()
    made = attempt(of, by)
    made.asked(REQUEST)
    made.connection.client_frames, made.connection.server_frames = 2, 3
    made.connection.client_messages, made.connection.server_messages = 1, 1
    of.low.lost = 7
    zero, one = by.summaries
    assert (one.attempts, one.attempts_unanswered) == (0, 0)
    made.settle(5000)
    assert (one.attempts, one.attempts_unanswered, one.attempts_established) == (1, 1, 0)
    assert (one.frames, one.messages, one.lost_bytes) == (5, 2, 7)
    assert (zero.attempts, zero.frames) == (0, 0)


@pytest.mark.parametrize("client_side", [0, 1])
def test_whether_the_end_of_what_a_side_sent_may_be_missing(client_side: int) -> None:
    """The FIN that was acknowledged has a number of its own; that of one tells what was before."""
    of, by = conversation(), recorder()
    by.observe = True
    made = attempt(of, by, client_side)
    observation = made.connection.observation
    assert observation is not None
    server = of.direction(1 - client_side)
    server.highest = server.next = 40
    cases = ((40, -1, False), (41, -1, True), (41, 40, False), (40, 64, True))
    for acked, fin, missing in cases:
        server.acked, server.fin = acked, fin
        made.settle(3000)
        assert (observation.client_end_missing, observation.server_end_missing) == (False, missing)

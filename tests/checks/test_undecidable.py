"""Every check: silent where the capture does not show whether what it looks for is there.

Each of them finds something first. Then what decides it is taken away, as a capture may: the
handshake, some bytes, the certainty of where a frame begins, the end of the connection.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from layers import test_http_among_frames as http_among_frames

from checks import test_cross as cross
from checks import test_cuts as cuts
from checks import test_deflate as deflate
from checks import test_encryption as encryption
from checks import test_explicit_proxies as ways
from checks import test_http2 as http2
from checks import test_http2_connection as http2_connection
from checks import test_key_reuse as key_reuse
from checks import test_legacy as legacy
from checks import test_proxies as proxies
from checks import test_proxy_answers as refusals
from checks import test_security as security
from checks import test_security_messages as sent
from checks import test_transport as transport
from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    closed,
    closing,
    connection,
    event,
    found,
    handshake,
    observed,
    recorded,
    with_fields,
)
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue, named
from wsanalyze.checks.facts import Facts
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Event, Side, Spread

Veil = Callable[[Connection], None]


def unseen(record: Connection) -> None:
    """The handshake was before the capture."""
    record.handshake = record.requested = record.responded = None
    record.request_packet = record.response_packet = None
    record.outcome = "unseen"


def lost(record: Connection) -> None:
    """Bytes of both ends are not in the capture."""
    record.client_lost_bytes = record.server_lost_bytes = 1


def doubtful(frame: Event | None) -> Event | None:
    return None if frame is None else replace(frame, certain=False)


def guessed(record: Connection) -> None:
    """Frames were found behind a hole, by what they look like."""
    observation = record.observation
    assert observation is not None
    observation.events = [replace(each, certain=False) for each in observation.events]
    for side in (observation.client, observation.server):
        side.close, side.first, side.last = map(doubtful, (side.close, side.first, side.last))


def open_ended(record: Connection) -> None:
    """The capture ended before the connection did."""
    assert record.observation is not None
    record.observation.endings = []
    record.ended_by = "capture-end"


def cut_short(record: Connection) -> None:
    """The capture ended three seconds into the connection."""
    open_ended(record)
    record.ended = 3 * SECOND


def evicted(record: Connection) -> None:
    """Too many connections were open: this one was not followed to the capture's end."""
    record.ended_by = "evicted"


def of_two_frames(record: Connection) -> None:
    """Only two frames of the client were captured."""
    assert record.observation is not None
    del record.observation.client.masking_keys[2:]
    record.client_frames = 2


def one_way(record: Connection) -> None:
    """The capture has the packets of the client alone."""
    unseen(record)
    record.server_frames = record.server_bytes = 0


# The check, a capture and the number of a connection on which it finds something, the veil.
RECORDED: dict[str, tuple[str, int, Veil]] = {
    "HSQ-01": ("faulty-requests.pcapng", 38, unseen),
    "HSQ-03": ("faulty-requests.pcapng", 1, unseen),
    "HSQ-06": ("faulty-requests.pcapng", 3, unseen),
    "HSQ-07": ("faulty-requests.pcapng", 4, unseen),
    "HSQ-08": ("faulty-requests.pcapng", 5, unseen),
    "HSQ-09": ("faulty-requests.pcapng", 6, unseen),
    "HSQ-10": ("faulty-requests.pcapng", 8, unseen),
    "HSQ-11": ("faulty-requests.pcapng", 9, unseen),
    "HSQ-12": ("faulty-requests.pcapng", 10, unseen),
    "HSQ-13": ("faulty-requests.pcapng", 11, unseen),
    "HSQ-14": ("faulty-requests.pcapng", 12, unseen),
    "HSQ-15": ("faulty-requests.pcapng", 18, unseen),
    "HSQ-16": ("hixie-76.pcapng", 4, unseen),
    "HSQ-17": ("judged-violations.pcapng", 17, unseen),
    "HSQ-19": ("faulty-requests.pcapng", 39, unseen),
    "HSR-03": ("bad-accept.pcapng", 3, unseen),
    "HSR-04": ("bad-accept.pcapng", 0, unseen),
    "HSR-05": ("faulty-answers.pcapng", 2, unseen),
    "HSR-06": ("subprotocols.pcapng", 4, unseen),
    "HSR-07": ("faulty-answers.pcapng", 1, unseen),
    "HSR-08": ("faulty-requests.pcapng", 9, unseen),
    "HSR-09": ("faulty-requests.pcapng", 1, unseen),
    "HSR-10": ("apache-proxy.pcapng", 9, unseen),
    "HSR-11": ("faulty-requests.pcapng", 7, unseen),
    "HSR-13": ("faulty-answers.pcapng", 3, unseen),
    "HSR-14": ("faulty-answers.pcapng", 13, unseen),
    "HSR-15": ("faulty-answers.pcapng", 4, unseen),
    "HSR-16": ("frames-with-101.pcap", 0, unseen),
    "HSR-17": ("mixed-keys.pcapng", 2, unseen),
    "HSR-18": ("apache-proxy.pcapng", 8, open_ended),
    "EXT-01": ("bad-accept.pcapng", 7, unseen),
    "EXT-02": ("faulty-answers.pcapng", 5, unseen),
    "EXT-03": ("faulty-answers.pcapng", 6, unseen),
    "EXT-04": ("faulty-answers.pcapng", 7, unseen),
    "EXT-05": ("faulty-answers.pcapng", 8, unseen),
    "EXT-06": ("faulty-answers.pcapng", 9, unseen),
    "EXT-07": ("faulty-answers.pcapng", 10, unseen),
    "EXT-08": ("faulty-answers.pcapng", 11, unseen),
    "EXT-09": ("faulty-answers.pcapng", 12, unseen),
    "EXT-11": ("bad-accept.pcapng", 7, unseen),
    "EXT-13": ("deflate-violations.pcapng", 1, guessed),
    "FRM-01": ("judged-violations.pcapng", 0, guessed),
    "FRM-02": ("oddities.pcapng", 25, guessed),
    "FRM-03": ("judged-violations.pcapng", 1, guessed),
    "FRM-04": ("deflate-violations.pcapng", 7, guessed),
    "FRM-05": ("deflate-violations.pcapng", 8, guessed),
    "FRM-06": ("judged-violations.pcapng", 3, guessed),
    "FRM-07": ("oddities.pcapng", 6, guessed),
    "FRM-09": ("cut-connections.pcapng", 5, lost),
    "FRM-10": ("fragments.pcapng", 0, guessed),
    "FRM-11": ("unruly-peers.pcapng", 1, guessed),
    "FRM-12": ("unruly-peers.pcapng", 8, lost),
    "MSG-01": ("judged-violations.pcapng", 7, guessed),
    "MSG-02": ("judged-violations.pcapng", 8, guessed),
    "MSG-04": ("cut-connections.pcapng", 5, guessed),
    "MSG-06": ("fragments.pcapng", 0, guessed),
    "CTL-01": ("judged-violations.pcapng", 6, guessed),
    "CTL-02": ("judged-violations.pcapng", 5, guessed),
    "CTL-03": ("judged-violations.pcapng", 16, lost),
    "CTL-04": ("unruly-peers.pcapng", 3, lost),
    "CTL-05": ("aiohttp-chat.pcapng", 1, lost),
    "CTL-07": ("oddities.pcapng", 23, guessed),
    "CTL-08": ("fragments.pcapng", 0, lost),
    "CLS-01": ("judged-violations.pcapng", 10, guessed),
    "CLS-02": ("implementations.pcapng", 6, guessed),
    "CLS-03": ("judged-violations.pcapng", 13, guessed),
    "CLS-04": ("oddities.pcapng", 23, guessed),
    "CLS-05": ("oddities.pcapng", 24, guessed),
    "CLS-06": ("judged-violations.pcapng", 15, lost),
    "CLS-07": ("unruly-peers.pcapng", 7, guessed),
    "CLS-08": ("cut-connections.pcapng", 0, lost),
    "CLS-09": ("implementations.pcapng", 17, open_ended),
    "CLS-11": ("faulty-requests.pcapng", 39, guessed),
    "CLS-13": ("aiohttp-chat.pcapng", 1, guessed),
    "PMD-01": ("deflate-violations.pcapng", 3, lost),
    "PMD-02": ("deflate-violations.pcapng", 5, guessed),
    "PMD-03": ("ws-ipv6.pcapng", 0, unseen),
    "PMD-05": ("deflate-violations.pcapng", 4, guessed),
    "SEC-01": ("refused-upgrades.pcapng", 1, unseen),
    "SEC-06": ("cut-connections.pcapng", 5, unseen),
    "SEC-10": ("weak-masks.pcapng", 6, guessed),
    "SEC-15": ("faulty-requests.pcapng", 40, unseen),
    "PRX-01": ("apache-proxy.pcapng", 5, unseen),
    "PRX-02": ("bad-accept.pcapng", 4, unseen),
    "PRX-03": ("nginx-proxy.pcapng", 5, unseen),
    "PRX-04": ("apache-proxy.pcapng", 1, unseen),
    "PRX-05": ("apache-proxy.pcapng", 6, unseen),
    "PRX-06": ("varnish-proxy.pcapng", 6, unseen),
    "PRX-07": ("mixed-keys.pcapng", 2, unseen),
    "PRX-14": ("haproxy-proxy.pcapng", 2, lost),
    "PRX-16": ("reconnects.pcapng", 7, lost),
    "PRX-22": ("haproxy-proxy.pcapng", 2, lost),
    "LEG-01": ("hixie-76.pcapng", 4, unseen),
    "LEG-03": ("hixie-76.pcapng", 9, unseen),
    "LEG-05": ("hixie-75.pcapng", 0, unseen),
    "LEG-06": ("hixie-76.pcapng", 0, unseen),
    "XCN-05": ("faulty-requests.pcapng", 11, unseen),
    "XCN-07": ("refused-upgrades.pcapng", 6, unseen),
    "XCN-08": ("refused-upgrades.pcapng", 1, unseen),
    "CLS-10": ("unruly-peers.pcapng", 6, guessed),
    "SEC-07": ("weak-masks.pcapng", 3, of_two_frames),
    "SEC-08": ("weak-masks.pcapng", 4, of_two_frames),
    "SEC-09": ("weak-masks.pcapng", 5, of_two_frames),
    "TRN-06": ("capture-ends-open.pcap", 0, evicted),
}


def asked(*lines: str, request: bytes = REQUEST, **facts: Any) -> list[Connection]:
    return [connection(handshake(with_fields(request, *lines)), **facts)]


NO_UPGRADE = REQUEST.replace(b"Upgrade: websocket\r\n", b"").replace(
    b"Sec-WebSocket-Version: 13\r\n", b""
)


def answered(old: bytes, new: bytes) -> list[Connection]:
    return [connection(handshake(response=RESPONSE.replace(old, new)))]


def noticed(kind: str, sender: str = "client", **facts: Any) -> list[Connection]:
    return [connection(observation=observed(event(kind, sender, **facts)))]


def uneven_pings() -> list[Connection]:
    side = Side(ping_ns=Spread(10, 100 * SECOND, 3000.0 * SECOND**2, SECOND, 50 * SECOND))
    return [connection(observation=observed(client=side))]


def bursts() -> list[Connection]:
    side = Side(bursts=4, burst_messages=12, message_lengths=Spread(14, 100, 0.0, 1, 9))
    return [connection(observation=observed(server=side))]


def both_reset() -> list[Connection]:
    ends = cuts.ending(), cuts.ending(sender="client")
    return [connection(observation=observed(event("no-close"), endings=list(ends)))]


def same_age() -> list[Connection]:
    records = [cuts.cut(0, 0.5), cuts.cut(1, 0.5, begun=50)]
    for record in records:
        record.started -= 100 * SECOND
    return records


def only_port_80_fails() -> list[Connection]:
    unanswered = connection(handshake(response=None), server_port=80, ended=12 * SECOND, serial=1)
    return [connection(server_port=8080), unanswered]


def numbered(*records: Connection) -> list[Connection]:
    return list(cross.numbered(*records))


def asked_for_two_versions() -> list[Connection]:
    return asked("Sec-WebSocket-Key1: 1 2")


def all_grew() -> list[Connection]:
    observation = observed(event("grew", value=2, part=4))
    observation.counts["grew", "client"] = 20
    side = observation.client
    side.compressed, side.compressed_wire, side.compressed_length = 20, 300, 200
    return [connection(observation=observation)]


def came_back() -> list[Connection]:
    records = [cuts.cut(number, 1.0, begun=10 * number, how="rst") for number in range(4)]
    for record in records:
        record.handshake = handshake()
    return records


def negotiated_differently() -> list[Connection]:
    extension = "Sec-WebSocket-Extensions: permessage-deflate"
    offer = with_fields(REQUEST, extension)
    both = connection(handshake(offer, with_fields(RESPONSE, extension)))
    return numbered(both, connection(handshake(offer)))


def unfinished() -> list[Connection]:
    fin = legacy.fin("client")
    return [connection(observation=observed(event("unfinished", head=0x01), endings=[fin]))]


PMD = "permessage-deflate"
TWO_OFFERS = f"Sec-WebSocket-Extensions: {PMD}; server_max_window_bits=10, {PMD}"
ONE_OF_THEM = with_fields(RESPONSE, f"Sec-WebSocket-Extensions: {PMD}")
SET_COOKIE = with_fields(RESPONSE, "Set-Cookie: sid=0123456789abcdef")
CUT_OF_HIXIE = observed(event("hixie-cut"), endings=[legacy.fin("client")])

# The check, what it finds something in, the veil.
MADE: dict[str, tuple[Callable[[], list[Connection]], Veil]] = {
    "HSQ-02": (lambda: asked(request=REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0")), unseen),
    "HSQ-04": (lambda: asked(request=REQUEST.replace(b"websocket", b"h2c")), unseen),
    "HSQ-05": (lambda: asked(request=REQUEST.replace(b": Upgrade", b": keep-alive")), unseen),
    "HSQ-20": (lambda: asked(request=NO_UPGRADE), unseen),
    "HSR-01": (lambda: answered(b"websocket", b"websocket/13"), unseen),
    "HSR-02": (lambda: answered(b"Connection: Upgrade", b"Connection: close"), unseen),
    "HSQ-18": (lambda: asked(request=REQUEST.replace(b"Host:", b"Host :")), unseen),
    "HSQ-21": (lambda: asked(request=REQUEST.replace(b"websocket", b"h2c, websocket")), unseen),
    "HSR-20": (lambda: [connection(handshake(response=SET_COOKIE))], unseen),
    "EXT-10": (
        lambda: [connection(handshake(with_fields(REQUEST, TWO_OFFERS), ONE_OF_THEM))],
        unseen,
    ),
    "HSR-12": (
        lambda: [connection(handshake(response=b"HTTP/1.1 426 Upgrade Required\r\n\r\n"))],
        unseen,
    ),
    "CLS-12": (lambda: [closed(closing(), closing("server", 1001, at=2.1))], guessed),
    "HSR-19": (lambda: [connection(responded=3 * SECOND)], unseen),
    "FRM-08": (lambda: noticed("length-top-bit", length=1 << 63), guessed),
    "MSG-03": (unfinished, open_ended),
    "MSG-05": (lambda: noticed("json-in-binary"), guessed),
    "CTL-06": (uneven_pings, lost),
    "SEC-02": (
        lambda: asked(
            request=REQUEST.replace(b"/chat", b"/chat?access_token=0123456789"), scheme="wss"
        ),
        unseen,
    ),
    "SEC-03": (lambda: asked("Origin: https://evil.example.org", "Cookie: sid=01234567"), unseen),
    "SEC-04": (
        lambda: numbered(*asked("Origin: https://a.com"), *asked("Origin: https://b.com")),
        unseen,
    ),
    "SEC-14": (
        lambda: asked(
            "Origin: https://site.com",
            request=REQUEST.replace(b"example.com", b"192.168.0.1"),
            server_ip="192.168.0.1",
        ),
        unseen,
    ),
    "SEC-16": (lambda: [connection(client_bytes=200_000_000, client_frames=9)], one_way),
    "PRX-13": (both_reset, lost),
    "PRX-15": (same_age, lost),
    "PRX-17": (bursts, lost),
    "PRX-20": (only_port_80_fails, cut_short),
    "LEG-02": (lambda: [legacy.hixie({"Sec-WebSocket-Key1": "12345"})], unseen),
    "LEG-04": (lambda: [legacy.hixie(observation=copy.deepcopy(CUT_OF_HIXIE))], lost),
    "LEG-07": (asked_for_two_versions, unseen),
    "XCN-01": (
        lambda: numbered(*(connection(requested=5, responded=9 * SECOND) for _ in range(3))),
        unseen,
    ),
    "XCN-02": (came_back, lost),
    "PMD-04": (all_grew, guessed),
    "XCN-03": (lambda: numbered(connection(), proxies.refused(503), connection()), unseen),
    "XCN-04": (negotiated_differently, unseen),
    "XCN-06": (lambda: numbered(*(connection(ended=90 * SECOND) for _ in range(10))), unseen),
}

# Where what decides is of another kind: the test that takes it away.
ELSEWHERE: dict[str, Callable[..., None]] = {
    "PMD-06": deflate.TestInflating.test_nothing_is_missing_and_nothing_is_lost,
    "SEC-05": security.TestMixedContent.test_inside_tls_may_have_ended_before,
    "SEC-11": security.TestSecretInMessage.test_in_the_middle_of_a_session,
    "SEC-12": security.TestInside.test_what_was_first_in_the_capture_may_not_have_been_the_first,
    "SEC-13": sent.TestBeacon.test_uneven_few_quick_or_of_other_sizes,
    "PRX-12": cuts.TestInjectedReset.test_no_other_packet_to_compare_with,
    "PRX-18": proxies.TestOneDirection.test_a_server_that_has_nothing_to_say,
    "TRN-01": transport.TestGap.test_nothing_is_missing,
    "TRN-02": transport.TestConflicts.test_beyond_the_limit_they_are_counted,
    "TRN-03": transport.TestTrouble.test_two_retransmissions_are_not,
    "TRN-04": transport.TestCapture.test_what_a_format_does_not_tell,
    "TRN-05": transport.TestBeginningAndEnd.test_a_handshake_of_which_half_is_there,
    "TRN-07": transport.TestBeginningAndEnd.test_another_capture_of_the_same_connection,
    "TRN-08": transport.TestHalfClosed.test_an_end_that_is_not_among_those_that_are_kept,
    "TRN-09": transport.TestSegmentation.test_some_may_be_missing,
    "TRN-10": transport.TestCapture.test_tls_that_stays_closed,
    "TRN-12": transport.TestCapture.test_a_tunnel_that_cannot_be_read,
    "TRN-11": transport.TestCapture.test_a_package_that_is_missing_is_no_fault_of_the_capture,
    "TLS-01": encryption.TestOldVersion.test_not_old,
    "TLS-02": encryption.TestWeakSuite.test_not_weak,
    "TLS-03": encryption.TestCertificateOutOfDate.test_valid_or_not_known,
    "TLS-04": encryption.TestSelfSigned.test_others,
    "TLS-05": encryption.TestHostIsNotSni.test_from_the_middle,
    "TLS-06": encryption.TestChangedRecord.test_none_for_sure,
    "TLS-07": encryption.TestNoCloseNotify.test_not_to_be_known,
    "TLS-08": encryption.TestImpossibleChoice.test_none,
    "TLS-09": encryption.TestSealedSide.test_all_was_read_or_it_was_changed,
    "PRX-19": encryption.TestInterception.test_others,
    "SEC-18": key_reuse.TestOneSession.test_where_it_cannot_be_told,
    "SEC-17": ways.TestLogins.test_none_was_given_or_none_that_can_be_read,
    "PRX-23": refusals.TestDidNotArrive.test_the_request_or_the_body_was_not_captured,
    "PRX-21": ways.TestRefusals.test_no_websocket_connection_tells_what_it_was_for,
    "H2-01": http2.TestSettings.test_not_where_settings_may_be_missing,
    "H2-02": http2.TestSettings.test_not_where_settings_may_be_missing,
    **dict.fromkeys(
        ("H2-03", "H2-04", "H2-05", "H2-06"),
        http2.TestHandshake.test_nothing_is_said_of_what_is_unknown,
    ),
    "H2-07": http2.TestEnds.test_not_where_the_close_may_be_missing,
    "H2-08": http2.TestFlowControl.test_windows_are_not_known_in_the_middle,
    "H2-09": http2_connection.TestShared.test_one_alone,
    "FRM-13": http_among_frames.test_fewer_bytes_than_tell_are_a_frame,
    "H2-10": http2_connection.TestConnectionErrors.test_not_where_bytes_are_missing,
}


def test_each_check_is_here() -> None:
    assert {each.id for each in catalogue()} == {*RECORDED, *MADE, *ELSEWHERE}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name: str) -> None:
    capture, number, veil = RECORDED[name]
    facts = recorded(capture)
    (check,) = named(name)
    before = [
        each.connection for each in Audit([check]).findings(facts.connections, facts.captures)
    ]
    assert number in before
    veiled = [copy.copy(each.connection) for each in facts.connections]
    for record in veiled:
        record.observation = copy.deepcopy(record.observation)
        if record.observation is not None:
            veil(record)
    after = Audit([check]).findings([Facts(each) for each in veiled], facts.captures)
    assert number not in [each.connection for each in after]


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    make, veil = MADE[name]
    (check,) = named(name)
    assert found(check, *make())
    veiled = make()
    for record in veiled:
        veil(record)
    assert found(check, *veiled) == []


def test_a_close_that_is_a_guess_closes_nothing() -> None:
    (check,) = named("CLS-12")
    frames = closing(), closing("server", 1001, at=2.1)
    assert found(check, closed(*frames))
    assert found(check, closed(frames[0], replace(frames[1], certain=False))) == []

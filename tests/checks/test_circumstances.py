"""Circumstances: each holds where it says so, and no check misses anything for waiting for them."""

from __future__ import annotations

import io
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.chance import chance

from checks.given import (
    CAPTURES,
    REQUEST,
    SECOND,
    closed,
    closing,
    connection,
    ending,
    handshake,
    observed,
    seen_from_the_middle,
)
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.check import Check
from wsanalyze.checks.circumstances import CIRCUMSTANCES, circumstances
from wsanalyze.checks.facts import Facts
from wsanalyze.errors import WsAnalyzeError
from wsanalyze.findings import audit
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.limits import Limits
from wsanalyze.multiplexing import Multiplex, Stream
from wsanalyze.observation import Observation, Side, Spread
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

NAMES = sorted(CAPTURES.glob("*.pcap*"))
WANTS = Wants(frames=False, messages=False, hashes=False, payloads="none", observe=True)
ONE = Spread(1, 5, 25.0, 5, 5)
KEYS = chance("masking keys")
RANDOM_KEYS = [KEYS.getrandbits(32) for _ in range(40)]
TLS = TlsConnection(0, 0, "192.0.2.1", 50000, "198.51.100.2", 443, 0, decrypted=True)


def of(record: Connection) -> set[str]:
    found = circumstances(Facts(record))
    assert len(set(found)) == len(found)
    return set(found)


def with_side(**facts: Any) -> Connection:
    return connection(observation=Observation(server=Side(**facts)))


def with_observed(**facts: Any) -> Connection:
    return connection(observation=observed(**facts))


CASES: dict[str, tuple[Connection, ...]] = {
    "reset": (closed(endings=(ending(), ending("server", "rst"))),),
    "unclosed": (closed(endings=(ending(),)), closed(closing(), endings=(ending(),))),
    "client-first": (closed(closing(), closing("server"), endings=(ending(),)),),
    "lingering": (
        closed(closing(at=2), closing("server", at=3), endings=(ending("server", at=13.1),)),
        closed(closing(at=3), closing("server", at=2), until=13.1),
    ),
    "after-end": (with_observed(client_after_end=1), with_observed(server_after_end=1)),
    "odd-keys": tuple(
        connection(observation=Observation(client=Side(masking_keys=array("I", keys), **more)))
        for keys, more in (
            # Few; zero; the same; counting; again and again; of java.util.Random; with fixed bits.
            ([RANDOM_KEYS[0]], {}),
            (RANDOM_KEYS, {"zero_keys": 1}),
            (RANDOM_KEYS, {"same_keys": 1}),
            ([5, 6, 7, 8], {}),
            (RANDOM_KEYS[:3] * 2, {}),
            ([0xE43C084F, 0x4BBB2BF1, 0x839DEE46, 0x6D852CB5], {}),
            ([key & 0xFFFF for key in RANDOM_KEYS], {}),
        )
    ),
    "pings": (with_side(pings_in_second=21), with_side(ping_ns=replace(ONE, count=10))),
    "pongs": (with_side(pong_ns=replace(ONE, count=3)),),
    "unsolicited-pongs": (with_side(unsolicited_pongs=1),),
    "bursts": (with_side(bursts=1),),
    "even": (with_side(message_lengths=ONE),),
    "segments": (
        connection(client_frames=3, observation=observed(client_segments=2)),
        connection(server_frames=2, observation=observed(server_segments=3)),
    ),
    "outflow": (connection(client_bytes=1 << 40),),
    "pipelined": (with_observed(pipelined=1),),
    "with-response": (with_observed(with_response=1),),
    "slow": (connection(responded=6 * SECOND),),
    "troubled": (
        connection(client_retransmissions=1),
        connection(server_out_of_order=1),
        with_observed(server_zero_windows=1),
        with_observed(client_stalls=1),
    ),
    "lost": (connection(client_lost_bytes=1), connection(server_lost_bytes=1)),
    "conflicts": (connection(client_conflicts=1), connection(server_conflicts=1)),
    "unseen": (seen_from_the_middle(),),
    "one-sided": (connection(client_frames=1), connection(server_frames=1)),
    "open": (connection(ended_by="capture-end"),),
    "tls": (connection(tls=TLS),),
    "sni": (connection(tls=replace(TLS, sni="example.com")),),
    "http2": (with_observed(stream=Stream(Multiplex(), 1)),),
    "hixie-75": (
        connection(
            handshake(
                b"GET /chat HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                b"Host: example.com\r\nOrigin: http://example.com\r\n\r\n",
                None,
            )
        ),
    ),
    "tunnel": (
        connection(handshake(REQUEST.replace(b"/chat", b"/wstunnel"))),
        connection(handshake(REQUEST.replace(b"/chat", b"/a/websockify?b"))),
    ),
}


@pytest.mark.parametrize("word", CIRCUMSTANCES)
def test_where_it_holds(word: str) -> None:
    for record in CASES[word]:
        assert word in of(record)


def test_of_an_ordinary_connection_none_holds() -> None:
    assert of(connection()) == set()
    record = connection(
        client_frames=30, server_frames=30, observation=observed(client_segments=30)
    )
    record.observation = replace(observed(), client=Side(masking_keys=array("I", RANDOM_KEYS)))
    assert of(record) == set()
    both = (closing(at=2), closing("server", at=3))
    assert of(closed(*both, endings=(ending("server", at=12.9),))) == set()
    assert of(closed(*both, until=13)) == set()


def test_every_word_is_waited_for_and_every_one_waited_for_is_told() -> None:
    assert {word for each in catalogue() for word in each.circumstances} == set(CIRCUMSTANCES)
    assert CASES.keys() == CIRCUMSTANCES.keys()


def always(each: Check) -> Check:
    """Return a check that waits for nothing, and is called for all that are alike."""
    waiting = {"circumstances": (), "events": (), "fields": (), "faults": ()}
    return replace(each, of_heads=False, **(waiting if each.circumstances else {}))


def is_the_same_either_way(recording: Recording) -> bool:
    return audit(recording) == audit(recording, [always(each) for each in catalogue()])


@pytest.mark.parametrize("capture", NAMES, ids=lambda path: path.name)
def test_waiting_changes_no_finding(capture: Path) -> None:
    assert is_the_same_either_way(read([capture], wants=WANTS, limits=Limits()))


@pytest.mark.parametrize("capture", NAMES, ids=lambda path: path.name)
def test_nor_does_it_of_damaged_captures(capture: Path) -> None:
    source, data = chance(capture.name), capture.read_bytes()[:40_000]
    for _ in range(6):
        damaged = bytearray(data[: source.randrange(len(data) // 2, len(data) + 1)])
        for _ in range(source.randrange(8)):
            damaged[source.randrange(24, len(damaged))] = source.randrange(256)
        try:
            recording = read([io.BytesIO(damaged)], wants=WANTS, limits=Limits())
        except WsAnalyzeError:
            continue
        assert is_the_same_either_way(recording)

"""Handshakes as large as they may be, of a thousand connections at once: what is kept of them."""

from __future__ import annotations

import io
import ssl
from functools import cache

import pytest
from support.packets import ACK, FIN, RST, SYN, pcap_of, segment
from support.sessions import frame, masked, request, response
from support.tls import TLS_1_2, TLS_1_3, Flight, Pair, certificate, contexts, secrets_of

from wsanalyze.capture.several import open_captures
from wsanalyze.limits import Limits
from wsanalyze.pipeline import Pass
from wsanalyze.recording import Recording, Wants
from wsanalyze.tls.hellos import ClientHello, ServerHello, disagreements

# Protocols that a client offers, certificates in a chain: some 60 kB each.
PROTOCOLS, CERTIFICATES = 330, 110
SAID: list[Flight] = [(0, request()), (1, response() + frame(b"hello")), (0, masked(b"question"))]


@cache
def conversation(version: ssl.TLSVersion, suite: str = "", key: str = "ec") -> Pair:
    """Return a connection with a ClientHello and a Certificate of some 60 kB each."""
    client, server = contexts(version, suite, key, chain=CERTIFICATES)
    client.set_alpn_protocols(
        [f"protocol {number:04d} ".ljust(180, "x") for number in range(PROTOCOLS)] + ["http/1.1"]
    )
    pair = Pair((client, server)).shake_hands()
    for side, data in SAID:
        pair.send(side, data)
    assert sum(len(data) for _, data in pair.flights[:2]) > 95_000
    return pair


def packets_of(pair: Pair, number: int) -> list[list[bytes]]:
    """Return the packets of a connection on a port of its own: those of each step."""
    ends = ("10.0.0.1", 1024 + number), ("10.0.0.2", 443)
    at = [1000, 5000]

    def of(side: int, data: bytes = b"", flags: int = ACK) -> bytes:
        packet = segment(ends[side], ends[1 - side], at[side], at[1 - side], flags, data)
        at[side] += len(data) + (flags & (SYN | FIN) != 0)
        return packet

    steps = [[of(0, flags=SYN), of(1, flags=SYN | ACK), of(0)]]
    for side, data in pair.flights:
        steps.append(
            [of(side, data[start : start + 60_000]) for start in range(0, len(data), 60_000)]
        )
    return [*steps, [of(1, flags=RST | ACK)], [of(0, flags=FIN | ACK)]]


def capture_of(pair: Pair, many: int, ends: int) -> io.BytesIO:
    """Return a capture in which `many` connections do the same at once, then `ends` of 2 ends."""
    each = [packets_of(pair, number) for number in range(many)]
    count = len(each[0]) - 2 + ends
    packets = [packet for step in range(count) for steps in each for packet in steps[step]]
    return io.BytesIO(pcap_of(packets, times=range(len(packets))))


@pytest.mark.parametrize(
    ("version", "suite", "key", "many", "ends"),
    [
        (TLS_1_2, "AES128-GCM-SHA256", "rsa", 1000, 1),
        (TLS_1_3, "", "ec", 200, 0),
        (TLS_1_3, "", "ec", 200, 2),
        (TLS_1_2, "", "ec", 200, 1),
    ],
    ids=["RSA, RST", "TLS 1.3, idle", "TLS 1.3, FIN", "TLS 1.2, RST"],
)
def test_all_are_decrypted(
    version: ssl.TLSVersion, suite: str, key: str, many: int, ends: int
) -> None:
    """What was kept of their hellos filled `held_total`: of a thousand connections 52 were read."""
    pair = conversation(version, suite, key)
    secrets = secrets_of(pair.keylog, certificate("rsa")[1])
    recording, most = Recording(Wants(tls=True)), 0
    with open_captures([capture_of(pair, many, ends)], limits=Limits()) as reader:
        run = Pass(recording, Limits(), reader.infos, secrets)
        while (batch := reader.next()) is not None:
            run.take(batch)
            most = max(most, run.recorder.held)
        run.close()
    assert recording.captures[0].tls_decrypted == many
    assert [each.client_messages for each in recording.connections] == [1] * many
    assert [each.sni for each in recording.tls] == ["chat.example"] * many
    # Hashes of the handshakes, and what of a record is not whole yet.
    assert most < many * 1500 + 100_000


def test_what_is_too_long_to_be_kept_is_not_said_to_be_missing() -> None:
    """Whether the server chose what was offered is not known then."""
    random = bytes(32)
    many = ClientHello(0x0303, random, b"", tuple(range(60_000)), ((16, bytes(5000)),))
    kept = many.kept()
    assert (len(kept.suites), kept.alpn, kept.is_whole) == (512, (), False)
    assert disagreements(kept, ServerHello(0x0303, random, b"", 59_999, 0, ())) == ()
    few = ClientHello(0x0303, random, b"", (1, 2), ()).kept()
    assert len(disagreements(few, ServerHello(0x0303, random, b"", 59_999, 0, ()))) == 1


def test_what_a_server_may_choose_at_length() -> None:
    chosen = ((43, b"\x03\x04"), (41, bytes(5000)), (99, bytes(5000)), (43, b"\x03\x03"))
    hello = ServerHello(0x0303, bytes(32), b"", 0x1301, 0, chosen)
    assert (hello.kept().version, hello.kept().takes_key) == (hello.version, True) == (0x0304, True)
    assert sum(len(data) for _, data in hello.kept().extensions) == 1026

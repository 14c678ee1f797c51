"""From bytes to findings: what the checks of frames, Pings and Close say of made-up traffic."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.packets import ACK, CLIENT, FIN, RST, SECOND, SERVER, SYN, T0, pcap_of, segment
from support.sessions import BINARY, CLOSE, PING, PONG, frame, masked, request, response

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.tables.rows import in_order

FAMILIES = ("FRM", "MSG", "CTL", "CLS")

# Who sends, what (bytes, or a flag of TCP), and the seconds after the packet before.
Step = tuple[str, bytes | int, float]


def found(directory: Path, *steps: Step) -> list[tuple[str, str]]:
    """Return the IDs and severities of what is found behind a good handshake, in order of IDs."""
    opening: list[Step] = [("client", SYN, 0), ("server", SYN, 0.01), ("client", b"", 0.01)]
    opening += [("client", request(), 0.01), ("server", response(), 0.01)]
    ends = {"client": (CLIENT, SERVER), "server": (SERVER, CLIENT)}
    next_seq = {"client": 1000, "server": 5000}
    packets, times, now = [], [], T0
    for sender, what, after in (*opening, *steps):
        now += int(after * SECOND)
        flags, data = (what | ACK, b"") if isinstance(what, int) else (ACK, what)
        if what == SYN and sender == "client":
            flags = SYN
        other = "server" if sender == "client" else "client"
        seq = next_seq[sender]
        packets.append(segment(*ends[sender], seq, next_seq[other], flags, data))
        times.append(now)
        next_seq[sender] += len(data) + bool(flags & (SYN | FIN))
    path = directory / "made.pcap"
    path.write_bytes(pcap_of(packets, times=times))
    wants = Wants(frames=False, messages=False, observe=True)
    recording = read([path], wants=wants, limits=Limits())
    checks = [each for each in catalogue() if each.family in FAMILIES]
    facts = [Facts(record) for record in in_order(recording.connections)]
    assert len(facts) == 1
    return sorted((each.check, each.severity) for each in Audit(checks).findings(facts, []))


def client(what: bytes | int, after: float = 0.1) -> Step:
    return "client", what, after


def server(what: bytes | int, after: float = 0.1) -> Step:
    return "server", what, after


def code(number: int, reason: bytes = b"") -> bytes:
    return number.to_bytes(2, "big") + reason


ENDED = (server(FIN), client(FIN))
CLOSED = (client(masked(code(1000), CLOSE)), server(frame(code(1000), CLOSE)), *ENDED)

LEGAL: dict[str, tuple[Step, ...]] = {
    "empty and short messages": (client(masked()), server(frame(b"x", BINARY)), *CLOSED),
    "no body in either Close": (client(masked(b"", CLOSE)), server(frame(b"", CLOSE)), *ENDED),
    "crossed Closes": (
        client(masked(code(1000), CLOSE)),
        server(frame(code(1000), CLOSE), 0),
        *ENDED,
    ),
    "a character split over fragments": (
        client(masked("é".encode()[:1], fin=False) + masked("é".encode()[1:], 0)),
        *CLOSED,
    ),
    "of two Pings the latest is answered": (
        server(frame(b"1", PING) + frame(b"2", PING)),
        client(masked(b"2", PONG)),
        client(masked(b"later"), 30),
        *CLOSED,
    ),
    "a Close in a Pong's place": (
        server(frame(b"1", PING)),
        client(masked(code(1000), CLOSE)),
        server(frame(code(1000), CLOSE)),
        *ENDED,
    ),
    "the capture ends after a Close": (client(masked(code(1000), CLOSE)),),
    "the capture ends within a message": (client(masked(b"x", fin=False)),),
    "the capture ends within a frame": (client(masked(b"x", length=100)),),
    "the capture ends after a Ping": (server(frame(b"1", PING)),),
}


@pytest.mark.parametrize("steps", LEGAL.values(), ids=LEGAL)
def test_nothing_is_said(steps: tuple[Step, ...], tmp_path: Path) -> None:
    assert found(tmp_path, *steps) == []


REMARKS: dict[str, tuple[tuple[Step, ...], list[str]]] = {
    "an unsolicited Pong": ((client(masked(b"", PONG)), *CLOSED), ["CTL-05"]),
    "a Ping between fragments, the last of which is empty": (
        (
            client(masked(b"x", fin=False) + masked(b"1", PING) + masked(b"", 0)),
            server(frame(b"1", PONG)),
            *CLOSED,
        ),
        ["FRM-10", "MSG-06"],
    ),
    "a private code, and another one as its answer": (
        (client(masked(code(4000), CLOSE)), server(frame(code(1000), CLOSE)), *ENDED),
        ["CLS-12", "CLS-13"],
    ),
    "a Close that blames": (
        (
            client(masked(b"x")),
            server(frame(code(1008), CLOSE)),
            client(masked(code(1008), CLOSE)),
            *ENDED,
        ),
        ["CLS-11"],
    ),
    "the client closes TCP first": ((*CLOSED[:2], client(FIN), server(FIN)), ["CLS-09"]),
}


@pytest.mark.parametrize(("steps", "checks"), REMARKS.values(), ids=REMARKS)
def test_a_remark_is_made(steps: tuple[Step, ...], checks: list[str], tmp_path: Path) -> None:
    assert found(tmp_path, *steps) == [(each, "info") for each in checks]


WRONG: dict[str, tuple[tuple[Step, ...], list[tuple[str, str]]]] = {
    "a Ping without its Pong": (
        (server(frame(b"1", PING)), client(masked(b"alive"), 30), client(FIN, 1)),
        [("CLS-08", "warning"), ("CTL-03", "error")],
    ),
    "a Pong with other bytes": (
        (
            server(frame(b"1", PING)),
            client(masked(b"2", PONG)),
            client(masked(b"x"), 30),
            client(masked(code(1000), CLOSE), 30),
            *CLOSED[1:],
        ),
        [("CTL-04", "error")],
    ),
    "a Close without an answer": (
        (client(masked(code(1000), CLOSE)), server(FIN), client(FIN)),
        [("CLS-06", "error")],
    ),
    "a Close that nothing follows": (
        (client(masked(code(1000), CLOSE)), server(frame(b"still here"), 11)),
        [("CLS-06", "error")],
    ),
    "a FIN without a Close": (
        (client(masked(b"x")), server(FIN), client(FIN)),
        [("CLS-08", "warning")],
    ),
    "a Close to who had gone": (
        (client(masked(b"x")), server(FIN), client(masked(code(1000), CLOSE)), client(FIN)),
        [("CLS-08", "warning")],
    ),
    "a RST after both Closes": ((*CLOSED[:2], server(RST)), [("CLS-09", "warning")]),
    "a response of HTTP behind the Close": (
        (
            *CLOSED[:2],
            server(b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n" + b"\0" * 60),
            *ENDED,
        ),
        [("FRM-13", "error")],
    ),
    "a response of HTTP, and the end of TCP": (
        (server(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + b"\0" * 60), server(FIN), client(FIN)),
        [("CLS-08", "warning"), ("FRM-13", "error")],
    ),
    "a response of HTTP in the place of a Close": (
        (
            client(masked(code(1000), CLOSE)),
            server(b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n" + b"\0" * 60),
            *ENDED,
        ),
        [("FRM-13", "error")],
    ),
    "a request of HTTP in the place of frames": (
        (client(b"GET /next HTTP/1.1\r\nHost: example.com\r\n\r\n" + b"\0" * 60), *CLOSED),
        [("FRM-13", "error")],
    ),
    "TCP left open": (
        (*CLOSED[:2], server(FIN, 11), client(FIN)),
        [("CLS-10", "warning")],
    ),
    "the sender leaves within a frame": (
        (client(masked(b"x", length=100)), client(FIN), server(FIN)),
        [("CLS-08", "warning"), ("FRM-09", "error")],
    ),
    "a bait": (
        (client(masked(b"x", BINARY, length=1 << 20)), server(FIN, 6), client(FIN)),
        [("CLS-08", "warning"), ("FRM-12", "warning")],
    ),
}


@pytest.mark.parametrize(("steps", "rows"), WRONG.values(), ids=WRONG)
def test_a_rule_is_broken(
    steps: tuple[Step, ...], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert found(tmp_path, *steps) == rows

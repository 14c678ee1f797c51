"""Key logs of which lines are missing or wrong: a file, a stream and a live session say the same.

And of a side that stays closed nothing is said but that it does.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from support.played import Played, drained, session_of
from test_tls import CAPTURES, keylog_of, without_secrets

import wsanalyze
from wsanalyze.monitoring.events import Ended, Found

pytest.importorskip("cryptography")

CLIENT, SERVER = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
CLIENT_BEFORE, SERVER_BEFORE = (f"{end}_HANDSHAKE_TRAFFIC_SECRET" for end in ("CLIENT", "SERVER"))
LABELS = (CLIENT_BEFORE, SERVER_BEFORE, CLIENT, SERVER, "EXPORTER_SECRET")
# Of the side that is closed; that its WebSockets were told by their frames; how the other closed,
# and how many share a connection, of which a side that is closed shows less.
OF_CLOSED = {"TLS-09", "TRN-05", "TRN-10", "CLS-13", "H2-09"}
OF_CONNECTION = (
    "outcome",
    "ended_by",
    "client_frames",
    "server_frames",
    "client_unread_bytes",
    "server_unread_bytes",
)


class Stream(io.BytesIO):
    """Nobody knows what comes behind what was read, as on an interface."""

    name = "stream"

    def seekable(self) -> bool:
        return False


class Said(NamedTuple):
    """What is said of the connections, and the findings of them."""

    connections: list[tuple[Any, ...]]
    findings: list[tuple[str, str]]


Labels = tuple[str, ...]


def cases() -> Iterator[tuple[Labels, Labels]]:
    for count in range(len(LABELS) + 1):
        for missing in combinations(LABELS, count):
            yield missing, ()
    for wrong in LABELS:
        yield (), (wrong,)
    for handshake, traffic in ((CLIENT_BEFORE, CLIENT), (SERVER_BEFORE, SERVER)):
        yield (handshake,), (traffic,)
        yield (traffic,), (handshake,)
        yield (), (handshake, traffic)


def name_of(case: object) -> str:
    missing, wrong = case if isinstance(case, tuple) else ((), ())
    without = "without-" + ("-".join(missing) or "nothing")
    return f"{without}-wrong-{'-'.join(wrong)}" if wrong else without


def kept(log: bytes, missing: Labels, wrong: Labels) -> bytes:
    """Return a key log without the lines of some labels, and with another secret for one."""
    lines = []
    for line in log.splitlines():
        label = line.split(maxsplit=1)[0].decode()
        if label in missing:
            continue
        lines.append(line[:-4] + b"c5c5" if label in wrong else line)
    return b"\n".join(lines) + b"\n"


def of_analysis(analysis: wsanalyze.Analysis) -> Said:
    rows = analysis.connections[list(OF_CONNECTION)].astype(object)
    found = analysis.findings
    # How many conversations of a capture stayed closed, it says by the capture's name.
    found = found[found["check"] != "TRN-10"]
    return Said(
        sorted(map(tuple, rows.where(pd.notna(rows), None).values.tolist()), key=repr),
        sorted(zip(found["check"], found["message"], strict=True)),
    )


def of_session(data: bytes, log: Path) -> Said:
    events = drained(session_of(Played(Stream(data)), keylogs=[log]))
    ended = [each.facts for each in events if isinstance(each, Ended)]
    return Said(
        sorted((tuple(getattr(each, name) for name in OF_CONNECTION) for each in ended), key=repr),
        sorted(
            (each.check, each.message)
            for each in events
            if isinstance(each, Found) and each.check != "TRN-10"
        ),
    )


@pytest.fixture(scope="module", params=["chat-wss", "wss-http2"])
def capture(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, bytes, Said]:
    """Return a capture without its secrets, these, and what is said where all are known."""
    recorded = CAPTURES / f"{request.param}.pcapng"
    path = tmp_path_factory.mktemp("closed") / recorded.name
    path.write_bytes(without_secrets(recorded.read_bytes()))
    return path, keylog_of(recorded), of_analysis(wsanalyze.analyze(recorded))


@pytest.mark.parametrize("case", list(cases()), ids=name_of)
def test_whatever_is_missing_or_wrong(
    capture: tuple[Path, bytes, Said], case: tuple[Labels, Labels], tmp_path: Path
) -> None:
    path, secrets, whole = capture
    missing, wrong = case
    log = tmp_path / "keys.log"
    log.write_bytes(kept(secrets, missing, wrong))
    data = path.read_bytes()
    analysis = wsanalyze.analyze(path, keylog=log)
    said = of_analysis(analysis)
    assert of_analysis(wsanalyze.analyze(io.BytesIO(data), keylog=log)) == said
    assert of_session(data, log) == said
    closed = [label for label in (CLIENT, SERVER) if label in (*missing, *wrong)]
    if not closed:
        assert said.connections == whole.connections
    else:
        new = {check for check, _ in said.findings} - {check for check, _ in whole.findings}
        assert new <= OF_CLOSED
    if len(closed) == 1 and not (missing and wrong) and len(wrong) < 2:
        side = "server" if closed == [SERVER] else "client"
        assert {row[0] for row in said.connections} == {"unseen"}
        # Whether the Close that can be read was the first, nobody knows.
        assert {row[1] for row in said.connections} == {None}
        (sealed,) = (message for check, message in said.findings if check == "TLS-09")
        why = "no key that is known opens them" if wrong else "there is no secret for them"
        assert f"bytes of the {side} were not decrypted: {why}" in sealed
        reason = analysis.tls["reason"].iloc[0]
        assert reason == (
            f"no record of the {side} opens with its secret"
            if wrong
            else f"no secret for what the {side} sent"
        )

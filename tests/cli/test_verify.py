"""`wsanalyze verify`: what it prints, and its exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.tshark import needs_tshark

from cli.running import CAPTURES
from wsanalyze.cli.main import main
from wsanalyze.crosscheck.frames import Facts
from wsanalyze.crosscheck.matching import Difference, TheirFrame
from wsanalyze.crosscheck.reasons import REASONS
from wsanalyze.crosscheck.verification import Explained, Verification
from wsanalyze.views.verification import as_json

FACTS = Facts(stream=3, port=40000, fin=1, rsv=0, opcode=1, masking_key=7, length=5)
EXTRA = Explained(Difference(None, TheirFrame(FACTS, 12)), None, None, None)
AGREED = Verification("a\x1b.pcap", "4.0.17", "0.6", ("x:TRUE",), 2, 2, 2, None, (), ())


def verified(
    found: Verification, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    monkeypatch.setattr("wsanalyze.cli.verify.verify", lambda *_given, **_named: found)
    status = main(["verify", "a.pcap"])
    return status, capsys.readouterr().out


def test_agreement(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = verified(AGREED, monkeypatch, capsys)
    assert status == 0
    assert out.endswith("two independent dissectors, agree on all 2 frames.\n")
    assert "\x1b" not in out


def test_an_unexplained_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = replace(AGREED, differences=(EXTRA,), problems=("cut off",))
    status, out = verified(found, monkeypatch, capsys)
    assert status == 1
    assert (
        "  no connection (tcp.stream 3, port 40000), packet 12: text, 5 bytes, key 00000007: "
        "only in tshark\n" in out
    )
    assert out.endswith("(tshark 4.0.17) do not agree: 1 unexplained difference.\n")


def test_compared_in_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = replace(AGREED, until=7, problems=("tshark took longer than 1 s",))
    status, out = verified(found, monkeypatch, capsys)
    assert status == 4
    assert "compared    up to packet 7; nothing is said of the rest\n" in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ours": 0, "theirs": 0}, "(tshark 4.0.17) find no frames.\n"),
        (
            {"ours": 0, "theirs": 0, "closed": 7},
            "find no frames. 7 TLS conversations were not decrypted: nothing is said of them.\n",
        ),
        (
            {"theirs": 0, "differences": (replace(EXTRA, reason=REASONS[1]),)},
            "(tshark 4.0.17) have no frame in common; what tshark is known to get wrong or not to "
            "read explains 1 difference.\n",
        ),
    ],
)
def test_nothing_was_compared(
    changes: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A script can tell it from agreement, by status and in JSON."""
    found = replace(AGREED, agree=0, **changes)
    status, out = verified(found, monkeypatch, capsys)
    assert status == 4
    assert "\nNothing was compared: wsanalyze and Wireshark's dissector " in out
    assert out.endswith(said)
    shown = json.loads(as_json(found))
    assert (shown["compared"], shown["tls_not_decrypted"]) == (False, found.closed)


def test_what_stayed_closed_is_said_beside_agreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = verified(replace(AGREED, closed=1), monkeypatch, capsys)
    assert status == 0
    assert out.endswith(
        "agree on all 2 frames. 1 TLS conversation was not decrypted: nothing is said of them.\n"
    )


def test_many_differences_are_cut_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = verified(replace(AGREED, differences=(EXTRA,) * 13), monkeypatch, capsys)
    assert "  and 3 more (--all shows them)\n" in out


@needs_tshark
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyshark")
    capture = CAPTURES / "cut-connections.pcapng"
    assert main(["verify", "-f", "json", str(capture)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"] == {"wsanalyze": 13, "tshark": 12, "agree": 12}
    (difference,) = found["differences"]
    assert (difference["kind"], difference["reason"]) == ("missing", "unfinished")
    assert difference["wsanalyze"]["packet"] == 68
    assert difference["tshark"] is None

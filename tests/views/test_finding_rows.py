"""Findings as JSON and as commands of GitHub Actions, whatever strangers sent."""

from __future__ import annotations

import json

from views.audits import HOSTILE, MASK, ORIGINS, SERVER, STEERING, audit_of, finding
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.finding_rows import as_github, as_json, as_jsonl

OF_ALL = finding(
    ORIGINS,
    connection=None,
    sender=None,
    time=None,
    packet=None,
    evidence=None,
    expected=None,
    message="two origins",
)


def test_a_row() -> None:
    assert json.loads(as_jsonl(audit_of([finding(frame=3, count=2)]))) == {
        "connection": 0,
        "check": "HSR-04",
        "name": "wrong-accept",
        "severity": "error",
        "message": "the accept value does not belong to the key",
        "sender": "server",
        "time": "2026-01-02T03:04:06.000000000Z",
        "packet": 6,
        "frame": 3,
        "evidence": "Sec-WebSocket-Accept: AAAA",
        "expected": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "reference": "RFC 6455 §4.1",
        "coverage": "full",
        "count": 2,
        "capture": "chat.pcap",
    }
    row = json.loads(as_jsonl(audit_of([OF_ALL])))
    assert [name for name, value in row.items() if value is None] == [
        *("connection", "sender", "time", "packet", "frame", "evidence", "expected"),
    ]


def test_the_whole() -> None:
    problem = CaptureSummary("chat.pcap", format="pcap", packets=9, problem="cut at byte 7")
    problem.first_time = 1_500_000_000
    audited = audit_of([finding(), OF_ALL], captures=[problem])
    found = json.loads(as_json(audited, "1.2.3", [(99, "ab" * 32)]))
    assert found["version"] == "1.2.3"
    assert found["complete"] is False
    assert found["captures"] == [
        {
            "capture": "chat.pcap",
            "packets": 9,
            "problem": "cut at byte 7",
            "first_time": "1970-01-01T00:00:01.500000000Z",
            "last_time": None,
            "size": 99,
            "sha256": "ab" * 32,
        }
    ]
    assert found["connections"] == 1
    assert found["checks"] == ["HSR-04", "FRM-01", "PRX-04", "SEC-04"]
    assert found["counts"] == {"error": 1, "warning": 1, "info": 0}
    assert found["headlines"]["invalid Sec-WebSocket-Accept"] == [0]
    assert [each["check"] for each in found["findings"]] == ["HSR-04", "SEC-04"]


def test_nothing_found() -> None:
    assert as_jsonl(audit_of([])) == ""
    assert as_github(audit_of([])) == ""
    assert json.loads(as_json(audit_of([])))["findings"] == []


def test_json_escapes_what_steers_and_reads_back_exactly() -> None:
    for text in (as_json(audit_of([HOSTILE])), as_jsonl(audit_of([HOSTILE]))):
        assert text.isascii()
        assert all(character.isprintable() for character in text.replace("\n", ""))
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert as_jsonl(audit_of([HOSTILE])).count("\n") == 1
    assert json.loads(as_jsonl(audit_of([HOSTILE])))["evidence"] == STEERING


def test_commands() -> None:
    audit = audit_of([finding(), finding(SERVER, frame=2, packet=None), OF_ALL])
    assert as_github(audit).splitlines() == [
        "::error file=chat.pcap,title=HSR-04 wrong-accept::the accept value does not belong to the "
        "key (connection 0, packet 6); found: Sec-WebSocket-Accept: AAAA; "
        "expected: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "::notice file=chat.pcap,title=PRX-04 proxy-signs::the accept value does not belong to the "
        "key (connection 0, frame 2); found: Sec-WebSocket-Accept: AAAA; "
        "expected: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "::warning file=chat.pcap,title=SEC-04 origin-not-checked::two origins",
    ]


def test_what_concerns_several_captures_names_no_file() -> None:
    two = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("b.pcap", format="pcap")]
    title = "SEC-04 origin-not-checked"
    assert as_github(audit_of([OF_ALL], captures=two)) == f"::warning title={title}::two origins\n"


def test_a_capture_that_was_read_in_part() -> None:
    problem = CaptureSummary("a,b:50%.pcap", problem="byte 7: cut, 100% sure\n::error::x")
    assert as_github(audit_of([], captures=[problem])) == (
        "::warning file=a%2Cb%3A50%25.pcap,title=read in part::byte 7: cut, 100%25 sure"
        "\\x0a::error::x\n"
    )


def test_no_command_inside_of_a_command() -> None:
    text = as_github(audit_of([HOSTILE, finding(MASK, message="100%0A::error::x")]))
    assert text.count("\n") == 2
    assert all(line.startswith("::error file=chat.pcap,title=") for line in text.splitlines())
    assert all(character.isprintable() for character in text.replace("\n", ""))
    # What the runner would unescape says what was sent, not a line end.
    assert "%0A" not in text
    assert "100%250A::error::x" in text


def test_a_name_of_a_file_sets_no_property() -> None:
    named = CaptureSummary(f"{STEERING},title=x::y", format="pcap")
    (line,) = as_github(audit_of([OF_ALL], captures=[named])).splitlines()
    command, _, message = line[2:].partition("::")
    assert message == "two origins"
    assert command.count(",") == 1
    assert command.endswith("%2Ctitle=x%3A%3Ay,title=SEC-04 origin-not-checked")

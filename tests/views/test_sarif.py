"""SARIF that its schema accepts, whatever strangers sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator
from tables.recordings import connection

from views.audits import (
    CHECKS,
    HOSTILE,
    MASK,
    ORIGINS,
    SERVER,
    STEERING,
    audit_of,
    finding,
)
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.audited import Audited
from wsanalyze.views.sarif import as_sarif, location, plain

SCHEMA = Path(__file__).with_name("schemas") / "sarif-2.1.0-rtm.5.json"
FOLDER = Path("/data/captures")
OF_ALL = finding(ORIGINS, connection=None, sender=None, time=None, packet=None)


def run_of(audited: Audited, *digests: tuple[int, str] | None) -> dict[str, Any]:
    """Return the one run of a log that its schema accepts."""
    text = as_sarif(audited, "1.2.3", FOLDER, digests)
    assert text.isascii()
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    log = json.loads(text)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft4Validator(schema).validate(log)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_rules_are_the_checks_that_found_something() -> None:
    """Texts of all checks made a log of one finding 250 kB long."""
    assert run_of(audit_of([]))["tool"]["driver"]["rules"] == []
    (rule,) = run_of(audit_of([finding(MASK)]))["tool"]["driver"]["rules"]
    assert rule["id"] == MASK.id
    driver = run_of(audit_of([finding(each) for each in reversed(CHECKS)]))["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("wsanalyze", "1.2.3")
    assert [each["id"] for each in driver["rules"]] == [each.id for each in CHECKS]
    assert driver["rules"][0] == {
        "id": "HSR-04",
        "name": "wrong-accept",
        "shortDescription": {"text": "Title of HSR-04"},
        "fullDescription": {"text": "Why the rule exists."},
        "help": {
            "text": "Why the rule exists.\n\nWhat to do about HSR-04.\n\nRFC 6455 §4.1",
            "markdown": "Why the rule exists.\n\n**What to do:** What to do about HSR-04.\n\n"
            "*RFC 6455 §4.1*",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["test"]},
    }
    levels = [each["defaultConfiguration"]["level"] for each in driver["rules"]]
    assert levels == ["error", "error", "note", "warning"]


def test_a_result() -> None:
    (result,) = run_of(audit_of([finding(MASK, frame=3, count=7, coverage="gap")]))["results"]
    fingerprint = result.pop("partialFingerprints")
    assert list(fingerprint) == ["place/v1"]
    assert result == {
        "ruleId": "FRM-01",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "the accept value does not belong to the key"},
        "occurrenceCount": 7,
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "chat.pcap"}},
                "logicalLocations": [
                    {
                        "name": "connection 0",
                        "fullyQualifiedName": "connection 0",
                        "kind": "connection",
                    },
                    {
                        "name": "frame 3",
                        "fullyQualifiedName": "connection 0/frame 3",
                        "kind": "frame",
                    },
                ],
            }
        ],
        "properties": {
            "connection": 0,
            "sender": "server",
            "time": "2026-01-02T03:04:06.000000000Z",
            "packet": 6,
            "frame": 3,
            "evidence": "Sec-WebSocket-Accept: AAAA",
            "expected": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "reference": "RFC 6455 §4.1",
            "coverage": "gap",
        },
    }


def test_a_remark_is_a_note_and_a_severity_of_its_own_goes_before_the_rules() -> None:
    results = run_of(audit_of([finding(SERVER), finding(SERVER, severity="warning")]))["results"]
    assert [each["level"] for each in results] == ["note", "warning"]


def test_what_concerns_several_captures_has_no_place() -> None:
    two = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("b.pcap", format="pcap")]
    run = run_of(audit_of([OF_ALL], captures=two))
    assert "locations" not in run["results"][0]
    assert [each["location"]["uri"] for each in run["artifacts"]] == ["a.pcap", "b.pcap"]
    (place,) = run_of(audit_of([OF_ALL]))["results"][0]["locations"]
    assert place == {"physicalLocation": {"artifactLocation": {"uri": "chat.pcap"}}}


def test_files_have_their_length_and_their_hash() -> None:
    two = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("-", format="pcap")]
    file, stream = run_of(audit_of([OF_ALL], captures=two), (24, "ab" * 32), None)["artifacts"]
    assert (file["length"], file["hashes"]) == (24, {"sha-256": "ab" * 32})
    assert stream.keys() == {"location", "roles"}


def test_captures_that_were_read_in_part_are_told() -> None:
    cut = CaptureSummary("a.pcap", problem="cut\x1b at byte 7")
    (invocation,) = run_of(audit_of([], captures=[cut]))["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told["level"] == "warning"
    assert told["message"] == {"text": "read in part: cut\\x1b at byte 7"}
    (invocation,) = run_of(audit_of([], interrupted=True))["invocations"]
    assert invocation["toolExecutionNotifications"][0]["message"] == {"text": "interrupted"}
    (invocation,) = run_of(audit_of([]))["invocations"]
    assert invocation == {"executionSuccessful": True, "toolExecutionNotifications": []}


def fingerprints(audited: Audited) -> list[str]:
    return [each["partialFingerprints"]["place/v1"] for each in run_of(audited)["results"]]


def test_fingerprints_stay_however_things_are_called_numbered_and_shown() -> None:
    (before,) = fingerprints(audit_of([finding()]))
    moved = connection(0, capture="elsewhere/renamed.pcap")
    earlier = connection(1, requested_ordinal=0, client_port=1)
    shown = finding(packet=99, message="other words", evidence="a secret", coverage="gap")
    (after,) = fingerprints(audit_of([shown], [moved, earlier]))
    assert after == before


def test_fingerprints_tell_findings_apart() -> None:
    every = [
        finding(),
        finding(),
        finding(time=1),
        finding(sender="client"),
        finding(MASK),
        finding(connection=1),
        OF_ALL,
    ]
    found = fingerprints(audit_of(every, [connection(0), connection(1)]))
    assert len(set(found)) == len(every)


def test_hostile_text() -> None:
    (result,) = run_of(audit_of([HOSTILE]))["results"]
    assert result["message"]["text"].isprintable()
    assert result["properties"]["evidence"] == STEERING


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("{0} and }{", "{{0}} and }}{{"),
        ("[here](http://192.0.2.1/)", "[here] (http://192.0.2.1/)"),
        ("[a](b)](c)", "[a] (b)] (c)"),
        ("a [list] (of b)", "a [list] (of b)"),
    ],
)
def test_messages_hold_no_placeholder_and_no_link(text: str, escaped: str) -> None:
    assert plain(text) == escaped
    (result,) = run_of(audit_of([finding(message=text)]))["results"]
    assert result["message"] == {"text": escaped}


@pytest.mark.parametrize(
    ("capture", "uri"),
    [
        ("chat.pcap", "chat.pcap"),
        ("./a/../b/chat.pcap", "b/chat.pcap"),
        ("/data/captures/b/chat.pcap", "b/chat.pcap"),
        ("/data/other/chat.pcap", "file:///data/other/chat.pcap"),
        ("../chat.pcap", "file:///data/chat.pcap"),
        ("a b#1?x=50%.pcap", "a%20b%231%3Fx%3D50%25.pcap"),
        ("c:d.pcap", "c%3Ad.pcap"),
        ("//host.pcap", "file:////host.pcap"),
        ("gr\u00fc\u00df\u202e\n.pcap", "gr%C3%BC%C3%9F%E2%80%AE%0A.pcap"),
        ("not-utf8-\udcff.pcap", "not-utf8-%FF.pcap"),
    ],
)
def test_where_a_capture_is(capture: str, uri: str) -> None:
    assert location(capture, FOLDER) == {"uri": uri}
    assert urlsplit(uri).scheme in ("", "file")
    assert not urlsplit(uri).query
    assert Path(unquote(urlsplit(uri).path)).name


def test_standard_input() -> None:
    assert location("-", FOLDER) == {
        "uri": "stdin",
        "description": {"text": "standard input"},
    }

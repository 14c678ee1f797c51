"""The facts of a page are those of the capture."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from cli.running import run

import wsanalyze
from report.pages import CAPTURES, named
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.report.budget import Budget

NAMES = sorted(each.name.partition(".")[0] for each in CAPTURES.glob("*.pcap*"))


def test_frames_are_those_of_the_table() -> None:
    frames = wsanalyze.analyze(CAPTURES / "websockets-deflate.pcapng").frames
    shown = named("websockets-deflate")["connections"]
    of_first = frames[frames.connection == 0]
    columns = shown[0]["frames"]
    assert columns["packet"] == of_first.packet.tolist()
    assert columns["offset"] == of_first.offset.tolist()
    assert columns["length"] == of_first.length.tolist()
    assert [each & 15 for each in columns["head"]] == of_first.opcode.tolist()
    assert columns["key"] == of_first.masking_key.fillna("").tolist()
    assert sum(each["frames"]["shown"] for each in shown) == len(frames)


def test_payloads_are_what_the_applications_sent() -> None:
    truth = json.loads((CAPTURES / "hostile-contents.truth.json").read_text())
    messages = named("hostile-contents")["connections"][0]["messages"]
    assert len(truth["connections"][0]["messages"]) == messages["shown"] == messages["total"]
    table = wsanalyze.analyze(CAPTURES / "hostile-contents.pcapng", payloads="full")
    first = next(iter(table))
    assert [b64decode(each) for each in messages["payload"]] == [
        first.payload(each) for each in first.messages
    ]


def test_a_header_has_its_verdict_and_its_finding() -> None:
    data = named("faulty-answers")
    lines = {
        (each["target"], line["name"]): line
        for each in data["connections"]
        if each["handshake"]["response"]
        for line in each["handshake"]["response"]["lines"]
    }
    wrong = lines["/content-length", "Content-Length"]
    assert wrong["verdict"] == "warning"
    assert [data["findings"][each]["check"] for each in wrong["findings"]] == ["HSR-13"]
    assert lines["/content-length", "Upgrade"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nginx-60s", "14 connections: 14 seen whole"),
        ("from-the-middle", None),
        (
            "wss-http2-chromium",
            "3 connections: 3 seen whole; 1 TLS conversation could not be looked into",
        ),
    ],
)
def test_how_much_was_looked_at_is_what_check_says(name: str, text: str | None) -> None:
    said = named(name)["looked_at"]
    done = run("check", next(CAPTURES.glob(f"{name}.pcap*")), COLUMNS="200")
    assert f"looked at       {said}\n" in done.stdout
    assert text is None or said == f"{len(catalogue())} checks on {text}"


def test_findings_are_those_of_check_and_each_has_its_rule() -> None:
    table = wsanalyze.analyze(CAPTURES / "unruly-peers.pcapng").findings
    data = named("unruly-peers")
    shown = sorted((each["check"], each["message"]) for each in data["findings"])
    assert shown == sorted(zip(table.check, table.message, strict=True))
    assert set(data["rules"]) == set(table.check)
    assert sum(data["totals"]["severities"].values()) == table["count"].sum()


def test_round_trips_and_close() -> None:
    (connection,) = named("keepalive")["connections"]
    assert (connection["pings"]["total"], connection["pings"]["answered"]) == (10, 10)
    assert [each["code"] for each in connection["close"]["closes"]] == [1000, 1000]


def test_bars_hold_every_byte_and_every_message() -> None:
    for each in named("implementations")["connections"]:
        bars = each["throughput"]
        assert sum(bars["client"]) == each["client_bytes"]
        assert sum(bars["server"]) == each["server_bytes"]
        assert (
            sum(each["sizes"]["client"]) + sum(each["sizes"]["server"]) + each["sizes"]["unknown"]
            == each["client_messages"] + each["server_messages"]
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_capture_has_a_page_that_json_can_hold(name: str) -> None:
    data = named(name)
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text)["totals"]["connections"] == len(data["connections"])
    # Some have messages of more than 4 kB; nothing else is left out of any.
    assert all("only the beginning is shown" in each for each in data["left_out"])


def test_folders_of_the_machine_are_not_in_it() -> None:
    assert str(CAPTURES) not in json.dumps(named("faulty-answers"))


def test_what_is_left_out_is_said() -> None:
    budget = Budget(connections=2, frames=5, message=3, findings=1)
    data = named("hostile-contents", budget=budget)
    assert [each["frames"]["shown"] for each in data["connections"]] == [3, 2]
    said = " ".join(data["left_out"])
    assert "Of 3 connections the first 2 are shown." in said
    assert "Of 47 frames 5 are listed" in said
    assert "findings the worst 1 are listed." in said
    assert "messages only the beginning is shown: at most 3 B each" in said

"""The facts of a page are those of the capture."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cli.running import run
from support.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, pcap_of, segment

import wsanalyze
from report.made import conversation
from report.pages import CAPTURES, WANTS, data_of, named
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.report.budget import Budget
from wsanalyze.report.data import report_data
from wsanalyze.streams import Streams

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


def frame(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    key = bytes(4) if masked else b""
    return bytes((0x80 | opcode, (0x80 if masked else 0) | len(payload))) + key + payload


def data_of_one(tmp_path: Path, ours: list[bytes], theirs: list[bytes], budget: Budget) -> Any:
    path = tmp_path / "one.pcap"
    path.write_bytes(conversation(ours, theirs))
    (connection,) = data_of(path, budget=budget)["connections"]
    return connection


def test_pings_that_are_listed_have_their_pongs_wherever_these_are(tmp_path: Path) -> None:
    pings = [frame(9, b"%d" % number, masked=True) for number in range(400)]
    pongs = [frame(10, b"%d" % number, masked=False) for number in range(0, 400, 40)]
    shown = data_of_one(tmp_path, [b"".join(pings)], [b"".join(pongs)], Budget(frames=10, pings=3))
    assert (shown["pings"]["total"], shown["pings"]["answered"]) == (400, 10)
    listed = [
        (each["f"], each["pong"], b64decode(each["payload"])) for each in shown["pings"]["rows"]
    ]
    assert listed == [(0, 400, b"0"), (1, None, b"1"), (2, None, b"2")]
    assert shown["frames"]["shown"] == 10
    assert shown["frames"]["payloads"].keys() == set(range(10))


@pytest.mark.parametrize("is_once", [False, True])
def test_pings_that_are_not_looked_into_are_counted_with_their_pongs(is_once: bool) -> None:
    truth = named("keepalive")["connections"][0]["pings"]
    recording = read([CAPTURES / "keepalive.pcap"], wants=WANTS, limits=Limits())

    def again(streams: Streams, wants: Wants) -> Recording:
        return read([CAPTURES / "keepalive.pcap"], wants=wants, limits=Limits(), streams=streams)

    data = report_data(
        recording,
        [],
        again=None if is_once else again,
        budget=Budget() if is_once else Budget(controls=3),
    )
    shown = data["connections"][0]["pings"]
    assert (shown["total"], shown["answered"]) == (truth["total"], truth["answered"]) == (10, 10)


def test_closes_beyond_some_are_counted(tmp_path: Path) -> None:
    closes = [frame(8, b"\x03\xe8", masked=True) for _ in range(250)]
    shown = data_of_one(tmp_path, [b"".join(closes)], [], Budget(frames=5))
    assert len(shown["close"]["closes"]) == 100
    assert shown["close"]["more_closes"] == 150
    labels = [each for each in shown["ladder"]["rungs"]["label"] if "frames" in each]
    assert labels == ["frames 100 to 249, 300 B"]


def test_segments_of_note_beyond_some_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "ends.pcap"
    request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
    fins = [segment(CLIENT, SERVER, 1 + len(request), 1, FIN | ACK) for _ in range(5000)]
    resets = [segment(SERVER, CLIENT, 1, 1, RST) for _ in range(3)]
    path.write_bytes(
        pcap_of([segment(CLIENT, SERVER, 0, 0, SYN), segment(CLIENT, SERVER, 1, 1, ACK, request)])
        + pcap_of(fins + resets)[24:]
    )
    (connection,) = data_of(path)["connections"]
    rungs = connection["ladder"]["rungs"]
    ((label, detail),) = [
        each for each in zip(rungs["label"], rungs["detail"], strict=True) if "more" in each[0]
    ]
    # Twenty ends are drawn.
    assert label == "4983 more segments of note from here on"
    # The first FIN is drawn, all others are it again.
    assert detail == "4980 retransmission, 3 reset"


def test_what_is_left_out_is_said() -> None:
    budget = Budget(connections=2, frames=5, message=3, findings=1)
    data = named("hostile-contents", budget=budget)
    assert [each["frames"]["shown"] for each in data["connections"]] == [3, 2]
    said = " ".join(data["left_out"])
    assert "Of 3 connections the first 2 are shown." in said
    assert "Of 47 frames 5 are listed" in said
    assert "findings the worst 1 are listed." in said
    assert "messages only the beginning is shown: at most 3 B each" in said


def test_what_a_header_is_said_to_have_is_among_the_findings_that_are_listed() -> None:
    data = named("faulty-answers", budget=Budget(findings=3))
    assert len(data["findings"]) == 3
    heads = [each["handshake"]["response"] for each in data["connections"]]
    lines = [line for head in heads if head for line in head["lines"]]
    assert {place for line in lines for place in line["findings"]} <= {0, 1, 2}
    # What is wrong with a field is not forgotten with that.
    assert sum(line["verdict"] == "error" for line in lines) > 3

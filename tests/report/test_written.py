"""A report from Python: the same page as the command's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wsanalyze
from report.pages import CAPTURES, embedded_in, named
from wsanalyze.errors import UsageError


def test_it_is_the_page_of_the_command(tmp_path: Path) -> None:
    path = wsanalyze.analyze(CAPTURES / "chat-wss.pcapng").write_report(tmp_path / "page.html")
    page = path.read_text(encoding="utf-8")
    assert "<title>chat-wss.pcapng</title>" in page
    data = embedded_in(page)
    assert data.pop("made")["by"] == f"wsanalyze {wsanalyze.__version__}"
    assert data == json.loads(json.dumps(named("chat-wss")))


def test_what_is_chosen_is_shown(tmp_path: Path) -> None:
    analysis = wsanalyze.analyze(CAPTURES / "faulty-answers.pcapng")
    path = analysis.write_report(
        tmp_path / "page.html", title="for you", connections=[2, 5], payload=3
    )
    page = path.read_text(encoding="utf-8")
    data = embedded_in(page)
    assert "<title>for you</title>" in page
    assert [each["connection"] for each in data["connections"]] == [2, 5]


def test_secrets_are_shown_only_where_the_report_is_to_show_them(tmp_path: Path) -> None:
    analysis = wsanalyze.analyze(CAPTURES / "secrets-and-tunnels.pcapng", show_secrets=True)
    without = analysis.write_report(tmp_path / "without.html").read_text()
    shown = analysis.write_report(tmp_path / "with.html", show_secrets=True).read_text()
    assert str(embedded_in(without)).count("eyJ") < str(embedded_in(shown)).count("eyJ")
    assert embedded_in(without)["findings"] == named("secrets-and-tunnels")["findings"]
    assert embedded_in(shown)["secrets"]


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcapng"
    capture.write_bytes((CAPTURES / "chat-ws.pcapng").read_bytes())
    analysis = wsanalyze.analyze(capture)
    with pytest.raises(UsageError, match="no connection 9: there are 1"):
        analysis.write_report(tmp_path / "page.html", connections=[9])
    with pytest.raises(UsageError, match="is the capture that is read"):
        analysis.write_report(capture)
    with capture.open("rb") as file, pytest.raises(UsageError, match="cannot be"):
        wsanalyze.analyze(file).write_report(tmp_path / "page.html")
    with pytest.raises(OSError, match="No such file"):
        analysis.write_report(tmp_path / "nowhere" / "page.html")

"""A report says what it is of, to the byte, and what made it, when."""

from __future__ import annotations

import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from cli.running import COMMAND, environment
from playwright.sync_api import Browser

import wsanalyze
from report.pages import CAPTURES, embedded_in, named, opened
from wsanalyze.report.provenance import made_at

CHAT = CAPTURES / "chat-ws.pcapng"


def test_size_digest_first_and_last_packet() -> None:
    lines = dict(map(tuple, named("chat-ws")["captures"][0]))
    assert lines["file"] == f"{CHAT.stat().st_size:,} bytes"
    assert lines["SHA-256"] == sha256(CHAT.read_bytes()).hexdigest()
    frames = wsanalyze.analyze(CHAT).summary.iloc[0]
    for label, column in (("first packet", "first_time"), ("last packet", "last_time")):
        millisecond = frames[column].strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        assert lines[label].startswith(f"{millisecond} UTC")


def test_of_a_pipe_it_is_that_of_what_was_read(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    subprocess.run(
        [*COMMAND, "report", "-", "-o", page, "-q"],
        input=CHAT.read_bytes(),
        env=environment(),
        check=True,
    )
    lines = dict(map(tuple, embedded_in(page.read_text())["captures"][0]))
    assert lines["SHA-256"] == sha256(CHAT.read_bytes()).hexdigest()


def test_the_page_names_its_maker_and_the_time(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    page = wsanalyze.analyze(CHAT).write_report(tmp_path / "page.html")
    seen = opened(browser, page)
    made = f"Made by wsanalyze {wsanalyze.__version__} at 2026-01-01 00:00:00 UTC."
    assert made in seen.text("footer")
    assert sha256(CHAT.read_bytes()).hexdigest() in seen.text("#overview")
    again = wsanalyze.analyze(CHAT).write_report(tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "٣", "999999999999999", "253402300800"])
def test_a_source_date_that_is_none_does_not_count(text: str) -> None:
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", made_at({"SOURCE_DATE_EPOCH": text})
    )
    assert made_at({"SOURCE_DATE_EPOCH": "0"}) == "1970-01-01 00:00:00 UTC"

"""Reports to test: made of captures, and opened in Chromium without a network."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from wsanalyze.capture.digests import digests_of, marks_of
from wsanalyze.findings import audit
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.report.budget import Budget
from wsanalyze.report.data import report_data
from wsanalyze.report.render import render
from wsanalyze.streams import Streams

CAPTURES = Path(__file__).parents[2] / "captures"
WANTS = Wants(segments=True, payloads="preview", preview_length=4096, observe=True, tls=True)
# What Chromium is called where; the Makefile installs it.
NAMES = ("chromium", "chromium-browser", "google-chrome")


def data_of(
    *captures: Path, budget: Budget | None = None, show_secrets: bool = False
) -> dict[str, Any]:
    """Return what the page of captures shows."""

    def again(streams: Streams, wants: Wants) -> Recording:
        return read(list(captures), wants=wants, limits=Limits(), streams=streams)

    before = marks_of(captures)
    recording = read(list(captures), wants=WANTS, limits=Limits())
    found = audit(recording, show_secrets=show_secrets)
    return report_data(
        recording,
        found,
        again=again,
        budget=budget,
        show_secrets=show_secrets,
        digests=digests_of((each.capture for each in recording.captures), captures, before),
    )


def named(name: str, **options: Any) -> dict[str, Any]:
    """Return what the page of one of captures/ shows."""
    return data_of(next(CAPTURES.glob(f"{name}.pcap*")), **options)


def embedded_in(page: str) -> dict[str, Any]:
    """Return the data that a page has in it."""
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    found: dict[str, Any] = json.loads(decompress(b64decode(json.loads(block)["gzip"])))
    return found


@dataclass
class Opened:
    """A page in the browser, and what it did that it should not."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def assert_quiet(self, file: Path) -> None:
        """Assert that nothing but the file was asked for, and that nothing went wrong."""
        assert {each.partition("#")[0] for each in self.requests} == {file.as_uri()}
        assert (self.console, self.errors, self.dialogs) == ([], [], [])

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the browser; it must be there."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path is not None, f"none of {', '.join(NAMES)} is installed: `make tools` does"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def written(folder: Path, data: dict[str, Any], title: str = "a report") -> Path:
    """Write a page and return its path."""
    path = folder / "report.html"
    path.write_text(render(data, title), encoding="utf-8")
    return path


def opened(browser: Browser, file: Path, place: str = "", **options: Any) -> Opened:
    """Open a page at a place (`#c=0&f=3`) and wait until it is ready."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}, **options)
    seen = Opened(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.console.append(message.text))
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    seen.page.goto(file.as_uri() + place)
    seen.page.wait_for_selector("html[data-ready=yes]")
    return seen


def page_of(browser: Browser, folder: Path, data: dict[str, Any], place: str = "") -> Opened:
    """Write a page and open it at a place."""
    return opened(browser, written(folder, data), place)

"""The browser that pages are opened in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from report.pages import chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the browser: pages are the same whatever the kernels are."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(autouse=True)
def _pages_are_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test opened: each page is a process, and hundreds of them take all memory."""
    if "browser" not in request.fixturenames:
        yield
        return
    running: Browser = request.getfixturevalue("browser")
    before = running.contexts
    yield
    for context in running.contexts:
        if context not in before:
            context.close()

"""The page for everybody: contrast, names, headers of tables, what moves and where the focus is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from report.pages import CAPTURES, data_of, named, opened, page_of, written

# WCAG 2.2 §1.4.3: the contrast of each text in sight with what is behind it, where it is below 4.5.
FAINT = """() => {
  const channels = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return { rgb: found.slice(0, 3), alpha: found[3] ?? 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((each) => each / 255).map(
      (each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { rgb, alpha } = channels(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, style, title, option")) continue;
    const style = getComputedStyle(element);
    const ink = channels(element instanceof SVGElement ? style.fill : style.color).rgb;
    const pair = [luminance(ink), luminance(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    count += 1;
    if (contrast < 4.5) faint.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
  }
  return [count, [...faint]];
}"""


# How many can be used or entered, and those in sight of them that nothing names.
NAMELESS = """() => {
  const all = [...document.querySelectorAll(
    "a, button, input, select, summary, nav, [role=grid], [role=region], [tabindex='0']")];
  const name = (each) => each.getAttribute("aria-label") ||
    [...(each.labels || [])].map((label) => label.firstChild.textContent).join("") ||
    (each.matches("[tabindex], nav") ? "" : each.textContent);
  const nameless = all.filter((each) => each.checkVisibility() && !name(each).trim());
  return [all.length, nameless.map((each) => each.outerHTML)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "place"),
    [("faulty-answers", "#c=3"), ("socks-tunnels", "#c=15"), ("hostile-contents", "#c=0&f=12")],
)
def test_every_text_can_be_read(
    browser: Browser, tmp_path: Path, name: str, place: str, scheme: Any
) -> None:
    seen = opened(browser, written(tmp_path, named(name)), place, color_scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    seen.page.locator("#frame-list .row").first.wait_for()
    count, faint = seen.page.evaluate(f"({FAINT})()")
    assert count > 300
    assert faint == []


def test_every_control_has_a_name(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("keepalive"), "#c=0&f=2")
    count, nameless = seen.page.evaluate(NAMELESS)
    assert count > 60
    assert nameless == []


def test_tables_and_lists_have_headers(browser: Browser, tmp_path: Path) -> None:
    """Whoever hears the page is told which column a cell is in, and what rows are sorted by."""
    data = named("fragments")
    seen = page_of(browser, tmp_path, data, "#c=0&f=2")
    tables = seen.page.locator("table")
    assert tables.count() > 2
    for each in tables.all():
        heads, cells = each.locator("thead th[scope=col]"), each.locator("tbody tr").first
        assert heads.count() == cells.locator("td, th").count()
    sorts = seen.page.locator("#connections th").evaluate_all(
        "all => all.map(each => each.getAttribute('aria-sort'))"
    )
    assert sorts.count("ascending") == 1
    assert set(sorts) == {"ascending", "none"}
    for name in ("frame", "message"):
        rows = data["connections"][0][f"{name}s"]["shown"]
        grid = seen.page.locator(f"#{name}-list")
        assert grid.get_attribute("role") == "grid"
        assert int(grid.get_attribute("aria-rowcount") or 0) == rows + 1
        heads = grid.locator("[role=columnheader]")
        row = grid.locator("[role=rowgroup] [role=row]").first
        assert row.locator("[role=gridcell]").count() == heads.count()
        assert row.get_attribute("aria-rowindex") == "2"


def test_the_focus_is_seen_wherever_it_is(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("keepalive"), "#c=0&f=2")
    seen.page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        style, width = seen.page.evaluate(
            "() => { const each = getComputedStyle(document.activeElement);"
            " return [each.outlineStyle, parseFloat(each.outlineWidth)]; }"
        )
        assert style == "solid"
        assert width >= 2


def test_nothing_moves_by_itself(browser: Browser, tmp_path: Path) -> None:
    """So there is nothing to leave out where `prefers-reduced-motion` asks for it."""
    seen = page_of(browser, tmp_path, named("keepalive"), "#c=0&f=2")
    assert seen.page.evaluate("document.getAnimations().length") == 0
    moving = seen.page.evaluate(
        "[...document.querySelectorAll('*')].filter(each => { const style = getComputedStyle(each);"
        " return style.transitionDuration !== '0s' || style.animationName !== 'none'"
        " || style.scrollBehavior !== 'auto'; }).length"
    )
    assert moving == 0


def test_the_ways_to_the_neighbours(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("implementations"), "#c=1")
    ways = seen.page.get_by_role("navigation", name="other connections")
    ways.get_by_role("link", name="next →").press("Enter")
    seen.page.locator("#connection-title", has_text="Connection 2").wait_for()
    assert seen.page.title() == "connection 2: a report"
    seen.page.go_back()
    seen.page.locator("#connection-title", has_text="Connection 1").wait_for()
    ways.get_by_role("link", name="← previous").click()
    seen.page.locator("#connection-title", has_text="Connection 0").wait_for()
    assert ways.get_by_role("link").all_inner_texts() == ["next →", "all connections"]
    ways.get_by_role("link", name="all connections").click()
    seen.page.locator("#connection-title").wait_for(state="detached")
    assert seen.page.title() == "a report"
    seen.page.go_back()
    seen.page.locator("#connection-title", has_text="Connection 0").wait_for()


def test_the_ladder_fits_a_telephone(browser: Browser, tmp_path: Path) -> None:
    """Two lanes do, without moving it sideways; three keep their width."""
    for name, place, fits in (("keepalive", "#c=0", True), ("nginx-proxy", "#c=1", False)):
        seen = page_of(browser, tmp_path, named(name), place)
        wide = seen.page.locator("#ladder .place").all_text_contents()
        seen.page.set_viewport_size({"width": 400, "height": 800})
        seen.page.wait_for_timeout(100)
        box = seen.page.locator("#ladder .ladder")
        assert box.evaluate("each => each.scrollWidth <= each.clientWidth") is fits
        assert ("packet" in seen.page.locator("#ladder .place").all_text_contents()) is not fits
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400
        seen.page.set_viewport_size({"width": 1280, "height": 800})
        seen.page.wait_for_timeout(100)
        assert seen.page.locator("#ladder .place").all_text_contents() == wide


def test_what_was_not_read_is_said_at_the_top(browser: Browser, tmp_path: Path) -> None:
    whole = next(CAPTURES.glob("unruly-peers.pcap*")).read_bytes()
    capture = tmp_path / "cut.pcapng"
    capture.write_bytes(whole[: len(whole) * 2 // 3])
    notice = page_of(browser, tmp_path, data_of(capture)).text("#overview .notice >> nth=0")
    assert notice.startswith("cut.pcapng (pcapng)")
    assert "was not read to its end: byte " in notice

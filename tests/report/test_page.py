"""The page in Chromium, offline: what it shows, every control, and what it must not do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from support.sessions import frame, masked

from report.made import conversation
from report.pages import CAPTURES, data_of, named, opened, page_of, written
from wsanalyze.views.escape import visible

NASTY = (
    b"<script>alert(1)</script>",
    b"</script><img src=x onerror=alert(1)>",
    b"\x1b[2J\x1b]0;owned\x07\x1b[31m",
    "\u202e\u2066gpj.exe\u2069\u200b\u200d\ufeff".encode(),
    b'=HYPERLINK("http://evil.example")',
    b"\xff\xfe\xc0\x80\xed\xa0\x80",
    b"javascript:alert(1)//{{7*7}}${7*7}",
    b"\r\n\r\n\x00\x08\x7f\x9b31m",
    "\U000e0041\U000e0042 a\u0300\u0301\u0302\u0303\u0304 \u3164\u2800\ufe0f".encode(),
    b"&lt;b&gt; \\x1b \\\\ \" ' <svg onload=alert(1)>",
    b'{"__proto__": {"a": 1}, "a": 12345678901234567890, "a": [[], {}]}',
)


@pytest.mark.parametrize("payload", NASTY)
def test_hostile_text_is_text(browser: Browser, tmp_path: Path, payload: bytes) -> None:
    ours = [masked(payload), masked(payload, 2), masked(payload[:125], 9)]
    theirs = [frame(payload[:125], 10), frame(b"\x0f\xa0" + payload[:100], 8)]
    capture = tmp_path / "hostile.pcap"
    capture.write_bytes(conversation(ours, theirs, payload))
    file = written(tmp_path, data_of(capture), payload.decode("latin-1"))
    for number in range(5):
        seen = opened(browser, file, f"#c=0&f={number}")
        seen.assert_quiet(file)
        assert seen.page.locator("img, iframe, object, embed, form, base").count() == 0
        # Nothing invisible is left anywhere but line feeds, where lines of a payload end.
        shown = seen.page.locator("body").evaluate("body => body.textContent")
        script = seen.page.locator("body script").evaluate_all("all => all.map(a => a.textContent)")
        for each in script:
            shown = shown.replace(each, "")
        assert visible(shown.replace("\n", "")).replace("\\\\", "\\") == shown.replace("\n", "")
        seen.page.context.close()


@pytest.mark.parametrize("name", ["hostile-contents", "hostile-ways"])
def test_what_real_clients_sent_does_nothing(browser: Browser, tmp_path: Path, name: str) -> None:
    """In messages and heads; in what TLS, proxies and HTTP/2 have around them."""
    data = named(name)
    file = written(tmp_path, data)
    seen = opened(browser, file)
    for connection in data["connections"]:
        for number in range(connection["frames"]["total"]):
            address = f"#c={connection['connection']}&f={number}"
            seen.page.evaluate("address => { location.hash = address }", address)
            title = f"Frame {number} of connection {connection['connection']}"
            seen.page.locator("#frame-detail h4", has_text=title).first.wait_for()
            seen.page.evaluate(
                "document.querySelectorAll('details').forEach(each => { each.open = true })"
            )
            assert (
                seen.page.locator("main :is(img, script, b[onmouseover], svg[onload])").count() == 0
            )
    seen.assert_quiet(file)


def test_names_of_tls_proxies_and_http2_are_shown_as_sent(browser: Browser, tmp_path: Path) -> None:
    data = named("hostile-ways")
    at = {each["target"]: each["connection"] for each in data["connections"]}
    seen = page_of(browser, tmp_path, data)
    for place, texts in (
        (0, ("<b>chat</b>",)),
        (1, ("CONNECT %3Cimg%2F…", "200 <script>alert(1)")),
        (at["/tls-1_2"], ("<svg/onload=alert(1)>.example", "<script>alert(1)</script>")),
        (7, ("x-<img/src=x/onerror=alert(1)>: name", "\\x1b[2J")),
    ):
        seen.page.evaluate("address => { location.hash = address }", f"#c={place}")
        seen.page.locator("#connection-title", has_text=f"Connection {place}").wait_for()
        seen.page.evaluate(
            "document.querySelectorAll('details').forEach(each => { each.open = true })"
        )
        shown = seen.text("#connection")
        for text in texts:
            assert text in shown, (place, text)
    assert "forbidden.%3Cscript%3Ealert%281%29%3Cscript%3E:80" in seen.text("#refused")
    seen.assert_quiet(tmp_path / "report.html")


@pytest.mark.parametrize("part", ["ladder", "handshake", "close"])
@pytest.mark.parametrize("more", ["", "&f=x"])
def test_a_part_of_a_connection_without_a_frame(
    browser: Browser, tmp_path: Path, part: str, more: str
) -> None:
    seen = opened(browser, written(tmp_path, named("implementations")), f"#c=3&in={part}{more}")
    assert seen.text("#connection-title") == "Connection 3"
    top = f"document.getElementById('{part}').getBoundingClientRect().top"
    bottom = "document.documentElement.scrollHeight - scrollY - innerHeight"
    # What is at the end of the page cannot be at the top of the window.
    assert abs(seen.page.evaluate(top)) < 120 or seen.page.evaluate(bottom) < 2


@pytest.mark.parametrize("part", ["nowhere", "connection-title", "", "%3Cscript%3E"])
def test_of_a_part_that_there_is_not_the_connection_is_shown(
    browser: Browser, tmp_path: Path, part: str
) -> None:
    file = written(tmp_path, named("implementations"))
    seen = opened(browser, file, f"#c=3&in={part}")
    top = "document.getElementById('connection-title').getBoundingClientRect().top"
    assert abs(seen.page.evaluate(top)) < 120
    seen.assert_quiet(file)


def test_deep_links(browser: Browser, tmp_path: Path) -> None:
    file = written(tmp_path, named("implementations"))
    seen = opened(browser, file, "#c=3&f=2")
    assert seen.text("#connection-title") == "Connection 3"
    assert seen.text("#frame-detail h4 >> nth=0") == "Frame 2 of connection 3"
    assert (
        seen.page.locator("#frame-list [aria-selected=true]").get_attribute("id") == "frame-list-2"
    )
    seen.page.evaluate("location.hash = '#c=1'")
    seen.page.locator("#connection-title", has_text="Connection 1").wait_for()
    seen.page.go_back()
    seen.page.locator("#connection-title", has_text="Connection 3").wait_for()
    for wrong, said in (
        ("#c=999", "There is no connection 999"),
        ("#c=3&f=99999", "There is no frame 99,999"),
        ("#c=%3Cimg%20src=x%3E", "There is no connection <img src=x>"),
    ):
        seen.page.evaluate("address => { location.hash = address }", wrong)
        seen.page.locator(".notice", has_text=said).wait_for()
    seen.assert_quiet(file)


def test_a_link_to_what_is_not_there_opens_where_that_is_said(
    browser: Browser, tmp_path: Path
) -> None:
    seen = page_of(browser, tmp_path, named("nginx-60s"), "#c=999")
    notice = seen.page.locator(".notice", has_text="There is no connection 999")
    notice.wait_for()
    assert notice.evaluate("each => each.getBoundingClientRect().bottom <= innerHeight")


def test_the_table_says_how_each_came_and_which_its_other_leg_is(
    browser: Browser, tmp_path: Path
) -> None:
    heads = "#connections th"
    seen = page_of(browser, tmp_path, named("socks-tunnels"))
    titles = seen.page.locator(heads).all_inner_texts()
    place = {title.strip(" ▲"): number for number, title in enumerate(titles)}
    cells = seen.page.locator("#connections tbody tr").nth(15).locator("td")
    named_cells = ("scheme", "HTTP", "tunnel", "other leg")
    shown = {name: cells.nth(place[name]).inner_text() for name in named_cells}
    data = named("socks-tunnels")["connections"][15]
    assert shown == {
        "scheme": "ws",
        "HTTP": "1.1",
        "tunnel": data["tunnel"],
        "other leg": "behind 14, in front of 16",
    }
    cells.nth(place["other leg"]).get_by_role("link", name="connection 16").click()
    seen.page.locator("#connection-title", has_text="Connection 16").wait_for()
    # Of streams their number; and no column for what nobody has.
    seen = page_of(browser, tmp_path, named("http2-streams"))
    titles = seen.page.locator(heads).all_inner_texts()
    assert not {"tunnel", "other leg"} & set(titles)
    first = seen.page.locator("#connections tbody tr").first.locator("td")
    assert first.nth(titles.index("HTTP")).inner_text() == "2, stream 1"


def test_payload_is_told_apart_from_that_of_control_frames(
    browser: Browser, tmp_path: Path
) -> None:
    capture = tmp_path / "one.pcap"
    ours = [masked(b"a" * 100, 1), masked(b"ping", 9), masked(b"\x03\xe8", 8)]
    capture.write_bytes(conversation(ours, [frame(b"b" * 50, 2)]))
    seen = page_of(browser, tmp_path, data_of(capture))
    card = seen.page.locator(".card", has_text="data frame")
    assert "2 messages in 2 data frames, 150 B of payload" in card.inner_text()
    assert "2 control frames (Close, Ping, Pong), 6 B" in card.inner_text()


def test_the_table_is_sorted_filtered_and_searched(browser: Browser, tmp_path: Path) -> None:
    data = named("faulty-answers")
    seen = page_of(browser, tmp_path, data)
    rows = seen.page.locator("#connections tbody tr")
    time = seen.page.locator("#connections th", has_text="time")
    assert rows.count() == 14
    seen.page.locator("#connections th button", has_text="time").click()
    assert time.get_attribute("aria-sort") == "ascending"
    order = sorted(data["connections"], key=lambda each: each["ended"] - each["started"])
    numbers = [str(each["connection"]) for each in order]
    assert [each.split("\t")[0] for each in rows.all_inner_texts()] == numbers
    seen.page.locator("#connections th button", has_text="time").press("Enter")
    assert time.get_attribute("aria-sort") == "descending"
    assert rows.first.inner_text().split("\t")[0] == numbers[-1]
    seen.page.locator("#connections select").first.select_option("established")
    assert rows.count() == 3
    seen.page.locator("#connections select").nth(1).select_option("warning")
    assert rows.count() == sum(
        each["outcome"] == "established" and each["severity"] == "warning"
        for each in data["connections"]
    )
    seen.page.locator("#connections select").first.select_option("")
    seen.page.locator("#connections select").nth(1).select_option("")
    seen.page.locator("#connections input").fill("content-LENGTH")
    assert rows.count() == 1
    rows.first.click()
    assert "/content-length" in seen.text("#connection")


def test_findings_lead_to_their_frame(browser: Browser, tmp_path: Path) -> None:
    data = named("unruly-peers")
    seen = page_of(browser, tmp_path, data)
    finding = next(each for each in data["findings"] if each["f"] is not None)
    first = seen.page.locator("#findings details", has_text=finding["check"]).first
    first.locator("summary").press("Enter")
    assert finding["reference"] in first.inner_text()
    link = first.get_by_role("link", name=f"frame {finding['f']}", exact=True).first
    number = int((link.get_attribute("href") or "").partition("c=")[2].partition("&")[0])
    link.press("Enter")
    title = f"Frame {finding['f']} of connection {number}"
    seen.page.locator("#frame-detail h4", has_text=title).first.wait_for()
    assert finding["check"] in seen.text("#frame-detail")
    seen.page.locator("#findings input").fill("no such finding")
    assert seen.text("#findings >> p.note") == "No finding."


def test_what_one_check_found_is_one_row(browser: Browser, tmp_path: Path) -> None:
    data = named("nginx-60s")
    seen = page_of(browser, tmp_path, data)
    rows = seen.page.locator("#findings details summary").all_inner_texts()
    # CLS-08 is told by PRX-13, of the same connections.
    assert len(rows) == len({each["check"] for each in data["findings"]} - {"CLS-08"})
    severities = [each.split()[0] for each in rows]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    cut = [each for each in data["findings"] if each["check"] == "PRX-13"]
    row = seen.page.locator("#findings details", has_text="PRX-13").first
    assert f"{len(cut)} times on {len(cut)} connections" in row.inner_text()
    row.locator("summary").click()
    places = row.locator("li")
    places.first.wait_for()
    assert places.count() == len(cut)
    places.nth(3).get_by_role("link", name=f"connection {cut[3]['c']}", exact=True).click()
    seen.page.locator("#connection-title", has_text=f"Connection {cut[3]['c']}").wait_for()


def test_very_many_places_are_listed_when_asked_for(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "many.pcap"
    capture.write_bytes(conversation([], [frame(b"\x0f\xa0", 8) for _ in range(250)]))
    data = data_of(capture)
    data["findings"] = data["findings"][:1] * 250
    seen = page_of(browser, tmp_path, data)
    row = seen.page.locator("#findings details").first
    row.locator("summary").click()
    row.locator("li").first.wait_for()
    assert row.locator("li").count() == 100
    row.get_by_role("button", name="show 100 of 150 more").click()
    assert "250 times on connection 0" in row.inner_text()
    row.get_by_role("button", name="show 50 of 50 more").press("Enter")
    assert row.locator("li").count() == 250
    assert row.locator("button").count() == 1
    assert not row.locator("button").is_visible()
    seen.page.evaluate("location.hash = '#c=0'")
    of_connection = seen.page.locator("#found details")
    of_connection.first.wait_for()
    assert of_connection.count() == 1
    assert "250 times" in of_connection.inner_text()


def test_bars_and_parts_lead_where_they_say(browser: Browser, tmp_path: Path) -> None:
    """By keyboard as by mouse; the address keeps what is shown."""
    seen = page_of(browser, tmp_path, named("implementations"))
    bars = seen.page.locator("#timeline a")
    bars.nth(2).press("Enter")
    seen.page.locator("#connection-title", has_text="Connection 2").wait_for()
    bars.nth(1).locator("rect").click()
    seen.page.locator("#connection-title", has_text="Connection 1").wait_for()
    seen.page.set_viewport_size({"width": 1280, "height": 500})
    for number, part in enumerate(seen.page.locator(".parts button").all()):
        if number % 2:
            part.press(" ")
        else:
            part.click()
        place = seen.page.locator(f"#{part.inner_text().lower().replace('findings', 'found')}")
        top = "each => each.getBoundingClientRect().top < innerHeight"
        assert place.evaluate(top), part.inner_text()
    assert seen.page.url.endswith("#c=1")


def test_findings_are_filtered_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("faulty-answers"))
    box = seen.page.locator("#findings select")
    box.focus()
    box.press("w")
    assert box.input_value() == "warning"
    rows = seen.page.locator("#findings details summary").all_inner_texts()
    assert rows
    assert {each.split()[0] for each in rows} == {"warning"}


# What can be used, but for what is folded away until its summary is used.
USABLE = """() => [...document.querySelectorAll(
  'a[href], button, input, select, summary, [tabindex="0"]')]
  .filter(each => each.checkVisibility())"""


def test_everything_is_reached_by_tab(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("keepalive"), "#c=0&f=2")
    wanted = len(seen.page.evaluate(f"({USABLE})().map(each => each.tagName)"))
    assert wanted > 60
    seen.page.evaluate("() => { document.activeElement.blur(); window.reached = new Set(); }")
    for _ in range(wanted + 2):
        seen.page.keyboard.press("Tab")
        seen.page.evaluate("() => { window.reached.add(document.activeElement); }")
    missed = seen.page.evaluate(
        f"({USABLE})().filter(each => !window.reached.has(each)).map(each => each.outerHTML)"
    )
    assert missed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    seen = opened(browser, written(tmp_path, named("keepalive")), color_scheme=scheme)
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 248, 250)", "dark": "rgb(12, 17, 22)"}[scheme]


def test_the_table_with_every_column_is_not_cut_off_on_paper(
    browser: Browser, tmp_path: Path
) -> None:
    seen = page_of(browser, tmp_path, named("socks-tunnels"))
    seen.page.set_viewport_size({"width": 718, "height": 1000})
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 718
    assert seen.page.locator("#connections th").last.inner_text() == "tunnel"
    for row in seen.page.locator("#connections tbody tr").all():
        box = row.bounding_box() or {}
        assert box["x"] + box["width"] <= 718


def test_nothing_is_cut_off_on_paper(browser: Browser, tmp_path: Path) -> None:
    """A4 between margins is some 718 CSS pixels wide: the last column must be on it, too."""
    seen = page_of(browser, tmp_path, named("chat-wss"), "#c=0")
    seen.page.set_viewport_size({"width": 718, "height": 1000})
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 718
    cells = seen.page.locator("#frames .row .wide, #connections td:last-child")
    for cell in cells.all():
        box = cell.bounding_box() or {}
        assert box["x"] + box["width"] <= 718
    hello = seen.page.locator("#frames .row .wide", has_text="Hello").first
    assert hello.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_it_prints(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("keepalive"), "#c=0&f=3")
    assert seen.page.pdf(format="A4").startswith(b"%PDF")
    seen.page.emulate_media(media="print")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("#frame-list .row:not(.head)").count() == 25
    assert not seen.page.locator("#connections .controls").is_visible()
    assert seen.page.locator("details:not([open])").count() == 0
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details[open]").count() == 0


def test_a_browser_that_cannot_unpack_is_told(browser: Browser, tmp_path: Path) -> None:
    file = written(tmp_path, named("keepalive"))
    page = browser.new_context(offline=True).new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(file.as_uri())
    page.locator("#status", has_text="cannot unpack the data").wait_for()


def test_without_script_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    file = written(tmp_path, named("keepalive"))
    page = browser.new_context(offline=True, java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    assert "does not\nrun" in page.content()


@pytest.mark.parametrize(
    "name", sorted(each.name.partition(".")[0] for each in CAPTURES.glob("*.pcap*"))
)
def test_every_capture_is_shown(browser: Browser, tmp_path: Path, name: str) -> None:
    data = named(name)
    file = written(tmp_path, data)
    seen = opened(browser, file)
    for connection in data["connections"][:12]:
        seen.page.evaluate(
            "address => { location.hash = address }", f"#c={connection['connection']}&f=0"
        )
        title = f"Connection {connection['connection']}"
        seen.page.locator("#connection-title", has_text=title).wait_for()
        assert seen.text("#connection").count("undefined") == json.dumps(connection).count(
            "undefined"
        )
        assert "NaN" not in seen.text("#plots")
    seen.assert_quiet(file)


def test_who_cut_it(browser: Browser, tmp_path: Path) -> None:
    data = named("nginx-60s")
    seen = page_of(browser, tmp_path, data)
    assert data["cuts"]["rows"]
    for row, item in zip(data["cuts"]["rows"], seen.page.locator("#cuts li").all(), strict=True):
        assert item.inner_text().startswith(f"{visible(row['cause'])}: connection")
        links = item.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert links == [f"#c={number}" for number in row["connections"]]
    seen.page.locator("#cuts a").first.click()
    first = data["cuts"]["rows"][0]["connections"][0]
    seen.page.locator("#connection-title", has_text=f"Connection {first}").wait_for()
    seen.assert_quiet(tmp_path / "report.html")


def test_nobody_cut_it(browser: Browser, tmp_path: Path) -> None:
    data = named("chat-ws")
    assert data["cuts"] == {"total": 0, "rows": []}
    assert page_of(browser, tmp_path, data).page.locator("#cuts").count() == 0


def test_hostile_causes_are_text(browser: Browser, tmp_path: Path) -> None:
    data = named("chat-ws")
    cause = "<img src=x onerror=alert(1)>\u202e\x1b[31m"
    row = {"cause": cause, "total": 205, "connections": [0, 999]}
    data["cuts"] = {"total": 31, "rows": [row]}
    seen = page_of(browser, tmp_path, data)
    text = seen.text("#cuts li")
    assert text == f"{visible(cause)}: connections 0, 999 and 203 more"
    assert seen.page.locator("#cuts a").count() == 1
    assert seen.page.locator("#cuts img").count() == 0
    assert "and 30 more" in seen.text("#cuts")


def test_a_cut_is_told_once(browser: Browser, tmp_path: Path) -> None:
    """PRX-13 says all that CLS-08 does: that is counted, and stands in no list."""
    data = named("nginx-60s")
    seen = page_of(browser, tmp_path, data, "#c=0")
    listed = seen.page.locator("#found code").all_inner_texts()
    assert {"PRX-13", "PRX-14"} <= set(listed)
    assert "CLS-08" not in listed
    dropped = {each["check"] for each in data["findings"] if each["told"] and each["c"] == 0}
    assert dropped == {"CLS-08"}
    notes = seen.page.locator("#found .told").all_inner_texts()
    assert notes == ["1 further finding (CLS-08): PRX-13 tells all of it"]
    sentence = visible(data["connections"][0]["close"]["cut"])
    assert sentence not in seen.text("#connection")
    assert "see PRX-13 among the findings" in seen.text("#close")
    told = [each for each in data["findings"] if each["told"]]
    assert seen.text("#findings .told").startswith(f"{len(told)} further findings")
    assert data["connections"][0]["findings"] == sum(
        each["count"] for each in data["findings"] if each["c"] == 0
    )
    seen.page.evaluate("location.hash = '#c=1'")
    seen.page.locator("#connection-title", has_text="Connection 1").wait_for()
    assert visible(data["connections"][1]["close"]["cut"]) in seen.text("#close")
    note = "1 further finding (CLS-08): PRX-13 of connection 0 tells all of it"
    assert seen.text("#found .told") == note


def test_a_cut_that_nothing_else_tells_is_said_among_the_findings(
    browser: Browser, tmp_path: Path
) -> None:
    data = named("chat-ws")
    finding = {
        **data["findings"][0],
        "c": 0,
        "check": "CLS-08",
        "message": "cut by x",
        "told": None,
    }
    data["findings"].append(finding)
    data["connections"][0]["close"]["cut"] = "cut by x"
    seen = page_of(browser, tmp_path, data, "#c=0")
    assert "see CLS-08 among the findings" in seen.text("#close")
    assert "cut by x" in seen.text("#found")

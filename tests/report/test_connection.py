"""One connection on the page, in Chromium: ladder, frames, messages, handshake, each control."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from story.told import one_sided
from support.sessions import frame, masked

from report.made import conversation
from report.pages import data_of, named, opened, page_of, written
from wsanalyze.report.budget import Budget

# What JSON.parse would change: a prototype, a number beyond 2^53, empty values.
JSON = b'{"__proto__": {"a": 1}, "a": 12345678901234567890, "a": [[], {}]}'


def test_an_escape_is_told_from_a_backslash(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "a.pcap"
    capture.write_bytes(conversation([masked(b"\x1b and \\x1b")], []))
    seen = page_of(browser, tmp_path, data_of(capture), "#c=0&f=0")
    assert seen.text("#frame-detail pre") == "\\x1b and \\x1b"
    assert seen.page.locator("#frame-detail pre .hidden-character").all_inner_texts() == ["\\x1b"]


def test_json_is_laid_out_and_its_tokens_stay(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "a.pcap"
    capture.write_bytes(conversation([masked(JSON)], []))
    seen = page_of(browser, tmp_path, data_of(capture), "#c=0&f=0")
    assert seen.text("#frame-detail pre") == (
        '{\n  "__proto__": {\n    "a": 1\n  },\n  "a": 12345678901234567890,\n'
        '  "a": [\n    [],\n    {}\n  ]\n}'
    )
    seen.page.get_by_role("button", name="Text", exact=True).click()
    assert seen.text("#frame-detail pre") == JSON.decode()
    seen.page.get_by_role("button", name="Hex", exact=True).click()
    first = '00000000  7b 22 5f 5f 70 72 6f 74  6f 5f 5f 22 3a 20 7b 22  {"__proto__": {"'
    assert seen.text("#frame-detail pre").splitlines()[0] == first


def test_frames_by_keyboard_and_filters(browser: Browser, tmp_path: Path) -> None:
    data = named("keepalive")
    seen = page_of(browser, tmp_path, data, "#c=0")
    chosen = seen.page.locator("#frame-list [aria-selected=true]")
    frames = seen.page.locator("#frame-list")
    frames.focus()
    for key, number in (
        ("ArrowDown", 0),
        ("ArrowDown", 1),
        ("End", 24),
        ("ArrowUp", 23),
        ("Home", 0),
        ("PageDown", 13),
        ("PageUp", 0),
    ):
        frames.press(key)
        assert chosen.get_attribute("id") == f"frame-list-{number}", key
    frames.press("ArrowDown")
    frames.press("Enter")
    assert seen.text("#frame-detail h4 >> nth=0") == "Frame 1 of connection 0"
    assert seen.page.url.endswith("#c=0&f=1")
    seen.page.locator("#frames select").first.select_option("ping")
    assert seen.text("#frames .said") == "10 of 25 shown"
    seen.page.locator("#frames select").nth(1).select_option("client")
    assert seen.text("#frames .said") == "0 of 25 shown"
    # A link shows the frame although it is filtered out.
    seen.page.locator("#close a", has_text="frame 24").click()
    assert seen.text("#frame-detail h4 >> nth=0") == "Frame 24 of connection 0"
    assert seen.text("#frames .said") == "25 of 25 shown"


def test_messages_are_searched_and_opened(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("hostile-contents"), "#c=0")
    seen.page.locator("#messages input").fill("ALERT(document")
    seen.page.locator("#messages select").select_option("server")
    rows = seen.page.locator("#message-list .row:not(.head)")
    seen.page.locator("#messages .said", has_text="2 of 40 shown").wait_for()
    rows.first.click()
    assert "<script>alert(document.domain)</script>" in seen.text("#message-detail pre")


def test_ladder_pings_and_handshake_are_the_capture_s(browser: Browser, tmp_path: Path) -> None:
    data = named("nginx-proxy")
    seen = page_of(browser, tmp_path, data, "#c=1")
    lanes = seen.page.locator("#ladder .name").all_text_contents()
    assert lanes == ["client", "proxy", "server"]
    kinds = data["connections"][1]["ladder"]["rungs"]["kind"]
    assert seen.page.locator("#ladder .tip").count() == kinds.count("arrow")
    assert seen.page.locator("#handshake .verdict.ok").count() > 4


def test_a_very_long_field_does_not_hide_what_follows(browser: Browser, tmp_path: Path) -> None:
    """A field of 20 kB scrolls in a box that the keyboard reaches, and prints whole."""
    seen = page_of(browser, tmp_path, named("hostile-contents"), "#c=1")
    field = seen.page.locator("#handshake .field.long")
    field.wait_for()
    assert seen.page.locator("#handshake .field.long[tabindex='0']").count() == 1
    assert (field.bounding_box() or {})["height"] < 300
    seen.page.emulate_media(media="print")
    assert (field.bounding_box() or {})["height"] > 2000


def test_a_short_ladder_is_seen_whole(browser: Browser, tmp_path: Path) -> None:
    """The last rows are where it is seen who cut a connection."""
    seen = page_of(browser, tmp_path, named("nginx-60s"), "#c=0")
    seen.page.set_viewport_size({"width": 1280, "height": 1000})
    for box in (".ladder", ".connections"):
        hidden = "each => each.scrollHeight - each.clientHeight"
        assert seen.page.locator(box).first.evaluate(hidden) <= 0, box
    proxied = "the server is a proxy, which passes it on as connection 1"
    assert proxied in seen.text("#connection")
    seen.page.evaluate("location.hash = '#c=1'")
    seen.page.locator(
        "dd", has_text="the client is a proxy, which passes on connection 0"
    ).wait_for()
    assert "182 checks on 14 connections" in seen.text("#overview")


def test_a_row_of_the_ladder_leads_to_its_frame(browser: Browser, tmp_path: Path) -> None:
    """In the diagram of both legs, a frame of the other one is in the other connection."""
    data = named("nginx-60s")
    seen = page_of(browser, tmp_path, data, "#c=0")
    of = [
        each for each in data["connections"][0]["ladder"]["rungs"]["connection"] if each is not None
    ]
    links = seen.page.locator("#ladder a")
    assert links.count() == len(of)
    assert of == [0, 1, 1, 0]
    links.nth(1).press("Enter")
    seen.page.locator("#frame-detail h4", has_text="Frame 0 of connection 1").first.wait_for()


def test_the_handshake_of_tls_is_shown_by_messages(browser: Browser, tmp_path: Path) -> None:
    data = named("chat-wss")
    seen = page_of(browser, tmp_path, data, "#c=0")
    steps = seen.page.locator("#handshake .step")
    assert steps.count() == len(data["connections"][0]["tls_steps"]) == 11
    steps.first.locator("summary").press("Enter")
    assert "TLS_AES_256_GCM_SHA384" in steps.first.inner_text()
    fields = steps.first.locator("tbody tr")
    assert fields.nth(2).inner_text().split("\t")[:2] == ["03 03", "version"]
    assert steps.nth(4).locator("tbody tr").count() == 0
    assert "encrypted" in steps.nth(4).inner_text()


def test_the_ladder_says_what_its_lines_are(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("lossy-path-client"), "#c=0")
    assert "of note in TCP" in seen.text("#ladder .lines")
    assert "sealed" not in seen.text("#ladder .lines")
    seen = page_of(browser, tmp_path, named("chat-wss"), "#c=0")
    assert seen.page.locator("#ladder .lines").count() == 0


def test_tls_in_tls_is_shown_in_order(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("wss-tunnels"), "#c=6")
    titles = seen.page.locator("#handshake h4").all_inner_texts()
    assert [each for each in titles if each.startswith("TLS")] == [
        "TLS, the outer: with the proxy",
        "TLS, the inner: in the tunnel, with the far end",
    ]


def test_a_hundred_thousand_frames(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = tmp_path / "many.pcap"
    batch = [masked(b"number %d" % number) for number in range(100_050)]
    ours = [b"".join(batch[at : at + 60]) for at in range(0, len(batch), 60)]
    capture.write_bytes(conversation(ours, []))
    data = data_of(capture)
    file = written(tmp_path, data)
    seen = opened(browser, file, "#c=0&f=99999")
    assert seen.text("#frame-detail h4 >> nth=0") == "Frame 99,999 of connection 0"
    assert seen.text("#frame-detail pre") == "number 99999"
    # Only what is in sight is in the page.
    assert seen.page.locator("#frame-list .row:not(.head)").count() < 60
    assert seen.text("#frames .said") == "100,000 of 100,050 shown"
    assert "Of 100,050 frames 100,000 are listed" in seen.text("#overview")
    seen.page.evaluate("location.hash = '#c=0&f=100001'")
    seen.page.locator(".notice", has_text="Frame 100,001 is not listed").wait_for()
    seen.page.locator("#frame-list").press("Home")
    assert (
        seen.page.locator("#frame-list [aria-selected=true]").get_attribute("id") == "frame-list-0"
    )
    seen.page.evaluate("location.hash = '#c=0&f=77777&in=ladder'")
    at = seen.page.locator("#ladder a.at")
    at.wait_for()
    assert "number 77777" in at.text_content()
    assert seen.page.locator("#ladder svg > a").count() <= 60
    took = seen.page.evaluate("performance.getEntriesByType('mark').at(-1).startTime")
    with capsys.disabled():
        print(
            f" [100,000 frames shown after {took:.0f} ms, {file.stat().st_size / 1e6:.1f} MB]",
            end="",
        )
    seen.assert_quiet(file)


def test_paper_has_a_limit_and_says_so(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "many.pcap"
    capture.write_bytes(conversation([masked(b"x") * 600], []))
    seen = page_of(browser, tmp_path, data_of(capture), "#c=0")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.text("#frames .said") == "600 of 600 shown; printed are the first 500"
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.text("#frames .said") == "600 of 600 shown"


IN_SIGHT = """each => {
  const { top, bottom } = each.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}"""


def long_session(frames: int = 300) -> bytes:
    """Return a capture of so many numbered messages, two in a packet, answered by a Ping."""
    said = [masked(b"number %d" % number) for number in range(frames)]
    return conversation(
        [b"".join(said[at : at + 2]) for at in range(0, frames, 2)], [frame(b"", 9)]
    )


def test_the_ladder_moves_through_the_whole_session(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "long.pcap"
    capture.write_bytes(long_session())
    data = data_of(capture)
    kinds = data["connections"][0]["ladder"]["rungs"]["kind"]
    # 301 frames, request and response, the three packets that open TCP.
    assert kinds.count("arrow") == 306
    total = len(kinds)
    seen = page_of(browser, tmp_path, data, "#c=0")
    said = seen.page.locator("#ladder .said")
    at = seen.page.locator("#ladder svg > a .label")
    buttons = {
        name: seen.page.locator("#ladder").get_by_role("button", name=name, exact=True)
        for name in ("First", "Previous", "Next", "Last")
    }
    assert said.inner_text().startswith(f"rows 1 to 60 of {total}: frames 0 to ")
    assert buttons["First"].is_disabled()
    assert buttons["Previous"].is_disabled()
    buttons["Next"].click()
    assert said.inner_text().startswith(f"rows 61 to 120 of {total}: frames ")
    assert seen.page.url.endswith("#c=0&row=60")
    buttons["Last"].press("Enter")
    assert said.inner_text().startswith(f"rows {total - 59} to {total} of {total}: frames ")
    assert said.inner_text().endswith(" to 300")
    assert at.last.text_content() == "ping, 0 B"
    assert buttons["Next"].is_disabled()
    buttons["Previous"].press("Enter")
    assert said.inner_text().startswith(f"rows {total - 119} to {total - 60} ")
    buttons["First"].click()
    assert said.inner_text().startswith("rows 1 to 60 ")
    seen.assert_quiet(tmp_path / "report.html")


def test_every_row_of_a_long_ladder_is_shown_once(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "long.pcap"
    capture.write_bytes(long_session(298))
    seen = page_of(browser, tmp_path, data_of(capture), "#c=0")
    found: list[str] = []
    forward = seen.page.locator("#ladder").get_by_role("button", name="Next", exact=True)
    while True:
        window = seen.page.locator("#ladder svg > a").evaluate_all(
            "all => all.map(each => each.getAttribute('href'))"
        )
        found += [each for each in window if each not in found]
        if forward.is_disabled():
            break
        forward.click()
    assert found == [f"#c=0&f={number}" for number in range(299)]


def test_the_ladder_is_moved_by_keys(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "long.pcap"
    capture.write_bytes(long_session())
    data = data_of(capture)
    total = len(data["connections"][0]["ladder"]["rungs"]["kind"])
    seen = page_of(browser, tmp_path, data, "#c=0")
    said = seen.page.locator("#ladder .said")
    box = seen.page.locator("#ladder .ladder")
    box.press("End")
    assert said.inner_text().startswith(f"rows {total - 59} to {total} ")
    box.press("Home")
    assert said.inner_text().startswith("rows 1 to 60 ")
    box.evaluate("each => { each.scrollTop = each.scrollHeight }")
    box.press("PageDown")
    assert said.inner_text().startswith("rows 61 to 120 ")
    box.evaluate("each => { each.scrollTop = 0 }")
    box.press("PageUp")
    assert said.inner_text().startswith("rows 1 to 60 ")


def test_a_frame_is_found_in_the_ladder(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "long.pcap"
    capture.write_bytes(long_session())
    file = written(tmp_path, data_of(capture))
    seen = opened(browser, file, "#c=0&f=250")
    at = seen.page.locator("#ladder a.at")
    assert at.get_attribute("href") == "#c=0&f=250"
    assert "number 250" in (at.text_content() or "")
    seen.page.locator("#frame-detail").get_by_role(
        "link", name="frame 250 among its neighbours"
    ).press("Enter")
    seen.page.wait_for_url("**#c=0&f=250&in=ladder")
    at.wait_for()
    assert at.evaluate(IN_SIGHT)
    entry = seen.page.locator("#ladder input")
    entry.fill("17")
    entry.press("Enter")
    assert at.get_attribute("href") == "#c=0&f=17"
    assert seen.page.url.endswith("#c=0&f=17&in=ladder")
    entry.fill("999")
    entry.press("Enter")
    assert seen.text("#ladder .said") == "frame 999 has no row here"
    seen.page.context.close()
    # The address that a reader passes on opens what that reader saw.
    again = opened(browser, file, "#c=0&row=120")
    assert again.text("#ladder .said").startswith("rows 121 to 180 ")
    again.page.context.close()
    again = opened(browser, file, "#c=0&f=17&in=ladder")
    assert again.page.locator("#ladder a.at").evaluate(IN_SIGHT)
    again.assert_quiet(file)


def test_beyond_the_budget_the_ladder_counts(browser: Browser, tmp_path: Path) -> None:
    capture = tmp_path / "long.pcap"
    capture.write_bytes(long_session())
    seen = page_of(browser, tmp_path, data_of(capture, budget=Budget(frames=100)), "#c=0")
    seen.page.locator("#ladder").get_by_role("button", name="Last", exact=True).click()
    assert seen.page.locator("#ladder svg > a .note").last.text_content() == (
        "frames 100 to 300, 2.0 kB: 200 client, 1 server"
    )


def test_rows_behind_the_first_frames_are_those_of_a_ladder_there() -> None:
    """One model: what the page draws is what `connection.ladder()` draws of the same frames."""
    name = "websockets-deflate"
    rungs = named(name)["connections"][0]["ladder"]["rungs"]
    alone = named(name, budget=Budget(headers=0))["connections"][0]["ladder"]["rungs"]
    assert rungs == alone


@pytest.mark.parametrize(
    ("missing", "place", "sender", "proof"),
    [
        ("CLIENT_TRAFFIC_SECRET_0", 0, "client", "The key is in the request, which could not be"),
        ("SERVER_TRAFFIC_SECRET_0", 1, "server", "what could not be read"),
    ],
)
def test_a_sealed_head_was_seen_and_could_not_be_read(
    browser: Browser, tmp_path: Path, missing: str, place: int, sender: str, proof: str
) -> None:
    pytest.importorskip("cryptography")
    file = tmp_path / "report.html"
    one_sided(tmp_path, missing).write_report(file)
    boxes = opened(browser, file, "#c=0").page.locator("#handshake .head-box")
    said = boxes.nth(place).inner_text()
    assert f"could not be read: no key that is known opens what the {sender} sent." in said
    # The other head is there, field by field.
    assert "websocket" in boxes.nth(1 - place).inner_text()
    assert proof in boxes.page.locator("#handshake").inner_text()

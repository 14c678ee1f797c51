"""The overview of a page: counts as people say them, and all connections over time."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.packets import ACK, CLIENT, SECOND, SERVER, SYN, T0, pcap_of, segment
from support.sessions import frame, masked

from report.made import conversation
from report.pages import data_of, named, page_of


def test_zero_is_the_time_that_the_label_names(browser: Browser, tmp_path: Path) -> None:
    """What comes before the first connection, of TLS or of nobody, is not on the timeline."""
    others = [
        segment((CLIENT[0], 5), SERVER, 0, 0, SYN),
        segment(SERVER, (CLIENT[0], 5), 0, 1, SYN | ACK),
    ]
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    paths[0].write_bytes(pcap_of(others, times=[T0, T0 + 1]))
    paths[1].write_bytes(conversation([], [], start=T0 + 3 * SECOND))
    data = data_of(*paths)
    assert data["connections"][0]["started"] == 3 * SECOND
    assert data["starts"] != data["began"]
    text = page_of(browser, tmp_path, data).text("#timeline p.note")
    assert text.startswith(
        f"0 is {data['starts']}, when the first connection began, 3.00 s behind the first packet."
    )


def test_where_nothing_comes_before_it_is_the_first_packet(
    browser: Browser, tmp_path: Path
) -> None:
    data = named("keepalive")
    assert data["starts"] == data["began"]
    text = page_of(browser, tmp_path, data).text("#timeline p.note")
    assert text.startswith(f"0 is {data['began']}. Each bar")


def test_round_times_have_a_line_where_they_are(browser: Browser, tmp_path: Path) -> None:
    data = named("nginx-60s")
    seen = page_of(browser, tmp_path, data)
    ticks = seen.page.locator("#timeline .tick")
    texts = [each for each in ticks.all_text_contents() if not each.startswith("#")]
    assert texts[0] == "0"
    assert texts[2:] == ["1 min", "2 min"]
    first, second = (
        float(seen.page.locator(f"#timeline .tick >> text='{each}'").get_attribute("x") or 0)
        for each in texts[2:]
    )
    assert second - 60 == pytest.approx(2 * (first - 60), abs=1)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 findings"), (1, "1 finding"), (2, "2 findings")]
)
def test_one_is_not_many(browser: Browser, tmp_path: Path, number: int, said: str) -> None:
    capture = tmp_path / "one.pcap"
    capture.write_bytes(conversation([masked(b"a")], [frame(b"b")]))
    data = data_of(capture)
    data["totals"]["severities"] = {"error": number, "warning": 0, "info": 0}
    seen = page_of(browser, tmp_path, data, "#c=0&f=0")
    cards = " ".join(seen.text(".cards").split())
    assert f"{said} {number} error" + "s" * (number != 1) in cards
    assert cards.startswith("1 connection ")
    assert "payload\n1 byte\n" in seen.text("#frame-detail")


def test_long_times_without_a_connection_are_folded(browser: Browser, tmp_path: Path) -> None:
    """Connections of days apart: each bar can be seen, and each fold says how long it is."""
    day = 86_400 * SECOND
    paths = []
    for number, start in enumerate((0, 3 * SECOND, 5 * day, 5 * day + 2 * SECOND)):
        paths.append(tmp_path / f"{number}.pcap")
        paths[-1].write_bytes(
            conversation([], [], port=CLIENT[1] + number, start=T0 + start, step=SECOND // 2)
        )
    seen = page_of(browser, tmp_path, data_of(*paths))
    bars = seen.page.locator("#timeline .bar")
    widths = [float(each.get_attribute("width") or 0) for each in bars.all()]
    assert len(widths) == 4
    assert min(widths) > 100
    assert seen.page.locator("#timeline .strip title").all_text_contents() == [
        "folded: 119 h 59 min without a connection"
    ]
    assert "5 d" in seen.page.locator("#timeline .tick").all_text_contents()


def test_short_times_are_not_folded(browser: Browser, tmp_path: Path) -> None:
    seen = page_of(browser, tmp_path, named("nginx-60s"))
    assert seen.page.locator("#timeline .strip").count() == 0

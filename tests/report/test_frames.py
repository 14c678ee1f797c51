"""Frames and messages on the page: which part of its message each is, and what is none."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser
from support.sessions import DEFLATE, Deflater, frame, masked

from report.made import conversation
from report.pages import Opened, data_of, page_of

PONG = 10


def shown_of(browser: Browser, folder: Path, ours: list[bytes], theirs: list[bytes]) -> Opened:
    """Open the page of a connection with these frames."""
    capture = folder / "made.pcap"
    capture.write_bytes(conversation(ours, theirs))
    return page_of(browser, folder, data_of(capture), "#c=0")


def begins(seen: Opened, of: str = "frame") -> list[str]:
    """Return what the rows of a list say at their end."""
    rows = seen.page.locator(f"#{of}-list .row:not(.head)")
    rows.first.wait_for()
    return [each.locator("span.wide").inner_text().rstrip() for each in rows.all()]


def test_each_fragment_says_which_part_it_is_and_shows_its_own_bytes(
    browser: Browser, tmp_path: Path
) -> None:
    ours = [
        masked(b"Hel", fin=False),
        masked(b"ping", 9),
        masked(b"lo, ", 0, fin=False),
        masked(b"world", 0),
        masked(b"whole"),
    ]
    seen = shown_of(browser, tmp_path, ours, [frame(b"ping", PONG)])
    assert begins(seen) == [
        "part 1 of 3 Hel",
        "ping",
        "part 2 of 3 lo,",
        "part 3 of 3 world",
        "whole",
        "ping",
    ]
    assert begins(seen, "message") == ["Hello, world", "whole"]
    seen.page.evaluate("location.hash = '#c=0&f=2'")
    seen.page.locator("#frame-detail h4", has_text="Frame 2 of connection 0").wait_for()
    assert "part 2 of 3, of message 0" in seen.text("#frame-detail")
    assert seen.page.locator("#frame-detail pre").all_inner_texts() == ["lo, ", "Hello, world"]


def test_a_character_that_two_fragments_share_is_in_neither(
    browser: Browser, tmp_path: Path
) -> None:
    text = "aäb".encode()
    ours = [masked(text[:2], fin=False), masked(text[2:], 0)]
    seen = shown_of(browser, tmp_path, ours, [])
    assert begins(seen) == ["part 1 of 2 a", "part 2 of 2 b"]
    assert begins(seen, "message") == ["aäb"]


def test_a_compressed_message_is_shown_where_it_ends(browser: Browser, tmp_path: Path) -> None:
    """No fragment of it can be read by itself."""
    packed = Deflater()(b"hello hello hello hello")
    ours = [masked(packed[:5], fin=False, rsv=4), masked(packed[5:], 0)]
    capture = tmp_path / "deflated.pcap"
    capture.write_bytes(conversation(ours, [], extension=DEFLATE))
    seen = page_of(browser, tmp_path, data_of(capture), "#c=0")
    assert begins(seen) == ["part 1 of 2", "part 2 of 2 hello hello hello hello"]


def test_a_message_that_never_ended_is_marked(browser: Browser, tmp_path: Path) -> None:
    ours = [masked(b"whole"), masked(b"begun", fin=False), masked(b" and on", 0, fin=False)]
    alone = [frame(b"alone", fin=False)]
    seen = shown_of(browser, tmp_path, ours, alone)
    assert begins(seen) == [
        "whole",
        "part 1 of 2 that came begun",
        "part 2 of 2 that came  and on",
        "part 1 of 1 that came alone",
    ]
    assert begins(seen, "message") == [
        "whole",
        "incomplete begun and on",
        "incomplete alone",
    ]
    seen.page.locator("#message-list-1").click()
    assert "Message 1 incomplete" in seen.text("#message-detail")
    assert "it never ended" in seen.text("#message-detail")


def test_http_in_the_place_of_frames_is_no_row(browser: Browser, tmp_path: Path) -> None:
    ours = [masked(b"whole"), b"GET /next?token=s3cretS3CRET123456 HTTP/1.1\r\nHost: a\r\n\r\n"]
    seen = shown_of(browser, tmp_path, ours, [])
    assert begins(seen) == ["whole"]
    notice = " ".join(seen.text("#frames .notice").split())
    assert notice.startswith(
        "In packet 6 the client begins to write HTTP in the place of frames, 56 bytes; it begins"
        " with GET /next?... HTTP/1.1"
    )
    assert "s3cretS3CRET123456" not in notice

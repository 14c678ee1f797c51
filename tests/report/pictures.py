"""Pictures of the report for docs/images/, of real output: `python tests/report/pictures.py`.

They are not compared by a test: fonts differ from one machine to the next.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from report.pages import chromium, named, opened, written  # noqa: E402

# Name of the picture, the capture, the place in its page, the scheme, and what is taken.
PICTURES = (
    ("report-light", "faulty-answers", "", "light", None),
    ("report-dark", "nginx-proxy", "#c=1", "dark", "#ladder"),
    ("report-handshake", "faulty-answers", "#c=3", "light", "#handshake"),
    ("report-frames", "hostile-contents", "#c=0&f=12", "dark", "#frames"),
)


def main() -> None:
    """Write the pictures."""
    images = ROOT / "docs" / "images"
    with chromium() as browser, TemporaryDirectory() as folder:
        for name, capture, place, scheme, part in PICTURES:
            file = written(Path(folder), named(capture), f"{capture}.pcapng")
            page = opened(browser, file, place, color_scheme=scheme).page
            page.wait_for_timeout(300)
            shown = page if part is None else page.locator(part)
            shown.screenshot(path=images / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()

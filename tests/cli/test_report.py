"""`wsanalyze report`: a file that is whole or not there, and what goes to which stream."""

from __future__ import annotations

import subprocess
from pathlib import Path

from report.pages import embedded_in

from cli.running import CAPTURES, COMMAND, PLAIN, ROOT, assert_one_line, environment, run

SECRETS = CAPTURES / "secrets-and-tunnels.pcapng"


def test_a_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = run("report", PLAIN, "-o", page, "--title", "<for a client>")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"wsanalyze: wrote {page}, ")
    text = page.read_text(encoding="utf-8")
    assert "<title>&lt;for a client&gt;</title>" in text
    assert embedded_in(text)["totals"]["connections"] > 0
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_standard_output_has_the_page_and_nothing_else() -> None:
    done = run("report", PLAIN, "-q", "-o", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<!doctype html>\n")
    assert done.stdout.endswith("</html>\n")


def test_a_pipe_gives_the_same_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    with PLAIN.open("rb") as capture:
        subprocess.run(
            [*COMMAND, "report", "-", "-q", "-o", str(page)],
            stdin=capture,
            env=environment(),
            cwd=ROOT,
            check=True,
        )
    piped = embedded_in(page.read_text(encoding="utf-8"))
    direct = embedded_in(run("report", PLAIN, "-q", "-o", "-").stdout)
    names = ("connections", "findings", "totals", "left_out")
    for data in (piped, direct):
        for each in data["connections"]:
            del each["capture"]
    assert [piped[name] for name in names] == [direct[name] for name in names]


def test_connections_are_chosen() -> None:
    page = embedded_in(run("report", CAPTURES / "faulty-answers.pcapng", "-c", 3, "-o", "-").stdout)
    assert [each["connection"] for each in page["connections"]] == [3]
    assert page["totals"]["connections"] == 1
    assert {each["c"] for each in page["findings"]} <= {3, None}


def test_secrets_are_shown_where_asked_for() -> None:
    hidden = embedded_in(run("report", SECRETS, "-o", "-").stdout)
    shown = embedded_in(run("report", SECRETS, "--show-secrets", "-o", "-").stdout)
    assert (hidden["secrets"], shown["secrets"]) == (False, True)
    assert hidden["connections"] != shown["connections"]


def test_a_capture_that_is_cut_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(PLAIN.read_bytes()[:-10])
    done = run("report", cut, "-q", "-o", tmp_path / "report.html")
    assert done.returncode == 4
    data = embedded_in((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert any(label == "problem" for label, _ in data["captures"][0])


def test_the_capture_is_not_written_over(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcapng"
    capture.write_bytes(PLAIN.read_bytes())
    assert_one_line(run("report", capture, "-o", capture), 2, "is the capture that is read")
    assert capture.read_bytes() == PLAIN.read_bytes()


def test_where_nothing_can_be_read_or_written(tmp_path: Path) -> None:
    assert_one_line(run("report", tmp_path / "no.pcap", "-o", tmp_path / "r.html"), 3, "no.pcap")
    done = run("report", PLAIN, "-q", "-o", tmp_path / "no" / "r.html")
    assert_one_line(done, 74, "r.html")
    assert list(tmp_path.iterdir()) == []

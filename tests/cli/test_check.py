"""`wsanalyze check` on recorded sessions, with a small catalogue of its own."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cli.fakes import FAKES
from cli.running import CAPTURES, PLAIN, REFUSED, assert_one_line, run
from wsanalyze import __version__
from wsanalyze.cli.main import main
from wsanalyze.pipeline import Interrupted, read

# With 9 attempts, 7 of them refused.
ATTEMPTS, REFUSALS = 9, 7


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("wsanalyze.checks.catalogue.catalogue", lambda: FAKES)
    # A folder in which no settings are found, whatever is above it.
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A capture of refused requests that ends inside its last packet."""
    path = tmp_path / "cut.pcapng"
    path.write_bytes(REFUSED.read_bytes()[:-10])
    return path


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Return status, standard output and standard error."""
    status = main(["check", *map(str, arguments)])
    done = capsys.readouterr()
    return status, done.out, done.err


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, object]]:
    _, out, _ = checked(capsys, "-f", "jsonl", *arguments)
    return [json.loads(line) for line in out.splitlines()]


def ids(capsys: pytest.CaptureFixture[str], *arguments: object) -> set[object]:
    return {each["check"] for each in found(capsys, REFUSED, *arguments)}


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = checked(capsys, REFUSED)
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert "Found: 7 errors, 1 warning, 9 info" in lines
    assert "  error    TST-01 refused-request" in lines
    assert lines[-1] == "7 errors, 1 warning, 9 info in 9 of 9 connections"
    assert "\x1b" not in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = checked(capsys, REFUSED, "-f", "json")
    whole = json.loads(out)
    assert whole["complete"] is True
    assert whole["version"] == __version__
    (capture,) = whole["captures"]
    assert (capture["capture"], capture["packets"]) == (str(REFUSED), 92)
    assert capture["problem"] is None
    assert capture["size"] == REFUSED.stat().st_size
    assert capture["sha256"] == sha256(REFUSED.read_bytes()).hexdigest()
    assert capture["first_time"] < capture["last_time"]
    assert whole["connections"] == ATTEMPTS
    assert whole["checks"] == ["TST-01", "TST-02", "TEST-3"]
    assert whole["counts"] == {"error": REFUSALS, "warning": 1, "info": ATTEMPTS}
    assert len(whole["findings"]) == REFUSALS + 1 + ATTEMPTS


def test_sarif_names_the_file_that_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = checked(capsys, REFUSED, "-f", "sarif")
    (artifact,) = json.loads(out)["runs"][0]["artifacts"]
    assert artifact["length"] == REFUSED.stat().st_size
    assert artifact["hashes"] == {"sha-256": sha256(REFUSED.read_bytes()).hexdigest()}


def test_jsonl(capsys: pytest.CaptureFixture[str]) -> None:
    rows = found(capsys, REFUSED, "--select", "TST-01")
    assert len(rows) == REFUSALS
    first = rows[0]
    assert (first["name"], first["severity"], first["sender"]) == (
        "refused-request",
        "error",
        "server",
    )
    assert (first["expected"], first["count"], first["capture"]) == ("101", 1, str(REFUSED))
    assert str(first["time"]).endswith("Z")


def test_sarif_and_github(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = checked(capsys, REFUSED, "-f", "sarif")
    assert len(json.loads(out)["runs"][0]["results"]) == REFUSALS + 1 + ATTEMPTS
    _, out, _ = checked(capsys, REFUSED, "-f", "github", "--select", "several-connections")
    title = "TEST-3 several-connections"
    assert out == f"::warning file={REFUSED},title={title}::there are 9 connections\n"


@pytest.mark.parametrize(
    ("words", "checks"),
    [
        (["--select", "TST-01"], {"TST-01"}),
        (["--select", "tst-01"], {"TST-01"}),
        (["--select", "refused-request"], {"TST-01"}),
        (["--select", "TST"], {"TST-01", "TST-02"}),
        (["--select", "security"], {"TEST-3"}),
        (["--select", "test"], {"TST-01", "TST-02", "TEST-3"}),
        (["--select", "TST-01,security"], {"TST-01", "TEST-3"}),
        (["--select", "TST-01", "--select", " security , "], {"TST-01", "TEST-3"}),
        (["--ignore", "TST-02,TEST-3"], {"TST-01"}),
        (["--select", "TST", "--ignore", "TST-02"], {"TST-01"}),
    ],
)
def test_choosing_checks(
    capsys: pytest.CaptureFixture[str], words: list[str], checks: set[str]
) -> None:
    assert ids(capsys, *words) == checks


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--select", "TST-O1"], "'TST-O1' names no check: did you mean 'TST-01'"),
        (["--ignore", "refused-requst"], "did you mean 'refused-request'?"),
        (["--select", "\x1b[31m"], "'\\\\x1b[31m' names no check: `wsanalyze checks` lists them"),
        (["--select", "TST-01", "--ignore", "TST"], "no check is left"),
    ],
)
def test_words_that_name_no_check(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    status, out, err = checked(capsys, REFUSED, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("select", "fail_on", "status"),
    [
        ("TST-01", "error", 1),
        ("TEST-3", "error", 0),
        ("TEST-3", "warning", 1),
        ("TST-02", "warning", 0),
        ("TST-02", "info", 1),
        ("TST-01", "never", 0),
    ],
)
def test_what_makes_it_fail(
    capsys: pytest.CaptureFixture[str], select: str, fail_on: str, status: int
) -> None:
    arguments = (REFUSED, "--select", select, "--fail-on", fail_on)
    assert checked(capsys, *arguments)[0] == status


def test_it_fails_for_errors_alone_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked(capsys, REFUSED, "--select", "TEST-3")[0] == 0
    assert checked(capsys, REFUSED, "--select", "TST-01")[0] == 1


def test_what_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = checked(capsys, tmp_path / "none.pcap")
    assert (status, out, err.count("\n")) == (3, "", 1)


def test_read_in_part_and_nothing_found_in_it(
    capsys: pytest.CaptureFixture[str], cut: Path
) -> None:
    assert checked(capsys, cut, "--select", "TEST-3")[0] == 4
    assert checked(capsys, cut, "--fail-on", "never")[0] == 4


def test_what_was_found_goes_before_what_was_not_read_and_both_are_told(
    capsys: pytest.CaptureFixture[str], cut: Path
) -> None:
    status, out, err = checked(capsys, cut, "-q")
    assert status == 1
    assert err == (
        "wsanalyze: the captures were read in part only: there may be more than was found\n"
    )
    assert out.rstrip().endswith("; the captures were read in part only")
    assert json.loads(checked(capsys, cut, "-q", "-f", "json")[1])["complete"] is False
    assert "title=read in part::" in checked(capsys, cut, "-q", "-f", "github")[1]
    sarif = json.loads(checked(capsys, cut, "-q", "-f", "sarif")[1])
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_after_an_interruption_what_was_read_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise Interrupted(read(*arguments, **options))

    monkeypatch.setattr("wsanalyze.pipeline.read", interrupted)
    status, out, err = checked(capsys, REFUSED, "--select", "TST-01")
    assert status == 130
    assert err == "wsanalyze: interrupted: this is what was read until then\n"
    assert "interrupted     this is what was read until then" in out
    assert "  error    TST-01 refused-request" in out


def test_choosing_connections_leaves_out_what_concerns_all_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert {each["connection"] for each in found(capsys, REFUSED, "-c", "2")} == {2}
    assert {each["check"] for each in found(capsys, REFUSED, "-c", "2")} <= {"TST-01", "TST-02"}
    rows = found(capsys, REFUSED, "--where", "outcome == 'established'")
    assert {each["check"] for each in rows} == {"TST-02"}
    assert len(rows) == ATTEMPTS - REFUSALS


def test_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    assert "TEST-3" not in ids(capsys, "--threshold", "reconnects=10")
    assert "TEST-3" in ids(capsys, "--threshold", "reconnects=10", "--threshold", "reconnects=9")


def test_secrets_are_shown_on_request_alone(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (CAPTURES / "bad-accept.pcapng", "--select", "TST-02", "-c", "0")
    (row,) = found(capsys, *arguments)
    assert str(row["evidence"]).startswith("/wr… (13 characters)")
    (row,) = found(capsys, *arguments, "--show-secrets")
    assert row["evidence"] == "/wrong-accept"


def test_output_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, begins in (
        ("found.txt", "capture "),
        ("found.json", "{\n"),
        ("found.jsonl", '{"connection": 0'),
        ("found.sarif", '{\n  "$schema"'),
    ):
        assert checked(capsys, REFUSED, "-o", tmp_path / name) == (1, "", "")
        assert (tmp_path / name).read_text().startswith(begins)
    assert checked(capsys, REFUSED, "-f", "github", "-o", tmp_path / "found.json")[0] == 1
    assert (tmp_path / "found.json").read_text().startswith("::error ")


def test_a_file_has_no_colour(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[31m" in checked(capsys, REFUSED)[1]
    assert "\x1b" not in checked(capsys, REFUSED, "--no-color")[1].replace("\x1b[1m", "").replace(
        "\x1b[2m", ""
    ).replace("\x1b[0m", "")
    checked(capsys, REFUSED, "-o", tmp_path / "found.txt")
    assert "\x1b" not in (tmp_path / "found.txt").read_text()


def test_a_capture_is_not_written_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    copy.write_bytes(REFUSED.read_bytes())
    status, _, err = checked(capsys, copy, "-o", copy)
    assert status == 2
    assert "is the capture that is read" in err
    assert copy.read_bytes() == REFUSED.read_bytes()


def test_settings_of_a_file_and_what_goes_before_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "wsanalyze.toml"
    settings.write_text(
        'select = ["TST", "security"]\nignore = ["TST-02"]\nfail-on = "never"\n'
        "[thresholds]\nreconnects = 10\n"
    )
    status, out, err = checked(capsys, REFUSED, "-f", "jsonl")
    assert status == 0
    assert {json.loads(line)["check"] for line in out.splitlines()} == {"TST-01"}
    assert err == f"wsanalyze: note: settings of {settings} (--no-config leaves them out)\n"
    assert ids(capsys, "--threshold", "reconnects=9") == {"TST-01", "TEST-3"}
    assert ids(capsys, "--select", "TST-02") == {"TST-02"}
    assert ids(capsys, "--ignore", "TST-01") == {"TST-02"}
    assert ids(capsys, "--no-config") == {"TST-01", "TST-02", "TEST-3"}
    assert checked(capsys, REFUSED, "--fail-on", "error")[0] == 1
    assert checked(capsys, REFUSED, "-q")[2] == ""


def test_settings_that_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "wsanalyze.toml").write_text('select = ["TST-02"]\n')
    (tmp_path / "other.toml").write_text('select = ["TEST-3"]\n')
    assert ids(capsys, "--config", tmp_path / "other.toml") == {"TEST-3"}
    status, _, err = checked(capsys, REFUSED, "--config", tmp_path / "none.toml")
    assert (status, err.count("\n")) == (2, 1)
    assert checked(capsys, REFUSED, "--config", "x", "--no-config")[0] == 2


def test_the_command_as_a_process() -> None:
    done = run("check", PLAIN, "-q", "--fail-on", "never")
    assert (done.returncode, done.stderr) == (0, "")
    assert "looked at" in done.stdout
    assert_one_line(run("check", PLAIN, "--select", "no such check"), 2, "names no check")


def test_an_ending_that_means_no_format(tmp_path: Path) -> None:
    output = tmp_path / "a.html"
    assert_one_line(run("check", PLAIN, "-o", output), 2, "the ending .html", "-f (text, json,")
    assert not output.exists()
    for name in ("a.txt", "a", "a.TXT"):
        assert run("check", PLAIN, "--no-config", "-o", tmp_path / name).returncode in (0, 1)
        assert (
            "Found: " in (tmp_path / name).read_text() or "Nothing" in (tmp_path / name).read_text()
        )


def test_refused_tunnels_are_counted() -> None:
    """The third of this capture had a second try."""
    capture = CAPTURES / "connect-tunnels.pcapng"
    assert "\nrefused         2 tunnels, by proxies: " in run("check", capture).stdout
    assert "\nrefused " not in run("check", capture, "-c", "1").stdout

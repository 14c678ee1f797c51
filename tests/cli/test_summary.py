"""`wsanalyze summary` on recorded sessions."""

from __future__ import annotations

import json
import subprocess

import pytest

from cli.running import CAPTURES, COMMAND, PLAIN, REFUSED, environment, run
from wsanalyze.tables.schema import CONNECTIONS


def test_summary_is_the_default_command() -> None:
    explicit = run("summary", PLAIN)
    assert (explicit.returncode, explicit.stderr) == (0, "")
    assert run(PLAIN).stdout == explicit.stdout
    assert "established" in explicit.stdout


def test_standard_input() -> None:
    done = subprocess.run(
        [*COMMAND, "summary", "-"],
        input=PLAIN.read_bytes(),
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert "established" in done.stdout.decode()
    assert done.stderr == b""


def test_tunnels_that_proxies_refused_are_counted() -> None:
    """The third of this capture had a second try; checks, which look at them, are not run."""
    capture = CAPTURES / "connect-tunnels.pcapng"
    line = "refused    2 tunnels, by proxies: `wsanalyze explain CAPTURE --refused N` tells one"
    assert line in run(capture, COLUMNS="200").stdout
    assert "by proxies" not in run(capture, "-c", "1").stdout
    assert "by proxies" not in run(PLAIN).stdout
    assert json.loads(run(capture, "-f", "json").stdout)["tunnels_refused"] == 2


def test_plain_text_when_not_a_terminal() -> None:
    assert "\x1b" not in run(PLAIN).stdout


@pytest.mark.parametrize(
    ("arguments", "changes", "colored"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
    ],
)
def test_color(arguments: list[str], changes: dict[str, str], colored: bool) -> None:
    # FORCE_COLOR stands for a terminal, as rich and others have it.
    output = run(*arguments, PLAIN, FORCE_COLOR="1", TERM="xterm-256color", **changes).stdout
    assert ("\x1b[32m" in output) is colored


@pytest.mark.parametrize("columns", ["80", "200"])
def test_width(columns: str) -> None:
    lines = run(PLAIN, COLUMNS=columns).stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)


def test_without_a_terminal_lines_are_as_in_the_documents_and_not_padded() -> None:
    lines = run(PLAIN).stdout.splitlines()
    assert lines == run(PLAIN, COLUMNS="100").stdout.splitlines()
    assert not any(line.endswith(" ") for line in lines)


def test_json() -> None:
    done = run("summary", REFUSED, "-f", "json")
    found = json.loads(done.stdout)
    assert [capture["capture"] for capture in found["captures"]] == [str(REFUSED)]
    assert list(found["connections"][0]) == list(CONNECTIONS.names)
    assert {row["outcome"] for row in found["connections"]} == {"refused", "established"}
    assert found["connections"][0]["requested"].endswith("Z")


def test_choosing_connections() -> None:
    def numbers(*arguments: str) -> list[int]:
        done = run("summary", REFUSED, "-f", "json", *arguments)
        return [row["connection"] for row in json.loads(done.stdout)["connections"]]

    assert numbers("-c", "1", "-c", "2", "-c", "99") == [1, 2]
    refused = numbers("--where", 'outcome == "refused"')
    assert refused == numbers("--where", "status >= 300")
    assert numbers("--where", 'outcome == "refused"', "-c", str(refused[1])) == [refused[1]]
    assert numbers("--where", "status == 999") == []


def test_several_captures_and_directories() -> None:
    both = json.loads(run("summary", "-f", "json", PLAIN, REFUSED).stdout)
    assert [capture["capture"] for capture in both["captures"]] == [str(PLAIN), str(REFUSED)]
    every = run("summary", "-q", "-f", "json", CAPTURES)
    assert every.returncode in (0, 4)
    assert len(json.loads(every.stdout)["captures"]) == len(list(CAPTURES.glob("*.pcap*")))


def test_limits_reach_the_reader() -> None:
    done = run("summary", "-f", "json", CAPTURES / "fifty-clients.pcap.gz", "--limit", "flows=1")
    assert json.loads(done.stdout)["captures"][0]["limits"]["flows"] > 0

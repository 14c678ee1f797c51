"""`wsanalyze checks`, with a small catalogue of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.fakes import FAKES
from cli.running import run
from wsanalyze.checks.thresholds import MEANINGS
from wsanalyze.cli.main import main


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsanalyze.checks.catalogue.catalogue", lambda: FAKES)
    monkeypatch.setenv("COLUMNS", "100")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["checks", *arguments]) == 0
    done = capsys.readouterr()
    assert done.err == ""
    return [line.rstrip() for line in done.out.splitlines()]


def test_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "TST-01  error    refused-request      The server refused the request",
        "TST-02  info     target-asked-for     Which resource was asked for",
        "TEST-3  warning  several-connections  There are several connections",
    ]


def test_one_check_in_full_with_what_it_finds_in_its_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, "tst-01")
    assert lines[:9] == [
        "TST-01 refused-request  error, handshake, test",
        "The server refused the request",
        "",
        "A server may refuse, and the client learns it by the status code.",
        "",
        "what to do  Look at the status code.",
        "see         RFC 6455 §4.2.2",
        "example     captures/refused-upgrades.pcapng",
        "            packet 6: the status is 401",
    ]
    # Three findings are enough of an example.
    assert len([line for line in lines if "the status is" in line]) == 3


def test_an_example_may_be_one_connection_of_a_capture(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, "target-asked-for")
    assert [line for line in lines if "found " in line] == [
        "            found /acc… (18 characters)"
    ]


def test_a_check_without_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "security") == [
        "TEST-3 several-connections  warning, security",
        "There are several connections",
        "",
        "One connection would do.",
        "",
        "what to do  Open one.",
        "",
    ]


def test_an_example_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("wsanalyze.__file__", "/nowhere/wsanalyze/__init__.py")
    monkeypatch.chdir(tmp_path)
    lines = shown(capsys, "TST-01")
    assert lines[-2:] == ["example     captures/refused-upgrades.pcapng", ""]


def test_an_installed_package_finds_the_examples_of_the_checkout_it_is_used_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsanalyze.__file__", "/nowhere/wsanalyze/__init__.py")
    monkeypatch.chdir(Path(__file__).parents[2])
    assert "            packet 6: the status is 401" in shown(capsys, "TST-01")


def test_several_words_and_comma_lists(capsys: pytest.CaptureFixture[str]) -> None:
    heads = [line for line in shown(capsys, "TEST-3,TST-02", "TST-02") if "several-c" in line]
    assert heads == ["TEST-3 several-connections  warning, security"]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks", "-f", "json", "TEST-3"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "check": "TEST-3",
            "name": "several-connections",
            "title": "There are several connections",
            "severity": "warning",
            "tags": ["security"],
            "references": [],
            "explanation": "One connection would do.",
            "advice": "Open one.",
            "scope": "capture",
            "example": None,
        }
    ]
    assert main(["checks", "-f", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(FAKES)


def test_a_word_that_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks", "TST-1"]) == 2
    done = capsys.readouterr()
    assert done.out == ""
    assert "'TST-1' names no check: did you mean 'TST-01'" in done.err


def test_the_command_as_a_process() -> None:
    assert run("checks").returncode == 0


def test_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--thresholds")
    assert len(lines) == len(MEANINGS)
    assert f"pong_s                   20  {MEANINGS['pong_s']}" in lines
    (found,) = [
        row
        for row in json.loads("".join(shown(capsys, "--thresholds", "-f", "json")))
        if row["name"] == "idle_part"
    ]
    assert found == {"name": "idle_part", "default": "0.02", "meaning": MEANINGS["idle_part"]}

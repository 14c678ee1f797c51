"""Settings from files: where they are looked for, and what makes no sense in them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.cli.config import (
    LARGEST,
    Settings,
    found_settings,
    read_settings,
    threshold,
    thresholds_of,
)
from wsanalyze.errors import UsageError


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(tmp_path: Path, text: str) -> Settings:
    return read_settings(written(tmp_path / "wsanalyze.toml", text))


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    path = written(
        tmp_path / "wsanalyze.toml",
        'select = ["HSR", "frame"]\nignore = "HSR-08"\nfail-on = "warning"\n'
        "[thresholds]\npong_s = 30\nidle_part = 0.5\npings = 7\n[limits]\nflows = 1000\n",
    )
    assert read_settings(path) == Settings(
        path,
        select=("HSR", "frame"),
        ignore=("HSR-08",),
        fail_on="warning",
        thresholds=(("pong_s", 30.0), ("idle_part", 0.5), ("pings", 7)),
        limits=(("flows", 1000),),
    )


def test_a_project_has_a_table(tmp_path: Path) -> None:
    path = written(tmp_path / "pyproject.toml", '[tool.wsanalyze]\nfail-on = "info"\n')
    assert read_settings(path) == Settings(path, fail_on="info")
    written(path, "[tool.other]\nx = 1\n")
    assert read_settings(path) == Settings(path)


def test_the_nearest_file_counts_and_its_own_before_the_projects(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert found_settings(inner) == Settings()
    project = written(tmp_path / "pyproject.toml", '[tool.wsanalyze]\nselect = "project"\n')
    assert found_settings(inner).path == project
    own = written(tmp_path / "wsanalyze.toml", 'select = "own"\n')
    assert found_settings(inner).path == own
    nearer = written(tmp_path / "a" / "pyproject.toml", '[tool.wsanalyze]\nselect = "near"\n')
    assert found_settings(inner).path == nearer
    # Another program's settings are no reason to stop.
    written(nearer, "[tool.ruff]\n")
    assert found_settings(inner).path == own


def test_nothing_above_a_repository_counts(tmp_path: Path) -> None:
    written(tmp_path / "wsanalyze.toml", 'select = "outside"\n')
    repository = tmp_path / "repository"
    (repository / "captures").mkdir(parents=True)
    # A worktree has a file of that name.
    written(repository / ".git", "gitdir: elsewhere\n")
    assert found_settings(repository / "captures") == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "'selct' is no setting: it must be one of select, ignore"),
        ("select = 3", "lists of IDs"),
        ("select = [3]", "lists of IDs"),
        ('fail-on = "fatal"', "fail-on must be one of error, warning, info, never"),
        ("fail-on = []", "fail-on must be one of"),
        ("fail_on = 'error'", "'fail_on' is no setting"),
        ("thresholds = 3", "thresholds is a table"),
        ("[thresholds]\npongs = 3", "'pongs' is no threshold"),
        ("[thresholds]\npong_s = true", "threshold pong_s needs a number"),
        ("[thresholds]\npong_s = inf", "threshold pong_s needs a number"),
        ("[thresholds]\npong_s = nan", "threshold pong_s needs a number"),
        ("[thresholds]\npong_s = -1", "threshold pong_s needs a number"),
        ("[thresholds]\npings = 1.5", "threshold pings needs a whole number"),
        ("[limits]\nflow = 3", "'flow' is no limit"),
        ("[limits]\nflows = 0", "limit flows needs a whole number above 0"),
        ("[limits]\nflows = '3'", "limit flows needs a whole number above 0"),
        ("show-secrets = true", "show-secrets is never read from a file"),
        ("show-secrets = false", "show-secrets is never read from a file"),
        ("select = [", "not TOML"),
        ("a = " + "[" * 100_000, "not TOML"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "wsanalyze.toml"))


def test_files_that_are_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "wsanalyze.toml"
    with pytest.raises(UsageError, match="No such file"):
        read_settings(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not TOML"):
        read_settings(path)
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(UsageError, match="larger than"):
        read_settings(path)
    written(tmp_path / "pyproject.toml", "tool.wsanalyze = 3\n")
    with pytest.raises(UsageError, match="is a table of settings"):
        read_settings(tmp_path / "pyproject.toml")
    written(tmp_path / "pyproject.toml", "tool = 3\n")
    assert read_settings(tmp_path / "pyproject.toml") == Settings(tmp_path / "pyproject.toml")


@pytest.mark.parametrize("text", ["", " 5", "1_000", "٣", "1e3", "inf", "nan", "-1", "1.2.3", "."])
def test_words_that_are_no_threshold(text: str) -> None:
    with pytest.raises(UsageError):
        threshold("pong_s", text)


def test_thresholds() -> None:
    assert threshold("pong_s", "30") == ("pong_s", 30.0)
    assert threshold("pong_s", "0.5") == ("pong_s", 0.5)
    assert threshold("pings", "0") == ("pings", 0)
    with pytest.raises(UsageError, match="one of handshake_s"):
        threshold("x" * 1000, "1")
    assert thresholds_of(()) == Thresholds()
    assert thresholds_of((("pings", 1), ("pings", 2))) == Thresholds(pings=2)


@pytest.mark.parametrize("name", [each.name for each in fields(Thresholds)])
def test_every_threshold_can_be_given(name: str) -> None:
    _, value = threshold(name, "3")
    assert type(value) is type(getattr(Thresholds(), name))

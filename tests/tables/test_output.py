"""Files appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wsanalyze.tables.output import replacing


def test_a_file_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old", encoding="ascii")
    with replacing(path) as part:
        part.write_text("new", encoding="ascii")
        assert path.read_text(encoding="ascii") == "old"
    assert path.read_text(encoding="ascii") == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with replacing(tmp_path / "a") as part:
            part.write_text("half", encoding="ascii")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "a"):
        pass
    (tmp_path / "b").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes[0] == modes[1]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old", encoding="ascii")
    (tmp_path / "link").symlink_to("target")
    with replacing(tmp_path / "link") as part:
        part.write_text("new", encoding="ascii")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text(encoding="ascii") == "new"


def test_devices_and_pipes_are_written_in_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path(os.devnull), tmp_path / "pipe"):
        with replacing(path) as part:
            assert part == path


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing, replacing(tmp_path / "no" / "a"):
        pass
    assert missing.value.filename == str(tmp_path / "no" / "a")
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pass

"""The builds that notice more: loops get their checks back, and a build is what it says."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.sanitize import build, copy, kernels, run, with_checks

ROOT = Path(__file__).resolve().parent.parent
KERNELS = [ROOT / (name.replace(".", "/") + ".py") for name in kernels(ROOT)]


def test_a_kernel_gets_every_check_and_keeps_the_rest() -> None:
    source = (
        "# cython: language_level=3, wraparound=False, initializedcheck=False\n"
        "x = 1\n\n\n"
        "@cython.cfunc\n"
        "@cython.boundscheck(False)\n"
        "@cython.wraparound(False)\n"
        "def f(): ...\n"
    )
    assert with_checks(source) == (
        "# cython: language_level=3, wraparound=False, boundscheck=True, initializedcheck=True, "
        "nonecheck=True\n"
        "x = 1\n\n\n"
        "@cython.cfunc\n"
        "@cython.wraparound(False)\n"
        "def f(): ...\n"
    )


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_no_kernel_goes_without_checks(path: Path) -> None:
    source = with_checks(path.read_text(encoding="utf-8"))
    assert not re.search(r"(boundscheck|initializedcheck)\W+False", source)
    assert source.startswith("# cython: ")
    assert "boundscheck=True" in source.partition("\n")[0]


def test_some_kernels_would_go_without_checks() -> None:
    assert sum("boundscheck(False)" in path.read_text(encoding="utf-8") for path in KERNELS) > 3


def test_what_was_not_built_is_not_run(tmp_path: Path) -> None:
    copy(tmp_path)
    with pytest.raises(SystemExit, match="would be run, not what was built"):
        run(tmp_path, [])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
@pytest.mark.skipif(
    find_spec("Cython") is None, reason="there is no Cython: done with the compiled build"
)
def test_a_build_without_the_sanitizers_is_no_sanitized_one(
    tmp_path: Path,
) -> None:
    """It is the file that is looked at, not the flags that were asked for."""
    copy(tmp_path)
    listed = tmp_path / "wsanalyze" / "kernels.txt"
    listed.write_text("wsanalyze.buffer\n", encoding="ascii")
    with pytest.raises(SystemExit, match="was not built as it should be"):
        build(tmp_path, "-O0")
    (built,) = tmp_path.glob("wsanalyze/buffer.*.so")
    assert b"__asan_report" not in built.read_bytes()

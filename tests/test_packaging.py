"""What is built of the source tree, and what an installation without a C compiler is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = ROOT / "captures" / "websockets-plain.pcapng"
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
# Left by earlier builds; a checkout has none of it.
BUILT = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")

# What is built does not depend on how the package under test runs: once is enough.
once = pytest.mark.skipif(
    "WSANALYZE_OTHER_PYTHON" in os.environ, reason="done with the compiled build"
)


def hook(name: str, tree: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call a hook of the build backend in `tree` (PEP 517); what it builds goes to `dist`."""
    program = f"import setuptools.build_meta as backend; backend.{name}('dist')"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked source distribution."""
    tree = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        shutil.copy(ROOT / name, tree)
    shutil.copytree(ROOT / "wsanalyze", tree / "wsanalyze", ignore=BUILT)
    shutil.copytree(ROOT / "tests" / "views" / "schemas", tree / "tests" / "views" / "schemas")
    done = hook("build_sdist", tree)
    assert done.returncode == 0, done.stderr
    (archive,) = (tree / "dist").iterdir()
    with tarfile.open(archive) as packed:
        packed.extractall(tree / "unpacked", filter="data")
    (unpacked,) = (tree / "unpacked").iterdir()
    return unpacked


def wheel(sdist: Path, target: Path, kernels: str | None = None, **environment: str) -> Path:
    """Build a wheel of the source distribution and return it unpacked.

    `kernels` takes the place of kernels.txt: translating every one takes long.
    """
    tree = target / "tree"
    shutil.copytree(sdist, tree)
    if kernels is not None:
        (tree / "wsanalyze" / "kernels.txt").write_text(kernels)
    done = hook("build_wheel", tree, **environment)
    assert done.returncode == 0, done.stderr
    (archive,) = (tree / "dist").iterdir()
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(target / "installed")
    return target / "installed"


def run(installed: Path, *arguments: object) -> str:
    """Run the command of an unpacked wheel and return what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "wsanalyze", *map(str, arguments)],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def assert_plain_python(installed: Path) -> None:
    """Assert that an installation has no compiled kernel, says so, and works."""
    assert not list(installed.rglob("*.so"))
    assert "(kernels not compiled)" in run(installed, "--version")
    assert "kernels not compiled: works, but slower" in run(installed, "doctor")
    assert "1 established; 18 frames, 12 messages" in run(installed, "summary", CAPTURE)


def files(tree: Path, *patterns: str) -> set[str]:
    """Return the paths below a tree that match, relative to it."""
    return {str(path.relative_to(tree)) for each in patterns for path in tree.rglob(each)}


@once
def test_the_source_distribution_is_enough_to_compile(sdist: Path) -> None:
    wanted = ("*.py", "*.pxd", "kernels.txt", "py.typed")
    assert files(sdist / "wsanalyze", *wanted) == files(ROOT / "wsanalyze", *wanted)
    assert (sdist / "setup.py").is_file()
    assert (sdist / "LICENSE").is_file()
    assert not files(sdist, "*.so", "*.c")
    # Its licence is not ours: it is for tests.
    assert not files(sdist, "sarif-*.json")


@once
def test_a_wheel_of_plain_python(sdist: Path, tmp_path: Path) -> None:
    installed = wheel(sdist, tmp_path, WSANALYZE_EXTENSIONS="skip")
    assert_plain_python(installed)
    wanted = ("*.py", "*.pxd", "kernels.txt", "py.typed")
    assert files(installed / "wsanalyze", *wanted) == files(sdist / "wsanalyze", *wanted)
    (metadata,) = installed.glob("*.dist-info/WHEEL")
    assert "Tag: py3-none-any" in metadata.read_text()
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))


@once
def test_without_a_compiler_it_is_plain_python(sdist: Path, tmp_path: Path) -> None:
    kernels = "wsanalyze.buffer\nwsanalyze.transport.sequence\n"
    installed = wheel(sdist, tmp_path, kernels, CC="/bin/false", WSANALYZE_EXTENSIONS="auto")
    assert_plain_python(installed)


@once
def test_one_kernel_that_fails_takes_the_others_along(sdist: Path, tmp_path: Path) -> None:
    # Compiled kernels use each other's C attributes, which plain Python does not see.
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    picky = tmp_path / "picky"
    picky.write_text(f'#!/bin/sh\ncase "$*" in *sequence*) exit 1;; esac\nexec {compiler} "$@"\n')
    picky.chmod(0o755)
    kernels = "wsanalyze.layer\nwsanalyze.transport.sequence\n"
    installed = wheel(sdist, tmp_path, kernels, CC=str(picky), CFLAGS="-O0")
    assert_plain_python(installed)


@once
def test_compiled_kernels_are_in_the_wheel(sdist: Path, tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    kernels = "wsanalyze.transport.sequence\n"
    installed = wheel(sdist, tmp_path, kernels, CFLAGS="-O0", WSANALYZE_EXTENSIONS="require")
    assert len(files(installed, "*.so")) == 1
    assert "(kernels compiled)" in run(installed, "--version")
    assert "1 compiled" in run(installed, "doctor")
    with (installed / "wsanalyze" / "kernels.txt").open("a") as more:
        more.write("wsanalyze.transport.tcp\n")
    assert "(1 of 2 kernels compiled)" in run(installed, "--version")


@once
def test_required_kernels_need_a_compiler(sdist: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(sdist, tree)
    (tree / "wsanalyze" / "kernels.txt").write_text("wsanalyze.transport.sequence\n")
    done = hook("build_wheel", tree, CC="/bin/false", WSANALYZE_EXTENSIONS="require")
    assert done.returncode != 0
    assert "/bin/false" in done.stderr
    assert not list(tree.glob("dist/*.whl"))


@once
def test_an_unknown_mode_is_refused(sdist: Path) -> None:
    done = hook("build_wheel", sdist, WSANALYZE_EXTENSIONS="yes")
    assert done.returncode != 0
    assert "WSANALYZE_EXTENSIONS=yes: it must be auto, require or skip" in done.stderr

"""Run the hostile inputs on kernels that notice what a usual build lets pass.

    python tests/support/sanitize.py [--folder DIRECTORY] [PYTEST ARGUMENTS]

They are built from a copy of the tree, with gcc's AddressSanitizer and UndefinedBehaviorSanitizer
and with every check of Cython forced on, in the loops that go without them, too: an index that
leaves its view may still be within the memory that the view is of. Python takes its memory from
malloc, so that each object has its own.

Run it with an interpreter that has the requirements of the tests. The exit status is that of the
first run that fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("wsanalyze", "tests", "captures", "benchmarks")
FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
BUILT = shutil.ignore_patterns("*.so", "*.c", "__pycache__", ".hypothesis")
# The inputs of the fuzz targets, all shipped captures, and damaged and made-up traffic.
TESTS = ("tests/fuzz/test_targets.py", "tests/test_captures.py", "tests/test_hostile.py")
# What runs while packets come: the ring, numbers, lines, and whole sessions.
TESTS += ("tests/capture/test_ring.py", "tests/monitoring/test_hostile.py")
TESTS += ("tests/monitoring/test_numbering.py", "tests/views/test_message_lines.py")
TESTS += ("tests/cli/test_live.py",)
# Building tables takes no kernel, and long.
TESTS += ("--deselect=tests/fuzz/test_targets.py::test_a_short_run[tables]",)

SANITIZERS = "-fsanitize=address,undefined"
# Unoptimised code is made quickly, and nothing that a sanitizer would see is optimised away.
SANITIZED = f"-O0 -g1 {SANITIZERS} -fno-omit-frame-pointer"

UNCHECKED = re.compile(r"^ *@cython\.(?:boundscheck|initializedcheck)\(False\)\n", re.MULTILINE)
DIRECTIVES = re.compile(r"\A# cython: .*\n")
ALL_CHECKS = (
    "# cython: language_level=3, wraparound=False, boundscheck=True, initializedcheck=True, "
    "nonecheck=True\n"
)


def with_checks(source: str) -> str:
    """Return a kernel's source with every check forced on."""
    return UNCHECKED.sub("", DIRECTIVES.sub(ALL_CHECKS, source))


def copy(target: Path) -> None:
    """Copy what is built and run."""
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=BUILT)
    for name in FILES:
        shutil.copy(ROOT / name, target)


def kernels(tree: Path) -> list[str]:
    """Return the names of the compiled modules."""
    lines = (tree / "wsanalyze" / "kernels.txt").read_text(encoding="ascii").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def build(tree: Path, flags: str = SANITIZED) -> None:
    """Compile the kernels in place; make sure that all were, with the sanitizers."""
    environment = os.environ | {
        "WSANALYZE_EXTENSIONS": "require",
        "CFLAGS": flags,
        "LDFLAGS": SANITIZERS if SANITIZERS in flags else "",
    }
    command = [sys.executable, "setup.py", "build_ext", "--inplace", "-j", str(os.cpu_count())]
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    for name in kernels(tree):
        path = tree / (name.replace(".", "/") + sysconfig.get_config_var("EXT_SUFFIX"))
        if b"__asan_report" not in path.read_bytes():
            sys.exit(f"{path} was not built as it should be")


def library(name: str) -> str:
    """Return where gcc has a library."""
    command = ["gcc", f"-print-file-name={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(tree: Path, arguments: list[str]) -> int:
    """Run the tests on the kernels of a tree; return pytest's exit status."""
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        # The interpreter is not instrumented: the runtime must be there before it. libstdc++ must
        # be, too, for the runtime to find what throws in pyarrow.
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so.6')}",
        "PYTHONMALLOC": "malloc",
        # Short histories of each allocation, and of few that were freed: Python makes many.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:malloc_context_size=4:"
        "quarantine_size_mb=32",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    where = "import wsanalyze.buffer; print(wsanalyze.buffer.__file__)"
    told = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if not Path(told.strip()).is_relative_to(tree) or told.strip().endswith(".py"):
        sys.exit(f"{told.strip()} would be run, not what was built in {tree}")
    # What the sanitizers say must come through when the process dies, past pytest's capture.
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--capture=sys"]
    command += ["-n", str(os.cpu_count())]
    return subprocess.run([*command, *arguments], cwd=tree, env=environment, check=False).returncode


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to build (default: in a temporary one)")
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        tree = (options.folder or Path(scratch)).resolve() / "sanitized"
        copy(tree)
        for kernel in kernels(tree):
            path = tree / (kernel.replace(".", "/") + ".py")
            path.write_text(with_checks(path.read_text(encoding="utf-8")), encoding="utf-8")
        build(tree)
        print("built with the sanitizers and all checks", flush=True)
        return run(tree, rest or list(TESTS))


if __name__ == "__main__":
    sys.exit(main())

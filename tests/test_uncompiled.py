"""What kernels use of Cython is there where neither a compiler nor Cython is."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import wsanalyze
from wsanalyze.uncompiled import cython

PACKAGE = Path(wsanalyze.__file__).parent
KERNELS = [
    PACKAGE.parent / (line.strip().replace(".", "/") + ".py")
    for line in (PACKAGE / "kernels.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]


class Evaluated(ast.NodeVisitor):
    """Collects names of `cython.` that are looked up when a function runs or is defined."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for each in (*node.decorator_list, *node.args.defaults, *node.body):
            self.visit(each)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == "cython":
            self.names.add(node.attr)
        self.generic_visit(node)


# In branches that only compiled code takes.
COMPILED_ONLY = {"address"}


def test_the_stand_in_has_every_name_that_is_looked_up() -> None:
    seen = Evaluated()
    for path in KERNELS:
        seen.visit(ast.parse(path.read_text(encoding="utf-8")))
    assert "cast" in seen.names
    assert {name for name in seen.names if not hasattr(cython, name)} <= COMPILED_ONLY


def test_a_capture_is_read_where_cython_is_missing(tmp_path: Path) -> None:
    """The source files alone, and an import of Cython that fails."""
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".txt"):
            copy = tmp_path / "wsanalyze" / path.relative_to(PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    program = "import sys; sys.modules['cython'] = None; import wsanalyze.__main__"
    captures = Path(__file__).parents[1] / "captures"
    for name in ("keepalive.pcap", "websockets-deflate.pcapng", "hixie-76.pcapng"):
        done = subprocess.run(
            [sys.executable, "-c", program, "summary", str(captures / name)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "WebSocket" in done.stdout

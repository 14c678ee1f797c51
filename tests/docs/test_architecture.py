"""Imports point one way, and the rooms know only what docs/architecture.md says they know."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from wsanalyze.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wsanalyze"
DOCUMENT = ROOT / "docs" / "architecture.md"

# Room → the rooms that it may import; each only from rows above its own. A room is a module or a
# package; the longest name that fits counts, so `tables.columns` is not part of `tables`.
ALLOWED = {
    "uncompiled": "",
    "lazy": "",
    "version": "",
    "errors": "",
    "multiplexing": "",
    "observation": "multiplexing",
    "limits": "errors",
    "tables.capture_summary": "",
    "tables.columns": "uncompiled",
    "buffer": "uncompiled",
    "loads": "buffer",
    "layer": "uncompiled buffer",
    "streams": "buffer layer",
    "websocket": "uncompiled lazy buffer loads",
    "http2": "websocket",
    "tls": "",
    "tunnels": "",
    "capture.batch": "uncompiled buffer",
    "capture": "uncompiled errors limits buffer loads capture.batch",
    "transport": "uncompiled observation limits tables.columns buffer loads layer capture.batch",
    "layers.tls_connection": "transport",
    "layers.connection": "observation websocket transport layers.tls_connection",
    "checks": "uncompiled lazy multiplexing observation tables.capture_summary websocket http2 tls "
    "tunnels transport layers.tls_connection layers.connection",
    "recording": "streams tables.capture_summary tables.columns tunnels layers.tls_connection "
    "layers.connection",
    "findings": "checks layers.connection recording",
    "layers": "uncompiled multiplexing observation limits tables.capture_summary tables.columns "
    "buffer loads layer websocket http2 tls tunnels transport layers.tls_connection "
    "layers.connection recording",
    "tables": "errors limits tables.capture_summary tables.columns websocket checks "
    "layers.connection recording findings",
    "story": "multiplexing observation streams websocket http2 tls tunnels checks "
    "layers.tls_connection layers.connection recording tables.columns tables",
    "pipeline": "errors limits streams tables.capture_summary tables.columns layer tls checks "
    "capture.batch capture transport layers.connection recording layers",
    "crosscheck": "errors limits capture transport layers.connection recording pipeline",
    "monitoring": "uncompiled limits observation tables.capture_summary tables.columns tunnels "
    "checks capture.batch capture layers.tls_connection layers.connection recording layers tables "
    "pipeline",
    "views": "uncompiled streams tables.capture_summary websocket tunnels checks capture "
    "layers.connection recording findings tables story crosscheck monitoring",
    "report": "version streams tables.capture_summary websocket tunnels checks layers.connection "
    "recording findings tables story views",
    "arguments": "errors checks capture findings tables",
    "analysis": "errors limits streams tunnels checks capture recording findings tables story "
    "pipeline views report arguments",
    "live_analysis": "errors limits checks capture recording tables monitoring arguments",
    "__init__": "version errors limits crosscheck analysis live_analysis",
    "cli": "errors limits streams checks capture recording findings tables story pipeline "
    "crosscheck monitoring views report analysis __init__",
    "__main__": "cli",
}

# What a protocol room must not know: files, sockets, clocks, other people's packets and tables.
OUTSIDE = {
    *("asyncio", "io", "logging", "os", "pathlib", "select", "selectors", "shutil", "socket"),
    *("ssl", "subprocess", "sys", "tempfile", "threading", "time", "datetime", "random", "secrets"),
    *("numpy", "pandas", "pyarrow", "scapy", "pyshark", "dpkt", "click", "rich"),
}
PROTOCOL = ("websocket", "http2", "tls", "tunnels", "checks")

# Packages that are not Python's own → the rooms that may import them.
FOREIGN = {
    "cython": "the kernels",
    "numpy": "tables story report",
    "pandas": "tables views analysis",
    "pyarrow": "tables",
    "openpyxl": "tables",
    "cryptography": "tls",
    "click": "cli",
    "rich": "cli views",
    "scapy": "capture",
    "pyshark": "capture",
    "lz4": "capture",
    "hpack": "http2",
    "jinja2": "report",
    "markupsafe": "report",
    "backports": "capture",
    # What Cython knows of C and of Python's own objects, in .pxd files.
    "cpython": "views",
    "libc": "views",
}


@dataclass(frozen=True, slots=True)
class Import:
    """`module` (a file of ours) imports `name`, in a line of its source."""

    module: str
    name: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def module_of(path: Path) -> str:
    """Return `websocket.frames` for a file; a package's __init__ has the package's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[Import]:
    """Yield what a file imports, wherever in it; `from a import b` is `a.b`."""
    module = module_of(path)
    if path.suffix == ".pxd":
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := re.match(r"\s*from (\S+) cimport (.+)", text):
                yield Import(module, match[1], line)
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here"
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}", node.lineno)


def every_import() -> list[Import]:
    files = [*sources(), *sorted(PACKAGE.rglob("*.pxd"))]
    return [each for path in files for each in imports_of(path)]


def room_of(module: str) -> str:
    """Return the room of a module, named without `wsanalyze.`."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in ALLOWED:
            return name
    # `from wsanalyze import analyze` names something in the package itself.
    return "__init__"


def kernels() -> list[str]:
    lines = (PACKAGE / "kernels.txt").read_text(encoding="ascii").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_the_table_itself_points_one_way() -> None:
    graph = {room: set(allowed.split()) for room, allowed in ALLOWED.items()}
    assert not {name for names in graph.values() for name in names} - set(ALLOWED)
    assert set(TopologicalSorter(graph).static_order()) == set(ALLOWED)
    rows = list(ALLOWED)
    for room, allowed in graph.items():
        assert all(rows.index(name) < rows.index(room) for name in allowed), room


def test_every_module_has_a_room() -> None:
    for path in sources():
        module = module_of(path)
        assert module == "__init__" or room_of(module) != "__init__", module


def test_no_arrow_runs_back() -> None:
    wrong = []
    for each in every_import():
        if each.name.split(".")[0] != "wsanalyze":
            continue
        mine = room_of(each.module)
        theirs = room_of(each.name.removeprefix("wsanalyze").removeprefix("."))
        if theirs != mine and theirs not in ALLOWED[mine].split():
            wrong.append(f"{each.where}: {mine} → {theirs} is not in the table")
    assert not wrong, "\n".join(wrong)


def test_protocol_rooms_know_nothing_outside() -> None:
    wrong = [
        each.where
        for each in every_import()
        if room_of(each.module) in PROTOCOL and each.name.split(".")[0] in OUTSIDE
    ]
    assert not wrong, "\n".join(wrong)


def test_foreign_packages_stay_in_their_rooms() -> None:
    wrong = []
    for each in every_import():
        package = each.name.split(".")[0]
        if package in {"wsanalyze", "__future__"} | sys.stdlib_module_names:
            continue
        if package == "cython":
            if f"wsanalyze.{each.module}" not in kernels() and each.module != "uncompiled":
                wrong.append(f"{each.where}, and is not in kernels.txt")
        elif room_of(each.module).split(".")[0] not in FOREIGN.get(package, "").split():
            wrong.append(each.where)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", kernels())
def test_a_kernel_is_set_up_as_one(name: str) -> None:
    source = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    first = source.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith("# cython: language_level=3, wraparound=False"), first
    assert source.with_suffix(".pxd").exists()
    assert "from __future__ import annotations" in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("program", ["import wsanalyze", "import wsanalyze; dir(wsanalyze)"])
def test_importing_loads_nothing_heavy(program: str) -> None:
    heavy = {"numpy", "pandas", "pyarrow", "click", "rich", "scapy", "wsanalyze.analysis", "typing"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{program}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert not heavy & set(done.stdout.split())


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from wsanalyze.cli.main import main; main(['--help']); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert not {"numpy", "pandas", "pyarrow", "rich", "scapy"} & set(done.stdout.split())


def test_the_document_has_this_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for room, allowed in ALLOWED.items():
        names = ", ".join(f"`{name}`" for name in allowed.split()) or "nothing"
        assert f"| `{room}` | {names} |" in text


def test_the_document_has_every_limit() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)[^|]*\|", text, re.MULTILINE))
    defaults = {field.name: f"{getattr(Limits(), field.name):,}" for field in fields(Limits)}
    assert rows == defaults


def test_the_document_names_files_that_exist() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:wsanalyze|tests|captures|benchmarks)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name

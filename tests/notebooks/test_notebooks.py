"""The notebooks: each one executes, and its outputs are those that are kept."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("matplotlib")

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = ["1-audit", "2-proxies", "3-lesson", "4-keepalive", "5-old-handshakes"]
MOST_BYTES = 300_000

sys.path.insert(0, str(NOTEBOOKS))

import run  # noqa: E402 - from the folder that has just been named

each_notebook = pytest.mark.parametrize("name", NAMES)


def kept(name: str) -> run.NotebookNode:
    return run.read(NOTEBOOKS / f"{name}.ipynb")


def shown(notebook: run.NotebookNode) -> list[list[dict[str, object]]]:
    """Return the outputs of each cell: texts as they are, of an image that it is there."""
    return [
        [facts(output) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def facts(output: run.NotebookNode) -> dict[str, object]:
    told = {"kind": output.output_type, "text": output.get("text")}
    for kind, content in output.get("data", {}).items():
        told[kind] = bool(content) if kind.startswith("image/") else content
    return told


def test_every_notebook_is_tested() -> None:
    assert [path.stem for path in run.notebooks()] == NAMES


@each_notebook
def test_outputs_are_as_kept(name: str) -> None:
    notebook = kept(name)
    assert shown(run.execute(notebook)) == shown(notebook)


@each_notebook
def test_cells_were_executed_from_the_top_and_none_failed(name: str) -> None:
    code = [cell for cell in kept(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@each_notebook
def test_it_has_nothing_of_the_machine_and_of_the_run(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < MOST_BYTES
    assert not re.search(r"/(home|root|tmp|work|usr)/", text)
    assert '"execution": {' not in text
    notebook = kept(name)
    assert notebook.metadata.language_info == {"name": "python"}
    assert sorted(notebook.metadata) == ["kernelspec", "language_info"]


@each_notebook
def test_only_the_public_interface_is_used(name: str) -> None:
    source = "\n".join(cell.source for cell in kept(name).cells if cell.cell_type == "code")
    imported = set(re.findall(r"(?:from|import) (wsanalyze[\w.]*)", source))
    assert imported <= {"wsanalyze", "wsanalyze.websocket"}
    assert not re.search(r"\._(?!repr_)", source)


@pytest.mark.parametrize("name", ["1-audit", "2-proxies", "4-keepalive", "5-old-handshakes"])
def test_there_are_figures_and_a_ladder(name: str) -> None:
    data = [
        output.data
        for cell in kept(name).cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    assert any("image/png" in each for each in data)
    assert any("<svg" in each.get("text/html", "") for each in data)

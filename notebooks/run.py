"""Execute the notebooks of this folder again and keep their outputs: `python notebooks/run.py`.

Give names of notebooks to execute some only. It takes `pip install '.[notebook]'`. What is kept
depends on the captures and the package alone: no times of execution, no counts of the kernel's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
# Seconds for one cell; all of them together take a few.
PATIENCE = 120


def notebooks() -> list[Path]:
    """Return the notebooks of this folder in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Return the notebook as it is kept."""
    return nbformat.read(path, as_version=4)


def execute(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with the outputs of its cells, executed from the top in this folder.

    The kernel is this very interpreter, whatever is installed or set up for the user. Raises
    nbclient.exceptions.CellExecutionError where a cell raises.
    """
    executed: NotebookNode = nbformat.from_dict(notebook)
    with _nothing_of_the_user():
        # Without folders to look for kernels in, there is only that of this interpreter.
        kernels = KernelSpecManager(kernel_dirs=[])
        manager = AsyncKernelManager(kernel_spec_manager=kernels)
        client = NotebookClient(
            executed,
            km=manager,
            timeout=PATIENCE,
            record_timing=False,
            # How a kernel cuts what is printed into pieces depends on how busy the machine is.
            coalesce_streams=True,
            resources={"metadata": {"path": str(FOLDER)}},
        )
        client.execute(cleanup_kc=True)
    return without_traces(executed)


def without_traces(notebook: NotebookNode) -> NotebookNode:
    """Remove what differs from one execution to the next, and what the machine is."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            output.pop("execution_count", None)
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
    return notebook


@contextmanager
def _nothing_of_the_user() -> Iterator[None]:
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= dict.fromkeys((*names, "MPLCONFIGDIR"), folder)
        os.environ |= {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        # Colours, widths and secrets are what the notebook says, not what the shell has.
        for name in ("MPLBACKEND", "SSLKEYLOGFILE", "COLUMNS", "LINES", "FORCE_COLOR"):
            os.environ.pop(name, None)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all, and write them back."""
    for path in [Path(name) for name in names] or notebooks():
        nbformat.write(execute(read(path)), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
